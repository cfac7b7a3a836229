/* Opening a model: every field of the file is checked once, here, so that the kernels need not.
 *
 * The file is untrusted. Offsets are compared as `offset <= length && need <= length - offset`,
 * products are bounded before they are formed. docs/FORMAT.md names the fields;
 * host/whim/format.py writes them. */
#include <stdbool.h>
#include <stddef.h>

#include "engine/bytes.h"
#include "engine/crc.h"
#include "engine/format.h"
#include "engine/layer.h"

/* a * b into *product; false when that leaves 32 bits. */
static bool multiply(uint32_t a, uint32_t b, uint32_t *product)
{
    if (!WHIM_TRUSTED && b && a > UINT32_MAX / b) return false;
    *product = a * b;
    return true;
}

/* The offset of the first chunk: behind the chunk table, aligned. */
static uint32_t first_chunk(const uint8_t *file)
{
    uint32_t entries = LAYER_BYTES * (uint32_t)file[HEADER_LAYERS];
    uint32_t end = HEADER_BYTES + entries + CHUNK_BYTES * load16(file + HEADER_CHUNKS);
    uint32_t align = (uint32_t)1 << file[HEADER_ALIGNMENT];

    return (end + align - 1) & ~(align - 1);
}

static const uint8_t *entry_at(const uint8_t *file, unsigned index)
{
    return file + HEADER_BYTES + LAYER_BYTES * index;
}

static bool is_conv(const struct layer *layer)
{
    return is(layer, OP_CONV) || is(layer, OP_CONV_TRANSPOSE);
}

static uint32_t units(const struct layer *layer)
{
    if (is(layer, OP_DENSE)) return (uint32_t)layer->channels * layer->height * layer->width;
    return is_conv(layer) ? layer->channels : 0;
}

static uint32_t records(const struct layer *layer)
{
    if (is(layer, OP_NEAREST)) return 0;
    return is(layer, OP_BILINEAR) ? 1 : layer->channels;
}

/* The largest magnitude of a weight. */
static const uint8_t limits[] = {0, 128, 8, 3, 1};

typedef char entry_is_a_prefix[offsetof(struct layer, in_channels) == LAYER_BYTES ? 1 : -1];
typedef char entry_fields_match[offsetof(struct layer, arena) == LAYER_ARENA ? 1 : -1];

void layer_load(struct layer *layer, const struct whim_model *model, unsigned index)
{
    const uint8_t *entry = __builtin_assume_aligned(entry_at(model->file, index), 4);
    const uint8_t *before = entry - LAYER_BYTES; /* layer 0 has none: unused there */
    uint8_t *to = __builtin_assume_aligned(layer, 4);
    unsigned i;

    for (i = 0; i < LAYER_BYTES; i += 4) __builtin_memcpy(to + i, entry + i, 4);
    layer->in_channels = index ? load16(before + LAYER_CHANNELS) : model->inputs;
    layer->in_height = index ? load16(before + LAYER_HEIGHT) : 1;
    layer->in_width = index ? load16(before + LAYER_WIDTH) : 1;

    layer->fan_in = layer->in_channels;
    if (is(layer, OP_DENSE)) layer->fan_in *= (uint32_t)layer->in_height * layer->in_width;
    else layer->fan_in *= (uint32_t)layer->kernel * layer->kernel;
    layer->unit_bytes = layer->fan_in;
    if (encoded(layer, ENCODING_INT4)) layer->unit_bytes = (layer->fan_in + 1) / 2;
    if (encoded(layer, ENCODING_INT2)) layer->unit_bytes = (layer->fan_in + 3) / 4;
    if (encoded(layer, ENCODING_TERNARY)) layer->unit_bytes = (layer->fan_in + 4) / 5;

    layer->table = NULL;
    if (layer->table_number) {
        const uint8_t *tables = model->file + first_chunk(model->file);
        layer->table = (const int8_t *)tables + TABLE_BYTES * (layer->table_number - 1u);
    }
    layer->records = model->file + layer->data;
    layer->weights = layer->records + records(layer) * record_bytes(layer);
}

uint16_t layer_rows_held(const struct layer *layer, const struct layer *consumer)
{
    uint32_t rows = 1;

    if (consumer) {
        if (is(consumer, OP_DENSE)) return layer->height;
        if (is(consumer, OP_CONV)) rows = consumer->kernel;
        if (is(consumer, OP_CONV_TRANSPOSE))
            rows = (consumer->kernel + consumer->stride - 1u) / consumer->stride;
        if (is(consumer, OP_BILINEAR)) rows = 2;
    }
    return (uint16_t)(rows < layer->height ? rows : layer->height);
}

uint16_t layer_last_row(const struct layer *layer, uint16_t y)
{
    uint32_t row = layer->in_height; /* a dense layer reads all */

    if (is(layer, OP_CONV)) row = (uint32_t)y * layer->stride + layer->kernel - 1 - layer->pad;
    if (is(layer, OP_CONV_TRANSPOSE)) row = ((uint32_t)y + layer->pad) / layer->stride;
    if (is(layer, OP_NEAREST)) row = y / layer->stride;
    if (is(layer, OP_BILINEAR)) {
        uint32_t steps = layer->height > 1 ? layer->height - 1u : 1;
        row = ((uint32_t)y * (layer->in_height - 1u) + steps - 1) / steps;
    }
    return (uint16_t)(row < layer->in_height ? row : layer->in_height - 1u);
}

static enum whim_status check_header(const uint8_t *file, uint32_t length)
{
    if (length < HEADER_BYTES) return WHIM_ERR_TRUNCATED;
    if (load32(file + HEADER_MAGIC) != MAGIC) return WHIM_ERR_MAGIC;
    if (file[HEADER_VERSION] != FORMAT_VERSION) return WHIM_ERR_VERSION;
    if (length < load32(file + HEADER_LENGTH)) return WHIM_ERR_TRUNCATED;
    if (length > load32(file + HEADER_LENGTH)) return WHIM_ERR_OVERSIZED;
    if (WHIM_TRUSTED) return WHIM_OK;
    if (file[HEADER_LAYERS] < 1 || file[HEADER_LAYERS] > WHIM_MAX_LAYERS) return WHIM_ERR_HEADER;
    if (file[HEADER_ALIGNMENT] < 2 || file[HEADER_ALIGNMENT] > 16) return WHIM_ERR_HEADER;
    if (load16(file + HEADER_INPUTS) < 1) return WHIM_ERR_HEADER;
    if (load16(file + HEADER_INPUTS) > MAX_SIDE) return WHIM_ERR_HEADER;
    return load16(file + HEADER_CHUNKS) < 1 ? WHIM_ERR_HEADER : WHIM_OK;
}

static enum whim_status check_chunks(const uint8_t *file, uint32_t length)
{
    uint32_t first = first_chunk(file), offset = first;
    uint32_t align = (uint32_t)1 << file[HEADER_ALIGNMENT];
    const uint8_t *chunk = entry_at(file, file[HEADER_LAYERS]);
    const uint8_t *end = chunk + CHUNK_BYTES * load16(file + HEADER_CHUNKS);

    if (first > length) return WHIM_ERR_TRUNCATED;
    if (whim_crc32(file + CRC_FROM, first - CRC_FROM) != load32(file + HEADER_CRC))
        return WHIM_ERR_CRC;
    for (; chunk < end; chunk += CHUNK_BYTES) {
        uint32_t size = load32(chunk), gap = -offset & (align - 1);
        if (!WHIM_TRUSTED && (gap > length - offset || size > length - offset - gap))
            return WHIM_ERR_BOUNDS;
        offset += gap;
        if (whim_crc32(file + offset, size) != load32(chunk + 4)) return WHIM_ERR_CRC;
        offset += size;
    }
    if (WHIM_TRUSTED) return WHIM_OK;
    if (offset != length || TABLE_BYTES * (uint32_t)file[HEADER_TABLES] > length - first)
        return WHIM_ERR_BOUNDS;
    return WHIM_OK;
}

/* The entry's own bytes, before anything is computed from them. */
static enum whim_status check_entry(const uint8_t *file, unsigned index)
{
    const uint8_t *entry = entry_at(file, index);

    if (entry[LAYER_OP] > OP_BILINEAR || !(WHIM_OPS >> entry[LAYER_OP] & 1)) return WHIM_ERR_OP;
    if (entry[LAYER_ENCODING] > ENCODING_TERNARY || entry[LAYER_LAYOUT]) return WHIM_ERR_ENCODING;
    if (!(WHIM_ENCODINGS >> entry[LAYER_ENCODING] & 1)) return WHIM_ERR_ENCODING;
    if (WHIM_NARROW_ONLY && !(entry[LAYER_FLAGS] & FLAG_NARROW)) return WHIM_ERR_OP;
    if (entry[LAYER_FLAGS] & ~FLAG_NARROW) return WHIM_ERR_HEADER;
    if (entry[LAYER_TABLE] > file[HEADER_TABLES]) return WHIM_ERR_HEADER;
    if ((int8_t)entry[LAYER_LOW] > (int8_t)entry[LAYER_HIGH]) return WHIM_ERR_HEADER;
    return WHIM_OK;
}

/* The output must have exactly the size that its layer's formula gives. */
static enum whim_status check_shape(const struct layer *layer)
{
    int32_t height = layer->height, width = layer->width;
    int32_t kernel = layer->kernel, stride = layer->stride, pad = layer->pad;

    if (height < 1 || height > MAX_SIDE || width < 1 || width > MAX_SIDE || layer->channels < 1 ||
        layer->channels > MAX_SIDE || (uint32_t)height * width > MAX_VALUES / layer->channels)
        return WHIM_ERR_SHAPE;
    if (is_conv(layer) && (stride < 1 || kernel < stride || pad >= kernel)) return WHIM_ERR_SHAPE;
    if (is(layer, OP_CONV)) {
        height = layer->in_height + 2 * pad - kernel;
        width = layer->in_width + 2 * pad - kernel;
        if (height < 0 || width < 0) return WHIM_ERR_SHAPE;
        height = height / stride + 1;
        width = width / stride + 1;
    }
    if (is(layer, OP_CONV_TRANSPOSE)) {
        height = (layer->in_height - 1) * stride - 2 * pad + kernel;
        width = (layer->in_width - 1) * stride - 2 * pad + kernel;
    }
    if (is(layer, OP_NEAREST)) {
        height = layer->in_height * stride;
        width = layer->in_width * stride;
    }
    if (height != layer->height || width != layer->width) return WHIM_ERR_SHAPE;
    if (!units(layer) && layer->channels != layer->in_channels) return WHIM_ERR_SHAPE;
    return WHIM_OK;
}

/* Bound |sum| by shapes, encoding and bias alone: 128 * (terms * largest weight) + |bias|.
 * Fills in *bound without the bias. */
static enum whim_status check_sum(const struct layer *layer, uint32_t *bound)
{
    uint32_t terms = layer->fan_in, limit = limits[layer->encoding];

    if (is(layer, OP_CONV_TRANSPOSE)) {
        /* Of the kernel, an output value meets every stride-th row and column: <= 255^2 * 4096. */
        terms = (layer->kernel + layer->stride - 1u) / layer->stride;
        terms *= terms * layer->in_channels;
    }
    if (!units(layer)) {
        limit = terms = 1;
        if (is(layer, OP_BILINEAR) && layer->height > 1) terms *= layer->height - 1u;
        if (is(layer, OP_BILINEAR) && layer->width > 1) terms *= layer->width - 1u; /* <= 4095^2 */
    }
    if (!multiply(terms, limit, &terms) || terms > INT32_MAX / 128) return WHIM_ERR_SUM;
    *bound = 128 * terms;
    return WHIM_OK;
}

/* With each record: |sum| <= bound + |bias| < 2^31; and when narrow, |sum| * m + 2^(s-1) < 2^31. */
static enum whim_status check_records(const struct layer *layer, uint32_t bound)
{
    uint32_t bytes = record_bytes(layer), count = records(layer), most = bound, half, product;
    const uint8_t *record = layer->records, *end = record + count * bytes;

    for (; record < end; record += bytes) {
        int32_t bias = is_narrow(layer) ? (int16_t)load16(record) : (int32_t)load32(record);
        uint32_t size = bias < 0 ? -(uint32_t)bias : (uint32_t)bias;
        if (bound + size > INT32_MAX) return WHIM_ERR_SUM; /* both < 2^31 + 1: no wrap */
        if (bound + size > most) most = bound + size;
    }
    for (record = layer->records; record < end; record += bytes) {
        uint32_t multiplier = record[NARROW_MULTIPLIER], shift = record[NARROW_SHIFT];
        if (!is_narrow(layer)) {
            multiplier = load32(record + WIDE_MULTIPLIER);
            shift = load32(record + WIDE_SHIFT);
        }
        if (shift < 1 || shift > 62 || multiplier > INT32_MAX) return WHIM_ERR_SUM;
        if (!is_narrow(layer)) continue;
        if (shift > 31 || !multiply(most, multiplier, &product)) return WHIM_ERR_SUM;
        half = (uint32_t)1 << (shift - 1);
        if (product > INT32_MAX || half > INT32_MAX - product) return WHIM_ERR_SUM;
    }
    return WHIM_OK;
}

/* Records and weights within the file: then the products below fit 32 bits. */
static enum whim_status check_data(const struct whim_model *model, const struct layer *layer,
                                   uint32_t length)
{
    uint32_t data = layer->data, head = records(layer) * record_bytes(layer), size;

    if (data & 3 || data < first_chunk(model->file) || data > length) return WHIM_ERR_BOUNDS;
    if (head > length - data) return WHIM_ERR_BOUNDS;
    if (!multiply(units(layer), layer->unit_bytes, &size) || size > length - data - head)
        return WHIM_ERR_BOUNDS;
    return WHIM_OK;
}

static enum whim_status check_arena(const struct whim_model *model, const struct layer *layer,
                                    const struct layer *consumer)
{
    uint32_t size = (uint32_t)layer->width * layer->channels * layer_rows_held(layer, consumer);

    if (layer->arena > model->arena_bytes || size > model->arena_bytes - layer->arena)
        return WHIM_ERR_BOUNDS;
    return WHIM_OK;
}

/* Nominal multiply-accumulates of a layer; UINT32_MAX for a number too large. */
static uint32_t count_macs(const struct layer *layer)
{
    uint32_t macs, sites = (uint32_t)layer->height * layer->width;

    if (is(layer, OP_NEAREST)) return 0;
    if (is(layer, OP_DENSE)) sites = 1;
    if (is(layer, OP_CONV_TRANSPOSE)) sites = (uint32_t)layer->in_height * layer->in_width;
    if (is(layer, OP_BILINEAR)) macs = 4 * (uint32_t)layer->channels;
    else if (!multiply(layer->fan_in, units(layer), &macs)) return UINT32_MAX;
    return multiply(macs, sites, &macs) ? macs : UINT32_MAX;
}

/* Layer `index`, and with it whether the arena holds the rows of the layer before it. */
static enum whim_status check_layer(const struct whim_model *model, unsigned index, uint32_t length)
{
    struct layer layer, before;
    uint32_t bound;
    enum whim_status status = check_entry(model->file, index);

    if (status) return status;
    layer_load(&layer, model, index);
    status = check_shape(&layer);
    if (status) return status;
    if ((layer.encoding == ENCODING_NONE) != !units(&layer)) return WHIM_ERR_ENCODING;
    status = check_sum(&layer, &bound);
    if (status) return status;
    status = check_data(model, &layer, length);
    if (status) return status;
    status = check_records(&layer, bound);
    if (status || !index) return status;
    layer_load(&before, model, index - 1);
    return check_arena(model, &before, &layer);
}

enum whim_status whim_open(struct whim_model *model, const uint8_t *file, uint32_t length)
{
    struct layer layer = {0};
    unsigned index;
    enum whim_status status;

    if ((uintptr_t)file & 3) return WHIM_ERR_UNALIGNED;
    status = check_header(file, length);
    if (!status) status = check_chunks(file, length);
    if (status) return status;
    model->file = file;
    model->layers = file[HEADER_LAYERS];
    model->arena_bytes = load32(file + HEADER_ARENA);
    model->inputs = load16(file + HEADER_INPUTS);
    model->macs = 0;
    for (index = 0; index < model->layers; index++) {
        uint32_t macs;
        if (!WHIM_TRUSTED) {
            status = check_layer(model, index, length);
            if (status) return status;
        }
        layer_load(&layer, model, index);
        macs = count_macs(&layer);
        model->macs = macs > UINT32_MAX - model->macs ? UINT32_MAX : model->macs + macs;
    }
    model->channels = layer.channels;
    model->height = layer.height;
    model->width = layer.width;
    return WHIM_TRUSTED ? WHIM_OK : check_arena(model, &layer, NULL);
}

void whim_cut(struct whim_model *model, unsigned layers)
{
    struct layer layer;

    layer_load(&layer, model, layers - 1);
    model->layers = (uint8_t)layers;
    model->channels = layer.channels;
    model->height = layer.height;
    model->width = layer.width;
}
