/* The bench's program: make one picture of the model on the card, and leave in `bench` what each
 * layer and each chunk took. host/whim/bench.py writes the input and reads the result. */
#include "whim/generate.h"

enum { MAX_INPUTS = 4096, MAX_CHUNKS = 8192, MAX_BUFFER_BYTES = 256 * 1024 };

/* The card reader: host/emulator/card.h. */
struct reader {
    uint32_t length, offset, count, to, go, status;
};
static volatile struct reader *const reader = (volatile struct reader *)0x60000000;
enum { BUSY = 1, FAILED = 2 };

#define SHARED __attribute__((section(".shared"), aligned(512)))

/* To and from the host, which knows this struct: bench.py. */
struct {
    uint32_t buffer_bytes; /* of both, asked for by the host */
    int32_t status;
    const char *status_name;
    const int8_t *picture;
    uint32_t height, width, channels;
    uint32_t arena_bytes, state_bytes, retries, bytes_read;
    uint32_t opened; /* at how many cycles */
    struct {
        uint64_t instructions, computing, waiting; /* the latter two in cycles */
    } layers[WHIM_MAX_LAYERS];
} bench __attribute__((section(".data")));

SHARED int8_t bench_input[MAX_INPUTS];
SHARED uint32_t bench_chunks[MAX_CHUNKS]; /* cycles of computing with each */
SHARED static uint8_t buffers[MAX_BUFFER_BYTES];

extern uint8_t bench_arena[], bench_arena_end[];

static struct whim_generator generator;
static uint32_t last_instructions, last_cycles;

/* CSR instructions are written as .insn: assemblers disagree about which -march admits them. */
static inline uint32_t cycles(void)
{
    uint32_t count;
    __asm__ volatile(".insn i 0x73, 2, %0, x0, 0xb00 - 0x1000" : "=r"(count));
    return count;
}

static inline uint32_t instructions(void)
{
    uint32_t count;
    __asm__ volatile(".insn i 0x73, 2, %0, x0, 0xb02 - 0x1000" : "=r"(count));
    return count;
}

static enum whim_status start(struct whim_source *source, uint32_t offset, void *to,
                              uint32_t count)
{
    (void)source;
    reader->offset = offset;
    reader->count = (count + WHIM_SECTOR - 1) & ~(WHIM_SECTOR - 1u); /* it knows whole blocks */
    reader->to = (uint32_t)(uintptr_t)to;
    reader->go = 1;
    return WHIM_OK;
}

static enum whim_status poll(struct whim_source *source)
{
    uint32_t status = reader->status;
    (void)source;
    return status == BUSY ? WHIM_BUSY : status == FAILED ? WHIM_ERR_CARD_READ : WHIM_OK;
}

/* Everything since the last call was for this layer and chunk, be it computing or waiting. */
static void count(unsigned layer, uint32_t chunk, enum whim_status status)
{
    uint32_t instructions_now = instructions(), cycles_now = cycles();

    if (status == WHIM_BUSY) {
        bench.layers[layer].waiting += cycles_now - last_cycles;
    } else {
        bench.layers[layer].instructions += instructions_now - last_instructions;
        bench.layers[layer].computing += cycles_now - last_cycles;
        if (chunk < MAX_CHUNKS) bench_chunks[chunk] += cycles_now - last_cycles;
    }
    last_instructions = instructions_now;
    last_cycles = cycles_now;
}

/* Step until the end of what was begun. */
static enum whim_status run(void)
{
    enum whim_status status;
    unsigned layer = 0;

    do {
        if (generator.layer < generator.model.layers) layer = generator.layer; /* or it is done */
        status = whim_generate_step(&generator);
        if (status == WHIM_BUSY) __asm__ volatile("wfi" ::: "memory");
        count(layer, generator.loader.wanted, status); /* a step goes on with it before it works */
    } while (status == WHIM_OK || status == WHIM_BUSY);
    return status;
}

static enum whim_status picture(struct whim_source *source)
{
    enum whim_status status;

    whim_generate_open(&generator, source, buffers, bench.buffer_bytes);
    if ((status = run()) != WHIM_DONE) return status;
    bench.opened = cycles();
    for (unsigned i = 0; i < WHIM_MAX_LAYERS; i++) {
        bench.layers[i].instructions = bench.layers[i].computing = bench.layers[i].waiting = 0;
    }
    for (unsigned i = 0; i < MAX_CHUNKS; i++) bench_chunks[i] = 0;

    last_instructions = instructions();
    last_cycles = bench.opened;
    status = whim_generate_start(&generator, bench_input, bench_arena,
                                 (uint32_t)(bench_arena_end - bench_arena));
    return status ? status : run();
}

int main(void)
{
    struct whim_source source = {reader->length, start, poll};

    if (bench.buffer_bytes > MAX_BUFFER_BYTES) bench.buffer_bytes = MAX_BUFFER_BYTES;
    bench.status = picture(&source);
    bench.status_name = whim_status_name(bench.status);
    bench.picture = generator.picture;
    bench.height = generator.model.height;
    bench.width = generator.model.width;
    bench.channels = generator.model.channels;
    bench.arena_bytes = generator.model.arena_bytes;
    bench.state_bytes = sizeof generator;
    bench.retries = generator.loader.retries;
    bench.bytes_read = generator.loader.bytes_read;
    return 0;
}
