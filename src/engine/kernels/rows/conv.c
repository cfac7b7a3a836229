/* Convolution and transposed convolution, a channel's row at a time: each weight is unpacked once
 * and added to all columns that it reaches; the reference unpacks it for every column anew. */
#include "engine/kernels/kernels.h"
#include "engine/kernels/rows/pool.h"
#include "engine/kernels/rows/sums.h"
#include "engine/kernels/tiles.h"

static int32_t divide_up(int32_t a, int32_t b)
{
    if (b == 1) return a;
    return a <= 0 ? -(-a / b) : (a + b - 1) / b;
}

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Add to `sums`, which stand for output columns from <= x < to, what the kernel's place (row,
 * column) gives them from source row `line`. */
static void add_place(const struct layer *layer, uint32_t channel, uint32_t row, int32_t column,
                      const int8_t *line, int32_t from, int32_t to, int32_t *sums)
{
    int32_t stride = layer->stride, width = layer->in_width, shift = layer->pad - column;
    uint32_t channels = layer->in_channels;
    uint32_t first = (row * layer->kernel + (uint32_t)column) * channels;
    struct stretch stretch = {sums, 1, channels, 0};
    int32_t begin, end, skip;

    if (is(layer, OP_CONV)) {
        /* Output x reads source x * stride - shift. */
        begin = larger(from, divide_up(shift, stride));
        end = smaller(to, divide_up(width + shift, stride));
        if (begin >= end) return;
        skip = begin * stride - shift;
        stretch.sums += begin - from;
        stretch.x_step *= (uint32_t)stride;
    } else {
        /* Source i goes to output i * stride - shift. */
        begin = larger(0, divide_up(from + shift, stride));
        end = smaller(width, divide_up(to + shift, stride));
        if (begin >= end) return;
        skip = begin;
        stretch.sums += begin * stride - shift - from;
        stretch.sums_step = (uint32_t)stride;
    }
    line += skip * (int32_t)channels;
    stretch.count = (uint32_t)(end - begin);
    whim_add_weights(layer, channel, first, channels, &stretch, line);
}

/* The sums of a channel for columns from <= x < to of row y, before any pooling. */
static void sum_up(const struct layer *layer, const struct rows *source, uint32_t channel,
                   int32_t y, int32_t from, int32_t to, int32_t *sums)
{
    int32_t stride = layer->stride, row, column, i;

    for (i = 0; i < STRETCH; i++) sums[i] = 0;
    for (row = 0; row < layer->kernel; row++) {
        int32_t at = y * stride + row - layer->pad;
        if (is(layer, OP_CONV_TRANSPOSE)) {
            at = y + layer->pad - row;
            if (at % stride) continue; /* not this row's phase */
            at /= stride;
        }
        if (at < 0 || at >= source->height) continue;
        for (column = 0; column < layer->kernel; column++)
            add_place(layer, channel, (uint32_t)row, column, row_at(source, (uint32_t)at), from, to,
                      sums);
    }
}

/* A pooled layer's sums for what columns from <= x < to become. Apart, for the memory that it takes
 * on the stack. */
__attribute__((noinline)) static void sum_up_pooled(const struct layer *layer,
                                                    const struct rows *source, uint32_t channel,
                                                    int32_t y, int32_t from, int32_t to,
                                                    int32_t *sums)
{
    int32_t below[STRETCH];

    sum_up(layer, source, channel, 2 * y, from, to, sums);
    sum_up(layer, source, channel, 2 * y + 1, from, to, below);
    pool(sums, below, (to - from) / 2);
}

/* All channels of row y, for columns from <= x < to of what is not pooled yet. */
static void make_stretch(const struct layer *layer, const struct rows *source, int32_t y,
                         int32_t from, int32_t to, int8_t *out)
{
    int32_t sums[STRETCH], count = to - from;
    uint32_t channel;

    if (is_pooled(layer)) count /= 2;
    for (channel = 0; channel < layer->channels; channel++) {
        if (is_pooled(layer)) sum_up_pooled(layer, source, channel, y, from, to, sums);
        else sum_up(layer, source, channel, y, from, to, sums);
        whim_requantise(layer, channel, sums, (uint32_t)count, out + channel, layer->channels);
    }
}

void whim_conv_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    int32_t from, to, width = layer->width, side = is_pooled(layer) ? 2 : 1;

    if (is_tiled(layer)) {
        whim_tiled_row(layer, source, y, out);
        return;
    }
    width *= side;
    for (from = 0; from < width; from = to) { /* STRETCH is even */
        to = smaller(from + STRETCH, width);
        make_stretch(layer, source, y, from, to, out + from / side * layer->channels);
    }
}
