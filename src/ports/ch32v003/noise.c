/* Two sources of noise that have nothing to do with each other.
 *
 * The converter reads a pin that is left open: thermal noise, and what its wire picks up. The clock
 * is a race between two oscillators on the chip: a new reload value for the watchdog is taken over
 * on an edge of LSI (128 kHz), and the time from one such edge to the next is counted at 48 MHz,
 * which comes from HSI. The loop that looks for the edge takes a few counts for each turn: what
 * differs by less says nothing about LSI (see entropy.c). */
#include "ports/ch32v003/chip.h"

/* Longest waits: in the loop's turns, more than 25 cycles of LSI; in ticks, ten conversions. What
 * does not come gives samples that are all alike, and the health test finds out. */
enum { CLOCK_TURNS = 1500, CONVERSION_WAIT = HCLK_HERTZ / 40000 };

void noise_start(void)
{
    pin_mode(&GPIOD_CFGLR, PIN_NOISE, GPIO_ANALOG);
    RCC_APB2PRSTR = RCC_APB2PRSTR_ADC1RST;
    RCC_APB2PRSTR = 0;
    ADC1_RSQR3 = NOISE_CHANNEL; /* a sequence of one */
    ADC1_SAMPTR2 = 4u << 3 * NOISE_CHANNEL; /* 43 cycles: long enough not to read the last sample */
    ADC1_CTLR2 = ADC1_CTLR2_ADON | ADC1_CTLR2_EXTSEL | ADC1_CTLR2_EXTTRIG;
}

uint8_t noise_adc(void)
{
    uint32_t start = ticks();
    ADC1_CTLR2 |= ADC1_CTLR2_SWSTART;
    while (!(ADC1_STATR & ADC1_STATR_EOC)) {
        if (ticks() - start > CONVERSION_WAIT) return 0;
    }
    return (uint8_t)ADC1_RDATAR; /* reading it clears EOC */
}

/* Have a reload value taken over; false when it has not been in time. */
static bool edge(void)
{
    uint32_t turns = CLOCK_TURNS;
    IWDG_CTLR = IWDG_CTLR_UNLOCK;
    IWDG_RLDR = IWDG_RLDR;
    while (turns && IWDG_STATR & IWDG_STATR_RVU) turns--;
    return turns;
}

uint8_t noise_clock(void)
{
    if (!edge()) return 0;
    uint32_t start = ticks();
    if (!edge()) return 0;
    return (uint8_t)(ticks() - start);
}
