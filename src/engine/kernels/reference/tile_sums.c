/* The reference: weights of a block one by one, each with each column. */
#include "engine/bytes.h"
#include "engine/kernels/tiles.h"

void whim_unpack_block(const struct layer *layer, const uint8_t *packed, uint32_t count,
                       void *weights)
{
    int8_t *to = weights;
    uint32_t i;

    for (i = 0; i < count * TILE; i++)
        *to++ = whim_tile_weight(layer, packed + i / TILE * layer->unit_bytes, i % TILE);
}

void whim_add_columns(const struct layer *layer, const void *weights, uint32_t count,
                      const int8_t *x, uint32_t x_step, uint32_t columns, int32_t *sums)
{
    uint32_t column, c, i;

    (void)layer;
    for (column = 0; column < columns; column++)
        for (c = 0; c < count; c++)
            for (i = 0; i < TILE; i++)
                sums[column * TILE + i] +=
                    x[column * x_step + c] * ((const int8_t *)weights)[c * TILE + i];
}
