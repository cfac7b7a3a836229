/* The head of a streamed model: see stream.h. Everything in it is checked here, once, so that what
 * follows can trust it; records and chunks have their checks when they arrive. */
#include "engine/stream.h"

#include "engine/bytes.h"
#include "engine/check.h"
#include "engine/crc.h"
#include "engine/kernels/tiles.h"
#include "engine/loader.h"

static uint32_t align(uint32_t value, uint32_t to)
{
    return (value + to - 1) & ~(to - 1);
}

/* Values of a layer's output: at most MAX_VALUES. */
static uint32_t values(const struct layer *layer)
{
    return (uint32_t)layer->height * layer->width * layer->channels;
}

/* Reserve `bytes` from *end on, which stays within the arena. */
static bool reserve(const struct whim_model *model, uint32_t *end, uint32_t bytes, uint32_t *at)
{
    *at = *end;
    if (bytes > model->arena_bytes - *end) return false;
    *end += bytes;
    return true;
}

bool stream_sums(const struct whim_model *model, unsigned index, uint32_t *sums, uint32_t *end)
{
    struct layer layer, source;

    *end = 0;
    if (index) {
        layer_shape(&source, model, index - 1);
        *end = source.arena + values(&source);
    }
    layer_shape(&layer, model, index);
    if (layer.arena & 15 || layer.arena > model->arena_bytes) return false;
    if (values(&layer) > model->arena_bytes - layer.arena) return false;
    /* The output must not lie over what it is made from. */
    if (index && layer.arena < *end && source.arena < layer.arena + values(&layer)) return false;
    if (layer.arena + values(&layer) > *end) *end = layer.arena + values(&layer);
    if (*end > (model->arena_bytes & ~(uint32_t)15)) return false;
    *end = align(*end, 16);
    return reserve(model, end, sum_bytes(&layer), sums);
}

/* Every layer follows what lies before it in the payload; `end` of the arena is behind all sums. */
static enum whim_status check_layers(struct whim_generator *g, uint32_t *end)
{
    const struct whim_model *model = &g->model;
    uint32_t bytes, sums_end;
    unsigned i;

    *end = 0;
    for (i = 0; i < model->layers; i++) {
        struct layer layer;
        enum whim_status status = check_layer(model, i, &bytes);
        if (status) return status;
        layer_shape(&layer, model, i);
        if (layer.data != g->length || !layer_bytes(&layer, &bytes)) return WHIM_ERR_BOUNDS;
        if (bytes > UINT32_MAX - CHUNK_UNIT - g->length) return WHIM_ERR_BOUNDS;
        g->length = align(g->length + bytes, CHUNK_UNIT);
        if (!stream_sums(model, i, &g->sums, &sums_end)) return WHIM_ERR_BOUNDS;
        if (sums_end > *end) *end = sums_end;
    }
    return WHIM_OK;
}

/* What else lies in the arena, from `end` on. */
static bool plan(struct whim_generator *g, uint32_t end)
{
    const struct whim_model *model = &g->model;
    const uint32_t tables = TABLE_BYTES * (uint32_t)((const uint8_t *)g->head)[HEADER_TABLES];

    return reserve(model, &end, BLOCK_BYTES, &g->weights) &&
           reserve(model, &end, TILE * WIDE_BYTES, &g->records) &&
           reserve(model, &end, tables, &g->tables) &&
           reserve(model, &end, CRC_TABLES_BYTES, &g->crc);
}

/* The chunks must fill the file, and the buffers hold two of them. */
static enum whim_status check_chunks(struct whim_generator *g, uint32_t length)
{
    const uint32_t payload = CHUNK_UNIT * load16((const uint8_t *)g->head + HEADER_CHUNK);
    const uint32_t chunk_bytes = align(payload + TRAILER_BYTES, WHIM_SECTOR);
    const uint32_t full = g->length ? (g->length - 1) / payload : 0; /* all but the last */
    const uint32_t last = align(g->length - full * payload + TRAILER_BYTES, WHIM_SECTOR);

    length -= WHIM_SECTOR;
    if (length < last || length - last != full * chunk_bytes || full > length / chunk_bytes)
        return WHIM_ERR_BOUNDS;
    if (g->buffer_bytes < 2 * chunk_bytes) return WHIM_ERR_BUFFERS;
    g->loader.buffers[1] = g->loader.buffers[0] + chunk_bytes;
    loader_begin(&g->loader, WHIM_SECTOR, chunk_bytes, full + 1);
    return WHIM_OK;
}

enum whim_status stream_check(struct whim_generator *g)
{
    const uint8_t *file = (const uint8_t *)g->head;
    uint32_t length = g->loader.source->length, end;
    enum whim_status status = check_header(file, length);

    if (status) return status;
    if (!load16(file + HEADER_CHUNK)) return WHIM_ERR_HEADER; /* not streamed */
    if (length < WHIM_SECTOR) return WHIM_ERR_TRUNCATED;
    if (whim_crc32(file + CRC_FROM, WHIM_SECTOR - CRC_FROM) != load32(file + HEADER_CRC))
        return WHIM_ERR_CRC;
    describe_model(&g->model, file);
    g->length = TABLE_BYTES * (uint32_t)file[HEADER_TABLES];
    status = check_layers(g, &end);
    if (status) return status;
    if (!plan(g, end)) return WHIM_ERR_BOUNDS;
    return check_chunks(g, length);
}
