/* Dot products, by runs of unpacked weights. */
#include "engine/kernels/kernels.h"
#include "engine/kernels/reference/dot.h"

enum { RUN = 16 };

int32_t whim_dot(const struct layer *layer, uint32_t unit, uint32_t first, const int8_t *x,
                 uint32_t count)
{
    int8_t weights[RUN];
    int32_t sum = 0;
    uint32_t i, run;

    for (; count; count -= run, first += run) {
        run = count < RUN ? count : RUN;
        whim_weights(layer, unit, first, weights, run);
        for (i = 0; i < run; i++) sum += *x++ * weights[i];
    }
    return sum;
}
