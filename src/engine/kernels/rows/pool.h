/* Pooling of sums, before they are requantised. */
#ifndef WHIM_ENGINE_KERNELS_ROWS_POOL_H
#define WHIM_ENGINE_KERNELS_ROWS_POOL_H

#include <stdint.h>

static inline int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* The largest of each 2x2, from two rows of 2 * count sums to the first half of the first. */
static inline void pool(int32_t *sums, const int32_t *below, int32_t count)
{
    int32_t i;

    for (i = 0; i < count; i++)
        sums[i] = larger(larger(sums[2 * i], sums[2 * i + 1]),
                         larger(below[2 * i], below[2 * i + 1]));
}

#endif
