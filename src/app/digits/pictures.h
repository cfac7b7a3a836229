/* The pictures that the image has with it, one of each digit: data/digits-pictures.txt, which the
 * build turns into a C file.
 *
 * DIGITS pictures of DIGITS_PIXELS, one after the other, row by row, in half bytes, the upper half
 * first: 1 to 15 is a pixel; 0, and a half byte n behind it, are n + 1 pixels of 0. */
#ifndef APP_DIGITS_PICTURES_H
#define APP_DIGITS_PICTURES_H

#include <stdint.h>

extern const uint8_t digits_pictures[];

#endif
