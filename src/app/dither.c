/* Dithering: see dither.h. */
#include "app/dither.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PIXELS = DITHER_SIZE * DITHER_SIZE,
    LAST = DITHER_SIZE - 1,
    TAIL = PIXELS / 50, /* darkest pixels, and brightest, that stretching may make alike */
    AROUND = 6          /* a pixel's surroundings: so many further in each direction */
};

/* Luma of a pixel, 0 to 255: weights of BT.601 in 256ths. */
static uint32_t luma(const int8_t *rgb)
{
    return (77 * (uint32_t)(rgb[0] + 128) + 150 * (uint32_t)(rgb[1] + 128) +
            29 * (uint32_t)(rgb[2] + 128)) >> 8;
}

void dither_start(struct dither *dither, const int8_t *rgb, uint8_t *room)
{
    uint16_t count[256] = {0}; /* pixels of each brightness */
    uint8_t tone[256];
    dither->tones = room;
    dither->y = 0;
    for (uint32_t i = 0; i < PIXELS; i++) count[room[i] = (uint8_t)luma(rgb + 3 * i)]++;

    uint32_t black = 0, white = 255, below = 0;
    for (uint32_t tail = count[0]; tail <= TAIL; tail += count[black]) black++;
    for (uint32_t tail = count[255]; tail <= TAIL; tail += count[white]) white--;
    uint32_t range = white > black ? white - black : 1;
    for (uint32_t value = 0; value < 256; value++) {
        uint32_t stretched = value <= black ? 0 : (value - black) * 255 / range;
        uint32_t rank = (2 * below + count[value]) * 255 / (2 * PIXELS);
        if (stretched > 255) stretched = 255;
        tone[value] = (uint8_t)((3 * stretched + rank) / 4);
        below += count[value];
    }
    for (uint32_t i = 0; i < PIXELS; i++) room[i] = tone[room[i]];
    for (uint32_t x = 0; x < DITHER_SIZE + 2; x++) {
        dither->carried[0][x] = dither->carried[1][x] = 0;
    }
}

/* The tone at a place; beyond an edge, that of the edge. */
static int32_t tone_at(const struct dither *dither, int32_t y, int32_t x)
{
    y = y < 0 ? 0 : y > LAST ? LAST : y;
    x = x < 0 ? 0 : x > LAST ? LAST : x;
    return dither->tones[DITHER_SIZE * y + x];
}

/* Sum each column over the surroundings of row `y`; how many rows those are. */
static int32_t sum_columns(const struct dither *dither, int32_t y, int32_t sums[DITHER_SIZE])
{
    int32_t top = y < AROUND ? 0 : y - AROUND, bottom = y + AROUND > LAST ? LAST : y + AROUND;
    for (int32_t x = 0; x < DITHER_SIZE; x++) {
        sums[x] = 0;
        for (int32_t row = top; row <= bottom; row++) sums[x] += tone_at(dither, row, x);
    }
    return bottom - top + 1;
}

/* The mean tone of the surroundings of column `x`. */
static int32_t mean(const int32_t sums[DITHER_SIZE], int32_t rows, int32_t x)
{
    int32_t left = x < AROUND ? 0 : x - AROUND, right = x + AROUND > LAST ? LAST : x + AROUND;
    int32_t sum = 0;
    for (int32_t column = left; column <= right; column++) sum += sums[column];
    return sum / (rows * (right - left + 1));
}

/* A tone, further from the mean around it by 13/16, and from its four neighbours by a half for each
 * of them. */
static int32_t sharp(const struct dither *dither, int32_t y, int32_t x, int32_t mean)
{
    int32_t here = tone_at(dither, y, x);
    int32_t beside = tone_at(dither, y, x - 1) + tone_at(dither, y, x + 1) +
                     tone_at(dither, y - 1, x) + tone_at(dither, y + 1, x);
    int32_t value = here + (13 * (here - mean) >> 4) + ((4 * here - beside) >> 1);
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* Make row dither->y and set `bit` of the page where it is lit. */
static void row(struct dither *dither, uint32_t bit)
{
    int32_t sums[DITHER_SIZE], rows = sum_columns(dither, dither->y, sums);
    int32_t way = dither->y & 1 ? -1 : 1;
    int16_t *now = dither->carried[dither->y & 1], *next = dither->carried[~dither->y & 1];
    int32_t x = way > 0 ? 0 : LAST;
    for (uint32_t i = 0; i < DITHER_SIZE; i++, x += way) {
        int32_t error = 16 * sharp(dither, dither->y, x, mean(sums, rows, x)) + now[x + 1];
        if (error >= 16 * 128) {
            dither->page[x] |= (uint8_t)bit;
            error -= 16 * 255;
        }
        int32_t ahead = error * 7 >> 4, behind = error * 3 >> 4, under = error * 5 >> 4;
        now[x + 1 + way] = (int16_t)(now[x + 1 + way] + ahead);
        next[x + 1 - way] = (int16_t)(next[x + 1 - way] + behind);
        next[x + 1] = (int16_t)(next[x + 1] + under);
        next[x + 1 + way] = (int16_t)(next[x + 1 + way] + error - ahead - behind - under);
    }
    for (uint32_t i = 0; i < DITHER_SIZE + 2; i++) now[i] = 0; /* it is the next one's next */
    dither->y++;
}

void dither_page(struct dither *dither)
{
    for (uint32_t x = 0; x < DITHER_SIZE; x++) dither->page[x] = 0;
    for (uint32_t bit = 1; bit < 256; bit <<= 1) row(dither, bit);
}
