/* What stands on the display: the picture in the left half, in the right half the digit, and below
 * it a bar that says how sure the net is.
 *
 * The picture's 16 levels become 4x4 dots each, as many of them lit as its level says, in an order
 * that spreads them. Both halves are written over what stood there before, and the display stays on
 * meanwhile, so nothing flickers. */
#ifndef APP_DIGITS_VIEW_H
#define APP_DIGITS_VIEW_H

#include <stdint.h>

#include "whim/status.h"

#ifndef WHIM_DIGITS_DISPLAY
#define WHIM_DIGITS_DISPLAY 1 /* 0: an image that has no room for one */
#endif

enum view_half { VIEW_PICTURE, VIEW_DIGIT };

struct view {
    const int8_t *picture; /* DIGITS_PIXELS of 0 to 15, or NULL for none */
    uint32_t digit;        /* 0 to 9, or DIGITS for "?" */
    uint32_t margin;       /* 0 to 255: two of it are a dot of the bar, which has 64 */
};

/* Draw one half of `view`, which needs not say anything of the other. The picture comes first: with
 * it the display is set up, also one that lost power or was plugged in since. With the digit it is
 * switched on. Errors: those of the display's driver. */
#if WHIM_DIGITS_DISPLAY
enum whim_status view_draw(const struct view *view, enum view_half half);
#else
static inline enum whim_status view_draw(const struct view *view, enum view_half half)
{
    (void)view, (void)half;
    return WHIM_OK;
}
#endif

#endif
