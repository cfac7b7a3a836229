/* The reference: every output value of a convolution in triples is gathered, weight by weight. */
#include "engine/kernels/kernels.h"

/* The sum of channel `channel` at (y, x) of the convolution, before any pooling. */
static int32_t sum_at(const struct layer *layer, const struct rows *source, uint32_t channel,
                      uint32_t y, uint32_t x)
{
    int32_t sum = 0;
    uint32_t place, c;
    int8_t weight;

    for (place = 0; place < 9; place++) {
        const int32_t at_y = (int32_t)(y + place / 3) - layer->pad;
        const int32_t at_x = (int32_t)(x + place % 3) - layer->pad;
        if (at_y < 0 || at_y >= source->height || at_x < 0 || at_x >= source->width) continue;
        for (c = 0; c < source->channels; c++) {
            whim_weights(layer, channel, place * source->channels + c, &weight, 1);
            sum += weight * row_at(source, (uint32_t)at_y)[c * source->width + (uint32_t)at_x];
        }
    }
    return sum;
}

void whim_triples_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    const uint32_t side = is_pooled(layer) ? 2 : 1;
    uint32_t x, channel, i;

    for (x = 0; x < layer->width; x++)
        for (channel = 0; channel < layer->channels; channel++) {
            int32_t sum = INT32_MIN;
            for (i = 0; i < side * side; i++) {
                int32_t other = sum_at(layer, source, channel, side * y + i / side,
                                       side * x + i % side);
                if (other > sum) sum = other;
            }
            whim_requantise(layer, channel, &sum, 1,
                            out + x * layer->pixel_step + channel * layer->channel_step, 1);
        }
}
