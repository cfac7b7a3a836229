/* Sleeping until an interrupt has something to tell, on either core.
 *
 * A core looks whether a flag is set and sleeps if it is not; were the interrupt to come between
 * the two, it would sleep through it. On this chip a core that sleeps with interrupts masked does
 * not wake, so the usual way out is closed. Instead, an interrupt that finds the core between the
 * look and the end of wfi sends it back behind the wfi. */
#ifndef PORTS_CH32H417_IDLE_H
#define PORTS_CH32H417_IDLE_H

#include <stdint.h>

/* Sleep until *flag is not zero, or until any interrupt; then set it to zero. */
void idle_wait(volatile uint32_t *flag);

/* Addresses in idle_wait: the wfi, and behind it. */
extern const char idle_wfi[], idle_over[];

/* Set the flag. Only an interrupt handler may call it, in which mepc is where it came from. */
static inline void idle_flag(volatile uint32_t *flag)
{
    uint32_t from;
    *flag = 1;
    __asm__ volatile(".insn i 0x73, 2, %0, x0, 0x341" : "=r"(from)); /* mepc */
    if (from >= (uint32_t)(uintptr_t)idle_wait && from <= (uint32_t)(uintptr_t)idle_wfi) {
        __asm__ volatile(".insn i 0x73, 1, x0, %0, 0x341" : : "r"(idle_over));
    }
}

#endif
