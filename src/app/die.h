/* A roll of the die: fair numbers, and the input that makes the decoder draw them. */
#ifndef APP_DIE_H
#define APP_DIE_H

#include <stdint.h>

#include "whim/random.h"
#include "whim/status.h"

enum {
    DIE_INPUTS = 11, /* int8 values that the die model takes */
    DIE_SIZE = 32,   /* pixels, width and height of its picture */
    DIE_LATENT = 4,  /* size, shade, light_x, light_y */
    DIE_SHADE = 1
};

struct die {
    uint8_t pips;              /* 1-6 */
    uint8_t turn;              /* angle in 256ths of a full turn, clockwise as one sees it */
    int8_t latent[DIE_LATENT]; /* 127ths of the range that the model was trained on, -127 to 127 */
};

/* Roll: draws, in this order, the pips, the turn and the four latent values, each uniform over all
 * its values and independent of the others (whim_uniform of 6, 256 and 255). With a good source
 * that takes 6 bytes and rarely more. Errors: WHIM_ERR_ENTROPY, and `die` is then not a roll. */
enum whim_status die_roll(struct die *die, whim_entropy *entropy);

/* The model's input for `die`; the same numbers as inputs() of host/whim/dice.py. */
void die_inputs(const struct die *die, int8_t inputs[DIE_INPUTS]);

#endif
