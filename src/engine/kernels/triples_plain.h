/* Convolution in triples for any shape: the reference, and what the fast kernels for RV32EC take
 * where a row is none of theirs. */
#ifndef WHIM_ENGINE_KERNELS_TRIPLES_PLAIN_H
#define WHIM_ENGINE_KERNELS_TRIPLES_PLAIN_H

#include "engine/kernels/kernels.h"

/* Between two layers in triples a row lies channel by channel; of one with several channels the
 * even columns come first, then the odd ones. What the order is concerns nobody but these kernels:
 * so two words of a row give registers with two columns each by masks alone. */
static inline uint32_t triples_place(uint32_t width, uint32_t x)
{
    return (x & 1 ? (width + 1) / 2 : 0) + x / 2;
}

/* Whether the layer's own rows lie so. */
static inline bool is_planar(const struct layer *layer)
{
    return layer->channel_step > 1 && layer->channels > 1;
}

void whim_triples_plain(const struct layer *layer, const struct rows *source, uint16_t y,
                        int8_t *out);

#endif
