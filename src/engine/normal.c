/* Normal values by the method of Box and Muller ("A note on the generation of random normal
 * deviates", Annals of Mathematical Statistics 29, 1958) in integers: from two uniform numbers,
 * U = (n + 1/2) / 2^16 and V = (m + 1/2) / 2^16,
 *
 *     sqrt(-2 ln U) * cos(2 pi V)    and    sqrt(-2 ln U) * sin(2 pi V).
 *
 * Qn below means a number times 2^n. host/whim/normal.py is the same in NumPy. */
#include "whim/random.h"

enum { LOG_BITS = 27, PIECE = 32 };

/* sqrt(-2 ln((n + 1/2) / 65536)) in Q24: at most 4.86, so less than 2^27. The logarithm comes bit
 * by bit: squaring a number doubles its logarithm (Knuth, The Art of Computer Programming 1.2.2,
 * exercise 25). */
static uint32_t radius(uint32_t n)
{
    uint32_t part = (2 * n + 1) << 15; /* U in Q32 */
    uint32_t minus_log2 = 1, root = 0;
    while (part < 0x80000000) part <<= 1, minus_log2++; /* now part is in Q31, from 1 to 2 */
    for (uint32_t i = 0; i < LOG_BITS; i++) {
        uint64_t square = (uint64_t)part * part >> 31; /* < 2^33 */
        uint32_t bit = square >> 32 != 0;
        part = (uint32_t)(square >> bit);
        minus_log2 = 2 * minus_log2 - bit; /* <= 17 * 2^27 < 2^32 at the end: Q27 */
    }
    /* 2977044472 is 2 ln 2 in Q31: the product, in Q58, is less than 2^63. */
    uint64_t square = (uint64_t)minus_log2 * 2977044472u >> 10; /* of the radius, in Q48 */
    for (uint32_t bit = 1u << 26; bit; bit >>= 1) {
        uint32_t more = root | bit;
        if ((uint64_t)more * more <= square) root = more;
    }
    return root;
}

/* sin of t quarter turns in Q30, t in Q15, from 0 to 1: an odd polynomial of degree 9, fitted to
 * the smallest error, 4e-9. The terms' signs alternate, so nothing here is negative. */
static uint32_t sine(uint32_t t)
{
    static const uint32_t term[4] = {5016767, 85564854, 693597876, 1686629674};
    uint32_t sum = 161942;
    for (uint32_t i = 0; i < 4; i++) {
        sum = term[i] - (uint32_t)((uint64_t)sum * (t * t) >> 30); /* t * t <= 2^30 */
    }
    return (uint32_t)((uint64_t)sum * t >> 15);
}

void whim_normal(const uint8_t bytes[4], int32_t values[2])
{
    uint32_t m = bytes[2] | (uint32_t)bytes[3] << 8;
    uint32_t size = radius(bytes[0] | (uint32_t)bytes[1] << 8);
    uint32_t turn = 2 * (m & 16383) + 1; /* within the quarter, in Q15 */
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t quarter = (m >> 14) + 1 - i; /* sin is cos, a quarter turn before */
        uint32_t wave = sine(quarter & 1 ? 32768 - turn : turn);
        /* < 2^27 * 2^30, in Q54. The sign comes last, so that rounding favours neither. */
        int32_t value = (int32_t)(((uint64_t)size * wave + (1ull << 37)) >> 38);
        values[i] = quarter & 2 ? -value : value;
    }
}

enum whim_status whim_latent(whim_entropy *entropy, int8_t *z, uint32_t count)
{
    uint8_t bytes[PIECE];
    for (uint32_t done = 0; done < count; done += 2) {
        uint32_t left = 2 * (count - done), at = 2 * done % PIECE;
        int32_t values[2];
        if (at == 0) {
            enum whim_status status = entropy(bytes, left < PIECE ? left : PIECE);
            if (status) return status;
        }
        whim_normal(bytes + at, values);
        for (uint32_t i = 0; i < 2; i++) {
            int32_t value = (values[i] + 1024) >> 11; /* * 32 / 65536, half upward */
            z[done + i] = (int8_t)(value > 127 ? 127 : value < -127 ? -127 : value);
        }
    }
    return WHIM_OK;
}
