/* Random bytes from the chip's generator, whose raw words, as boards have shown, hold only 10 to 11
 * bits of entropy each: they are tested, and many are folded into few bytes.
 *
 * Health test: the repetition count and the adaptive proportion of NIST SP 800-90B (4.4.1, 4.4.2)
 * over the words, for a claim of 4 bits a word and a false alarm in 2^30: no word 9 times in a row,
 * and none in 71 of 512. After an alarm, or an error that the generator itself reports, nothing
 * counts until it has passed the start-up test of 1024 words again; until then there are no random
 * bytes: WHIM_ERR_ENTROPY.
 *
 * Conditioner: a sponge over ChaCha20. The state is a key of 64 bits. Two words are added to it by
 * exclusive or, and the first 8 bytes of its keystream are the new key. The output is its keystream
 * from block 1 on, 64 bytes at most, and never beyond a press. The times of the button's edges are
 * mixed in and not counted.
 *
 * The claim: the 64 words before each output hold 256 bits, so the key is as good as drawn anew; of
 * the state no more than its 64 bits can be hoped for. That is a die's measure and not a cipher's:
 * do not make keys of it.
 *
 * A seed may lie in the mailbox, where a debugger or the virtual board puts it before a reset. Then
 * all bytes are its keystream, the same as on every other board. */
#include "ports/ch32h417/chip.h"
#include "whim/port.h"
#include "whim/random.h"

enum {
    STARTUP = 1024, /* words before the generator counts */
    FRESH = 64,     /* words for each refill */
    WINDOW = 512,   /* of the adaptive proportion test */
    MOST_IN_ROW = 8,
    MOST_IN_WINDOW = 70,
    WORD_TICKS = TICKS_PER_MS /* longest wait for a word, which takes some microseconds */
};

enum { SEED_MAGIC = 0x57484d53 }; /* "SMHW" in memory */

/* {SEED_MAGIC, low half, high half} asks for a seed. RAM holds anything at power-on; that it holds
 * the magic happens once in four billion times. */
extern uint32_t port_seed_request[3];
__attribute__((section(".noinit"))) uint32_t port_seed_request[3];

/* What the tests know of the generator; all zero at start, and after an alarm. */
static struct {
    uint32_t passed; /* words without an alarm, up to STARTUP */
    uint32_t place;  /* in the window */
    uint32_t same;   /* words of the window like its first */
    uint32_t first;  /* of the window */
    uint32_t last;   /* word */
    uint32_t in_row; /* how often it has come */
} health;

static struct whim_chacha chacha;
static uint32_t edges_used;
static bool seeded;

static void alarm(void)
{
    health.passed = health.place = health.in_row = 0;
    RNG_CR = 0; /* off, and afresh: that clears its errors */
    RNG_CR = RNG_CR_RNGEN;
}

static bool healthy(uint32_t word)
{
    health.in_row = health.in_row && word == health.last ? health.in_row + 1 : 1;
    health.last = word;

    if (!health.place) {
        health.first = word;
        health.same = 0;
    }
    health.same += word == health.first;
    health.place = (health.place + 1) % WINDOW;

    if (health.passed < STARTUP) health.passed++;
    return health.in_row <= MOST_IN_ROW && health.same <= MOST_IN_WINDOW;
}

/* The generator's next word, if it is in order and none of the tests minds. */
static bool draw(uint32_t *word)
{
    uint32_t start = ticks(), status;
    do {
        status = RNG_SR;
        if (status & (RNG_SR_CECS | RNG_SR_SECS) || ticks() - start > WORD_TICKS) {
            alarm();
            return false;
        }
    } while (!(status & RNG_SR_DRDY));
    *word = RNG_DR;
    if (healthy(*word)) return true;
    alarm();
    return false;
}

static void absorb(uint32_t low, uint32_t high)
{
    union {
        uint8_t bytes[8];
        uint32_t words[2];
    } key;
    chacha.key[0] ^= low;
    chacha.key[1] ^= high;
    chacha.block = 0;
    chacha.used = sizeof chacha.bytes;
    whim_chacha_bytes(&chacha, key.bytes, sizeof key.bytes);
    chacha.key[0] = key.words[0];
    chacha.key[1] = key.words[1];
}

static enum whim_status refill(void)
{
    struct edges edges = button_edges();
    absorb(edges.times, ticks());
    for (uint32_t i = health.passed < STARTUP ? STARTUP : FRESH; i; i -= 2) {
        uint32_t low, high;
        if (!draw(&low) || !draw(&high)) return WHIM_ERR_ENTROPY;
        absorb(low, high);
    }
    chacha.block = 1; /* block 0 made this key */
    chacha.used = sizeof chacha.bytes;
    edges_used = edges.count;
    return WHIM_OK;
}

void entropy_start(void)
{
    RNG_CR = RNG_CR_RNGEN;
    chacha.used = sizeof chacha.bytes;
    if (port_seed_request[0] != SEED_MAGIC) return;
    whim_chacha_seed(&chacha, port_seed_request[1] | (uint64_t)port_seed_request[2] << 32);
    seeded = true;
    port_seed_request[0] = 0; /* for this run alone */
}

enum whim_status port_entropy(uint8_t *bytes, uint32_t count)
{
    for (; count; count--) {
        bool fresh = chacha.block == 2 && chacha.used < sizeof chacha.bytes;
        if (!seeded && (!fresh || button_edges().count != edges_used)) {
            enum whim_status status = refill();
            if (status) return status;
        }
        whim_chacha_bytes(&chacha, bytes++, 1);
    }
    return WHIM_OK;
}

const char *port_entropy_source(void)
{
    return seeded ? "seed" : "generator";
}
