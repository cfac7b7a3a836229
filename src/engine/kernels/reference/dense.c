/* The reference: every output value is a dot product with the input, which lies in one piece. */
#include "engine/kernels/kernels.h"
#include "engine/kernels/reference/dot.h"

void whim_dense_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    uint32_t unit = (uint32_t)y * layer->width * layer->channels;
    uint32_t x, channel;

    for (x = 0; x < layer->width; x++)
        for (channel = 0; channel < layer->channels; channel++, unit++) {
            int32_t sum = whim_dot(layer, unit, 0, source->values, layer->fan_in);
            whim_requantise(layer, channel, &sum, 1, out++, 1);
        }
}
