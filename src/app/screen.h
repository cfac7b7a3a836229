/* What stands on the display, apart from the die itself: the number, the words, the error. The die
 * lies in the left half; the right half is the panel, with the number above a line of text.
 *
 * Errors: those of the display's driver. */
#ifndef APP_SCREEN_H
#define APP_SCREEN_H

#include <stdint.h>

#include "whim/status.h"

/* Write `pips` (1-6, or 0 for "?") large on the panel. The place must be dark. */
enum whim_status screen_number(uint32_t pips);

/* Write `text` in the panel's middle, on page 7. The line must be dark. */
enum whim_status screen_caption(const char *text);

/* Write `text` in the middle of `columns` columns from `column` on, on `page`, which need not be
 * dark. */
enum whim_status screen_line(const char *text, uint32_t column, uint32_t columns, uint32_t page);

/* Write `text` twice as high in the middle of the 64 columns from `column` on, on `page` and the
 * one below it, which must be dark. */
enum whim_status screen_word(const char *text, uint32_t column, uint32_t page);

/* How many columns the small glyph of `character` has; *columns points to them. For boards with a
 * DAC. */
uint32_t screen_glyph(char character, const uint8_t **columns);

/* Fill the display with an error: its short name, and where to read more. */
enum whim_status screen_error(const char *name);

#endif
