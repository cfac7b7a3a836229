/* Seeds: see chance.h. A keystream that is remembered by its place, and made again for each byte,
 * takes 16 bytes of RAM; a struct whim_chacha would take 80 of the smallest chip's 2 KB. A roll
 * draws six bytes or so, and there is time enough for six blocks. */
#include "app/chance.h"

#include "app/pool.h"
#include "whim/port.h"
#include "whim/random.h"

enum { LIMBS = 4, QUIET_MS = 1000 };

static struct {
    uint16_t seed[LIMBS]; /* the lowest 16 bits first */
    uint32_t drawn;       /* bytes of the keystream */
    bool seeded;
#if WHIM_CARD
    bool pooled;           /* the last bytes came from the pool */
    enum whim_status pool; /* as it answered last */
    uint32_t drawn_ms;     /* when bytes were drawn last without it */
#endif
} chance;

#if WHIM_CARD
static enum whim_status unseeded_bytes(uint8_t *bytes, uint32_t count)
{
    if (!chance.pool || port_millis() - chance.drawn_ms >= QUIET_MS) {
        chance.pool = pool_bytes(bytes, count);
    }
    chance.pooled = !chance.pool;
    if (chance.pooled) return WHIM_OK;
    enum whim_status status = port_entropy(bytes, count);
    chance.drawn_ms = port_millis();
    return status;
}

enum whim_status chance_pool(void)
{
    return chance.pool;
}
#else
#define unseeded_bytes port_entropy
#endif

enum whim_status chance_bytes(uint8_t *bytes, uint32_t count)
{
    struct whim_chacha chacha;
    if (!chance.seeded) return unseeded_bytes(bytes, count);
    chacha.key[0] = (uint32_t)chance.seed[1] << 16 | chance.seed[0];
    chacha.key[1] = (uint32_t)chance.seed[3] << 16 | chance.seed[2];
    while (count--) {
        chacha.block = chance.drawn / sizeof chacha.bytes;
        chacha.used = sizeof chacha.bytes;
        whim_chacha_bytes(&chacha, bytes, 1); /* makes the whole block */
        *bytes++ = chacha.bytes[chance.drawn++ % sizeof chacha.bytes];
    }
    return WHIM_OK;
}

bool chance_seed(const char *text)
{
    uint16_t seed[LIMBS] = {0};
    do {
        uint32_t carry = (uint32_t)(*text - '0');
        if (carry > 9) return false;
        for (uint32_t i = 0; i < LIMBS; i++) {
            carry += 10u * seed[i]; /* <= 9 + 10 * 65535: less than 2^20 */
            seed[i] = (uint16_t)carry;
            carry >>= 16;
        }
        if (carry) return false;
    } while (*++text);
    for (uint32_t i = 0; i < LIMBS; i++) chance.seed[i] = seed[i];
    chance.drawn = 0;
    chance.seeded = true;
    return true;
}

const char *chance_source(void)
{
    if (chance.seeded) return "seed";
#if WHIM_CARD
    if (chance.pooled) return pool_source();
#endif
    return port_entropy_source();
}
