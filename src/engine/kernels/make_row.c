/* Which kernel makes a layer's row. */
#include "engine/kernels/kernels.h"

void whim_make_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    if (is(layer, OP_DENSE)) whim_dense_row(layer, source, y, out);
    if (is(layer, OP_CONV) || is(layer, OP_CONV_TRANSPOSE)) whim_conv_row(layer, source, y, out);
    if (is(layer, OP_NEAREST)) whim_nearest_row(layer, source, y, out);
    if (is(layer, OP_BILINEAR)) whim_bilinear_row(layer, source, y, out);
}
