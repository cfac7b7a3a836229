/* Dot products, which the reference kernels are made of. */
#ifndef WHIM_ENGINE_KERNELS_REFERENCE_DOT_H
#define WHIM_ENGINE_KERNELS_REFERENCE_DOT_H

#include "engine/layer.h"

/* Sum of `count` products x[i] * w[first + i], w being the weights of `unit`. The whole sum of an
 * output value stays within int32: whim_open has proven it from the fan-in and the encoding's
 * largest weight. */
int32_t whim_dot(const struct layer *layer, uint32_t unit, uint32_t first, const int8_t *x,
                 uint32_t count);

#endif
