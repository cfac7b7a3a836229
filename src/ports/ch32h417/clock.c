/* 400 MHz for V5F and 100 MHz for everything else: the crystal of 25 MHz, or where it does not
 * start the internal oscillator of 25 MHz, times 16. V5F never does any of this. */
#include "ports/ch32h417/chip.h"

/* Longest waits, in the loops' turns, of which one takes less than a microsecond at 25 MHz: what
 * does not come in that time is not there. */
enum { CRYSTAL_TURNS = 100000, LSI_TURNS = 10000 };

/* Write and read back: the next access then finds it done. */
static void set(volatile uint32_t *rcc, uint32_t clear, uint32_t bits)
{
    *rcc = (*rcc & ~clear) | bits;
    (void)*rcc;
}

static bool comes(volatile uint32_t *rcc, uint32_t bit, uint32_t turns)
{
    while (turns && !(*rcc & bit)) turns--;
    return turns;
}

/* HCLK / 2, at most 50 MHz. With HCLK itself the flash cannot be read any more, nor written to put
 * that right, so this comes before the clock is raised. It is so after a reset; a boot loader may
 * have changed it. */
static void flash_clock(void)
{
    if ((FLASH_ACTLR & FLASH_ACTLR_SCK) == FLASH_ACTLR_SCK_2) return;
    FLASH_KEYR = FLASH_KEYR_KEY1;
    FLASH_KEYR = FLASH_KEYR_KEY2;
    FLASH_ACTLR = (FLASH_ACTLR & ~FLASH_ACTLR_SCK) | FLASH_ACTLR_SCK_2;
    (void)FLASH_ACTLR;
    FLASH_CTLR |= FLASH_CTLR_LOCK;
}

static void system_clock(void)
{
    set(&RCC_CTLR, 0, RCC_CTLR_HSEON);
    bool crystal = comes(&RCC_CTLR, RCC_CTLR_HSERDY, CRYSTAL_TURNS);
    set(&RCC_PLLCFGR, RCC_PLLCFGR_MUL | RCC_PLLCFGR_DIV | RCC_PLLCFGR_SRC,
        RCC_PLLCFGR_MUL_16 | (crystal ? RCC_PLLCFGR_SRC_HSE : 0));
    set(&RCC_CTLR, 0, RCC_CTLR_PLLON);
    while (!(RCC_CTLR & RCC_CTLR_PLLRDY)) {}
    set(&RCC_PLLCFGR, RCC_PLLCFGR_SYSSRC | RCC_PLLCFGR_SYSGATE, 0);
    set(&RCC_CFGR0, RCC_CFGR0_HPRE | RCC_CFGR0_FPRE, RCC_CFGR0_FPRE_4);
    flash_clock();
    set(&RCC_PLLCFGR, 0, RCC_PLLCFGR_SYSGATE);
    set(&RCC_CFGR0, RCC_CFGR0_SW, RCC_CFGR0_SW_PLL);
    while ((RCC_CFGR0 & RCC_CFGR0_SWS) != RCC_CFGR0_SWS_PLL) {}
}

void clock_start(void)
{
    /* The card's pins are supplied with 1.2 V after a reset, which no card takes for a one: 3.3 V,
     * before any pin is set up. */
    set(&RCC_HB1PCENR, 0, RCC_HB1PCENR_PWREN);
    PWR_CTLR = (PWR_CTLR & ~PWR_CTLR_VSEL_VIO18) | PWR_CTLR_VIO_SWCR | PWR_CTLR_VSEL_VIO18_3V3;

    system_clock();
    set(&RCC_HBPCENR, 0, RCC_HBPCENR_DMA1EN | RCC_HBPCENR_RNGEN | RCC_HBPCENR_SDMMCEN);
    set(&RCC_HB2PCENR, 0, RCC_HB2PCENR_AFIOEN | RCC_HB2PCENR_IOPAEN | RCC_HB2PCENR_IOPBEN |
                              RCC_HB2PCENR_IOPCEN | RCC_HB2PCENR_IOPDEN | RCC_HB2PCENR_SPI1EN |
                              RCC_HB2PCENR_USART1EN);
    set(&RCC_HB1PCENR, 0, RCC_HB1PCENR_TIM6EN | RCC_HB1PCENR_I2C1EN | RCC_HB1PCENR_DACEN |
                              RCC_HB1PCENR_SWPMIEN);
    set(&RCC_RSTSCKR, 0, RCC_RSTSCKR_LSION); /* for the watchdog */
    comes(&RCC_RSTSCKR, RCC_RSTSCKR_LSIRDY, LSI_TURNS);
}
