/* Random bytes without a generator on the chip.
 *
 * Noise: samples of the converter and of the clock (noise.c), and the times of the button's edges,
 * which nobody can time to 21 nanoseconds.
 *
 * Health test: of each of the two sampled sources, the repetition count and the adaptive proportion
 * of NIST SP 800-90B (4.4.1, 4.4.2), for a claim of a quarter of a bit a sample and a false alarm
 * in 2^30: no value 121 times in a row, and none in 477 of 512. For the clock, values count as the
 * same that the loop's grain could make of one, for two oscillators without any jitter still beat.
 * A source that fails does not count until it has passed the start-up test of 1024 samples again.
 * If neither passes, there are no random bytes: WHIM_ERR_ENTROPY. Edges are mixed in and not
 * counted.
 *
 * Conditioner: a sponge over ChaCha20. The state is a key of 64 bits. 16 samples, folded into 64
 * bits, are added to it by exclusive or, and the first 8 bytes of its keystream are the new key.
 * The output is its keystream from block 1 on, 64 bytes at most, and never beyond a press.
 *
 * The claim: 256 fresh samples of one healthy source hold 64 bits, so before each roll the key is
 * as good as drawn anew, and of the state space no more than 64 bits can be hoped for. That is a
 * die's measure and not a cipher's: do not make keys of it.
 *
 * A seed may lie in the mailbox, where a debugger or the virtual board puts it before a reset. Then
 * all bytes are its keystream, the same as on every other board. */
#include "ports/ch32v003/chip.h"
#include "whim/port.h"
#include "whim/random.h"

enum {
    STARTUP = 1024,  /* samples before a source counts */
    FRESH = 256,     /* samples for each refill */
    WINDOW = 512,    /* of the adaptive proportion test */
    MOST_IN_ROW = 120,
    MOST_IN_WINDOW = 476,
    FOLD = 16,       /* samples to 64 bits */
    CLOCK_GRAIN = 12 /* ticks: the clock's loop takes 10 for a turn, as the cycle model has it */
};

enum { SEED_MAGIC = 0x57484d53 }; /* "SMHW" in memory */

/* {SEED_MAGIC, low half, high half} asks for a seed. RAM holds anything at power-on; that it holds
 * the magic happens once in four billion times. */
extern uint32_t port_seed_request[3];
__attribute__((section(".noinit"))) uint32_t port_seed_request[3];

/* What the tests know of a source; beside `grain`, all zero at start. */
struct health {
    uint16_t passed; /* samples without an alarm, up to STARTUP */
    uint16_t place;  /* in the window */
    uint16_t same;   /* samples of the window like its first */
    uint8_t first;   /* of the window */
    uint8_t run;     /* the value that began a run of like ones */
    uint8_t in_row;  /* the run's length */
    uint8_t grain;   /* values that differ by no more are alike */
};

enum { ADC, CLOCK, SOURCES };
static struct health health[SOURCES];
static struct whim_chacha chacha;
static uint32_t edges_used;
static bool seeded;

static bool alike(const struct health *source, uint8_t a, uint8_t b)
{
    uint8_t more = (uint8_t)(a - b), less = (uint8_t)(b - a); /* samples are modulo 256 */
    return (more < less ? more : less) <= source->grain;
}

/* False when `sample` raises an alarm; the source then begins its start-up test again. */
static bool test(struct health *source, uint8_t sample)
{
    if (!source->in_row || !alike(source, sample, source->run)) {
        source->run = sample;
        source->in_row = 0;
    }
    source->in_row++;

    if (!source->place) {
        source->first = sample;
        source->same = 0;
    }
    source->same += alike(source, sample, source->first);
    source->place = (source->place + 1) % WINDOW;

    if (source->passed < STARTUP) source->passed++;
    if (source->in_row <= MOST_IN_ROW && source->same <= MOST_IN_WINDOW) return true;
    source->passed = source->place = source->in_row = 0;
    return false;
}

static void absorb(const uint32_t fold[2])
{
    union {
        uint8_t bytes[8];
        uint32_t words[2];
    } key;
    chacha.key[0] ^= fold[0];
    chacha.key[1] ^= fold[1];
    chacha.block = 0;
    chacha.used = sizeof chacha.bytes;
    whim_chacha_bytes(&chacha, key.bytes, sizeof key.bytes);
    chacha.key[0] = key.words[0];
    chacha.key[1] = key.words[1];
}

/* Take `count` samples of a source into the key, or as many as come without an alarm. */
static void gather(struct health *source, uint8_t (*sample)(void), uint32_t count)
{
    uint32_t fold[2] = {0, 0};
    while (count--) {
        uint8_t value = sample();
        if (!test(source, value)) return;
        uint32_t high = fold[1]; /* turn the 64 bits by four */
        fold[1] = high << 4 | fold[0] >> 28;
        fold[0] = (fold[0] << 4 | high >> 28) ^ value;
        if (count % FOLD == 0) absorb(fold);
    }
}

static uint32_t wanted(const struct health *source)
{
    return source->passed < STARTUP ? STARTUP : FRESH;
}

static enum whim_status refill(void)
{
    struct edges edges = button_edges();
    uint32_t fold[2] = {edges.times, ticks()};
    absorb(fold);
    health[CLOCK].grain = CLOCK_GRAIN;
    gather(&health[ADC], noise_adc, wanted(&health[ADC]));
    gather(&health[CLOCK], noise_clock, wanted(&health[CLOCK]));
    chacha.block = 1; /* block 0 made this key */
    chacha.used = sizeof chacha.bytes;
    edges_used = edges.count;
    bool healthy = health[ADC].passed == STARTUP || health[CLOCK].passed == STARTUP;
    return healthy ? WHIM_OK : WHIM_ERR_ENTROPY;
}

void entropy_start(void)
{
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
    return seeded ? "seed" : "jitter";
}
