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

enum state { FAILED, OPENING, OPENED, RUNNING, FINISHED };
enum part { TABLES, LAYER, RECORDS, WEIGHTS, FINISH, ROWS };

enum { RECORDS_BYTES = TILE * WIDE_BYTES, SUM_BYTES = TILE * sizeof(int32_t) };

static uint32_t align(uint32_t value, uint32_t to)
{
    return (value + to - 1) & ~(to - 1);
}

/* Values of a layer's output: at most MAX_VALUES. */
static uint32_t values(const struct layer *layer)
{
    return (uint32_t)layer->height * layer->width * layer->channels;
}

/* Columns of output that a phase has, at most. */
static uint32_t phase_columns(const struct layer *layer)
{
    return (layer->width + phase_step(layer) - 1) / phase_step(layer);
}

static uint32_t sum_bytes(const struct layer *layer)
{
    uint32_t step = phase_step(layer), rows = (layer->height + step - 1) / step;
    return is_conv(layer) ? rows * phase_columns(layer) * SUM_BYTES : 0; /* <= MAX_VALUES * 64 */
}

/* Reserve `bytes` from *end on, which stays within the arena. */
static bool reserve(const struct whim_model *model, uint32_t *end, uint32_t bytes, uint32_t *at)
{
    *at = *end;
    if (bytes > model->arena_bytes - *end) return false;
    *end += bytes;
    return true;
}

/* Where the sums of layer `index` lie: right above its source and its output. False if these, or
 * the sums, lie askew or outside the arena. */
static bool place_sums(const struct whim_model *model, unsigned index, uint32_t *sums,
                       uint32_t *end)
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
        if (!place_sums(model, i, &g->sums, &sums_end)) return WHIM_ERR_BOUNDS;
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
           reserve(model, &end, RECORDS_BYTES, &g->records) &&
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

/* The first sector has arrived: everything that it says, and how long the file must be. */
static enum whim_status check_head(struct whim_generator *g)
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
    status = check_head(g);
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

/* All rows of what layer `index` - 1 has made, or of the input. */
static void source_of(const struct whim_generator *g, unsigned index, struct rows *source)
{
    struct layer layer;

    *source = (struct rows){g->input, g->model.inputs, g->model.inputs, 1, 1, 1};
    if (!index) return;
    layer_shape(&layer, &g->model, index - 1);
    *source = (struct rows){(const int8_t *)g->arena + layer.arena,
                            (uint32_t)layer.width * layer.channels, layer.channels, layer.height,
                            layer.width, layer.height};
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

/* Outputs of a row in `phase`. */
static uint32_t outputs(const struct layer *layer, const struct phase *phase)
{
    return (layer->width - phase->x + phase_step(layer) - 1) / phase_step(layer);
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
    place_sums(&g->model, g->layer, &g->sums, &gap); /* cannot fail: it was looked at */
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
    check_layer(&g->model, g->layer, &bound); /* for the bound: it was found right before */
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
    source_of(g, g->layer, &source);
    for (y = phase.y; y < layer->height; y += step)
        whim_add_block(layer, &block, &phase, &source, y, 0, outputs(layer, &phase),
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
                         outputs(layer, &phase), sums_of(g, layer, g->y), row_of(g, layer, g->y));
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

    source_of(g, g->layer, &source);
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
    return g->state == RUNNING ? 100 * (g->offset >> shift) / (g->length >> shift) : 0;
}
