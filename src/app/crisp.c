/* Enlarging and dithering: see crisp.h. There is no multiplication in the loops, for chips without
 * one. */
#include "app/crisp.h"

#include <stdbool.h>
#include <stddef.h>

/* Limits of 16 * (signed grey), from host/whim/crisp.py, where the reasons stand; a test compares
 * them. A pixel is lit above EDGE plus the shade's share; a dot's place on a smooth ground, only
 * above its own. */
enum { EDGE = -528, EDGE_SLOPE = 19, SMOOTH = 20 };
static const int16_t dots[4][4] = {
    {-144, 528, 16, 688},
    {864, 192, 1024, 352},
    {96, 768, -64, 608},
    {1104, 432, 944, 272},
};

enum whim_status crisp_start(struct crisp *crisp, const struct whim_model *model,
                             const int8_t *input, void *arena, uint32_t arena_bytes, int8_t shade)
{
    crisp->edge = (int16_t)(EDGE + (int32_t)(EDGE_SLOPE * (uint32_t)(shade + 127) >> 3));
    crisp->y = 0;
    return whim_start(&crisp->run, model, input, arena, arena_bytes);
}

/* Let the model make its next row and keep a copy of the one before. Beyond the first and the last
 * row, the picture goes on as they are. */
static enum whim_status advance(struct crisp *crisp)
{
    if (crisp->y) {
        for (uint32_t x = 0; x < DIE_SIZE; x++) crisp->above[x] = crisp->row[x];
    }
    enum whim_status status = whim_next_row(&crisp->run, &crisp->row);
    if (!crisp->y && !status) {
        for (uint32_t x = 0; x < DIE_SIZE; x++) crisp->above[x] = crisp->row[x];
    }
    return status == WHIM_DONE ? WHIM_OK : status;
}

/* Whether `a` and `b` differ by less than `limit`. */
static bool less(int32_t a, int32_t b, int32_t limit)
{
    return a < b ? b - a < limit : a - b < limit;
}

/* Set `bit` of crisp->page wherever a row 3/4 of the way towards `near` and 1/4 towards `far` is
 * lit. `dots`: four limits for even columns, or NULL on rows without dots. */
static void light(struct crisp *crisp, uint32_t bit, const int16_t *dots, const int8_t *near,
                  const int8_t *far)
{
    uint8_t *page = crisp->page;
    const int32_t edge = crisp->edge;
    int32_t here = near[0] + near[0] + near[0] + far[0]; /* 4 times the grey */
    int32_t left = here;
    for (uint32_t x = 0; x < DIE_SIZE; x++) {
        int32_t right = here;
        if (x + 1 < DIE_SIZE) right = near[x + 1] + near[x + 1] + near[x + 1] + far[x + 1];
        int32_t most = here + here + here; /* 16 times the grey, with a neighbour's share */
        if (most + left > edge) {
            bool dot = dots && most + left <= dots[x & 3] && less(near[x], far[x], SMOOTH) &&
                       less(left, right, 8 * SMOOTH);
            if (!dot) page[0] |= (uint8_t)bit;
        }
        if (most + right > edge) page[1] |= (uint8_t)bit;
        page += 2;
        left = here;
        here = right;
    }
}

enum whim_status crisp_page(struct crisp *crisp)
{
    for (uint32_t x = 0; x < CRISP_SIZE; x++) crisp->page[x] = 0;
    for (uint32_t bit = 1; bit < 256; bit <<= 1) {
        if (!crisp->y || crisp->y & 1) {
            enum whim_status status = advance(crisp);
            if (status) return status;
        }
        /* Row 2i lies in the upper half of the model's row i, row 2i + 1 in its lower half, near
         * row i + 1. */
        if (crisp->y & 1) light(crisp, bit, dots[crisp->y >> 1 & 3], crisp->above, crisp->row);
        else light(crisp, bit, NULL, crisp->row, crisp->above);
        crisp->y++;
    }
    return WHIM_OK;
}
