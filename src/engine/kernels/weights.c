/* Weights of every encoding, unpacked a run at a time. docs/FORMAT.md has the codes. */
#include "engine/kernels/kernels.h"

static void unpack_int8(const uint8_t *packed, uint32_t first, int8_t *out, uint32_t count)
{
    for (packed += first; count; count--) *out++ = (int8_t)*packed++;
}

static void unpack_int4(const uint8_t *packed, uint32_t first, int8_t *out, uint32_t count)
{
    uint32_t i;

    for (i = first; i < first + count; i++)
        *out++ = (int8_t)(((packed[i / 2] >> 4 * (i & 1) & 15) ^ 8) - 8);
}

static void unpack_int2(const uint8_t *packed, uint32_t first, int8_t *out, uint32_t count)
{
    uint32_t i;

    for (i = first; i < first + count; i++)
        *out++ = (int8_t)(2 * (packed[i / 4] >> 2 * (i & 3) & 3) - 3);
}

static void unpack_ternary(const uint8_t *packed, uint32_t first, int8_t *out, uint32_t count)
{
    uint32_t skip = first % 5;

    packed += first / 5;
    while (count) {
        /* A byte is a fraction of 256: times three, what passes 256 is the next digit. */
        uint32_t fraction = *packed++, digit;
        for (digit = 0; digit < 5 && count; digit++) {
            fraction += fraction + fraction;
            if (digit >= skip) {
                *out++ = (int8_t)(fraction >> 8) - 1;
                count--;
            }
            fraction &= 255;
        }
        skip = 0;
    }
}

void whim_weights(const struct layer *layer, uint32_t unit, uint32_t first, int8_t *out,
                  uint32_t count)
{
    const uint8_t *packed = layer->weights + unit * layer->unit_bytes;

    if (encoded(layer, ENCODING_INT8)) unpack_int8(packed, first, out, count);
    if (encoded(layer, ENCODING_INT4)) unpack_int4(packed, first, out, count);
    if (encoded(layer, ENCODING_INT2)) unpack_int2(packed, first, out, count);
    if (encoded(layer, ENCODING_TERNARY)) unpack_ternary(packed, first, out, count);
}
