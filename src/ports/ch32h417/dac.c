/* Sound: TIM6 asks the DAC for its next value 64,000 times a second, and the DAC asks DMA1's
 * channel 1 for the one after that, from a ring in shared memory.
 *
 * 100 MHz / 64 kHz is 1562.5. While the first half of the ring is played the timer counts 1562, and
 * while the second half is, 1563: exact on the mean, and a wobble of 0.03 %, which nobody hears.
 * The counts change by an interrupt, always equally late. */
#include "ports/ch32h417/chip.h"
#include "whim/port.h"

enum { PERIODS = 2 * HCLK_HERTZ / PORT_DAC_HERTZ }; /* of two values: 3125 */

static uint32_t ring;            /* values; 0: stopped */
static volatile uint32_t rounds; /* of the ring, that are over */
static uint32_t stopped_at;      /* values played when it was stopped */

void dac_start(void)
{
    pin_mode(&GPIOA_CFGLR, PIN_DAC, GPIO_ANALOG);
    DAC_R12BDHR1 = 0;
    DAC_CTLR = DAC_CTLR_EN1; /* buffered; without a trigger yet, so the 0 is there at once */
    TIM6_PSC = 0;
    TIM6_CTLR2 = TIM6_CTLR2_MMS_UPDATE;
    DMAMUX_CHANNEL1 = DMAMUX_DAC1;
    PFIC_IENR2 = 1u << (IRQ_DMA1_CHANNEL1 - 32);
}

static void period(uint32_t counts)
{
    TIM6_ATRLR = (uint16_t)(counts - 1); /* preloaded: it counts from the next value on */
}

__attribute__((interrupt)) void dac_interrupt(void)
{
    uint32_t flags = DMA1_INTFR;
    if (flags & DMA1_INTF_HT1) {
        DMA1_INTFCR = DMA1_INTF_HT1;
        period(PERIODS - PERIODS / 2);
    }
    if (flags & DMA1_INTF_TC1) {
        DMA1_INTFCR = DMA1_INTF_TC1;
        period(PERIODS / 2);
        rounds++;
    }
}

void port_dac_start(const uint16_t *values, uint32_t count)
{
    port_dac_stop();
    rounds = stopped_at = 0;
    ring = count;
    DMA1_INTFCR = DMA1_INTF_TC1 | DMA1_INTF_HT1;
    DMA1_PADDR1 = (uint32_t)(uintptr_t)&DAC_R12BDHR1;
    DMA1_MADDR1 = (uint32_t)(uintptr_t)values;
    DMA1_CNTR1 = count;
    DMA1_CFGR1 = DMA1_CFGR_EN | DMA1_CFGR_TCIE | DMA1_CFGR_HTIE | DMA1_CFGR_DIR |
                 DMA1_CFGR_CIRC | DMA1_CFGR_MINC | DMA1_CFGR_PSIZE_16 | DMA1_CFGR_MSIZE_16 |
                 DMA1_CFGR_PL_HIGHEST;
    DAC_CTLR = DAC_CTLR_EN1 | DAC_CTLR_TEN1 | DAC_CTLR_DMAEN1;
    period(PERIODS / 2);
    TIM6_CNT = 0;
    TIM6_CTLR1 = TIM6_CTLR1_CEN | TIM6_CTLR1_ARPE;
}

/* The counter begins anew in the moment in which the round is over, and the interrupt counts it a
 * little later, so a round may be pending that the counter no longer shows. */
uint32_t port_dac_played(void)
{
    uint32_t over, left;
    bool pending;
    if (!ring) return stopped_at;
    do {
        over = rounds;
        left = DMA1_CNTR1;
        pending = DMA1_INTFR & DMA1_INTF_TC1;
    } while (over != rounds || left < DMA1_CNTR1);
    return (over + pending) * ring + (ring - left);
}

void port_dac_stop(void)
{
    TIM6_CTLR1 = 0;
    stopped_at = port_dac_played();
    ring = 0;
    DMA1_CFGR1 = 0;
    DAC_CTLR = DAC_CTLR_EN1 | DAC_CTLR_TEN1; /* no request; and nothing triggers */
}
