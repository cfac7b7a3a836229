/* One layer of an open model, unpacked from its entry, and the rows that it reads. */
#ifndef WHIM_ENGINE_LAYER_H
#define WHIM_ENGINE_LAYER_H

#include <stdbool.h>

#include "engine/format.h"
#include "whim/model.h"

/* What is linked. A build for a chip names what its models use and leaves out the rest: bit n of
 * WHIM_OPS is op n, bit n of WHIM_ENCODINGS encoding n; WHIM_NARROW_ONLY is 1 where every layer is
 * narrow. A model that needs more is refused with WHIM_ERR_OP or WHIM_ERR_ENCODING.
 *
 * WHIM_TRUSTED is 1 for images whose only model is linked into them: it is then as trusted as the
 * code beside it, was checked by tests, and whim_open checks header and CRCs alone. */
#ifndef WHIM_OPS
#define WHIM_OPS 0x3e
#endif
#ifndef WHIM_ENCODINGS
#define WHIM_ENCODINGS 0x1f
#endif
#ifndef WHIM_TRUSTED
#define WHIM_TRUSTED 0
#endif
#ifndef WHIM_NARROW_ONLY
#define WHIM_NARROW_ONLY 0
#endif

enum op { OP_DENSE = 1, OP_CONV, OP_CONV_TRANSPOSE, OP_NEAREST, OP_BILINEAR };
enum encoding { ENCODING_NONE, ENCODING_INT8, ENCODING_INT4, ENCODING_INT2, ENCODING_TERNARY };

enum {
    MAX_SIDE = 4096,       /* rows, columns and channels of a tensor */
    MAX_VALUES = 1 << 24, /* rows * columns * channels */
};

/* Some rows of a tensor of int8, channels innermost. Of `height` rows, the last `held` are there:
 * row y lies in place y % held. A whole tensor is one with held == height. */
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
    uint32_t unit_bytes;    /* bytes of a unit's weights */
    const int8_t *table;    /* activation of -128 .. 127, or NULL */
    const uint8_t *records; /* bias, multiplier, shift of each channel */
    const uint8_t *weights;
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

static inline const int8_t *row_at(const struct rows *rows, uint32_t y)
{
    return rows->held == 1 ? rows->values : rows->values + y % rows->held * rows->row_bytes;
}

/* Layer `index` of an open model. */
void layer_load(struct layer *layer, const struct whim_model *model, unsigned index);

/* How many of its output rows a layer must hold for its `consumer`, NULL for the picture. */
uint16_t layer_rows_held(const struct layer *layer, const struct layer *consumer);

/* The last source row that output row `y` reads. */
uint16_t layer_last_row(const struct layer *layer, uint16_t y);

#endif
