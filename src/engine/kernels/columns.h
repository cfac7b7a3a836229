/* Dense in columns: what the kernels for it share.
 *
 * Ternary weights are five to a byte, and sums of five units three words: two sums in the halves of
 * a word, as in pair 0 and pair 1, and one by itself. A word of two is high * 2^16 + low, with a
 * signed low: borrows from the high sum while adding do no harm, as long as both fit 16 bits in the
 * end. They do where the sum of all |values| is below 2^15. */
#ifndef WHIM_ENGINE_KERNELS_COLUMNS_H
#define WHIM_ENGINE_KERNELS_COLUMNS_H

#include "engine/kernels/kernels.h"

enum { LANES_LIMIT = 1 << 15, FIVE_WORDS = 3 };

/* Add the columns of the values from <= x < end, of `column_bytes` each, to sums that are zero, in
 * words of two and of one. False, with sums that mean nothing, where the values are too large. */
typedef bool ternary_columns(const uint8_t *weights, const int8_t *x, const int8_t *end,
                             uint32_t column_bytes, int32_t *sums);
ternary_columns whim_ternary_columns; /* on RV32EC */

/* The row of a layer in columns, ternary weights by `ternary`. */
void whim_columns_by(ternary_columns *ternary, const struct layer *layer,
                     const struct rows *source, int8_t *out);

#endif
