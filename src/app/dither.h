/* Turn a picture of 64x64 colours into black and white for the display's left half, one page at a
 * time.
 *
 * Brightness is stretched over the whole range, and a quarter of it is a pixel's rank among all
 * others, so that black cats and white ones have a face, too. What differs from its surroundings
 * and its neighbours is made to differ more: eyes and whiskers are what one looks for. Then the
 * error of each dot goes to its neighbours (Floyd and Steinberg, 1976), row by row to and fro. All
 * in integers; host/whim/dither.py computes the same. */
#ifndef APP_DITHER_H
#define APP_DITHER_H

#include <stdint.h>

enum { DITHER_SIZE = 64, DITHER_PAGES = DITHER_SIZE / 8 };
enum { DITHER_ROOM = DITHER_SIZE * DITHER_SIZE }; /* bytes */

/* A picture on its way. */
struct dither {
    uint8_t *tones;                      /* of all pixels, 0 to 255 */
    int16_t carried[2][DITHER_SIZE + 2]; /* errors, in 16ths, to a row and to the one below it */
    uint8_t page[DITHER_SIZE]; /* the latest: a byte is 8 pixels of a column, bit 0 on top */
    uint8_t y;                 /* rows made so far */
};

/* Begin. `rgb`: 64 rows of 64 pixels of red, green, blue, each a value + 128 from 0 to 255. `room`:
 * DITHER_ROOM bytes, free again after the last page. */
void dither_start(struct dither *dither, const int8_t *rgb, uint8_t *room);

/* Make the next of DITHER_PAGES pages in dither->page. */
void dither_page(struct dither *dither);

#endif
