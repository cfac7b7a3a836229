/* The reference: every output value of a convolution in triples is gathered, weight by weight. */
#include "engine/kernels/triples_plain.h"

void whim_triples_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    whim_triples_plain(layer, source, y, out);
}
