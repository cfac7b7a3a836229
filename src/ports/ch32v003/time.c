/* Time, sleep and the watchdog. The system timer counts 48 MHz and never stops; once a millisecond
 * its comparator interrupts. The watchdog is fed here alone: a device that neither sleeps nor
 * finishes a picture for four seconds is stuck, and a reset is what it needs. */
#include "ports/ch32v003/chip.h"
#include "whim/port.h"

/* 128 kHz / 128 = 1 kHz, within some 30 % over temperature and chips: 2.8 to 5.7 seconds. */
enum { WATCHDOG_COUNTS = 4000 };

static volatile uint32_t milliseconds;

__attribute__((interrupt)) void systick_interrupt(void)
{
    SYSTICK_SR = 0;
    /* More than one may have passed while interrupts were off; and a comparator that is already
     * behind the counter would stay silent for 89 seconds. */
    do {
        SYSTICK_CMP += TICKS_PER_MS;
        milliseconds++;
    } while ((int32_t)(SYSTICK_CNT - SYSTICK_CMP) >= 0);
}

void time_start(void)
{
    SYSTICK_CMP = SYSTICK_CNT + TICKS_PER_MS;
    SYSTICK_SR = 0;
    SYSTICK_CTLR = SYSTICK_CTLR_STE | SYSTICK_CTLR_STIE | SYSTICK_CTLR_STCLK;
    PFIC_IENR1 = 1u << IRQ_SYSTICK;
}

uint32_t port_millis(void)
{
    return milliseconds;
}

uint32_t port_cycles(void)
{
    return ticks();
}

void watchdog_start(void)
{
    uint32_t start = ticks();
    /* New values reach the watchdog only while it runs, so it is started first; it then has a tenth
     * of a second, and they take less than a hundredth. */
    IWDG_CTLR = IWDG_CTLR_START;
    IWDG_CTLR = IWDG_CTLR_UNLOCK;
    IWDG_PSCR = IWDG_PSCR_128;
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

void port_sleep(uint32_t sleep)
{
    uint32_t start = milliseconds;
    do {
        watchdog_feed();
        __asm__ volatile("wfi"); /* until the next millisecond, or a press */
    } while (milliseconds - start < sleep);
}
