/* What a fault does on V3F: it tells the console what happened and where, and stops. The core
 * sleeps with interrupts off, so the watchdog, which nobody feeds, resets the chip within seconds,
 * and the console then reads "reset by the watchdog". Sleeping, and not spinning, keeps the
 * debugger's way into the chip open. */
#include "ports/ch32h417/chip.h"
#include "whim/port.h"

void fault_report(uint32_t cause, uint32_t address, uint32_t value)
{
    if (RCC_HB2PCENR & RCC_HB2PCENR_USART1EN) { /* else it came before the console */
        console_alone();
        console_hex("\nfault cause=", cause); /* mcause; from 80000000, an unexpected interrupt */
        console_hex(" at=", address);
        console_hex(" value=", value);
        port_console("\n");
    }
    for (;;) {
        __asm__ volatile("wfi"); /* the trap has turned interrupts off */
    }
}
