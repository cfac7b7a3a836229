/* Adding weights to a stretch of sums: see sums.h.
 *
 * With WHIM_NO_MULTIPLY nothing here multiplies. A weight is taken apart into digits of -8 to 7 to
 * the base 16, and each digit is the sum or difference of two powers of two: one pass over the
 * stretch with two shifts. A weight of 4 bits is one digit. */
#include "engine/kernels/rows/sums.h"

#include "engine/kernels/kernels.h"

#ifdef WHIM_NO_MULTIPLY

enum pass { PLUS, MINUS, BOTH, DIFFERENCE, MINUS_BOTH };

/* How each digit is made: 2^a, -2^a, 2^a + 2^b, 2^a - 2^b or -2^a - 2^b. */
#define DIGIT(pass, a, b) ((pass) << 4 | (a) << 2 | (b))
static const uint8_t digits[16] = {
    [0] = DIGIT(MINUS, 3, 0),      /* -8 */
    [1] = DIGIT(DIFFERENCE, 0, 3), /* -7 = 1 - 8 */
    [2] = DIGIT(DIFFERENCE, 1, 3), /* -6 = 2 - 8 */
    [3] = DIGIT(MINUS_BOTH, 0, 2), /* -5 = -1 - 4 */
    [4] = DIGIT(MINUS, 2, 0),
    [5] = DIGIT(DIFFERENCE, 0, 2), /* -3 = 1 - 4 */
    [6] = DIGIT(MINUS, 1, 0),
    [7] = DIGIT(MINUS, 0, 0),
    [9] = DIGIT(PLUS, 0, 0),
    [10] = DIGIT(PLUS, 1, 0),
    [11] = DIGIT(BOTH, 0, 1),
    [12] = DIGIT(PLUS, 2, 0),
    [13] = DIGIT(BOTH, 0, 2),
    [14] = DIGIT(BOTH, 1, 2),
    [15] = DIGIT(DIFFERENCE, 3, 0), /* 7 = 8 - 1 */
};

#define SHIFTED(bits) (int32_t)((uint32_t)*x << (bits))
#define FOR_ALL(change)                                                                            \
    do {                                                                                           \
        *sums change;                                                                              \
        sums += sums_step;                                                                         \
        x += x_step;                                                                               \
    } while (--count)

/* Add the digit that `code` stands for, times 2^base. Not inlined: it needs all the registers. */
WHIM_HOT static void add_digit(const struct stretch *stretch, const int8_t *x, uint32_t code,
                               uint32_t base)
{
    int32_t *sums = stretch->sums;
    const uint32_t sums_step = stretch->sums_step, x_step = stretch->x_step;
    const uint32_t a = (code >> 2 & 3) + base, b = (code & 3) + base;
    uint32_t count = stretch->count;

    switch (code >> 4) {
    case PLUS: FOR_ALL(+= SHIFTED(a)); break;
    case MINUS: FOR_ALL(-= SHIFTED(a)); break;
    case BOTH: FOR_ALL(+= SHIFTED(a) + SHIFTED(b)); break;
    case DIFFERENCE: FOR_ALL(+= SHIFTED(a) - SHIFTED(b)); break;
    case MINUS_BOTH: FOR_ALL(-= SHIFTED(a) + SHIFTED(b)); break;
    }
}

/* sums[i * sums_step] += w * x[i * x_step] for all i. */
static void add_products(const struct stretch *stretch, const int8_t *x, int32_t w)
{
    uint32_t base = 0;

    for (; w; base += 4) {
        int32_t digit = ((w + 8) & 15) - 8;
        if (digit) add_digit(stretch, x, digits[digit + 8], base);
        w = (w - digit) >> 4;
    }
}

#else

/* sums[i * sums_step] += w * x[i * x_step] for all i. */
static void add_products(const struct stretch *stretch, const int8_t *x, int32_t w)
{
    int32_t *sums = stretch->sums;
    uint32_t i;

    for (i = 0; i < stretch->count; i++, sums += stretch->sums_step, x += stretch->x_step)
        *sums += *x * w;
}

#endif

void whim_add_weights(const struct layer *layer, uint32_t unit, uint32_t first, uint32_t count,
                      const struct stretch *stretch, const int8_t *x)
{
    enum { RUN = 16 }; /* weights unpacked at a time */
    int8_t weights[RUN];
    uint32_t i, run;

    for (; count; count -= run, first += run) {
        run = count < RUN ? count : RUN;
        whim_weights(layer, unit, first, weights, run);
        for (i = 0; i < run; i++) add_products(stretch, x++, weights[i]);
    }
}
