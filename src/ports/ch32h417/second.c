/* The second core: V5F's start, the mailbox by which the two wake each other, and what V5F left
 * when it ended in a fault. */
#include "ports/ch32h417/chip.h"
#include "ports/ch32h417/second.h"
#include "whim/port.h"

void port_second_start(void)
{
    second_fault->magic = 0;
    IPC_CTLR = IPC_CTLR_TO_V5F | IPC_CTLR_TO_V3F;
    IPC_CLR = IPC_CHANNEL0 | IPC_CHANNEL1;
    IPC_ENA = IPC_CHANNEL0 | IPC_CHANNEL1;
    PFIC_IENR1 = 1u << IRQ_IPC1;
    port_fence();
    PFIC_WAKEIP1 = SECOND_ENTRY;
    PFIC_SCTLR |= PFIC_SCTLR_SETEVENT;
}

__attribute__((interrupt)) void second_interrupt(void)
{
    IPC_CLR = IPC_CHANNEL1;
    idle_end();
}

void port_notify(void)
{
    IPC_SET = IPC_CHANNEL0;
}

void port_fence(void)
{
    __asm__ volatile("fence" ::: "memory");
}

void second_tell_fault(void)
{
    if (second_fault->magic != SECOND_FAULT) return;
    second_fault->magic = 0;
    console_hex("\nfault on V5F cause=", second_fault->cause);
    console_hex(" at=", second_fault->address);
    console_hex(" value=", second_fault->value);
    port_console("\n");
}
