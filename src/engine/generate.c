/* The streamed executor: layer by layer, each block of weights on all rows of the output that it
 * meets, as the weights come. run.c has the other loop order; both call kernels/tiles.h.
 *
 * A step does the next part of a layer, or less of it if the chunk ends:
 *
 *     tables of the model, then for each layer: records and weights of a tile, phase by phase, and
 *     behind each phase its output rows */
#include "whim/generate.h"

#include "engine/bytes.h"
#include "engine/check.h"
#include "engine/crc.h"
#include "engine/kernels/tiles.h"
#include "engine/loader.h"
#include "engine/stream.h"

enum state { FAILED, OPENING, OPENED, RUNNING, FINISHED };
enum part { TABLES, LAYER, RECORDS, WEIGHTS, FINISH, ROWS };

void whim_generate_open(struct whim_generator *g, struct whim_source *source, void *buffers,
                        uint32_t buffer_bytes)
{
    g->state = FAILED;
    g->picture = 0;
    g->offset = 0;
    g->layer = 0;
    g->buffer_bytes = buffer_bytes;
    g->model.layers = 0;
    g->loader.source = 0;
    g->error = WHIM_ERR_UNALIGNED;
    if ((uintptr_t)buffers & 15) return;
    g->error = WHIM_ERR_BUFFERS;
    if (buffer_bytes < WHIM_SECTOR) return;
    g->error = WHIM_ERR_TRUNCATED;
    if (!source->length) return;
    g->error = loader_open(&g->loader, source, buffers);
    if (!g->error) g->state = OPENING;
}

static enum whim_status open_step(struct whim_generator *g)
{
    const uint8_t *sector = loader_chunk(&g->loader);
    uint32_t i;
    enum whim_status status;

    if (!sector) return WHIM_BUSY;
    for (i = 0; i < WHIM_SECTOR / 4; i++)
        g->head[i] = 4 * i < g->loader.asked ? load32(sector + 4 * i) : 0;
    status = stream_check(g);
    if (status) { /* what a file says of itself counts once it says so again */
        status = loader_again(&g->loader, status);
        return status ? status : WHIM_BUSY;
    }
    g->state = OPENED;
    return WHIM_DONE;
}

enum whim_status whim_generate_start(struct whim_generator *g, const int8_t *input, void *arena,
                                     uint32_t arena_bytes)
{
    if ((uintptr_t)arena & 15) return WHIM_ERR_UNALIGNED;
    if (arena_bytes < g->model.arena_bytes) return WHIM_ERR_ARENA;
    g->input = input;
    g->arena = arena;
    whim_crc32_tables((uint32_t *)(g->arena + g->crc));
    g->state = RUNNING;
    g->part = TABLES;
    g->chunk = 0;
    g->done = g->layer = 0;
    return WHIM_OK;
}

/* The payload's next bytes, as many as *count says or as the chunk still has; WHIM_BUSY if it has
 * none and the next has not arrived. */
static enum whim_status more(struct whim_generator *g, const uint8_t **bytes, uint32_t *count)
{
    const uint8_t *file = (const uint8_t *)g->head, *trailer;
    uint32_t left = g->length - g->offset, payload = CHUNK_UNIT * load16(file + HEADER_CHUNK);
    enum whim_status status;

    if (g->chunk && g->at == g->end) {
        g->chunk = 0;
        loader_next(&g->loader);
        status = loader_poll(&g->loader); /* begin at once to fill the buffer that is free now */
        if (status) return status;
    }
    if (!g->chunk) {
        const uint8_t *chunk = loader_chunk(&g->loader);
        const uint32_t *tables = (const uint32_t *)(g->arena + g->crc);
        if (!chunk) return WHIM_BUSY;
        g->end = left < payload ? left : payload;
        trailer = chunk + g->end;
        if (load32(trailer) != load32(file + HEADER_CRC) + g->loader.wanted ||
            whim_crc32_sliced(tables, chunk, g->end + TAG_BYTES) != load32(trailer + TAG_BYTES)) {
            status = loader_again(&g->loader, WHIM_ERR_CRC);
            return status ? status : WHIM_BUSY;
        }
        loader_accept(&g->loader);
        g->chunk = chunk;
        g->at = 0;
    }
    *bytes = g->chunk + g->at;
    if (*count > g->end - g->at) *count = g->end - g->at;
    return WHIM_OK;
}

static void used(struct whim_generator *g, uint32_t count)
{
    g->at += count;
    g->offset += count;
}

/* Gather `count` bytes, a multiple of 4, in one place of the arena; WHIM_DONE when they are all
 * there. */
static enum whim_status gather(struct whim_generator *g, uint32_t place, uint32_t count)
{
    while (g->done < count) {
        uint32_t some = count - g->done, i;
        const uint8_t *bytes;
        enum whim_status status = more(g, &bytes, &some);
        if (status) return status;
        for (i = 0; i < some; i += 4)
            store32(g->arena + place + g->done + i, load32(bytes + i));
        g->done += some;
        used(g, some);
    }
    g->done = 0;
    return WHIM_DONE;
}

/* A layer, its table, and the records of the tile at hand in the place of all. */
static void load(const struct whim_generator *g, unsigned index, struct layer *layer)
{
    layer_shape(layer, &g->model, index);
    layer->table = 0;
    if (layer->table_number)
        layer->table = (const int8_t *)g->arena + g->tables +
                       TABLE_BYTES * (layer->table_number - 1u);
    layer->records = layer->weights = g->arena + g->records;
}

/* All rows of what `layer` reads, the one that is being made: of the layer before, or the input. */
static void source_of(const struct whim_generator *g, const struct layer *layer,
                      struct rows *source)
{
    const uint8_t *file = (const uint8_t *)g->head;

    *source = (struct rows){g->input, (uint32_t)layer->in_width * layer->in_channels,
                            layer->in_channels, layer->in_height, layer->in_width,
                            layer->in_height};
    if (!g->layer) return;
    source->values = (const int8_t *)g->arena + load32(entry_at(file, g->layer - 1u) + LAYER_ARENA);
}

static int8_t *row_of(const struct whim_generator *g, const struct layer *layer, uint32_t y)
{
    return (int8_t *)g->arena + layer->arena + y * layer->width * layer->channels;
}

static int32_t *sums_of(const struct whim_generator *g, const struct layer *layer, uint32_t y)
{
    int32_t *sums = (int32_t *)(g->arena + g->sums);
    return sums + y / phase_step(layer) * phase_columns(layer) * TILE;
}

/* The parts: each does its piece, and says with g->part what is next. */

static enum whim_status begin_layer(struct whim_generator *g)
{
    struct layer layer;
    const uint8_t *bytes;
    uint32_t gap;

    if (g->layer == g->model.layers) {
        layer_shape(&layer, &g->model, g->layer - 1u);
        g->picture = row_of(g, &layer, 0);
        g->state = FINISHED;
        return WHIM_DONE;
    }
    layer_shape(&layer, &g->model, g->layer);
    gap = layer.data - g->offset; /* < CHUNK_UNIT: chunks end at multiples of that */
    if (gap) {
        enum whim_status status = more(g, &bytes, &gap);
        if (status) return status;
        used(g, gap);
    }
    g->tile = g->y = 0;
    stream_sums(&g->model, g->layer, &g->sums, &gap); /* cannot fail: it was looked at */
    g->part = layer_records(&layer) ? RECORDS : ROWS;
    return WHIM_OK;
}

static enum whim_status next_layer(struct whim_generator *g)
{
    g->layer++;
    g->part = LAYER;
    return WHIM_OK;
}

static void begin_phase(struct whim_generator *g, const struct layer *layer, uint32_t number)
{
    int32_t *sums = sums_of(g, layer, 0);
    const uint32_t count = sum_bytes(layer) / sizeof *sums;
    uint32_t i;

    g->phase = number;
    g->place = g->done = 0;
    g->y = tile_phase(layer, number).y;
    g->part = WEIGHTS;
    for (i = 0; i < count; i++) sums[i] = 0;
}

static enum whim_status take_records(struct whim_generator *g, struct layer *layer)
{
    uint32_t count = is_tiled(layer) ? TILE : layer_records(layer), bound;
    enum whim_status status = gather(g, g->records, count * record_bytes(layer));

    if (status != WHIM_DONE) return status;
    check_sum(layer, &bound); /* for the bound: it was looked at */
    status = check_records(layer, layer->records, count, bound);
    if (status) return status;
    if (is_tiled(layer)) begin_phase(g, layer, 0);
    else g->part = ROWS;
    return WHIM_OK;
}

static enum whim_status take_weights(struct whim_generator *g, const struct layer *layer)
{
    const struct phase phase = tile_phase(layer, g->phase);
    const uint32_t step = phase_step(layer), left = layer->in_channels - g->done;
    uint32_t count = (left < BLOCK ? left : BLOCK) * layer->unit_bytes, y;
    const uint8_t *packed;
    struct rows source;
    struct block block;
    enum whim_status status = more(g, &packed, &count);

    if (status) return status;
    block.row = phase.first_row + g->place / phase.columns * step;
    block.column = phase.first_column + g->place % phase.columns * step;
    block.first = g->done;
    block.count = count / layer->unit_bytes; /* a chunk ends between two records of 16 */
    block.weights = g->arena + g->weights;
    whim_unpack_block(layer, packed, block.count, g->arena + g->weights);
    source_of(g, layer, &source);
    for (y = phase.y; y < layer->height; y += step)
        whim_add_block(layer, &block, &phase, &source, y, 0, phase_outputs(layer, &phase),
                       sums_of(g, layer, y));
    used(g, count);
    g->done += block.count;
    if (g->done < layer->in_channels) return WHIM_OK;
    g->done = 0;
    g->place++;
    if (g->place == phase.rows * phase.columns) g->part = FINISH;
    return WHIM_OK;
}

static enum whim_status finish_row(struct whim_generator *g, struct layer *layer)
{
    const struct phase phase = tile_phase(layer, g->phase);
    const uint32_t step = phase_step(layer);

    if (g->y < layer->height) {
        layer->layout = LAYOUT_PLAIN; /* the tile's records lie one by one */
        whim_finish_tile(layer, &phase, g->tile * TILE, tile_channels(layer, g->tile), 0,
                         phase_outputs(layer, &phase), sums_of(g, layer, g->y),
                         row_of(g, layer, g->y));
        g->y += step;
        return WHIM_OK;
    }
    if (g->phase + 1 < step * step) {
        begin_phase(g, layer, g->phase + 1);
        return WHIM_OK;
    }
    g->part = RECORDS;
    g->done = 0;
    g->tile++;
    return g->tile < tiles(layer) ? WHIM_OK : next_layer(g);
}

/* A row of a layer without weights. */
static enum whim_status make_row(struct whim_generator *g, const struct layer *layer)
{
    struct rows source;

    source_of(g, layer, &source);
    whim_make_row(layer, &source, (uint16_t)g->y, row_of(g, layer, g->y));
    g->y++;
    return g->y < layer->height ? WHIM_OK : next_layer(g);
}

static enum whim_status run_step(struct whim_generator *g)
{
    struct layer layer;
    enum whim_status status;

    if (g->part == TABLES) {
        status = gather(g, g->tables, TABLE_BYTES * ((const uint8_t *)g->head)[HEADER_TABLES]);
        if (status != WHIM_DONE) return status;
        g->part = LAYER;
    }
    if (g->part == LAYER) return begin_layer(g);
    load(g, g->layer, &layer);
    if (g->part == RECORDS) return take_records(g, &layer);
    if (g->part == WEIGHTS) return take_weights(g, &layer);
    if (g->part == FINISH) return finish_row(g, &layer);
    return make_row(g, &layer);
}

enum whim_status whim_generate_step(struct whim_generator *g)
{
    enum whim_status status = g->error;

    if (g->state == OPENED || g->state == FINISHED) return WHIM_DONE;
    if (g->state == OPENING || g->state == RUNNING) {
        status = loader_poll(&g->loader);
        if (!status) status = g->state == OPENING ? open_step(g) : run_step(g);
    }
    if (status < 0) {
        g->error = status;
        g->state = FAILED;
    }
    return status;
}

enum whim_status whim_generate_stop(struct whim_generator *g)
{
    g->error = WHIM_OK;
    g->state = FAILED;
    return loader_stop(&g->loader);
}

uint32_t whim_generate_percent(const struct whim_generator *g)
{
    const uint32_t shift = g->length >> 24 ? 8 : 0; /* keep the product within 32 bits */

    if (g->state == FINISHED) return 100;
    if (g->state != RUNNING || !g->length) return 0;
    return 100 * (g->offset >> shift) / (g->length >> shift);
}
