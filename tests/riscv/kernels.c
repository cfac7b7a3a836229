/* A picture of the shipped die, with the number of instructions that it took by the core's own
 * counter; for comparing two cores. */
#include <stdint.h>

#include "whim/model.h"

extern const uint8_t die[], die_end[];

volatile uint32_t result[4]; /* status, instructions to open, instructions of the picture, sum */

static int8_t arena[4096];

static uint32_t instructions(void)
{
    uint32_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count));
    return count;
}

int main(void)
{
    struct whim_model model;
    struct whim_run run;
    int8_t input[32];
    const int8_t *row;
    uint32_t start = instructions(), opened, sum = 0;

    for (uint32_t i = 0; i < sizeof input; i++) input[i] = (int8_t)(37 * (int32_t)i - 90);
    enum whim_status status = whim_open(&model, die, (uint32_t)(die_end - die));
    opened = instructions();
    if (!status) status = whim_start(&run, &model, input, arena, sizeof arena);
    while (!status && !(status = whim_next_row(&run, &row))) {
        for (uint32_t x = 0; x < model.width; x++) sum = 31 * sum + (uint8_t)row[x];
    }
    result[0] = (uint32_t)status;
    result[1] = opened - start;
    result[2] = instructions() - opened;
    result[3] = sum;
    return 0;
}

/* On QEMU's `virt` machine: the result on its UART, and then its power off. */
void finish(void)
{
    for (uint32_t i = 0; i < 4; i++) {
        for (int32_t shift = 28; shift >= 0; shift -= 4) {
            *(volatile uint8_t *)0x10000000 = (uint8_t)"0123456789abcdef"[result[i] >> shift & 15];
        }
        *(volatile uint8_t *)0x10000000 = i < 3 ? ' ' : '\n';
    }
    *(volatile uint32_t *)0x100000 = 0x5555;
    for (;;) {}
}
