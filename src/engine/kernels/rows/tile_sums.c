/* The innermost loops of tiles, for a core with 31 registers and a multiplier: sixteen sums stay in
 * registers while the input channels go by, and an activation of zero, as ReLU leaves half of them,
 * skips its sixteen weights.
 *
 * Weights of 4 bits and fewer go in pairs, two in the halves of one word, so that a multiplication
 * serves two output channels. They are turned negative first: a half then gains at most 1,016 or
 * loses at most 1,024 with each channel, -2^15 after 32 channels is just within its 16 bits, and
 * 2^15 would not be. Other runs are shorter or safer:
 *
 *     int4: 32 * 128 * 8 = 2^15      int2: 85 * 128 * 3 = 32,640 < 2^15
 *
 * At the end of a run the halves are taken off the 32-bit sums. The word itself holds
 * |lo| + |hi| * 2^16 <= 2^15 + 2^31, modulo 2^32: the low half is right, and then so is the other.
 *
 * A multiply-accumulate that is not skipped is a load, a multiplication and an addition, and these
 * three serve two where two share a word. GCC's first scheduling pass would move all loads to the
 * front and run out of registers: boards compile with -fsched-pressure. */
#include "engine/bytes.h"
#include "engine/kernels/tiles.h"

enum { PAIRS = TILE / 2, RUN_INT4 = 32, RUN_INT2 = 85, FEW = 4 };

#define EACH_PAIR(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7)
#define EACH(DO) EACH_PAIR(DO) DO(8) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15)

/* What stands before it is done with four values before what stands behind it: a load takes a while
 * until its value can be used, and so does a product. */
#define FENCE(a, b, c, d) __asm__("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d))

/* Two weights of `word`, which holds codes of weight + 8 at bit `shift` and at 16 + shift. */
static uint32_t pair_int4(uint32_t word, uint32_t shift)
{
    return 0x00080008 - (word >> shift & 0x000f000f);
}

/* Likewise, codes 0 to 3 mean -3, -1, 1, 3. */
static uint32_t pair_int2(uint32_t word, uint32_t shift)
{
    return 0x00030003 - 2 * (word >> shift & 0x00030003);
}

void whim_unpack_block(const struct layer *layer, const uint8_t *packed, uint32_t count,
                       void *weights)
{
    uint32_t *to = weights, shift;
    const uint8_t *end = packed + count * layer->unit_bytes;

    if (encoded(layer, ENCODING_INT8)) {
        for (; packed < end; packed += 16, to += 4) {
            to[0] = load32(packed);
            to[1] = load32(packed + 4);
            to[2] = load32(packed + 8);
            to[3] = load32(packed + 12);
        }
    } else if (encoded(layer, ENCODING_INT4)) {
        for (; packed < end; packed += 4, to += 4) {
            uint32_t word = load32(packed) ^ 0x88888888;
            to[0] = pair_int4(word, 0);
            to[1] = pair_int4(word, 4);
            to[2] = pair_int4(word, 8);
            to[3] = pair_int4(word, 12);
        }
    } else {
        for (; packed < end; packed += 4) {
            uint32_t word = load32(packed);
            for (shift = 0; shift < 16; shift += 2) *to++ = pair_int2(word, shift);
        }
    }
}

/* |sum| < 2^31 in the end, as opening the model has proven of all terms together. */
static void add_bytes(const int8_t *w, const int8_t *x, uint32_t count, int32_t *sums)
{
#define LOAD(i) int32_t s##i = sums[i];
#define STORE(i) sums[i] = s##i;
#define FOUR(i, j, k, l)                                                                           \
    {                                                                                              \
        int32_t a = record[i], b = record[j], c = record[k], d = record[l];                        \
        FENCE(a, b, c, d);                                                                         \
        a *= value, b *= value, c *= value, d *= value;                                            \
        FENCE(a, b, c, d);                                                                         \
        s##i += a, s##j += b, s##k += c, s##l += d;                                                \
    }
#define CHANNEL(n)                                                                                 \
    if ((value = x[n])) {                                                                          \
        const int8_t *record = w + TILE * (n);                                                     \
        FOUR(0, 1, 2, 3) FOUR(4, 5, 6, 7) FOUR(8, 9, 10, 11) FOUR(12, 13, 14, 15)                  \
    }
    int32_t value;
    EACH(LOAD)

    for (; count >= 4; count -= 4, x += 4, w += 4 * TILE) {
        CHANNEL(0) CHANNEL(1) CHANNEL(2) CHANNEL(3)
    }
    for (; count; count--, x++, w += TILE) {
        CHANNEL(0)
    }
    EACH(STORE)
#undef CHANNEL
}

/* Take the halves of a run off the sums. */
static void fold(uint32_t pair, int32_t *sums)
{
    const int32_t low = (int16_t)pair;

    sums[0] -= low;
    sums[1] -= (int32_t)(pair - (uint32_t)low) >> 16;
}

/* 0 < count <= RUN_INT4 or RUN_INT2. */
static void add_pairs(const uint32_t *w, const int8_t *x, uint32_t count, int32_t *sums)
{
#define ZERO(i) uint32_t p##i = 0;
#define ADD(i) p##i += value * record[i];
#define FOLD(i) fold(p##i, sums + 2 * (i));
#define CHANNEL(n)                                                                                 \
    if ((value = (uint32_t)v##n)) {                                                                \
        const uint32_t *record = w + PAIRS * (n);                                                  \
        EACH_PAIR(ADD)                                                                             \
    }
    uint32_t value;
    EACH_PAIR(ZERO)

    for (; count >= 4; count -= 4, x += 4, w += 4 * PAIRS) {
        const int32_t v0 = x[0], v1 = x[1], v2 = x[2], v3 = x[3];
        CHANNEL(0) CHANNEL(1) CHANNEL(2) CHANNEL(3)
    }
    for (; count; count--, x++, w += PAIRS) {
        const int32_t v0 = x[0];
        CHANNEL(0)
    }
    EACH_PAIR(FOLD)
}

/* The same for the first FEW channels of a tile: red, green and blue fill no more. */
static void add_few_bytes(const int8_t *w, const int8_t *x, uint32_t count, int32_t *sums)
{
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];

    for (; count; count--, w += TILE) {
        const int32_t value = *x++;
        if (!value) continue;
        s0 += value * w[0];
        s1 += value * w[1];
        s2 += value * w[2];
        s3 += value * w[3];
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

static void add_few_pairs(const uint32_t *w, const int8_t *x, uint32_t count, int32_t *sums)
{
    uint32_t p0 = 0, p1 = 0;

    for (; count; count--, w += PAIRS) {
        const uint32_t value = (uint32_t)*x++;
        p0 += value * w[0];
        p1 += value * w[1];
    }
    fold(p0, sums);
    fold(p1, sums + 2);
}

void whim_add_columns(const struct layer *layer, const void *weights, uint32_t count,
                      const int8_t *x, uint32_t x_step, uint32_t columns, int32_t *sums)
{
    const uint32_t most = encoded(layer, ENCODING_INT4) ? RUN_INT4 : RUN_INT2;
    const bool few = layer->channels <= FEW;
    uint32_t done, run;

    for (; columns; columns--, x += x_step, sums += TILE) {
        if (encoded(layer, ENCODING_INT8)) {
            if (few) add_few_bytes(weights, x, count, sums);
            else add_bytes(weights, x, count, sums);
            continue;
        }
        for (done = 0; done < count; done += run) {
            const uint32_t *w = (const uint32_t *)weights + PAIRS * done;
            run = count - done < most ? count - done : most;
            if (few) add_few_pairs(w, x + done, run, sums);
            else add_pairs(w, x + done, run, sums);
        }
    }
}
