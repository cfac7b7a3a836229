/* From sums to the next layer's int8: the one place where scales, clamps and activations live. */
#include "engine/bytes.h"
#include "engine/kernels/kernels.h"
#include "engine/layout.h"

/* C99 leaves >> of a negative number to the compiler; the format asks for the arithmetic shift. */
typedef char shift_is_arithmetic[(-1 >> 1) == -1 ? 1 : -1];

/* a * m modulo 2^32, for m < 256. */
static inline int32_t times(int32_t a, uint32_t m)
{
#if defined WHIM_ZMMUL
    /* A chip with `mul`, which its compiler knows not how to use: GCC before version 13. */
    int32_t product;
    __asm__(".insn r 0x33, 0, 1, %0, %1, %2" : "=r"(product) : "r"(a), "r"(m));
    return product;
#elif defined WHIM_NO_MULTIPLY
    /* Horner's rule over the bits of m, highest first. */
    uint32_t product = 0, b = (uint32_t)a;
    m <<= 24;
#define NEXT_BIT                                                                                   \
    product += product;                                                                            \
    if ((int32_t)m < 0) product += b;                                                              \
    m += m;
    NEXT_BIT NEXT_BIT NEXT_BIT NEXT_BIT NEXT_BIT NEXT_BIT NEXT_BIT NEXT_BIT
    return (int32_t)product;
#else
    return a * (int32_t)m;
#endif
}

/* |sum| * m + 2^(s-1) < 2^31, as whim_open has proven. */
static void requantise_narrow(const struct layer *layer, const uint8_t *record,
                              const int32_t *sums, uint32_t count, int8_t *out,
                              uint32_t out_step)
{
    const int32_t bias = (int16_t)load16(record), low = layer->low, high = layer->high;
    const uint32_t multiplier = record[NARROW_MULTIPLIER], shift = record[NARROW_SHIFT];
    const int32_t half = (int32_t)((uint32_t)1 << (shift - 1));
    const int8_t *table = layer->table;

    for (; count; count--, out += out_step) {
        int32_t value = (times(*sums++ + bias, multiplier) + half) >> shift;
        if (value < low) value = low;
        if (value > high) value = high;
        *out = table ? table[value + 128] : (int8_t)value;
    }
}

/* |sum| < 2^31, m < 2^31, s <= 62: at most 2^62 + 2^61. */
static void requantise_wide(const struct layer *layer, const uint8_t *record, const int32_t *sums,
                            uint32_t count, int8_t *out, uint32_t out_step)
{
    const int32_t bias = (int32_t)load32(record);
    const int64_t multiplier = load32(record + WIDE_MULTIPLIER);
    const uint32_t shift = load32(record + WIDE_SHIFT);

    for (; count; count--, out += out_step) {
        int64_t value = ((*sums++ + bias) * multiplier + ((int64_t)1 << (shift - 1))) >> shift;
        if (value < layer->low) value = layer->low;
        if (value > layer->high) value = layer->high;
        *out = layer->table ? layer->table[value + 128] : (int8_t)value;
    }
}

void whim_requantise(const struct layer *layer, uint32_t channel, const int32_t *sums,
                     uint32_t count, int8_t *out, uint32_t out_step)
{
    const uint8_t *record = layer->records + channel * record_bytes(layer);

    if (is_tiled(layer)) /* between the records of two tiles lie the weights of one */
        record += channel / TILE * (tile_bytes(layer) - TILE * record_bytes(layer));
    if (is_narrow(layer)) requantise_narrow(layer, record, sums, count, out, out_step);
    else requantise_wide(layer, record, sums, count, out, out_step);
}
