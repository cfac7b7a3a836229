/* Convolution in triples on RV32EC: which kernel makes a row, and the frame that it needs. */
#include <stddef.h>

#include "engine/bytes.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/rv32ec/triples.h"
#include "engine/kernels/triples_plain.h"

enum { MOST_ROWS = 4 };

struct frame {
    uint32_t link;
    const int8_t *rows[MOST_ROWS];
    const uint8_t *weights;
    uint32_t step;
    const uint8_t *record;
    int8_t *out;
    int32_t to_odd, to_even, to_next;
    uint32_t channels;
    int32_t low, high;
};

#define LIES_AT(field, offset)                                                                     \
    typedef char field##_lies_at[offsetof(struct frame, field) == (offset) ? 1 : -1]

#ifdef __riscv
LIES_AT(rows, ROWS);
LIES_AT(weights, WEIGHTS);
LIES_AT(step, STEP);
LIES_AT(record, RECORD);
LIES_AT(out, OUT);
LIES_AT(to_odd, TO_ODD);
LIES_AT(to_even, TO_EVEN);
LIES_AT(to_next, TO_NEXT);
LIES_AT(channels, CHANNELS);
LIES_AT(low, LOW);
LIES_AT(high, HIGH);
#endif

typedef void kernel(void);
kernel whim_triples_16, whim_triples_8, whim_triples_4, whim_triples_done;

kernel *whim_triples_begin(const struct layer *layer, const struct rows *source, uint16_t y,
                           int8_t *out, struct frame *frame);

static const uint32_t nothing[4]; /* a row outside of the picture */

/* The kernel for this layer's shape, or none. */
static kernel *choose(const struct layer *layer, const struct rows *source)
{
    const bool pooled = is_pooled(layer), alone = source->channels == 1;

    if (!WHIM_FAST_ONLY) {
        if (!is_narrow(layer) || layer->table || (uintptr_t)source->values & 3) return NULL;
        if (alone != (source->width == 16) || pooled != layer->pad) return NULL;
        if (pooled ? source->width < 8 : source->width != 4) return NULL;
    }
    if (source->width == 16) return whim_triples_16;
    if (source->width == 8) return whim_triples_8;
    return WHIM_FAST_ONLY || source->width == 4 ? whim_triples_4 : NULL;
}

/* Whether all of an input row is 0 to 15. */
static bool is_small(const int8_t *row)
{
    const uint8_t *bytes = (const uint8_t *)row;
    uint32_t any = load32(bytes) | load32(bytes + 4) | load32(bytes + 8) | load32(bytes + 12);

    return WHIM_FAST_ONLY || !(any & 0xf0f0f0f0);
}

kernel *whim_triples_begin(const struct layer *layer, const struct rows *source, uint16_t y,
                           int8_t *out, struct frame *frame)
{
    const bool pooled = is_pooled(layer), planar = is_planar(layer);
    const uint32_t window = pooled ? MOST_ROWS : MOST_ROWS - 1u;
    const int8_t *row = source->values, *end = row + source->held * source->row_bytes;
    kernel *chosen = choose(layer, source);
    int32_t at = (pooled ? 2 * y : y) - layer->pad, half = layer->width / 2;
    uint32_t i;

    if (at > 0) row = row_at(source, (uint32_t)at);
    for (i = 0; chosen && i < window; i++, at++) {
        frame->rows[i] = chosen == whim_triples_16 ? (const int8_t *)nothing : NULL;
        if (at < 0 || at >= source->height) continue;
        frame->rows[i] = row;
        row += source->row_bytes;
        if (row == end) row = source->values; /* the place after the last */
        if (chosen == whim_triples_16 && !is_small(frame->rows[i])) chosen = NULL;
    }
    if (!WHIM_FAST_ONLY && !chosen) {
        whim_triples_plain(layer, source, y, out);
        return whim_triples_done;
    }
    frame->weights = layer->weights;
    for (frame->step = 2; !(load16(layer->weights + frame->step - 2) & 0x8000);) frame->step += 2;
    frame->record = layer->records;
    frame->out = out;
    frame->to_odd = planar ? half : layer->pixel_step;
    frame->to_even = planar ? 1 - half : layer->pixel_step;
    frame->to_next = layer->channel_step;
    if (pooled) frame->to_next -= half * (frame->to_odd + frame->to_even);
    frame->channels = layer->channels;
    frame->low = layer->low;
    frame->high = layer->high;
    return chosen;
}
