/* One layer of an open model, unpacked from its entry, and the rows that it reads. */
#ifndef WHIM_ENGINE_LAYER_H
#define WHIM_ENGINE_LAYER_H

#include <stdbool.h>

#include "engine/format.h"
#include "whim/model.h"

/* What is linked. A build for a chip names what its models use and leaves out the rest: bit n of
 * WHIM_OPS is op n, bit n of WHIM_ENCODINGS encoding n, bit n of WHIM_LAYOUTS layout n; WHIM_POOL
 * is 0 where no layer is pooled, WHIM_NARROW_ONLY 1 where every layer is narrow. A model that needs
 * more is refused with WHIM_ERR_OP or WHIM_ERR_ENCODING.
 *
 * WHIM_FAST_ONLY is 1 for images whose layers in triples and columns all have a fast kernel for
 * RV32EC, with inputs of 0 to 15; it leaves out what would take any other.
 *
 * WHIM_TRUSTED is 1 for images whose only model is linked into them: it is then as trusted as the
 * code beside it, was checked by tests, and whim_open checks header and CRCs alone. */
#ifndef WHIM_OPS
#define WHIM_OPS 0x3e
#endif
#ifndef WHIM_ENCODINGS
#define WHIM_ENCODINGS 0x3f
#endif
#ifndef WHIM_LAYOUTS
#define WHIM_LAYOUTS 0xf
#endif
#ifndef WHIM_POOL
#define WHIM_POOL 1
#endif
#ifndef WHIM_TRUSTED
#define WHIM_TRUSTED 0
#endif
#ifndef WHIM_NARROW_ONLY
#define WHIM_NARROW_ONLY 0
#endif
#ifndef WHIM_SMALL
#define WHIM_SMALL 0 /* 1: an image without a byte to spare, in which a model's `macs` stay 0 */
#endif
#ifndef WHIM_FAST_ONLY
#define WHIM_FAST_ONLY 0
#endif

enum op { OP_DENSE = 1, OP_CONV, OP_CONV_TRANSPOSE, OP_NEAREST, OP_BILINEAR };
enum encoding {
    ENCODING_NONE, ENCODING_INT8, ENCODING_INT4, ENCODING_INT2, ENCODING_TERNARY, ENCODING_POWER,
};
enum layout { LAYOUT_PLAIN, LAYOUT_TILES, LAYOUT_TRIPLES, LAYOUT_COLUMNS };

enum {
    MAX_SIDE = 4096,       /* rows, columns and channels of a tensor */
    MAX_VALUES = 1 << 24, /* rows * columns * channels */
};

/* Some rows of a tensor of int8, channels innermost, but for those between two layers in triples,
 * which nobody else reads. Of `height` rows, the last `held` are there: row y lies in place
 * y % held. A whole tensor is one with held == height. */
struct rows {
    const int8_t *values;
    uint32_t row_bytes; /* width * channels */
    uint16_t channels, height, width, held;
};

struct layer {
    /* The entry, byte for byte as it lies in the file: docs/FORMAT.md. */
    uint8_t op, encoding, layout, table_number;
    uint8_t kernel, stride, pad, flags;
    uint16_t channels, height, width; /* of the output */
    int8_t low, high;
    uint32_t arena; /* offset of the output's rows */
    uint32_t data;

    /* What follows from it and from the entry before. */
    uint16_t in_channels, in_height, in_width;
    uint32_t fan_in;        /* weights of a unit */
    uint32_t unit_bytes;    /* of a unit's weights; in tiles of a record's 16, in columns of one;
                               in triples see triple_bytes */
    const int8_t *table;    /* activation of -128 .. 127, or NULL */
    const uint8_t *records; /* bias, multiplier, shift of each channel; the first of them */
    const uint8_t *weights; /* where they lie one by one: of the first unit, or tile */
    uint16_t pixel_step, channel_step; /* in triples: from value to value of an output row */
};

static inline bool is(const struct layer *layer, enum op op)
{
    return WHIM_OPS >> op & 1 && layer->op == op;
}

static inline bool encoded(const struct layer *layer, enum encoding encoding)
{
    return WHIM_ENCODINGS >> encoding & 1 && layer->encoding == encoding;
}

static inline bool is_narrow(const struct layer *layer)
{
    return WHIM_NARROW_ONLY || layer->flags & FLAG_NARROW;
}

/* Bytes of one channel's record. */
static inline uint32_t record_bytes(const struct layer *layer)
{
    return is_narrow(layer) ? NARROW_BYTES : WIDE_BYTES;
}

static inline bool is_tiled(const struct layer *layer)
{
    return WHIM_LAYOUTS >> LAYOUT_TILES & 1 && layer->layout == LAYOUT_TILES;
}

static inline bool is_triples(const struct layer *layer)
{
    return WHIM_LAYOUTS >> LAYOUT_TRIPLES & 1 && layer->layout == LAYOUT_TRIPLES;
}

static inline bool is_columns(const struct layer *layer)
{
    return WHIM_LAYOUTS >> LAYOUT_COLUMNS & 1 && layer->layout == LAYOUT_COLUMNS;
}

/* Words of 16 bits that a kernel row's weights take in triples: three input channels in each. */
static inline uint32_t triple_words(const struct layer *layer)
{
    return (layer->in_channels + 2u) / 3;
}

/* Bytes that an output channel's weights take in triples. Chips without division should not need
 * it for each row. */
static inline uint32_t triple_bytes(const struct layer *layer)
{
    return 3 * 2 * triple_words(layer);
}

/* Of each 2x2 sums the largest is requantised. */
static inline bool is_pooled(const struct layer *layer)
{
    return WHIM_POOL && layer->flags & FLAG_POOLED;
}

static inline const int8_t *row_at(const struct rows *rows, uint32_t y)
{
    if (rows->held == 1) return rows->values;
    return rows->values + (y < rows->held ? y : y % rows->held) * rows->row_bytes;
}

static inline bool is_conv(const struct layer *layer)
{
    return is(layer, OP_CONV) || is(layer, OP_CONV_TRANSPOSE);
}

static inline const uint8_t *entry_at(const uint8_t *file, unsigned index)
{
    return file + HEADER_BYTES + LAYER_BYTES * index;
}

/* The offset of the first chunk: behind the layer entries, aligned. */
static inline uint32_t first_chunk(const uint8_t *file)
{
    uint32_t end = HEADER_BYTES + LAYER_BYTES * (uint32_t)file[HEADER_LAYERS];
    uint32_t align = (uint32_t)1 << file[HEADER_ALIGNMENT];

    return (end + align - 1) & ~(align - 1);
}

/* a * b into *product; false when that leaves 32 bits. */
static inline bool multiply(uint32_t a, uint32_t b, uint32_t *product)
{
    if (!WHIM_TRUSTED && b && a > UINT32_MAX / b) return false;
    *product = a * b;
    return true;
}

/* Layer `index` of an open model: only its entry, and the shape of what it reads. */
void layer_entry(struct layer *layer, const struct whim_model *model, unsigned index);

/* The same, but for the pointers: a streamed model has none. */
void layer_shape(struct layer *layer, const struct whim_model *model, unsigned index);

/* Layer `index` of a model that lies in memory. */
void layer_load(struct layer *layer, const struct whim_model *model, unsigned index);

/* Rows of the weight matrix: output values of a dense layer, output channels of a convolution. */
static inline uint32_t layer_units(const struct layer *layer)
{
    if (is(layer, OP_DENSE)) return (uint32_t)layer->channels * layer->height * layer->width;
    return is_conv(layer) ? layer->channels : 0;
}

/* How many (bias, multiplier, shift) the layer has, fill-up records of tiles not counted. */
static inline uint32_t layer_records(const struct layer *layer)
{
    if (is(layer, OP_NEAREST)) return 0;
    return is(layer, OP_BILINEAR) ? 1 : layer->channels;
}

/* All records and weights of the layer in the file; false when that leaves 32 bits. */
bool layer_bytes(const struct layer *layer, uint32_t *bytes);

/* How many rows of its source must be held for `consumer`, NULL for the picture. */
uint16_t rows_held(const struct layer *consumer);

/* int32 sums that a layer in columns needs while it is made: one for each unit, and five at a
 * time. They lie right behind its output, aligned to 4. */
static inline uint32_t columns_sums(const struct layer *layer)
{
    return (layer_units(layer) + 4) / 5 * 5;
}

/* The last source row that output row `y` reads. */
uint16_t layer_last_row(const struct layer *layer, uint16_t y);

#endif
