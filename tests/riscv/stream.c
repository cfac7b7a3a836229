/* A picture of a streamed model, whose file lies in memory, with the number of instructions that it
 * took by the core's own counter; for comparing two cores. Every other look at a read answers that
 * it is not there yet. */
#include "result.h"
#include "whim/generate.h"

extern const uint8_t model_file[], model_file_end[];

static int8_t input[4096], arena[128 * 1024] __attribute__((aligned(16)));
static uint8_t buffers[16 * 1024] __attribute__((aligned(16)));
static unsigned looks;

static enum whim_status start(struct whim_source *source, uint32_t offset, void *to,
                              uint32_t count)
{
    uint8_t *out = to;
    (void)source;
    for (uint32_t i = 0; i < count; i++) out[i] = model_file[offset + i];
    return WHIM_OK;
}

static enum whim_status poll(struct whim_source *source)
{
    (void)source;
    return looks++ & 1 ? WHIM_OK : WHIM_BUSY;
}

static enum whim_status run(struct whim_generator *generator)
{
    enum whim_status status;
    do {
        status = whim_generate_step(generator);
    } while (status == WHIM_OK || status == WHIM_BUSY);
    return status;
}

int main(void)
{
    static struct whim_generator generator;
    struct whim_source source = {(uint32_t)(model_file_end - model_file), start, poll};
    uint32_t began = instructions(), opened, sum = 0;
    enum whim_status status;

    for (uint32_t i = 0; i < sizeof input; i++) input[i] = (int8_t)(37 * i - 90);
    whim_generate_open(&generator, &source, buffers, sizeof buffers);
    status = run(&generator);
    opened = instructions();
    if (status == WHIM_DONE) {
        status = whim_generate_start(&generator, input, arena, sizeof arena);
        if (!status) status = run(&generator);
    }
    result[0] = (uint32_t)status;
    result[1] = opened - began;
    result[2] = instructions() - opened;
    if (status == WHIM_DONE) {
        uint32_t values =
            (uint32_t)generator.model.height * generator.model.width * generator.model.channels;
        for (uint32_t i = 0; i < values; i++) sum = 31 * sum + (uint8_t)generator.picture[i];
    }
    result[3] = sum;
    return 0;
}
