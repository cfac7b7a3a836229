/* What the files of this port share. V3F runs all of them; V5F's are in v5f/. */
#ifndef PORTS_CH32H417_CHIP_H
#define PORTS_CH32H417_CHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "ports/ch32h417/registers.h"
#include "whim/status.h"

enum {
    SYSCLK_HERTZ = 400000000, /* V5F's clock */
    HCLK_HERTZ = 100000000,   /* V3F's, the shared memory's and the peripherals' */
    TICKS_PER_US = HCLK_HERTZ / 1000000,
    TICKS_PER_MS = HCLK_HERTZ / 1000,
    PORT_STACK_PAINT = 0x5aa5c33c /* what start.S fills the stacks with */
};

/* Pins; docs/WIRING.md draws them. */
enum {
    PIN_BUTTON = 0, /* PA0, to ground */
    PIN_DAC = 4,    /* PA4 */
    PIN_TX = 9,     /* PA9 */
    PIN_RX = 10,    /* PA10 */
    PIN_SCL = 6,    /* PB6 */
    PIN_SDA = 7,    /* PB7 */
    PIN_SPI_CS = 2, /* PB2 */
    PIN_SPI_SCK = 3,
    PIN_SPI_MISO = 4,
    PIN_SPI_MOSI = 5,
    PIN_SD_D0 = 8,  /* PC8, and in this order D1, D2, D3 and CK on PC12 */
    PIN_SD_CK = 12,
    PIN_SD_CMD = 2  /* PD2 */
};

#define I2C_CFGLR GPIOB_CFGLR /* of SDA and SCL, for ports/bare/i2c.c */
#define I2C_BSHR GPIOB_BSHR

/* Alternate functions, as AFIO numbers them. The card's pins have none. */
enum { AF_I2C = 4, AF_SPI = 5, AF_USART = 7 };

/* Set the four bits of a pin in a CFGLR register, or, for pins 8 to 15, in CFGHR; likewise in AFLR
 * and AFHR of AFIO. */
static inline void pin_mode(volatile uint32_t *cfgr, uint32_t pin, uint32_t mode)
{
    uint32_t shift = pin % 8 * 4;
    *cfgr = (*cfgr & ~(0xfu << shift)) | mode << shift;
}

static inline void pin_fastest(volatile uint32_t *speed, uint32_t pin)
{
    *speed |= GPIO_FASTEST << 2 * pin;
}

/* Start each part, in this order. */
void clock_start(void);
void time_start(void);
void console_start(void);
void watchdog_start(void);
void button_interrupt_start(void);
void i2c_start(void);
void entropy_start(void); /* takes the seed from its mailbox, if there is one */
void dac_start(void);
void port_start(void);    /* all of them, and tells the console why the chip was reset */

/* Interrupt and fault handlers, named in start.S. */
void systick_interrupt(void);
void second_interrupt(void);
void button_interrupt(void);
void console_interrupt(void);
void dac_interrupt(void);
void spi_interrupt(void);
void sdmmc_interrupt(void);
void fault_report(uint32_t cause, uint32_t address, uint32_t value);

/* Ticks of 100 MHz since start; wraps after 42 seconds. */
static inline uint32_t ticks(void)
{
    return SYSTICK0_CNT;
}

void wait_us(uint32_t microseconds);
void watchdog_feed(void);

/* End port_idle: called by interrupts whose work somebody waits for. */
void idle_end(void);

/* If V5F has left a fault report, tell it, once. */
void second_tell_fault(void);

/* Text, then a number as 8 hexadecimal digits. */
void console_hex(const char *text, uint32_t number);

/* From here on the console does without interrupts, and waits for the line. */
void console_alone(void);

/* Whether anybody acknowledges this address: WHIM_OK or WHIM_ERR_I2C. */
enum whim_status i2c_probe(uint8_t address);

/* Presses and releases, bounces too, folded: their times and their number. */
struct edges {
    uint32_t times;
    uint32_t count;
};
struct edges button_edges(void);

#endif
