/* The row-by-row executor: pull one row of the picture, and with it the few rows that it needs. */
#include "engine/bytes.h"
#include "engine/kernels/kernels.h"
#include "engine/layer.h"

enum whim_status whim_start(struct whim_run *run, const struct whim_model *model,
                            const int8_t *input, void *arena, uint32_t arena_bytes)
{
    unsigned i;

    if ((uintptr_t)arena & 3) return WHIM_ERR_UNALIGNED;
    if (arena_bytes < model->arena_bytes) return WHIM_ERR_ARENA;
    run->model = model;
    run->input = input;
    run->arena = arena;
    for (i = 0; i < model->layers; i++) run->made[i] = 0;
    return WHIM_OK;
}

/* Make the next row of layer `index`, whose source rows are all there. */
static const int8_t *make_row(struct whim_run *run, unsigned index, const struct layer *layer)
{
    const struct whim_model *model = run->model;
    struct rows source = {run->input, (uint32_t)layer->in_width * layer->in_channels,
                          layer->in_channels, layer->in_height, layer->in_width,
                          layer->in_height};
    const uint16_t y = run->made[index]++;
    int8_t *row = run->arena + layer->arena;
    struct layer consumer;

    if (index) {
        source.values = run->arena + load32(entry_at(model->file, index - 1) + LAYER_ARENA);
        source.held = rows_held(layer);
    }
    if (index + 1u < model->layers) {
        layer_entry(&consumer, model, index + 1);
        row += y % rows_held(&consumer) * ((uint32_t)layer->width * layer->channels);
    }
    whim_make_row(layer, &source, y, row);
    return row;
}

enum whim_status whim_next_row(struct whim_run *run, const int8_t **row)
{
    unsigned last = run->model->layers - 1u, index = last;
    struct layer layer;

    if (run->made[last] == run->model->height) return WHIM_DONE;
    for (;;) {
        /* Go back to a layer whose source rows are all there, make its next row, go forward
         * again. */
        layer_entry(&layer, run->model, index);
        if (index && run->made[index - 1] <= layer_last_row(&layer, run->made[index])) {
            index--;
            continue;
        }
        layer_load(&layer, run->model, index);
        *row = make_row(run, index, &layer);
        if (index == last) return WHIM_OK;
        index++;
    }
}
