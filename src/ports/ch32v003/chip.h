/* What the files of this port share. */
#ifndef PORTS_CH32V003_CHIP_H
#define PORTS_CH32V003_CHIP_H

#include <stdbool.h>
#include <stdint.h>

#include <part.h> /* of the part that the image is for: there are several, see docs/PORTING.md */

#include "ports/ch32v003/registers.h"
#include "whim/status.h"

enum {
    HCLK_HERTZ = 48000000,
    TICKS_PER_MS = HCLK_HERTZ / 1000,
    PORT_STACK_PAINT = 0x5aa5c33c /* what start.S fills the stack with */
};

/* Pins; docs/WIRING.md draws them. */
enum {
    PIN_SDA = 1,    /* PC1 */
    PIN_SCL = 2,    /* PC2 */
    PIN_BUTTON = 4, /* PC4, to ground */
    PIN_LED = 0,    /* PD0, hwtest only */
    PIN_NOISE = 2,  /* PD2, left open: channel 3 of the converter */
    PIN_TX = 5,     /* PD5 */
    PIN_RX = 6      /* PD6 */
};
enum { NOISE_CHANNEL = 3 };
#define I2C_CFGLR GPIOC_CFGLR /* of SDA and SCL, for ports/bare/i2c.c */
#define I2C_BSHR GPIOC_BSHR

/* Set the four bits of a pin in a CFGLR register. */
static inline void pin_mode(volatile uint32_t *cfglr, uint32_t pin, uint32_t mode)
{
    *cfglr = (*cfglr & ~(0xfu << 4 * pin)) | mode << 4 * pin;
}

/* Start each part, in this order. */
void clock_start(void);
void time_start(void);
void console_start(void);
void watchdog_start(void);
void button_interrupt_start(void);
void i2c_start(void);
void noise_start(void);
void entropy_start(void); /* takes the seed from its mailbox, if there is one */
void port_start(void);    /* all of them, and tells the console why the chip was reset */

/* Interrupt and fault handlers, named in start.S. */
void systick_interrupt(void);
void button_interrupt(void);
void console_interrupt(void);
void fault_report(uint32_t cause, uint32_t address, uint32_t value);

/* Ticks of 48 MHz since start; wraps after 89 seconds. */
static inline uint32_t ticks(void)
{
    return SYSTICK_CNT;
}

void watchdog_feed(void);

/* Text, then a number as 8 hexadecimal digits. */
void console_hex(const char *text, uint32_t number);

/* Whether anybody acknowledges this address: WHIM_OK or WHIM_ERR_I2C. */
enum whim_status i2c_probe(uint8_t address);

/* Presses and releases, bounces too, folded: their times and their number. */
struct edges {
    uint32_t times;
    uint32_t count;
};
struct edges button_edges(void);

/* One raw sample of each noise source: see noise.c. */
uint8_t noise_adc(void);
uint8_t noise_clock(void);

/* Bytes of stack that have been in use since start: how far the paint is gone. */
uint32_t stack_used(void);

#endif
