/* Weights of every encoding, unpacked a run at a time. docs/FORMAT.md has the codes. */
#include "engine/bytes.h"
#include "engine/kernels/tiles.h"

static void unpack_int8(const uint8_t *packed, uint32_t first, int8_t *out, uint32_t count)
{
    for (packed += first; count; count--) *out++ = (int8_t)*packed++;
}

static void unpack_int4(const uint8_t *packed, uint32_t first, int8_t *out, uint32_t count)
{
    uint32_t i;

    for (i = first; i < first + count; i++)
        *out++ = (int8_t)(((packed[i / 2] >> 4 * (i & 1) & 15) ^ 8) - 8);
}

static void unpack_int2(const uint8_t *packed, uint32_t first, int8_t *out, uint32_t count)
{
    uint32_t i;

    for (i = first; i < first + count; i++)
        *out++ = (int8_t)(2 * (packed[i / 4] >> 2 * (i & 3) & 3) - 3);
}

static void unpack_ternary(const uint8_t *packed, uint32_t first, int8_t *out, uint32_t count)
{
    uint32_t skip = first % 5;

    packed += first / 5;
    while (count) {
        /* A byte is a fraction of 256: times three, what passes 256 is the next digit. */
        uint32_t fraction = *packed++, digit;
        for (digit = 0; digit < 5 && count; digit++) {
            fraction += fraction + fraction;
            if (digit >= skip) {
                *out++ = (int8_t)(fraction >> 8) - 1;
                count--;
            }
            fraction &= 255;
        }
        skip = 0;
    }
}

/* A sign and a power of two, or 0. */
static void unpack_power(const uint8_t *packed, uint32_t first, int8_t *out, uint32_t count)
{
    uint32_t i;

    for (i = first; i < first + count; i++) {
        uint32_t code = packed[i / 2] >> 4 * (i & 1);
        int32_t weight = (1 << (code & 7)) >> 1;
        *out++ = (int8_t)(code & 8 ? -weight : weight);
    }
}

/* Weights of a row or column that begins at `packed`. */
static void unpack(const struct layer *layer, const uint8_t *packed, uint32_t first, int8_t *out,
                   uint32_t count)
{
    if (encoded(layer, ENCODING_INT8)) unpack_int8(packed, first, out, count);
    if (encoded(layer, ENCODING_INT4)) unpack_int4(packed, first, out, count);
    if (encoded(layer, ENCODING_INT2)) unpack_int2(packed, first, out, count);
    if (encoded(layer, ENCODING_TERNARY)) unpack_ternary(packed, first, out, count);
    if (encoded(layer, ENCODING_POWER)) unpack_power(packed, first, out, count);
}

/* Weight `index` of `unit`: the three of a kernel row are a number to the base 3. */
static int8_t triple_weight(const struct layer *layer, uint32_t unit, uint32_t index)
{
    const uint32_t place = index / layer->in_channels, channel = index % layer->in_channels;
    const uint32_t word = place / 3 * triple_words(layer) + channel / 3;
    const uint8_t *at = layer->weights + unit * triple_bytes(layer) + 2 * word;
    uint32_t code = load16(at) >> 5 * (channel % 3) & 31;

    if (place % 3 == 0) code /= 3;
    if (place % 3 < 2) code /= 3;
    return (int8_t)(code % 3) - 1;
}

int8_t whim_tile_weight(const struct layer *layer, const uint8_t *record, uint32_t lane)
{
    uint32_t half = lane & 1 ? 16 : 0;

    if (encoded(layer, ENCODING_INT4)) {
        uint32_t word = load32(record + lane / 8 * 4);
        return (int8_t)(((word >> (half + lane % 8 / 2 * 4) & 15) ^ 8) - 8);
    }
    if (encoded(layer, ENCODING_INT2))
        return (int8_t)(2 * (load32(record) >> (half + lane / 2 * 2) & 3) - 3);
    return (int8_t)record[lane];
}

/* The record of 16 weights that holds weight `index` of the tile's units. The places of a kernel
 * lie phase by phase; those of the phases before are counted. */
static const uint8_t *tile_record(const struct layer *layer, uint32_t unit, uint32_t index)
{
    const uint32_t step = phase_step(layer), place = index / layer->in_channels;
    const uint32_t row = place / layer->kernel, column = place % layer->kernel;
    const uint8_t *record = layer->records + unit / TILE * tile_bytes(layer);
    uint32_t number = 0, before = 0;
    struct phase phase = tile_phase(layer, 0);

    while (row % step != phase.first_row || column % step != phase.first_column) {
        before += phase.rows * phase.columns;
        phase = tile_phase(layer, ++number);
    }
    before += row / step * phase.columns + column / step;
    record += TILE * record_bytes(layer);
    return record + (before * layer->in_channels + index % layer->in_channels) * layer->unit_bytes;
}

void whim_weights(const struct layer *layer, uint32_t unit, uint32_t first, int8_t *out,
                  uint32_t count)
{
    if (is_tiled(layer)) {
        for (; count; count--, first++)
            *out++ = whim_tile_weight(layer, tile_record(layer, unit, first), unit % TILE);
        return;
    }
    if (is_triples(layer)) {
        for (; count; count--, first++) *out++ = triple_weight(layer, unit, first);
        return;
    }
    if (is_columns(layer)) {
        for (; count; count--, first++) whim_column_weights(layer, first, unit, out++, 1);
        return;
    }
    unpack(layer, layer->weights + unit * layer->unit_bytes, first, out, count);
}

void whim_column_weights(const struct layer *layer, uint32_t input, uint32_t first, int8_t *out,
                         uint32_t count)
{
    unpack(layer, layer->weights + input * layer->unit_bytes, first, out, count);
}
