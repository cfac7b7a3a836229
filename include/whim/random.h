/* Randomness: a documented generator that expands a seed, and fair draws from any bytes. */
#ifndef WHIM_RANDOM_H
#define WHIM_RANDOM_H

#include <stdint.h>

#include "whim/status.h"

/* Where random bytes come from. Fills all `count` bytes or answers WHIM_ERR_ENTROPY. */
typedef enum whim_status whim_entropy(uint8_t *bytes, uint32_t count);

/* The keystream of ChaCha20 (RFC 8439): key = the seed in 8 little-endian bytes, then 24 zero
 * bytes; nonce zero; block counter from 0. The same seed gives the same bytes on every board. */
struct whim_chacha {
    uint32_t key[2]; /* the seed; the other six key words are zero */
    uint32_t block;  /* counter of the next block */
    uint8_t bytes[64];
    uint8_t used; /* of `bytes` */
};

void whim_chacha_seed(struct whim_chacha *chacha, uint64_t seed);
void whim_chacha_bytes(struct whim_chacha *chacha, uint8_t *bytes, uint32_t count);

/* A value in 0 .. sides - 1, 1 <= sides <= 256, every one equally likely: bytes at or above the
 * largest multiple of `sides` are thrown away and drawn again. Gives up with WHIM_ERR_ENTROPY
 * after 256 rejected bytes in a row: with a working source, a chance below 2^-256. */
enum whim_status whim_uniform(whim_entropy *entropy, uint32_t sides, uint8_t *value);

#endif
