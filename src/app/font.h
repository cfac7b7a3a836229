/* Two typefaces for the display: a small one for words and a large one for the number. */
#ifndef APP_FONT_H
#define APP_FONT_H

#include <stdint.h>

enum {
    FONT_WIDEST = 5, /* columns of a small glyph, at most; it is one page high */
    FONT_LARGE_COLUMNS = 32,
    FONT_LARGE_PAGES = 6,
    FONT_UNKNOWN = 6 /* the large glyph "?"; before it stand 1 to 6 */
};

/* The characters that font_small has, in its order. */
extern const char font_characters[];

/* For each: its width in columns, then the columns, bit 0 on top. */
extern const uint8_t font_small[][1 + FONT_WIDEST];

/* For 1 to 6 and "?": page by page, column by column, bit 0 on top. */
extern const uint8_t font_large[][FONT_LARGE_PAGES * FONT_LARGE_COLUMNS];

#endif
