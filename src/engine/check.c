/* Every field of a model file is checked once, here, so that the kernels need not.
 *
 * The file is untrusted. Offsets are compared as `offset <= length && need <= length - offset`,
 * products are bounded before they are formed. docs/FORMAT.md names the fields;
 * host/whim/format.py writes them. */
#include <stdbool.h>

#include "engine/check.h"

#include "engine/bytes.h"

/* The largest magnitude of a weight. */
static const uint8_t limits[] = {0, 128, 8, 3, 1, 64};

/* Values of the input, 1 to MAX_SIDE in all. */
static bool fits_input(const uint8_t *file)
{
    uint32_t values = (uint32_t)load16(file + HEADER_CHANNELS) * load16(file + HEADER_HEIGHT);

    if (values < 1 || values > MAX_SIDE) return false;
    values *= load16(file + HEADER_WIDTH); /* < 2^28 */
    return values >= 1 && values <= MAX_SIDE;
}

enum whim_status check_header(const uint8_t *file, uint32_t length)
{
    if (length < HEADER_BYTES) return WHIM_ERR_TRUNCATED;
    if (load32(file + HEADER_MAGIC) != MAGIC) return WHIM_ERR_MAGIC;
    if (file[HEADER_VERSION] != FORMAT_VERSION) return WHIM_ERR_VERSION;
    if (length < load32(file + HEADER_LENGTH)) return WHIM_ERR_TRUNCATED;
    if (length > load32(file + HEADER_LENGTH)) return WHIM_ERR_OVERSIZED;
    if (WHIM_TRUSTED) return WHIM_OK;
    if (file[HEADER_LAYERS] < 1 || file[HEADER_LAYERS] > WHIM_MAX_LAYERS) return WHIM_ERR_HEADER;
    if (file[HEADER_ALIGNMENT] < 2 || file[HEADER_ALIGNMENT] > 16) return WHIM_ERR_HEADER;
    if (!fits_input(file)) return WHIM_ERR_HEADER;
    if (!load16(file + HEADER_CHUNK)) return WHIM_OK;
    return file[HEADER_ALIGNMENT] == STREAM_ALIGNMENT ? WHIM_OK : WHIM_ERR_HEADER;
}

/* Triples are for ternary convolutions of 3x3. They read the input, if that has one channel, or
 * values of other triples that are not negative: the entry before tells. */
static bool fits_triples(const uint8_t *entry, bool first)
{
    const uint8_t *before = entry - LAYER_BYTES;

    if (entry[LAYER_OP] != OP_CONV || entry[LAYER_ENCODING] != ENCODING_TERNARY ||
        entry[LAYER_KERNEL] != 3 || entry[LAYER_STRIDE] != 1 || entry[LAYER_PAD] > 1)
        return false;
    if (first) return load16(before + LAYER_CHANNELS) == 1;
    return before[LAYER_LAYOUT] == LAYOUT_TRIPLES && (int8_t)before[LAYER_LOW] >= 0 &&
           !before[LAYER_TABLE];
}

/* Tiles are for convolutions, with weights that their kernels know; and convolutions that are
 * streamed lie in them. Columns are for dense layers of one row. */
static bool fits_layout(const uint8_t *entry, bool first, bool streamed)
{
    const uint8_t encoding = entry[LAYER_ENCODING], op = entry[LAYER_OP];
    const bool conv = op == OP_CONV || op == OP_CONV_TRANSPOSE;

    if (entry[LAYER_LAYOUT] == LAYOUT_PLAIN) return !(streamed && conv);
    if (entry[LAYER_LAYOUT] == LAYOUT_TILES)
        return conv && encoding >= ENCODING_INT8 && encoding <= ENCODING_INT2;
    if (entry[LAYER_LAYOUT] == LAYOUT_TRIPLES) return !streamed && fits_triples(entry, first);
    return op == OP_DENSE && load16(entry + LAYER_HEIGHT) == 1 && encoding != ENCODING_NONE;
}

/* Pooling is for convolutions that are not tiled. */
static bool fits_flags(const uint8_t *entry)
{
    const uint8_t flags = entry[LAYER_FLAGS];

    if (flags & ~(FLAG_NARROW | FLAG_POOLED)) return false;
    return !(flags & FLAG_POOLED) ||
           (entry[LAYER_OP] == OP_CONV && entry[LAYER_LAYOUT] != LAYOUT_TILES);
}

/* The entry's own bytes, before anything is computed from them. */
static enum whim_status check_entry(const uint8_t *file, unsigned index)
{
    const uint8_t *entry = entry_at(file, index);

    const bool streamed = load16(file + HEADER_CHUNK);

    if (entry[LAYER_OP] > OP_BILINEAR || !(WHIM_OPS >> entry[LAYER_OP] & 1)) return WHIM_ERR_OP;
    if (streamed && entry[LAYER_OP] == OP_DENSE) return WHIM_ERR_OP;
    if (entry[LAYER_ENCODING] > ENCODING_POWER || entry[LAYER_LAYOUT] > LAYOUT_COLUMNS)
        return WHIM_ERR_ENCODING;
    if (!(WHIM_ENCODINGS >> entry[LAYER_ENCODING] & 1)) return WHIM_ERR_ENCODING;
    if (!(WHIM_LAYOUTS >> entry[LAYER_LAYOUT] & 1)) return WHIM_ERR_ENCODING;
    if (!fits_layout(entry, !index, streamed)) return WHIM_ERR_ENCODING;
    if (WHIM_NARROW_ONLY && !(entry[LAYER_FLAGS] & FLAG_NARROW)) return WHIM_ERR_OP;
    if (!WHIM_POOL && entry[LAYER_FLAGS] & FLAG_POOLED) return WHIM_ERR_OP;
    if (!fits_flags(entry)) return WHIM_ERR_HEADER;
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
        if (is_pooled(layer)) {
            height /= 2;
            width /= 2;
        }
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
    if (!layer_units(layer) && layer->channels != layer->in_channels) return WHIM_ERR_SHAPE;
    return WHIM_OK;
}

enum whim_status check_sum(const struct layer *layer, uint32_t *bound)
{
    uint32_t terms = layer->fan_in, limit = limits[layer->encoding];

    if (is(layer, OP_CONV_TRANSPOSE)) {
        /* Of the kernel, an output value meets every stride-th row and column: <= 255^2 * 4096. */
        terms = (layer->kernel + layer->stride - 1u) / layer->stride;
        terms *= terms * layer->in_channels;
    }
    if (!layer_units(layer)) {
        limit = terms = 1;
        if (is(layer, OP_BILINEAR) && layer->height > 1) terms *= layer->height - 1u;
        if (is(layer, OP_BILINEAR) && layer->width > 1) terms *= layer->width - 1u; /* <= 4095^2 */
    }
    if (!multiply(terms, limit, &terms) || terms > INT32_MAX / 128) return WHIM_ERR_SUM;
    *bound = 128 * terms;
    return WHIM_OK;
}

enum whim_status check_records(const struct layer *layer, const uint8_t *records, uint32_t count,
                               uint32_t bound)
{
    const uint32_t bytes = record_bytes(layer);
    const uint8_t *record, *end = records + count * bytes;

    for (record = records; record < end; record += bytes) {
        int32_t bias = is_narrow(layer) ? (int16_t)load16(record) : (int32_t)load32(record);
        uint32_t most = bound + (bias < 0 ? -(uint32_t)bias : (uint32_t)bias); /* no wrap */
        uint32_t multiplier = record[NARROW_MULTIPLIER], shift = record[NARROW_SHIFT], half;
        if (!is_narrow(layer)) {
            multiplier = load32(record + WIDE_MULTIPLIER);
            shift = load32(record + WIDE_SHIFT);
        }
        if (most > INT32_MAX || shift < 1 || shift > 62 || multiplier > INT32_MAX)
            return WHIM_ERR_SUM;
        if (!is_narrow(layer)) continue;
        if (shift > 31 || !multiply(most, multiplier, &most)) return WHIM_ERR_SUM;
        half = (uint32_t)1 << (shift - 1);
        if (most > INT32_MAX || half > INT32_MAX - most) return WHIM_ERR_SUM;
    }
    return WHIM_OK;
}

enum whim_status check_arena(const struct whim_model *model, const struct layer *layer,
                             const struct layer *consumer)
{
    uint32_t size = (uint32_t)layer->width * layer->channels * rows_held(consumer);
    uint32_t left = model->arena_bytes - layer->arena;

    if (layer->arena > model->arena_bytes || size > left) return WHIM_ERR_BOUNDS;
    if (!is_columns(layer)) return WHIM_OK;
    /* From the next multiple of 4 on, the sums: at most 4 * (2^24 + 4) bytes. */
    left -= size;
    size = (0 - layer->arena - size) % 4 + columns_sums(layer) * sizeof(int32_t);
    return size > left ? WHIM_ERR_BOUNDS : WHIM_OK;
}

enum whim_status check_layer(const struct whim_model *model, unsigned index, uint32_t *bound)
{
    struct layer layer;
    uint32_t largest = 128;
    enum whim_status status = check_entry(model->file, index);

    if (status) return status;
    layer_shape(&layer, model, index);
    status = check_shape(&layer);
    if (status) return status;
    if ((layer.encoding == ENCODING_NONE) != !layer_units(&layer)) return WHIM_ERR_ENCODING;
    status = check_sum(&layer, bound);
    if (status || !is_triples(&layer)) return status;
    /* Their kernels hold two sums in a word. What they read is 0 to `high` of the layer before, or
     * the input. */
    if (index) largest = entry_at(model->file, index - 1)[LAYER_HIGH];
    return layer.fan_in * largest > INT16_MAX ? WHIM_ERR_SUM : WHIM_OK; /* < 2^16 * 2^7 */
}

