/* Dense: an output value is a stretch of one sum. */
#include "engine/kernels/kernels.h"
#include "engine/kernels/rows/sums.h"

void whim_dense_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    uint32_t unit = (uint32_t)y * layer->width * layer->channels;
    uint32_t x, channel;

    for (x = 0; x < layer->width; x++)
        for (channel = 0; channel < layer->channels; channel++, unit++) {
            int32_t sum = 0;
            const struct stretch one = {&sum, 1, 1, 1};
            whim_add_weights(layer, unit, 0, layer->fan_in, &one, source->values);
            whim_requantise(layer, channel, &sum, 1, out++, 1);
        }
}
