/* Randomness: a documented generator that expands a seed; fair and normal draws from any bytes. */
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

/* Two independent normal values, 65536 meaning 1.0, from two numbers of 16 bits: bytes 0 and 1 give
 * the radius, 2 and 3 the angle, the lower byte first. Box-Muller in integers; docs/ENTROPY.md has
 * the formula. |value| < 5 * 65536, within 0.6 of the formula's, the same bits everywhere. */
void whim_normal(const uint8_t bytes[4], int32_t values[2]);

/* A latent: `count` normal values, an even number, 32 meaning 1.0 and clamped to -127 .. 127.
 * Draws exactly 2 * count bytes, at most 32 at a time. Errors: those of `entropy`. */
enum whim_status whim_latent(whim_entropy *entropy, int8_t *z, uint32_t count);

#endif
