/* Run a model that the host has put into memory, and leave what comes out: host/whim/measure.py. */
#include "whim/model.h"

enum { MODEL_BYTES = 256 << 10, ARENA_BYTES = 64 << 10, MAX_INPUTS = 4096, MAX_OUTPUTS = 32 << 10 };

uint8_t measure_model[MODEL_BYTES] __attribute__((aligned(4)));
int8_t measure_arena[ARENA_BYTES] __attribute__((aligned(4)));
int8_t measure_input[MAX_INPUTS] __attribute__((aligned(4)));
int8_t measure_output[MAX_OUTPUTS];
uint32_t measure_length, measure_status, measure_instructions;

/* CSR instructions are written as .insn: assemblers disagree about which -march admits them. */
static inline uint32_t instructions(void)
{
    uint32_t count;
    __asm__ volatile(".insn i 0x73, 2, %0, x0, 0xb02 - 0x1000" : "=r"(count));
    return count;
}

int main(void)
{
    struct whim_model model;
    struct whim_run run;
    const int8_t *row;
    int8_t *out = measure_output;
    uint32_t i;
    enum whim_status status = whim_open(&model, measure_model, measure_length);

    if (!status) status = whim_start(&run, &model, measure_input, measure_arena, ARENA_BYTES);
    measure_instructions = instructions();
    while (!status && !(status = whim_next_row(&run, &row)))
        for (i = 0; i < (uint32_t)model.width * model.channels; i++) *out++ = row[i];
    measure_instructions = instructions() - measure_instructions;
    measure_status = (uint32_t)status;
    return 0;
}
