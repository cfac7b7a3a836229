/* Upsampling by repetition and by interpolation. */
#include "engine/kernels/kernels.h"

void whim_nearest_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    const int8_t *row = row_at(source, y / layer->stride);
    uint32_t x, channel;

    for (x = 0; x < layer->width; x++)
        for (channel = 0; channel < layer->channels; channel++)
            *out++ = row[x / layer->stride * layer->channels + channel];
}

static int32_t steps_of(int32_t target)
{
    return target > 1 ? target - 1 : 1;
}

/* The source's column `x` of a channel, interpolated down between two rows: `after` of `steps`. The
 * column behind the last is never weighed, and answers 0. */
static int32_t down(const struct layer *layer, const int8_t *above, const int8_t *below, int32_t x,
                    int32_t after, int32_t steps)
{
    uint32_t at = (uint32_t)x * layer->channels;

    if (x >= layer->in_width) return 0;
    return above[at] * (steps - after) + below[at] * after;
}

/* Ends aligned: output y lies at y * (in_height - 1) / steps of the source. The denominators stay
 * in the sum, |sum| <= 128 * 4095^2 < 2^31, and leave with the multiplier. From column to column
 * the sum changes by the same difference until the next source column is passed: no
 * multiplication. Differences of large pictures may leave 32 bits: they are added modulo 2^32, in
 * which the sum is right. */
void whim_bilinear_row(const struct layer *layer, const struct rows *source, uint16_t y,
                       int8_t *out)
{
    int32_t steps_y = steps_of(layer->height), steps_x = steps_of(layer->width);
    int32_t position = y * (layer->in_height - 1), stride = layer->in_width - 1;
    int32_t after_y = position % steps_y;
    uint32_t first = (uint32_t)(position / steps_y), channel, x;
    const int8_t *above = row_at(source, first);
    const int8_t *below = row_at(source, first + (after_y > 0));

    for (channel = 0; channel < layer->channels; channel++, above++, below++) {
        /* As if the source's column -1 had just been passed: the first output starts column 0. */
        int32_t left, right = down(layer, above, below, 0, after_y, steps_y);
        int32_t column = 0, after = steps_x;
        uint32_t sum = 0, slope = 0, filled = 0;
        int32_t sums[STRETCH];
        int8_t *to = out + channel;

        for (x = 0; x < layer->width; x++) {
            while (after >= steps_x) {
                after -= steps_x;
                left = right;
                right = down(layer, above, below, ++column, after_y, steps_y);
                slope = (uint32_t)(right - left);
                sum = (uint32_t)(left * steps_x) + slope * (uint32_t)after;
                slope *= (uint32_t)stride;
            }
            sums[filled++] = (int32_t)sum;
            after += stride;
            sum += slope;
            if (filled < STRETCH && x + 1u < layer->width) continue;
            whim_requantise(layer, 0, sums, filled, to, layer->channels);
            to += filled * layer->channels;
            filled = 0;
        }
    }
}
