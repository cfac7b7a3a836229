/* Open a model file and run it row by row.
 *
 * The whole model lies in memory that the caller owns (flash, usually); the engine allocates
 * nothing, copies no weights and holds no state outside the structs below. docs/FORMAT.md defines
 * the file and the arithmetic.
 *
 *     struct whim_model model;
 *     struct whim_run run;
 *     enum whim_status status = whim_open(&model, file, length);
 *     if (!status) status = whim_start(&run, &model, input, arena, sizeof arena);
 *     while (!status && !(status = whim_next_row(&run, &row))) show(row);
 */
#ifndef WHIM_MODEL_H
#define WHIM_MODEL_H

#include <stdint.h>

#include "whim/status.h"

enum { WHIM_MAX_LAYERS = 12 };

/* A model that has been checked. Its file must stay where it is, as it is. */
struct whim_model {
    const uint8_t *file;
    uint32_t arena_bytes; /* RAM for the rows of all layers, exactly */
    uint32_t macs;        /* nominal multiply-accumulates of one picture */
    uint16_t inputs;      /* int8 values that condition a picture */
    uint16_t width, height, channels; /* of the picture */
    uint8_t layers;
};

/* One picture in the making. `made[i]` counts the rows of layer i that exist so far. */
struct whim_run {
    const struct whim_model *model;
    const int8_t *input;
    int8_t *arena;
    uint16_t made[WHIM_MAX_LAYERS];
};

/* Check all of `file` (header, CRCs, every layer's shapes, bounds and sums) and describe it in
 * `model`. It must be aligned to 4 bytes. Nothing read later can lie outside the file or the arena.
 * Errors: any of the model file's. */
enum whim_status whim_open(struct whim_model *model, const uint8_t *file, uint32_t length);

/* Cut an open model off behind its first `layers`, 1 to the whole model's number: what the last of
 * them makes is then the picture. For looking at layers one by one. The arena is as large as
 * before, and macs no longer tells the truth. */
void whim_cut(struct whim_model *model, unsigned layers);

/* Begin a picture. `input`: model->inputs values; it must stay in place until the last row is made.
 * Errors: WHIM_ERR_ARENA when `arena_bytes` < model->arena_bytes, WHIM_ERR_UNALIGNED when `arena`
 * is not aligned to 4 bytes. */
enum whim_status whim_start(struct whim_run *run, const struct whim_model *model,
                            const int8_t *input, void *arena, uint32_t arena_bytes);

/* Make the picture's next row, top to bottom: `*row` points to width * channels values, channels
 * innermost, valid until the next call. A grey value is row[x] + 128, 0 black to 255 white.
 * Answers WHIM_DONE, and leaves *row alone, after the last row. */
enum whim_status whim_next_row(struct whim_run *run, const int8_t **row);

#endif
