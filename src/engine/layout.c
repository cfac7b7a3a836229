/* Where the phases of a tile lie: see layout.h. */
#include "engine/layout.h"

struct phase tile_phase(const struct layer *layer, uint32_t number)
{
    const uint32_t step = phase_step(layer), kernel = layer->kernel;
    const uint32_t pad = is(layer, OP_CONV_TRANSPOSE) ? layer->pad : 0;
    struct phase phase;

    phase.y = number / step;
    phase.x = number % step;
    phase.first_row = (phase.y + pad) % step;
    phase.first_column = (phase.x + pad) % step;
    phase.rows = (kernel - phase.first_row + step - 1) / step; /* kernel >= step > first_row */
    phase.columns = (kernel - phase.first_column + step - 1) / step;
    return phase;
}
