/* 48 MHz: the internal oscillator (HSI, 24 MHz) times two. */
#include "ports/ch32v003/chip.h"

void clock_start(void)
{
    /* Above 24 MHz the flash needs one wait state or two, before the clock is raised (CH32V003RM,
     * CH32V00XRM, FLASH_ACTLR; ch32fun's SystemInit). */
    FLASH_ACTLR = FLASH_WAITS;
    /* Undivided (reset divides HCLK by 3), and the PLL from HSI. The PLL must be off while its
     * source is chosen, as it is after every reset. */
    RCC_CFGR0 = 0;
    RCC_CTLR |= RCC_CTLR_PLLON;
    while (!(RCC_CTLR & RCC_CTLR_PLLRDY)) {}
    RCC_CFGR0 = RCC_CFGR0_SW_PLL;
    while ((RCC_CFGR0 & RCC_CFGR0_SWS) != RCC_CFGR0_SWS_PLL) {}

    RCC_APB2PCENR = RCC_APB2PCENR_AFIOEN | RCC_APB2PCENR_IOPCEN | RCC_APB2PCENR_IOPDEN |
                    RCC_APB2PCENR_USART1EN | RCC_APB2PCENR_ADC1EN;
    RCC_APB1PCENR = RCC_APB1PCENR_I2C1EN;
    RCC_RSTSCKR |= RCC_RSTSCKR_LSION; /* for the watchdog, and as a second clock to compare with */
    while (!(RCC_RSTSCKR & RCC_RSTSCKR_LSIRDY)) {}
}
