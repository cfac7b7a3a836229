/* The model in flash: what it takes, and does this board compute what every other computes? */
#ifndef APP_SELFTEST_H
#define APP_SELFTEST_H

#include <stdint.h>

#include "whim/model.h"

/* Make six pictures of the model, from inputs that go on from one to
 * the next, 89 more each modulo 256, the first one 89; of them count the bits that are in `mask`,
 * 255 for int8 of any value. For each layer tell the console the CRC-32
 * of all rows that it made for them, and in the end that all is done:
 *
 *     selftest layer=0 crc=0123abcd
 *     selftest done
 *
 * host/whim/self_test.py knows what they should be. `input`: room for the model's; `arena`: as
 * whim_start wants it. They, `run` and `model`, which is the same again afterwards, belong to the
 * test meanwhile. */
void selftest(struct whim_run *run, struct whim_model *model, int8_t *input, uint32_t mask,
              void *arena, uint32_t arena_bytes);

/* Tell the console what an open model takes, in a line. */
void tell_model(const struct whim_model *model);

#endif
