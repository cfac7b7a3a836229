/* ChaCha20 (RFC 8439, section 2.3) as a generator, and draws without modulo bias. */
#include "whim/random.h"

#include "engine/bytes.h"

void whim_chacha_seed(struct whim_chacha *chacha, uint64_t seed)
{
    chacha->key[0] = (uint32_t)seed;
    chacha->key[1] = (uint32_t)(seed >> 32);
    chacha->block = 0;
    chacha->used = sizeof chacha->bytes;
}

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static void quarter_round(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 7);
}

/* The state's word `i`: constant, key, counter, nonce. Not stored: a small chip has 2 KB. */
static uint32_t initial(const struct whim_chacha *chacha, unsigned i)
{
    static const uint32_t constant[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

    if (i < 4) return constant[i];
    if (i < 6) return chacha->key[i - 4];
    return i == 12 ? chacha->block : 0;
}

static void next_block(struct whim_chacha *chacha)
{
    uint32_t x[16];
    unsigned i;

    for (i = 0; i < 16; i++) x[i] = initial(chacha, i);
    for (i = 0; i < 80; i++) {
        /* Ten double rounds: four columns, then four diagonals. */
        unsigned j = i & 3, shift = i >> 2 & 1;
        quarter_round(x, j, 4 + ((j + shift) & 3), 8 + ((j + 2 * shift) & 3),
                      12 + ((j + 3 * shift) & 3));
    }
    for (i = 0; i < 16; i++) store32(chacha->bytes + 4 * i, x[i] + initial(chacha, i));
    chacha->block++;
    chacha->used = 0;
}

void whim_chacha_bytes(struct whim_chacha *chacha, uint8_t *bytes, uint32_t count)
{
    while (count--) {
        if (chacha->used == sizeof chacha->bytes) next_block(chacha);
        *bytes++ = chacha->bytes[chacha->used++];
    }
}

enum whim_status whim_uniform(whim_entropy *entropy, uint32_t sides, uint8_t *value)
{
    uint32_t fair = 256 - 256 % sides; /* bytes from here on would favour the low values */
    unsigned tries;

    for (tries = 0; tries < 256; tries++) {
        uint8_t byte;
        enum whim_status status = entropy(&byte, 1);
        if (status) return status;
        if (byte < fair) {
            *value = (uint8_t)(byte % sides);
            return WHIM_OK;
        }
    }
    return WHIM_ERR_ENTROPY;
}
