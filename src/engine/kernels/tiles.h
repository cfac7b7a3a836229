/* Accumulating by tiles: what both executors share. The streamed one goes through all rows of the
 * output with each block of weights, the other through all blocks with each row; in between lies
 * the same work, one block of weights on one row. */
#ifndef WHIM_ENGINE_KERNELS_TILES_H
#define WHIM_ENGINE_KERNELS_TILES_H

#include "engine/kernels/kernels.h"
#include "engine/layout.h"

enum { BLOCK = 64, BLOCK_BYTES = BLOCK * TILE * 2 }; /* records of 16 weights, once unpacked */

/* Records of one place of the kernel, for some input channels. */
struct block {
    uint32_t row, column;  /* of the kernel */
    uint32_t first, count; /* input channels; count <= BLOCK */
    const void *weights;   /* as whim_unpack_block left them */
};

/* Unpack `count` records to `weights`, BLOCK_BYTES aligned to 4, in the form that suits
 * whim_add_block. */
void whim_unpack_block(const struct layer *layer, const uint8_t *packed, uint32_t count,
                       void *weights);

/* Weight `lane`, 0 to 15, of a record as it lies in the file. */
int8_t whim_tile_weight(const struct layer *layer, const uint8_t *record, uint32_t lane);

/* Add what `block` gives to output row `y`, one of its phase's: to the phase's outputs
 * from <= k < to of that row, 16 sums each. What lies outside of the source is zero. */
void whim_add_block(const struct layer *layer, const struct block *block,
                    const struct phase *phase, const struct rows *source, uint32_t y,
                    uint32_t from, uint32_t to, int32_t *sums);

/* The innermost loop, fast or plain: for each of `columns` outputs, 16 sums more, sums[16 * k + i]
 * gains x[k * x_step + c] * weight i of record c, for all c < count. */
void whim_add_columns(const struct layer *layer, const void *weights, uint32_t count,
                      const int8_t *x, uint32_t x_step, uint32_t columns, int32_t *sums);

/* The phase's outputs from <= k < to of row y, from sums to bytes. `row`: where output row y lies.
 * `channel`: the tile's first; its records are the first `channels` of layer->records. */
void whim_finish_tile(const struct layer *layer, const struct phase *phase, uint32_t channel,
                      uint32_t channels, uint32_t from, uint32_t to, const int32_t *sums,
                      int8_t *row);

/* Row y of a layer whose weights lie in memory, in tiles. */
void whim_tiled_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out);

#endif
