/* Turn the decoder's 32x32 grey into 64x64 crisp black and white, one display page at a time.
 *
 * The picture is made twice as large by bilinear interpolation, in integers, with pixel centres
 * kept in place. One threshold, which follows the die's shade, parts light from dark, so edges are
 * as sharp as the grey picture knows them; where it is smooth and light, a sparse ordered dither
 * draws its shade, as single dark dots that never touch each other or an edge. host/whim/crisp.py
 * computes the same, and the numbers come from there. */
#ifndef APP_CRISP_H
#define APP_CRISP_H

#include <stdint.h>

#include "app/die.h"
#include "whim/model.h"

enum { CRISP_SIZE = 2 * DIE_SIZE, CRISP_PAGES = CRISP_SIZE / 8 };

/* A picture on its way: 140 bytes with 32-bit pointers, 100 of them for pixels. */
struct crisp {
    struct whim_run run;
    const int8_t *row;           /* the model's latest, valid until the next */
    int8_t above[DIE_SIZE];      /* a copy of the one before it */
    uint8_t page[CRISP_SIZE];    /* the latest page: a byte is 8 pixels of a column, bit 0 on top */
    int16_t edge;                /* 16 times the signed grey above which a pixel is lit */
    uint8_t y;                   /* rows of 64 made so far */
};

/* Begin a picture; like whim_start, whose errors it answers. The model's picture must be DIE_SIZE
 * wide and high with one channel. `shade`: the die's latent value of that name. */
enum whim_status crisp_start(struct crisp *crisp, const struct whim_model *model,
                             const int8_t *input, void *arena, uint32_t arena_bytes, int8_t shade);

/* Make the next of CRISP_PAGES pages in crisp->page. Errors: those of whim_next_row. */
enum whim_status crisp_page(struct crisp *crisp);

#endif
