/* Time, sleep and the watchdog. V3F's system timer counts 100 MHz and never stops; once a
 * millisecond its comparator interrupts. The watchdog is fed in port_sleep and port_idle alone: a
 * device that neither sleeps nor waits for four seconds is stuck, and a reset is what it needs. */
#include "ports/ch32h417/chip.h"
#include "ports/ch32h417/idle.h"
#include "whim/port.h"

/* 40 kHz / 64 = 625 Hz, and 2500 counts of that: 4 seconds, give or take LSI's tolerance. */
enum { WATCHDOG_COUNTS = 2500 };

static volatile uint32_t milliseconds;
static volatile uint32_t ended; /* port_idle is over */

__attribute__((interrupt)) void systick_interrupt(void)
{
    SYSTICK0_SR &= ~SYSTICK0_SR_CNTIF0; /* the other bit is V5F's */
    /* More than one may have passed while interrupts were off; and a comparator that is already
     * behind the counter would stay silent for 42 seconds. */
    while ((int32_t)(SYSTICK0_CNT - SYSTICK0_CMP) >= 0) {
        SYSTICK0_CMP += TICKS_PER_MS;
        milliseconds++;
    }
    IPC_SET = IPC_CHANNEL0; /* V5F has no clock that wakes it: see v5f/main.c */
    idle_flag(&ended);
}

void time_start(void)
{
    SYSTICK0_CMP = SYSTICK0_CNT + TICKS_PER_MS;
    SYSTICK0_CTLR = SYSTICK_CTLR_STE | SYSTICK_CTLR_STCLK;
    SYSTICK0_SR &= ~SYSTICK0_SR_CNTIF0; /* boards set it as soon as the timer is switched on */
    SYSTICK0_CTLR = SYSTICK_CTLR_STE | SYSTICK_CTLR_STIE | SYSTICK_CTLR_STCLK;
    PFIC_IENR1 = 1u << IRQ_SYSTICK0;
}

uint32_t port_millis(void)
{
    return milliseconds;
}

/* The comparator stands one millisecond behind the last that was counted, and both change together,
 * so the same millisecond before and after makes the three values fit each other. */
uint32_t port_micros(void)
{
    uint32_t counted, since;
    do {
        counted = milliseconds;
        since = SYSTICK0_CNT - (SYSTICK0_CMP - TICKS_PER_MS);
    } while (counted != milliseconds);
    return counted * 1000 + since / TICKS_PER_US;
}

void wait_us(uint32_t microseconds)
{
    uint32_t start = ticks();
    while (ticks() - start < microseconds * TICKS_PER_US) {}
}

void watchdog_start(void)
{
    uint32_t start = ticks();
    /* New values reach the watchdog only while it runs, so it is started first; it then has 0.4
     * seconds, and they take less than a hundredth. */
    IWDG_CTLR = IWDG_CTLR_START;
    IWDG_CTLR = IWDG_CTLR_UNLOCK;
    IWDG_PSCR = IWDG_PSCR_64;
    IWDG_CTLR = IWDG_CTLR_UNLOCK;
    IWDG_RLDR = WATCHDOG_COUNTS;
    while (IWDG_STATR & (IWDG_STATR_PVU | IWDG_STATR_RVU)) {
        if (ticks() - start > 50 * TICKS_PER_MS) break;
    }
    watchdog_feed();
}

void watchdog_feed(void)
{
    IWDG_CTLR = IWDG_CTLR_FEED;
}

void idle_end(void)
{
    idle_flag(&ended);
}

void port_idle(void)
{
    watchdog_feed();
    second_tell_fault();
    idle_wait(&ended);
}

void port_sleep(uint32_t sleep)
{
    uint32_t start = milliseconds;
    do {
        port_idle();
    } while (milliseconds - start < sleep);
}
