/* The reference: convolution and transposed convolution, both by gathering. Each output value sums
 * over the kernel's places that meet the input; values outside it are zero and are skipped. */
#include "engine/kernels/kernels.h"
#include "engine/kernels/reference/dot.h"

/* Add what the kernel's place (row, column) contributes when it meets source value (at_y, at_x). */
static int32_t place(const struct layer *layer, const struct rows *source, uint32_t channel,
                     uint32_t row, uint32_t column, int32_t at_y, int32_t at_x)
{
    const int8_t *x;

    if (at_y < 0 || at_y >= source->height || at_x < 0 || at_x >= source->width) return 0;
    x = row_at(source, (uint32_t)at_y) + (uint32_t)at_x * source->channels;
    return whim_dot(layer, channel, (row * layer->kernel + column) * source->channels, x,
                    source->channels);
}

/* out[y, x] = sum of in[y * stride + row - pad, x * stride + column - pad] * w[row, column] */
static int32_t conv_sum(const struct layer *layer, const struct rows *source, uint32_t channel,
                        uint32_t y, uint32_t x)
{
    int32_t sum = 0;
    uint32_t row, column;

    for (row = 0; row < layer->kernel; row++)
        for (column = 0; column < layer->kernel; column++)
            sum += place(layer, source, channel, row, column,
                         (int32_t)(y * layer->stride + row) - layer->pad,
                         (int32_t)(x * layer->stride + column) - layer->pad);
    return sum;
}

/* A pooled layer has the largest sum of each 2x2. */
static void conv_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    const uint32_t side = is_pooled(layer) ? 2 : 1;
    uint32_t x, channel, i;

    for (x = 0; x < layer->width; x++)
        for (channel = 0; channel < layer->channels; channel++) {
            int32_t sum = INT32_MIN;
            for (i = 0; i < side * side; i++) {
                int32_t other = conv_sum(layer, source, channel, side * y + i / side,
                                         side * x + i % side);
                if (other > sum) sum = other;
            }
            whim_requantise(layer, channel, &sum, 1, out++, 1);
        }
}

/* in[i, j] * w[row, column] goes to out[i * stride + row - pad, j * stride + column - pad]. Seen
 * from out[y, x], only every stride-th row and column of the kernel has such i and j: its phase. */
static void conv_transpose_row(const struct layer *layer, const struct rows *source, uint16_t y,
                               int8_t *out)
{
    uint32_t stride = layer->stride, from_y = y + (uint32_t)layer->pad;
    uint32_t x, channel, row, column;

    for (x = 0; x < layer->width; x++) {
        uint32_t from_x = x + layer->pad;
        for (channel = 0; channel < layer->channels; channel++) {
            int32_t sum = 0;
            for (row = from_y % stride; row < layer->kernel; row += stride)
                for (column = from_x % stride; column < layer->kernel; column += stride)
                    sum += place(layer, source, channel, row, column,
                                 ((int32_t)from_y - (int32_t)row) / (int32_t)stride,
                                 ((int32_t)from_x - (int32_t)column) / (int32_t)stride);
            whim_requantise(layer, channel, &sum, 1, out++, 1);
        }
    }
}

void whim_conv_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    if (is(layer, OP_CONV)) conv_row(layer, source, y, out);
    else conv_transpose_row(layer, source, y, out);
}
