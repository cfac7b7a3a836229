/* Dense in columns: ternary weights two at a time, by a table for each value. */
#include "engine/kernels/columns.h"

enum { PAIRS = 9 };

/* What a pair of weights, as digits 0 to 2, makes of a value: pairs[3 * first + second]. */
static void tabulate(uint32_t value, uint32_t *pairs)
{
    uint32_t first = 0 - value, high = value << 16, i;

    for (i = 0; i < PAIRS; i += 3, first += value) {
        pairs[i] = first - high;
        pairs[i + 1] = first;
        pairs[i + 2] = first + high;
    }
}

/* A byte is a fraction of 256: times nine, what passes 256 is the next two digits. */
static void add_column(const uint8_t *column, const uint8_t *end, const uint32_t *pairs,
                       uint32_t *sums)
{
    for (; column < end; column++, sums += FIVE_WORDS) {
        uint32_t code = *column * 9u;
        sums[0] += pairs[code >> 8];
        code = (code & 255) * 9;
        sums[1] += pairs[code >> 8];
        code = (code & 255) * 3;
        sums[2] += pairs[3 * (code >> 8) + 1];
    }
}

static bool add_ternary(const uint8_t *weights, const int8_t *x, const int8_t *end,
                        uint32_t column_bytes, int32_t *sums)
{
    uint32_t pairs[PAIRS];
    int32_t all = 0;

    for (; x < end; x++, weights += column_bytes) {
        const int32_t value = *x;
        if (!value) continue;
        all += value < 0 ? -value : value;
        if (all >= LANES_LIMIT) return false;
        tabulate((uint32_t)value, pairs);
        add_column(weights, weights + column_bytes, pairs, (uint32_t *)sums);
    }
    return true;
}

void whim_columns_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out)
{
    (void)y; /* there is one row */
    whim_columns_by(add_ternary, layer, source, out);
}
