/* The CH32V003's blocks: which registers there are, and what the blocks remember beyond them.
 *
 * Written from the chip's documented behaviour (reference manual V1.7 by its register tables, as
 * the SVD and ch32fun's header repeat them). registers.def lists every register; what is not there
 * does not exist. The blocks that the port does not use are named and refuse to be used. */
#ifndef EMULATOR_CHIP_H
#define EMULATOR_CHIP_H

#include <stdbool.h>
#include <stdint.h>

struct board;

/* Whether register `index` exists, and what it is. */
int bus_register(unsigned index, const char **name, uint32_t *address, uint32_t *bits,
                 uint32_t *reset);

/* All registers to their values after a reset, or those from `first` to `last`. */
void bus_reset(struct board *board, unsigned first, unsigned last);

enum {
#define BLOCK(name, base, size, gate, bit)
#define REGISTER(block, name, offset, bits, reset) block##_##name,
#include "registers.def"
    REGISTERS
};

enum block {
#define BLOCK(name, base, size, gate, bit) BLOCK_##name,
#define REGISTER(block, name, offset, bits, reset)
#include "registers.def"
    BLOCKS
};

/* Interrupts, by their number in the vector table. */
enum {
    IRQ_FAULT = 3, IRQ_SYSTICK = 12, IRQ_SOFTWARE = 14, IRQ_EXTI = 20, IRQ_ADC = 29,
    IRQ_I2C_EVENT = 30, IRQ_I2C_ERROR = 31, IRQ_USART = 32, IRQS = 39,
};

/* What happens at a time of its own. */
enum event {
    EVENT_WORLD, EVENT_PLL, EVENT_LSI, EVENT_SYSTICK, EVENT_I2C, EVENT_USART_TX, EVENT_USART_RX,
    EVENT_ADC, EVENT_WATCHDOG, EVENT_WATCHDOG_UPDATE, EVENT_CARD, EVENTS,
};

enum { PORT_A, PORT_B, PORT_C, PORT_D, PORTS };

struct chip {
    uint32_t value[REGISTERS];
    uint64_t due[EVENTS];   /* in ticks; NEVER */
    uint64_t lines, latched, enabled; /* interrupts: asked for by blocks, by software; allowed */
    uint8_t priority[64];
    bool event;             /* for WFE */
    uint8_t levels[PORTS];  /* of the pins, as last seen */
    uint64_t systick_from;  /* core.cycles at which CNT was value[SYSTICK_CNT] */
    struct {
        uint8_t phase, data, shift;
        bool loaded;        /* data waits in DATAR while a byte is shifted */
        bool status_read;   /* STAR1 was read: the first half of clearing SB and ADDR */
        bool stopping;
    } i2c;
    struct {
        uint16_t shift, data;
        bool shifting, loaded, status_read, received;
        uint16_t typed;
    } usart;
    struct {
        uint8_t doing;
        uint8_t channel;
        int32_t level[16];  /* where the noise has wandered */
    } adc;
    struct {
        bool running, unlocked;
        uint64_t fed;       /* ticks */
    } watchdog;
};

/* The board's chip starts: after power-on (`flags` for RSTSCKR) or another reset. */
void chip_reset(struct board *board, uint32_t flags);

/* Do what is due now; true if anything was. */
void chip_event(struct board *board, enum event event);

/* The interrupt to take now, or 0. */
unsigned pfic_pending(const struct board *board);
void pfic_taken(struct board *board, unsigned irq);
void pfic_line(struct board *board, unsigned irq, bool level);
void chip_schedule(struct board *board, enum event event, uint64_t ticks);
uint32_t chip_hertz(const struct board *board);

/* A block's own reads and writes. A write gets the value that passed the check of reserved bits,
 * and stores it itself; `now` is the register's index, as in value[]. */
uint32_t rcc_read(struct board *board, unsigned now);
void rcc_write(struct board *board, unsigned now, uint32_t value);
void rcc_event(struct board *board, enum event event);
void flash_write(struct board *board, unsigned now, uint32_t value);
uint32_t gpio_read(struct board *board, unsigned now);
void gpio_write(struct board *board, unsigned now, uint32_t value);
void gpio_update(struct board *board);
unsigned gpio_mode(const struct board *board, unsigned port, unsigned pin);
void afio_write(struct board *board, unsigned now, uint32_t value);
void exti_edges(struct board *board, unsigned port, unsigned before, unsigned after);
void exti_write(struct board *board, unsigned now, uint32_t value);
uint32_t pfic_read(struct board *board, unsigned now);
void pfic_write(struct board *board, unsigned now, uint32_t value);
uint32_t systick_read(struct board *board, unsigned now);
void systick_write(struct board *board, unsigned now, uint32_t value);
void systick_event(struct board *board);
void systick_schedule(struct board *board);
uint32_t i2c_read(struct board *board, unsigned now);
void i2c_write(struct board *board, unsigned now, uint32_t value);
void i2c_event(struct board *board);
void i2c_reset(struct board *board);
uint32_t usart_read(struct board *board, unsigned now);
void usart_write(struct board *board, unsigned now, uint32_t value);
void usart_sent(struct board *board);
void usart_received(struct board *board);
void usart_typed(struct board *board);
uint32_t adc_read(struct board *board, unsigned now);
void adc_write(struct board *board, unsigned now, uint32_t value);
void adc_event(struct board *board);
void adc_reset(struct board *board);
void watchdog_write(struct board *board, unsigned now, uint32_t value);
uint32_t watchdog_read(struct board *board, unsigned now);
void watchdog_event(struct board *board, enum event event);

#endif
