/* The display: see view.h. */
#include "app/digits/view.h"

#if WHIM_DIGITS_DISPLAY
#include "app/digits/classify.h"
#include "drivers/ssd1306.h"

enum {
    HALF = SSD1306_WIDTH / 2,
    DOTS = 4,     /* a pixel is so many dots wide and high, and so is one of a digit's */
    PAGES = 7,    /* that a digit is high, of two rows each */
    COLUMNS = 10, /* of a digit */
    LEFT = 12,    /* where a digit begins, so that it stands in the middle */
    BAR = 0x7c,   /* of the page below it, the dots that are lit where the bar is */
    BAR_SHIFT = 1
};

/* For 0 to 9 and "?", column by column, bit 0 on top. */
static const uint16_t glyphs[DIGITS + 1][COLUMNS] = {
    {0x0ffc, 0x1ffe, 0x3807, 0x3003, 0x3003, 0x3003, 0x3003, 0x3807, 0x1ffe, 0x0ffc},
    {0x0000, 0x0000, 0x300c, 0x300e, 0x3fff, 0x3fff, 0x3000, 0x3000, 0x0000, 0x0000},
    {0x3c0c, 0x3e0e, 0x3307, 0x3383, 0x31c3, 0x30c3, 0x30c3, 0x30e7, 0x307e, 0x303c},
    {0x0c0c, 0x1c0e, 0x3807, 0x3003, 0x30c3, 0x30c3, 0x30c3, 0x39e7, 0x1f3e, 0x0f3c},
    {0x03c0, 0x03e0, 0x0330, 0x0338, 0x031c, 0x030e, 0x3fff, 0x3fff, 0x0300, 0x0300},
    {0x0c3f, 0x1c3f, 0x3833, 0x3033, 0x3033, 0x3033, 0x3033, 0x3873, 0x1fe3, 0x0fc3},
    {0x0ffc, 0x1ffe, 0x39e7, 0x30c3, 0x30c3, 0x30c3, 0x30c3, 0x39c7, 0x1f8e, 0x0f0c},
    {0x0003, 0x0003, 0x3f03, 0x3f83, 0x01c3, 0x00e3, 0x0073, 0x0033, 0x001f, 0x000f},
    {0x0f3c, 0x1f3e, 0x39e7, 0x30c3, 0x30c3, 0x30c3, 0x30c3, 0x39e7, 0x1f3e, 0x0f3c},
    {0x0c3c, 0x1c7e, 0x38e7, 0x30c3, 0x30c3, 0x30c3, 0x30c3, 0x39e7, 0x1ffe, 0x0ffc},
    {0x000c, 0x000e, 0x0007, 0x0003, 0x3303, 0x3383, 0x01c3, 0x00e7, 0x007e, 0x003c},
};

/* The level from which on each dot of a pixel is lit: Bayer's order, in which 8 and 8 follow each
 * other, so that the 15 levels above black light 1 to 7 and 9 to 16 dots. */
static const uint8_t lit_from[DOTS * DOTS] = {
    1, 8, 3, 10, 12, 5, 14, 7, 4, 11, 2, 9, 15, 8, 13, 6,
};

/* Eight dots of the picture, one below the other. */
static uint32_t picture_column(const int8_t *picture, uint32_t page, uint32_t x)
{
    uint32_t dots = 0;
    for (uint32_t y = 0; picture && y < 8; y++) {
        int32_t level = picture[(8 * page + y) / DOTS * DIGITS_SIDE + x / DOTS];
        if (level >= lit_from[y % DOTS * DOTS + x % DOTS]) dots |= 1u << y;
    }
    return dots;
}

static uint32_t digit_column(const struct view *view, uint32_t page, uint32_t x)
{
    if (page == PAGES) return x < view->margin >> BAR_SHIFT ? BAR : 0;
    uint32_t column = (x - LEFT) / DOTS; /* huge, left of it */
    uint32_t rows = column < COLUMNS ? glyphs[view->digit][column] >> 2 * page : 0;
    return (rows & 1 ? 0x0f : 0) | (rows & 2 ? 0xf0 : 0);
}

enum whim_status view_draw(const struct view *view, enum view_half half)
{
    uint8_t bytes[SSD1306_CHUNK];
    enum whim_status status = half == VIEW_PICTURE ? ssd1306_set_up() : WHIM_OK;
    if (!status) status = ssd1306_window(half * HALF, HALF, 0, SSD1306_PAGES);
    for (uint32_t i = 0; i < HALF * SSD1306_PAGES && !status; i++) {
        uint32_t page = i / HALF, x = i % HALF, place = i % SSD1306_CHUNK;
        uint32_t dots = half == VIEW_PICTURE ? picture_column(view->picture, page, x)
                                             : digit_column(view, page, x);
        bytes[place] = (uint8_t)dots;
        if (place == SSD1306_CHUNK - 1) status = ssd1306_data(bytes, SSD1306_CHUNK);
    }
    return !status && half == VIEW_DIGIT ? ssd1306_on() : status;
}
#endif
