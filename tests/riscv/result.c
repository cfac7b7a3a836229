/* The result of a program, and how QEMU comes to tell it. */
#include "result.h"

volatile uint32_t result[4];

void finish(void);

uint32_t instructions(void)
{
    uint32_t count;
    __asm__ volatile("csrr %0, minstret" : "=r"(count));
    return count;
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
