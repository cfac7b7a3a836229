/* Dense in columns: each input value that is not zero is added to the sums of all units. */
#include "engine/kernels/columns.h"

enum { RUN = 15 }; /* weights unpacked at a time: whole bytes of each encoding, but for the last */

/* sums[i] += value * weights[i]. */
static void add(int32_t *sums, int32_t value, const int8_t *weights, uint32_t count)
{
    for (; count; count--) *sums++ += value * *weights++;
}

/* What each code of 4 bits, or of 2, makes of a value: docs/FORMAT.md. No multiplication. */
static void tabulate(const struct layer *layer, int32_t value, int32_t *products)
{
    int32_t product = value;
    uint32_t code;

    products[0] = products[8] = 0;
    if (encoded(layer, ENCODING_POWER))
        for (code = 1; code < 8; code++, product += product) {
            products[code] = product;
            products[8 + code] = -product;
        }
    if (encoded(layer, ENCODING_INT4))
        for (code = 1; code <= 8; code++, product += value) {
            products[code] = product;
            products[16 - code] = -product; /* code 8 is -8 */
        }
    if (encoded(layer, ENCODING_INT2)) {
        products[0] = -3 * value;
        products[1] = -value;
        products[2] = value;
        products[3] = 3 * value;
    }
}

/* sums[i] += products[code i], for codes of `bits` each, lowest first. */
static inline void add_codes(int32_t *sums, const int32_t *products, const uint8_t *weights,
                             uint32_t count, uint32_t bits)
{
    const uint32_t each = 8 / bits, mask = (1u << bits) - 1;
    uint32_t byte, i;

    for (; count >= each; count -= each) {
        for (byte = *weights++, i = 0; i < each; i++, byte >>= bits)
            *sums++ += products[byte & mask];
    }
    for (byte = count ? *weights : 0u; count; count--, byte >>= bits)
        *sums++ += products[byte & mask];
}

/* For every encoding: what has few codes by a table for each value, the others weight by weight. */
static void plain(const struct layer *layer, const int8_t *x, int32_t *sums)
{
    const uint32_t units = layer_units(layer);
    const uint8_t *column = layer->weights;
    uint32_t input, first, run;
    int32_t products[16];
    int8_t weights[RUN];

    for (input = 0; input < layer->fan_in; input++, column += layer->unit_bytes) {
        const int32_t value = x[input];
        if (!value) continue;
        tabulate(layer, value, products);
        if (encoded(layer, ENCODING_POWER) || encoded(layer, ENCODING_INT4))
            add_codes(sums, products, column, units, 4);
        if (encoded(layer, ENCODING_INT2)) add_codes(sums, products, column, units, 2);
        if (!encoded(layer, ENCODING_INT8) && !encoded(layer, ENCODING_TERNARY)) continue;
        for (first = 0; first < units; first += run) {
            run = units - first < RUN ? units - first : RUN;
            whim_column_weights(layer, input, first, weights, run);
            add(sums + first, value, weights, run);
        }
    }
}

/* Requantise the sums, in words of two and of one where they are `paired`. */
static void finish(const struct layer *layer, bool paired, const int32_t *sums, int8_t *out)
{
    const int8_t *end = out + layer_units(layer);
    uint32_t channel = 0, place = 0;
    int32_t sum = 0;

    for (; out < end; out++) {
        if (paired && place < 4) sum = place & 1 ? (*sums++ - sum) >> 16 : (int16_t)*sums;
        else sum = *sums++;
        if (++place == 5) place = 0;
        whim_requantise(layer, channel, &sum, 1, out, 1);
        if (++channel == layer->channels) channel = 0;
    }
}

void whim_columns_by(ternary_columns *ternary, const struct layer *layer,
                     const struct rows *source, int8_t *out)
{
    const int8_t *x = source->values;
    int8_t *behind = out + layer_units(layer); /* where sums lie, aligned to 4: docs/FORMAT.md */
    int32_t *sums = __builtin_assume_aligned(behind + (0 - (uintptr_t)behind) % 4, 4);
    int32_t *end = sums + columns_sums(layer), *sum;
    bool paired = encoded(layer, ENCODING_TERNARY);

    for (sum = sums; sum < end; sum++) *sum = 0;
    if (WHIM_FAST_ONLY || paired)
        paired = ternary(layer->weights, x, x + layer->fan_in, layer->unit_bytes, sums);
    if (!WHIM_FAST_ONLY && !paired) {
        for (sum = sums; sum < end; sum++) *sum = 0;
        plain(layer, x, sums);
    }
    finish(layer, WHIM_FAST_ONLY || paired, sums, out);
}
