/* The screens: see screen.h. Glyphs go to the display straight from flash. */
#include "app/screen.h"

#include <stdbool.h>

#include "app/font.h"
#include "drivers/ssd1306.h"

enum {
    PANEL = 64, /* the panel's first column */
    PANEL_COLUMNS = SSD1306_WIDTH - PANEL,
    NUMBER_COLUMN = PANEL + (PANEL_COLUMNS - FONT_LARGE_COLUMNS) / 2,
    CAPTION_PAGE = 7
};

static uint32_t place(char character)
{
    uint32_t i = 0;
    while (font_characters[i] && font_characters[i] != character) i++;
    return i;
}

/* The glyph of `character`; capitals are shown as small letters, strangers as "?". */
static const uint8_t *glyph(char character)
{
    if (character >= 'A' && character <= 'Z') character = (char)(character - 'A' + 'a');
    uint32_t i = place(character);
    return font_small[font_characters[i] ? i : place('?')];
}

/* Write as much of `text` as fits on one page, centred between two columns. */
static enum whim_status centred(const char *text, uint32_t column, uint32_t columns, uint32_t page)
{
    uint32_t width = 0, count = 0;
    while (text[count]) {
        uint32_t wider = width + (count ? 1 : 0) + glyph(text[count])[0];
        if (wider > columns) break;
        width = wider;
        count++;
    }
    if (!count) return WHIM_OK;
    enum whim_status status =
        ssd1306_window(column + (columns - width) / 2, width, page, 1);
    for (uint32_t i = 0; i < count && !status; i++) {
        const uint8_t *shape = glyph(text[i]);
        if (i) status = ssd1306_blank(1);
        if (!status) status = ssd1306_data(shape + 1, shape[0]);
    }
    return status;
}

enum whim_status screen_number(uint32_t pips)
{
    const uint8_t *shape = font_large[pips ? pips - 1 : FONT_UNKNOWN];
    enum whim_status status =
        ssd1306_window(NUMBER_COLUMN, FONT_LARGE_COLUMNS, 0, FONT_LARGE_PAGES);
    return status ? status : ssd1306_data(shape, FONT_LARGE_PAGES * FONT_LARGE_COLUMNS);
}

enum whim_status screen_caption(const char *text)
{
    return centred(text, PANEL, PANEL_COLUMNS, CAPTION_PAGE);
}

enum whim_status screen_line(const char *text, uint32_t column, uint32_t columns, uint32_t page)
{
    uint8_t line[SSD1306_WIDTH] = {0};
    uint32_t width = 0;
    for (; *text; text++) {
        const uint8_t *shape = glyph(*text);
        if (width + shape[0] > columns) break;
        for (uint32_t i = 0; i < shape[0]; i++) line[width++] = shape[1 + i];
        if (width < columns) width++; /* a gap */
    }
    if (width && width < columns) width--;
    uint32_t left = (columns - width) / 2;
    enum whim_status status = ssd1306_window(column, columns, page, 1);
    if (!status) status = ssd1306_blank(left);
    return status ? status : ssd1306_data(line, columns - left);
}

/* The upper 4 pixels of a column, or the lower ones, each twice as high. */
static uint8_t stretched(uint8_t column, bool lower)
{
    uint32_t tall = 0;
    for (uint32_t i = 0; i < 4; i++) {
        if (column >> (lower ? 4 + i : i) & 1) tall |= 3u << 2 * i;
    }
    return (uint8_t)tall;
}

enum whim_status screen_word(const char *text, uint32_t column, uint32_t page)
{
    uint32_t width = 0;
    for (const char *c = text; *c; c++) width += glyph(*c)[0] + (c > text);
    if (!width || width > PANEL_COLUMNS) return screen_line(text, column, PANEL_COLUMNS, page);
    enum whim_status status =
        ssd1306_window(column + (PANEL_COLUMNS - width) / 2, width, page, 2);
    for (int lower = 0; lower < 2; lower++) {
        for (const char *c = text; *c && !status; c++) {
            const uint8_t *shape = glyph(*c);
            uint8_t columns[1 + FONT_WIDEST] = {0};
            uint32_t gap = c > text;
            for (uint32_t i = 0; i < shape[0]; i++) {
                columns[gap + i] = stretched(shape[1 + i], lower);
            }
            status = ssd1306_data(columns, gap + shape[0]);
        }
    }
    return status;
}

#if WHIM_AUDIO
uint32_t screen_glyph(char character, const uint8_t **columns)
{
    const uint8_t *shape = glyph(character);
    *columns = shape + 1;
    return shape[0];
}
#endif

enum whim_status screen_error(const char *name)
{
    enum whim_status status = ssd1306_start();
    if (!status) status = centred("error", 0, SSD1306_WIDTH, 1);
    if (!status) status = centred(name, 0, SSD1306_WIDTH, 3);
    if (!status) status = centred("see the console", 0, SSD1306_WIDTH, 6);
    return status;
}
