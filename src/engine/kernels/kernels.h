/* The kernels: each makes one row of a layer's output. The reference loops here define the
 * answer. */
#ifndef WHIM_ENGINE_KERNELS_H
#define WHIM_ENGINE_KERNELS_H

#include "engine/layer.h"

/* Chips without multiplication take shifts instead, with the same result. */
#if defined __riscv && !defined __riscv_mul
#define WHIM_NO_MULTIPLY
#endif

/* Where a kernel spends its time, code may run from RAM: a board whose flash is slow says so, and
 * has a section .ramtext for it. WHIM_HOT_IN_RAM is 0 for none, 1 for inner loops, 2 for more. */
#if WHIM_HOT_IN_RAM
#define WHIM_HOT __attribute__((noinline, section(".ramtext")))
#else
#define WHIM_HOT __attribute__((noinline))
#endif

enum { STRETCH = 32 }; /* sums gathered before they are requantised: 128 bytes of stack */

/* Output row `y` of `layer` from the rows of its source: layer->width * layer->channels values. */
void whim_make_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out);

void whim_dense_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out);
/* A dense layer in columns, with its sums behind `out`: columns_sums in layer.h. */
void whim_columns_row(const struct layer *layer, const struct rows *source, uint16_t y,
                      int8_t *out);
/* A convolution in triples. Value (x, channel) goes to out[x * pixel_step + channel *
 * channel_step] of the layer; but rows that it makes for another layer in triples may lie in any
 * order that suits both. What it reads of a source other than the input is never negative, and
 * every sum without its bias fits 16 bits. */
void whim_triples_row(const struct layer *layer, const struct rows *source, uint16_t y,
                      int8_t *out);
/* Convolution and transposed convolution. */
void whim_conv_row(const struct layer *layer, const struct rows *source, uint16_t y, int8_t *out);
void whim_nearest_row(const struct layer *layer, const struct rows *source, uint16_t y,
                      int8_t *out);
void whim_bilinear_row(const struct layer *layer, const struct rows *source, uint16_t y,
                       int8_t *out);

/* Unpack `count` weights of `unit`, from its weight `first` on. Every encoding's fit int8. */
void whim_weights(const struct layer *layer, uint32_t unit, uint32_t first, int8_t *out,
                  uint32_t count);

/* Of a layer in columns: unpack the weights of input value `input` to `count` units from `first`
 * on. */
void whim_column_weights(const struct layer *layer, uint32_t input, uint32_t first, int8_t *out,
                         uint32_t count);

/* sums[i] to out[i * out_step] for i < count, by record `channel`: bias, multiplier over 2^shift,
 * clamp, table. `out` is the first value's place. */
void whim_requantise(const struct layer *layer, uint32_t channel, const int32_t *sums,
                     uint32_t count, int8_t *out, uint32_t out_step);

#endif
