/* Which kernel makes a layer's row. */
#include "engine/kernels/kernels.h"

enum { PLAIN_LINKED = WHIM_LAYOUTS & 1, CONV_LINKED = WHIM_LAYOUTS & 3 };

void whim_make_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    const bool other = is_columns(layer) || is_triples(layer);

    if (is_columns(layer)) whim_columns_row(layer, source, y, out);
    if (is_triples(layer)) whim_triples_row(layer, source, y, out);
    if (PLAIN_LINKED && !other && is(layer, OP_DENSE)) whim_dense_row(layer, source, y, out);
    if (CONV_LINKED && !other && is_conv(layer)) whim_conv_row(layer, source, y, out);
    if (is(layer, OP_NEAREST)) whim_nearest_row(layer, source, y, out);
    if (is(layer, OP_BILINEAR)) whim_bilinear_row(layer, source, y, out);
}
