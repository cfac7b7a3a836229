/* Convolution in triples, weight by weight. */
#include "engine/kernels/triples_plain.h"

/* The sum of channel `channel` at (y, x) of the convolution, before any pooling. */
static int32_t sum_at(const struct layer *layer, const struct rows *source, uint32_t channel,
                      uint32_t y, uint32_t x)
{
    const uint32_t width = source->width;
    int32_t sum = 0;
    uint32_t place, c;
    int8_t weight;

    for (place = 0; place < 9; place++) {
        const int32_t at_y = (int32_t)(y + place / 3) - layer->pad;
        const int32_t at_x = (int32_t)(x + place % 3) - layer->pad;
        const int8_t *value;
        if (at_y < 0 || at_y >= source->height || at_x < 0 || at_x >= (int32_t)width) continue;
        value = row_at(source, (uint32_t)at_y);
        value += source->channels > 1 ? triples_place(width, (uint32_t)at_x) : (uint32_t)at_x;
        for (c = 0; c < source->channels; c++, value += width) {
            whim_weights(layer, channel, place * source->channels + c, &weight, 1);
            if (weight > 0) sum += *value;
            if (weight < 0) sum -= *value;
        }
    }
    return sum;
}

void whim_triples_plain(const struct layer *layer, const struct rows *source, uint16_t y,
                        int8_t *out)
{
    const uint32_t side = is_pooled(layer) ? 2 : 1;
    uint32_t x, channel, i;

    for (x = 0; x < layer->width; x++)
        for (channel = 0; channel < layer->channels; channel++) {
            int8_t *to = out + channel * layer->channel_step;
            int32_t sum = INT32_MIN;
            for (i = 0; i < side * side; i++) {
                int32_t other = sum_at(layer, source, channel, side * y + i / side,
                                       side * x + i % side);
                if (other > sum) sum = other;
            }
            to += is_planar(layer) ? triples_place(layer->width, x) : x * layer->pixel_step;
            whim_requantise(layer, channel, &sum, 1, to, 1);
        }
}
