/* V5F's program: it computes, and that is all. What it needs of the chip is here: a clock, the
 * mailbox, and somewhere to leave a fault. */
#include "app/worker.h"
#include "ports/ch32h417/chip.h"
#include "ports/ch32h417/idle.h"
#include "ports/ch32h417/second.h"
#include "whim/port.h"

enum { PATIENCE = 5 * TICKS_PER_MS, PAUSE = 10 * TICKS_PER_US };

static volatile uint32_t notified;
static bool deaf; /* nothing wakes this core */

/* V3F's notifications, and its millisecond. */
__attribute__((interrupt)) void second_interrupt(void)
{
    IPC_CLR = IPC_CHANNEL0;
    idle_flag(&notified);
}

/* What is known of the mailbox comes from one source: data/facts/ch32h417.toml. Should V3F's
 * milliseconds not arrive, this core had better not sleep, but look again and again. */
static void listen(void)
{
    uint32_t start = SYSTICK1_CNT;
    while (!notified && !deaf) deaf = SYSTICK1_CNT - start > PATIENCE;
}

void port_idle(void)
{
    uint32_t start = SYSTICK1_CNT;
    if (!deaf) idle_wait(&notified);
    else while (SYSTICK1_CNT - start < PAUSE) {}
}

void port_notify(void)
{
    IPC_SET = IPC_CHANNEL1;
}

void port_fence(void)
{
    __asm__ volatile("fence" ::: "memory");
}

/* From this core's timer, which wraps after 42 seconds: right as long as somebody asks more often.
 * The worker does with every step. */
uint32_t port_micros(void)
{
    static uint32_t last, micros, rest;
    uint32_t now = SYSTICK1_CNT;
    rest += now - last;
    last = now;
    micros += rest / TICKS_PER_US;
    rest %= TICKS_PER_US;
    return micros;
}

/* A fault stops this core, asleep, so that a debugger finds its way in. V3F tells what it was, and
 * notices soon that nobody computes any more. */
void fault_report(uint32_t cause, uint32_t address, uint32_t value)
{
    second_fault->cause = cause;
    second_fault->address = address;
    second_fault->value = value;
    port_fence();
    second_fault->magic = SECOND_FAULT;
    port_notify();
    for (;;) {
        __asm__ volatile("wfi"); /* the trap has turned interrupts off */
    }
}

int main(void)
{
    SYSTICK1_CTLR = SYSTICK_CTLR_STE | SYSTICK_CTLR_STCLK;
    PFIC_IENR1 = 1u << IRQ_IPC0;
    listen();
    worker_run();
    return 0; /* never */
}
