/* A picture that comes over the serial line: 256 hexadecimal digits, each a pixel of 0 (paper) to
 * 15 (ink), row by row, on one line. */
#ifndef APP_DIGITS_IMAGE_H
#define APP_DIGITS_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

enum { IMAGE_PATIENCE_MS = 5000 };

/* Take over a line of which `begun` has been typed: unless it is `whole`, read the rest of it,
 * without an echo, up to its end, to Ctrl-C, or until for IMAGE_PATIENCE_MS nothing has come. Put
 * its pixels into `picture` (DIGITS_PIXELS). Answers true if it had as many digits as that, and
 * nothing else but spaces; else tells what was wrong with it, and `picture` holds anything. */
bool image_read(const char *begun, bool whole, int8_t *picture);

#endif
