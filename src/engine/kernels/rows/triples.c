/* Convolution in triples: sums of a channel's row, to which source rows are added one weight at a
 * time. A weight of zero costs nothing, and no other one a multiplication. */
#include <stddef.h>

#include "engine/bytes.h"
#include "engine/kernels/kernels.h"
#include "engine/kernels/rows/pool.h"

enum { ROW = 2 * STRETCH }; /* columns of sums at a time, for STRETCH outputs */

/* sums[x] += or -= row[first + x], for the columns x < count that the source has. */
static void add_row(int32_t *sums, int32_t count, const int8_t *row, int32_t width, int32_t first,
                    bool minus)
{
    int32_t x = first < 0 ? -first : 0, end = width - first < count ? width - first : count;

    if (minus)
        for (; x < end; x++) sums[x] -= row[first + x];
    else
        for (; x < end; x++) sums[x] += row[first + x];
}

/* The sums of row `y` of the convolution, columns from <= x < from + count, of the channel whose
 * weights begin at `words`. */
static void sum_up(const struct layer *layer, const struct rows *source, const uint8_t *words,
                   int32_t y, int32_t from, int32_t count, int32_t *sums)
{
    static const uint8_t power[] = {9, 3, 1};
    const int32_t width = source->width, channels = source->channels;
    int32_t row, channel, column, x;

    for (x = 0; x < count; x++) sums[x] = 0;
    for (row = y - layer->pad; row < y - layer->pad + 3; row++) {
        const bool outside = row < 0 || row >= source->height;
        const int8_t *line = outside ? NULL : row_at(source, (uint32_t)row);
        uint32_t codes = 0;
        for (channel = 0; channel < channels; channel++, codes >>= 5) {
            if (channel % 3 == 0) {
                codes = load16(words);
                words += 2;
            }
            for (column = 0; column < 3 && !outside; column++) {
                const uint32_t digit = (codes & 31) / power[column] % 3; /* 1 is zero */
                if (digit != 1)
                    add_row(sums, count, line + channel * width, width,
                            from + column - layer->pad, !digit);
            }
        }
    }
}

void whim_triples_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    const int32_t side = is_pooled(layer) ? 2 : 1;
    const uint8_t *words = layer->weights;
    int32_t sums[ROW], below[ROW], channel, from, count;

    for (channel = 0; channel < layer->channels; channel++, words += triple_bytes(layer)) {
        int8_t *to = out + channel * layer->channel_step;
        for (from = 0; from < layer->width; from += count) {
            count = layer->width - from < STRETCH ? layer->width - from : STRETCH;
            sum_up(layer, source, words, side * y, side * from, side * count, sums);
            if (side == 2) {
                sum_up(layer, source, words, 2 * y + 1, 2 * from, 2 * count, below);
                pool(sums, below, count);
            }
            whim_requantise(layer, (uint32_t)channel, sums, (uint32_t)count,
                            to + from * layer->pixel_step, layer->pixel_step);
        }
    }
}
