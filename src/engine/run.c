/* The row-by-row executor: pull one row of the picture, and with it the few rows that it needs. */
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

/* The rows that layer `index` holds of its output. */
static void output_of(struct rows *rows, const struct whim_run *run, unsigned index)
{
    struct layer layer, consumer;

    layer_load(&layer, run->model, index);
    rows->held = 1;
    if (index + 1u < run->model->layers) {
        layer_load(&consumer, run->model, index + 1);
        rows->held = layer_rows_held(&layer, &consumer);
    }
    rows->values = run->arena + layer.arena;
    rows->row_bytes = (uint32_t)layer.width * layer.channels;
    rows->channels = layer.channels;
    rows->height = layer.height;
    rows->width = layer.width;
}

/* Make the next row of layer `index`, whose source rows are all there. */
static const int8_t *make_row(struct whim_run *run, unsigned index, const struct layer *layer)
{
    struct rows source = {run->input, 0, run->model->inputs, 1, 1, 1}, out;
    uint16_t y = run->made[index]++;

    if (index) output_of(&source, run, index - 1);
    output_of(&out, run, index);
    whim_make_row(layer, &source, y, (int8_t *)row_at(&out, y));
    return row_at(&out, y);
}

enum whim_status whim_next_row(struct whim_run *run, const int8_t **row)
{
    unsigned last = run->model->layers - 1u, index = last;
    struct layer layer;

    if (run->made[last] == run->model->height) return WHIM_DONE;
    for (;;) {
        /* Go back to a layer whose source rows are all there, make its next row, go forward
         * again. */
        layer_load(&layer, run->model, index);
        if (index && run->made[index - 1] <= layer_last_row(&layer, run->made[index])) {
            index--;
            continue;
        }
        *row = make_row(run, index, &layer);
        if (index == last) return WHIM_OK;
        index++;
    }
}
