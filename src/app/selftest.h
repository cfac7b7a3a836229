/* The self-test: does this board compute what every other computes? */
#ifndef APP_SELFTEST_H
#define APP_SELFTEST_H

#include "app/tumble.h"
#include "whim/model.h"

/* Make six pictures of the model, which takes DIE_INPUTS values, from inputs that go on from one to
 * the next, 89 more each modulo 256, the first one 89. For each layer tell the console the CRC-32
 * of all rows that it made for them, and in the end that all is done:
 *
 *     selftest layer=0 crc=0123abcd
 *     selftest done
 *
 * host/whim/self_test.py knows what they should be. `stage` must have the arena that the model
 * needs; it and `model`, which is the same again afterwards, belong to the test meanwhile. */
void selftest(struct stage *stage, struct whim_model *model);

#endif
