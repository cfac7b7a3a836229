/* Throw the die across the display: it comes in from the right, rolls, slows down and comes to rest
 * in the left half. The decoder draws every frame live. */
#ifndef APP_TUMBLE_H
#define APP_TUMBLE_H

#include <stdint.h>

#include "app/crisp.h"
#include "app/die.h"
#include "drivers/button.h"
#include "whim/model.h"

/* Frames of a throw, and how long each stands; a board that needs longer for one takes longer. */
enum { TUMBLE_FRAMES = 14, TUMBLE_FRAME_MS = 60 };

/* What drawing needs beside the model: room that is free again afterwards. */
struct stage {
    struct crisp crisp;
    int8_t inputs[DIE_INPUTS];
    int8_t *arena;
    uint32_t arena_bytes;
};

/* Draw `die` with its left edge at `column` (0-127), cut off where the display ends, and darken
 * `trail` columns to the right of it. Errors: those of the model and of the display. */
enum whim_status stage_die(struct stage *stage, const struct whim_model *model,
                           const struct die *die, uint32_t column, uint32_t trail);

/* Draw the whole throw that ends with `die`, on a dark display. The faces on the way follow from
 * the last one, so a throw is the same bytes whenever it shows the same die. Presses of `button`
 * meanwhile are looked at and dropped: whoever is impatient gets one roll, not two. */
enum whim_status tumble(struct stage *stage, const struct whim_model *model, const struct die *die,
                        struct button *button);

#endif
