/* Which digit a picture shows. */
#ifndef APP_DIGITS_CLASSIFY_H
#define APP_DIGITS_CLASSIFY_H

#include <stdint.h>

#include "whim/model.h"

enum {
    DIGITS = 10,
    DIGITS_SIDE = 16,
    DIGITS_PIXELS = DIGITS_SIDE * DIGITS_SIDE,
    DIGITS_LEVELS = 16 /* of a pixel: 0 is paper, 15 is ink */
};

/* The net, open, and room for it to work in; model.layers is 0 while there is none. */
struct classifier {
    struct whim_model model;
    struct whim_run run;
    int8_t *input; /* DIGITS_PIXELS of DIGITS_LEVELS, row by row */
    int8_t *arena;
    uint32_t arena_bytes;
};

struct answer {
    const int8_t *logits; /* DIGITS of them, valid until the classifier is used again */
    uint32_t digit;       /* the first with the largest logit */
    uint32_t margin;      /* by which it is larger than all others, 0 to 255 */
    uint32_t cycles;      /* of the core's clock, that the net took */
};

/* Open the net in `file`. The input may lie in the arena: then it is gone after classifying.
 * Errors: those of whim_open; WHIM_ERR_SHAPE for a model that is no net of digits, WHIM_ERR_ARENA
 * for one that needs a larger arena. */
enum whim_status classifier_open(struct classifier *classifier, const uint8_t *file,
                                 uint32_t length);

/* Classify the picture in classifier->input. Errors: those of the model. */
enum whim_status classify(struct classifier *classifier, struct answer *answer);

#endif
