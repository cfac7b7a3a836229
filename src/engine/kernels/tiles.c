/* Where a block of weights meets the source, and the row-by-row executor's loop over blocks. */
#include "engine/kernels/tiles.h"

void whim_add_block(const struct layer *layer, const struct block *block,
                    const struct phase *phase, const struct rows *source, uint32_t y,
                    uint32_t from, uint32_t to, int32_t *sums)
{
    const int32_t stride = layer->stride, width = source->width;
    const int32_t row = (int32_t)block->row - layer->pad, pad = layer->pad;
    int32_t begin = (int32_t)from, end = (int32_t)to, at_y, at_x, in_step = stride;
    const int8_t *x;

    if (is(layer, OP_CONV)) {
        /* Output k reads source k * stride + column - pad: begin and end at the first k for which
         * that is at least 0, and at least the width. */
        const int32_t shift = pad - (int32_t)block->column;
        const int32_t first = shift > 0 ? (shift + stride - 1) / stride : 0;
        const int32_t last = width + shift > 0 ? (width + shift + stride - 1) / stride : 0;
        at_y = (int32_t)y * stride + row;
        if (begin < first) begin = first;
        if (end > last) end = last;
        at_x = begin * stride - shift;
    } else {
        /* Output k of the phase, k * stride + phase->x, reads source k + shift. The phase is the
         * place's: the division has no rest. */
        const int32_t shift = ((int32_t)phase->x + pad - (int32_t)block->column) / stride;
        at_y = ((int32_t)y - row) / stride;
        if ((int32_t)y < row) return;
        if (begin < -shift) begin = -shift;
        if (end > width - shift) end = width - shift;
        at_x = begin + shift;
        in_step = 1;
    }
    if (at_y < 0 || at_y >= source->height || begin >= end) return;
    x = row_at(source, (uint32_t)at_y) + (uint32_t)at_x * source->channels + block->first;
    whim_add_columns(layer, block->weights, block->count, x, (uint32_t)in_step * source->channels,
                     (uint32_t)(end - begin), sums + (uint32_t)(begin - (int32_t)from) * TILE);
}

void whim_finish_tile(const struct layer *layer, const struct phase *phase, uint32_t channel,
                      uint32_t channels, uint32_t from, uint32_t to, const int32_t *sums,
                      int8_t *row)
{
    const uint32_t step = phase_step(layer), out_step = step * layer->channels;
    uint32_t lane, done, run, i;
    int32_t line[STRETCH];

    for (done = from; done < to; done += run, sums += run * TILE) {
        int8_t *out = row + (phase->x + done * step) * layer->channels + channel;
        run = to - done < STRETCH ? to - done : STRETCH;
        for (lane = 0; lane < channels; lane++) {
            for (i = 0; i < run; i++) line[i] = sums[i * TILE + lane];
            whim_requantise(layer, lane, line, run, out + lane, out_step);
        }
    }
}

/* Add all places of a phase, whose weights begin at `packed`, to its outputs from <= k < to of row
 * y. */
static void add_phase(const struct layer *layer, const struct phase *phase, const uint8_t *packed,
                      const struct rows *source, uint32_t y, uint32_t from, uint32_t to,
                      int32_t *sums)
{
    const uint32_t step = phase_step(layer), channels = layer->in_channels;
    uint32_t weights[BLOCK_BYTES / 4], i;

    for (i = 0; i < phase->rows * phase->columns; i++) {
        struct block block = {phase->first_row + i / phase->columns * step,
                              phase->first_column + i % phase->columns * step, 0, 0, weights};
        for (; block.first < channels; block.first += block.count) {
            uint32_t left = channels - block.first;
            block.count = left < BLOCK ? left : BLOCK;
            whim_unpack_block(layer, packed, block.count, weights);
            packed += block.count * layer->unit_bytes;
            whim_add_block(layer, &block, phase, source, y, from, to, sums);
        }
    }
}

void whim_tiled_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    const uint32_t step = phase_step(layer);
    const uint32_t phase_bytes = layer->in_channels * layer->unit_bytes;
    struct layer one = *layer; /* a tile, with its own records */
    int32_t sums[STRETCH * TILE];
    uint32_t tile, number, from, to, i;

    one.layout = LAYOUT_PLAIN;
    for (tile = 0; tile < tiles(layer); tile++) {
        const uint8_t *packed = layer->records + tile * tile_bytes(layer);
        one.records = packed;
        packed += TILE * record_bytes(layer);
        for (number = 0; number < step * step; number++) {
            const struct phase phase = tile_phase(layer, number);
            const uint32_t outputs = phase_outputs(layer, &phase);
            for (from = 0; phase.y == y % step && from < outputs; from = to) {
                to = outputs - from < STRETCH ? outputs : from + STRETCH;
                for (i = 0; i < (to - from) * TILE; i++) sums[i] = 0;
                add_phase(layer, &phase, packed, source, y, from, to, sums);
                whim_finish_tile(&one, &phase, tile * TILE, tile_channels(layer, tile), from, to,
                                 sums, out);
            }
            packed += phase.rows * phase.columns * phase_bytes;
        }
    }
}
