/* A sentence that scrolls by while it is spoken: lines of text, of which four are seen, and which
 * move up pixel by pixel so that what is being said stays in sight. */
#ifndef APP_CAPTION_H
#define APP_CAPTION_H

#include <stdint.h>

#include "whim/audio.h"
#include "whim/status.h"

enum {
    CAPTION_PAGE = 4, /* where it begins; it goes down to the display's end */
    CAPTION_PAGES = 4,
    CAPTION_COLUMNS = 61, /* of the 64 that it is given: a margin to its left */
    CAPTION_MARGIN = 3,
    CAPTION_TEXT = WHIM_VERDICT_SLOTS * WHIM_BANK_TEXT,
    CAPTION_LINES = 64 /* more than the longest text needs if it has any spaces */
};

struct caption {
    const struct whim_fragment *fragments;
    char text[CAPTION_TEXT];
    uint16_t starts[CAPTION_LINES + 1]; /* of each line, in the text; then the text's length */
    uint8_t lines, column;
    int16_t top; /* pixels that it has moved up, or -1 while nothing is shown */
};

/* Prepare the sentence of these WHIM_VERDICT_SLOTS fragments, which stay where they are, for
 * 64 columns from `column` on. */
void caption_start(struct caption *caption, const struct whim_fragment *fragments,
                   uint32_t column);

/* Show it as it should be when so many samples of the fragments have been heard; sends nothing
 * where that looks as before. Errors: the display's. */
enum whim_status caption_show(struct caption *caption, uint32_t heard);

#endif
