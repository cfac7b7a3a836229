/* A stretch of one output channel's row as sums, to which weights are added one by one. On a chip
 * without multiplication this is where the time goes: a small weight is one or two shifts, the same
 * for the whole stretch. */
#ifndef WHIM_ENGINE_KERNELS_ROWS_SUMS_H
#define WHIM_ENGINE_KERNELS_ROWS_SUMS_H

#include "engine/layer.h"

/* `count` > 0 sums, `sums_step` apart, and how far apart the values that belong to them lie. */
struct stretch {
    int32_t *sums;
    uint32_t sums_step, x_step, count;
};

/* Add to each sum i the products of `count` weights of `unit`, from its weight `first` on, with as
 * many values from x[i * x_step] on. */
void whim_add_weights(const struct layer *layer, uint32_t unit, uint32_t first, uint32_t count,
                      const struct stretch *stretch, const int8_t *x);

#endif
