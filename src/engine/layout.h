/* The layout of weights in tiles: 16 output channels together, in the order of their use. For a
 * stride-2 transposed convolution that is four small convolutions, one for each phase of the
 * output; nothing is ever multiplied by an inserted zero. docs/FORMAT.md has the layout.
 *
 *     tile: 16 records | phase (0, 0): place, place, ... | phase (0, 1): ...
 *     place of the kernel: for each input channel 16 weights
 */
#ifndef WHIM_ENGINE_LAYOUT_H
#define WHIM_ENGINE_LAYOUT_H

#include "engine/layer.h"

enum { TILE = 16, SUM_BYTES = 4 * TILE };

/* Every step-th output row and column belongs to a phase. */
static inline uint32_t phase_step(const struct layer *layer)
{
    return is(layer, OP_CONV_TRANSPOSE) ? layer->stride : 1;
}

static inline uint32_t tiles(const struct layer *layer)
{
    return (layer->channels + TILE - 1u) / TILE;
}

/* Channels of tile `tile`: 16, or what is left for the last one. */
static inline uint32_t tile_channels(const struct layer *layer, uint32_t tile)
{
    uint32_t left = layer->channels - TILE * tile;
    return left < TILE ? left : TILE;
}

/* Records and weights of a tile: at most 192 + 255^2 * 4096 * 16 < 2^32. */
static inline uint32_t tile_bytes(const struct layer *layer)
{
    return TILE * record_bytes(layer) + layer->fan_in * layer->unit_bytes;
}

/* Columns of output that a phase has, at most. */
static inline uint32_t phase_columns(const struct layer *layer)
{
    return (layer->width + phase_step(layer) - 1) / phase_step(layer);
}

/* int32 sums of a phase of a tile: what a streamed layer needs while it is made. */
static inline uint32_t sum_bytes(const struct layer *layer)
{
    uint32_t step = phase_step(layer), rows = (layer->height + step - 1) / step;
    return is_conv(layer) ? rows * phase_columns(layer) * SUM_BYTES : 0; /* <= MAX_VALUES * 64 */
}

/* Of all places of the kernel, those that the phase's outputs meet: every step-th from first_row
 * and first_column on, rows * columns of them. */
struct phase {
    uint32_t y, x; /* the phase's first output row and column */
    uint32_t first_row, first_column, rows, columns;
};

/* Phase `number`, 0 to step^2 - 1. */
struct phase tile_phase(const struct layer *layer, uint32_t number);

/* Outputs of a row in `phase`. */
static inline uint32_t phase_outputs(const struct layer *layer, const struct phase *phase)
{
    return (layer->width - phase->x + phase_step(layer) - 1) / phase_step(layer);
}

#endif
