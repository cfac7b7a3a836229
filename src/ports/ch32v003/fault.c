/* What a fault does: it tells the console what happened and where, and stops. The core sleeps with
 * interrupts off, so the watchdog, which nobody feeds, resets the chip within seconds, and the
 * console then reads "reset by the watchdog". Sleeping, and not spinning, keeps the debugger's way
 * into the chip open. */
#include "ports/ch32v003/chip.h"
#include "whim/port.h"

void fault_report(uint32_t cause, uint32_t address, uint32_t value)
{
#ifdef WHIM_SMALL
    (void)cause, (void)address, (void)value;
    if (RCC_APB2PCENR & RCC_APB2PCENR_USART1EN) port_console("\nfault\n");
#else
    if (RCC_APB2PCENR & RCC_APB2PCENR_USART1EN) { /* else it came before the console */
        console_hex("\nfault cause=", cause); /* mcause; from 80000000, an unexpected interrupt */
        console_hex(" at=", address);
        console_hex(" value=", value);
        port_console("\n");
    }
#endif
    for (;;) {
        __asm__ volatile("wfi"); /* the trap has turned interrupts off */
    }
}
