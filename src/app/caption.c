/* The caption: see caption.h. */
#include "app/caption.h"

#include "app/screen.h"
#include "app/text.h"
#include "drivers/ssd1306.h"

enum { HEIGHT = 8, ABOVE = 12, PART = 16 }; /* pixels; those above what is said; of a character */

/* How many characters of the text from `from` on make a line, spaces at its end included. */
static uint32_t fitting(const char *from)
{
    const uint8_t *shape;
    uint32_t width = 0, count = 0, words = 0;
    while (from[count]) {
        if (from[count] == ' ') words = count + 1;
        width += screen_glyph(from[count], &shape);
        if (width > CAPTION_COLUMNS && from[count] != ' ') return words ? words : count;
        width++; /* a gap */
        count++;
    }
    return count;
}

void caption_start(struct caption *caption, const struct whim_fragment *fragments,
                   uint32_t column)
{
    char *end = caption->text;
    uint32_t at = 0;
    for (uint32_t i = 0; i < WHIM_VERDICT_SLOTS; i++) {
        end = text_add(text_add(end, i ? " " : ""), fragments[i].text);
    }
    caption->fragments = fragments;
    caption->column = (uint8_t)column;
    caption->lines = 0;
    caption->top = -1;
    while (caption->text[at] && caption->lines < CAPTION_LINES) {
        caption->starts[caption->lines++] = (uint16_t)at;
        at += fitting(caption->text + at);
    }
    caption->starts[caption->lines] = (uint16_t)at;
}

/* Which place in the text is being said, in parts of a character. */
static uint32_t place(const struct caption *caption, uint32_t heard)
{
    const char *text = caption->text;
    for (uint32_t i = 0;; i++) {
        const struct whim_fragment *fragment = &caption->fragments[i];
        uint32_t length = 0;
        while (fragment->text[length]) length++;
        if (heard < fragment->samples || i == WHIM_VERDICT_SLOTS - 1) {
            if (heard > fragment->samples) heard = fragment->samples;
            /* less than 16 * 108 * 192,000 */
            return PART * (uint32_t)(text - caption->text) +
                   PART * length * heard / fragment->samples;
        }
        heard -= fragment->samples;
        text += length + 1;
    }
}

/* How many pixels the text has to move up, so that this place is in sight. */
static int32_t top(const struct caption *caption, uint32_t place)
{
    const uint16_t *starts = caption->starts;
    int32_t most = HEIGHT * (caption->lines - CAPTION_PAGES), top;
    uint32_t line = 0;
    while (line + 1 < caption->lines && PART * starts[line + 1] <= place) line++;
    uint32_t length = PART * (uint32_t)(starts[line + 1] - starts[line]);
    uint32_t into = place - PART * starts[line];
    top = (int32_t)(HEIGHT * line + HEIGHT * into / length) - ABOVE;
    if (top > most) top = most;
    return top < 0 ? 0 : top;
}

/* The pixels of a line, in the middle of its columns; dark behind the last. */
static void draw(const struct caption *caption, uint32_t line, uint8_t pixels[CAPTION_COLUMNS])
{
    const uint8_t *shape;
    uint32_t width = 0, at, end;
    for (uint32_t i = 0; i < CAPTION_COLUMNS; i++) pixels[i] = 0;
    if (line >= caption->lines) return;
    at = caption->starts[line];
    end = caption->starts[line + 1];
    while (end > at && caption->text[end - 1] == ' ') end--;
    for (uint32_t i = at; i < end; i++) width += screen_glyph(caption->text[i], &shape) + (i > at);
    uint32_t x = (CAPTION_COLUMNS - width) / 2;
    for (; at < end; at++, x++) {
        uint32_t columns = screen_glyph(caption->text[at], &shape);
        while (columns--) pixels[x++] = *shape++;
    }
}

enum whim_status caption_show(struct caption *caption, uint32_t heard)
{
    uint8_t lines[2][CAPTION_COLUMNS];
    int32_t now = top(caption, place(caption, heard));
    if (now == caption->top) return WHIM_OK;
    caption->top = (int16_t)now;
    uint32_t line = (uint32_t)now / HEIGHT, shift = (uint32_t)now % HEIGHT;
    enum whim_status status =
        ssd1306_window(caption->column + CAPTION_MARGIN, CAPTION_COLUMNS, CAPTION_PAGE,
                       CAPTION_PAGES);
    draw(caption, line, lines[0]);
    for (uint32_t page = 0; page < CAPTION_PAGES && !status; page++) {
        uint8_t *upper = lines[page % 2], *lower = lines[(page + 1) % 2];
        draw(caption, line + page + 1, lower);
        for (uint32_t i = 0; i < CAPTION_COLUMNS; i++) {
            upper[i] = (uint8_t)(upper[i] >> shift | lower[i] << (HEIGHT - shift));
        }
        status = ssd1306_data(upper, CAPTION_COLUMNS);
    }
    return status;
}
