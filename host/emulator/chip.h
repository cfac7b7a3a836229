/* A chip around a core or two: what describes it, and the blocks that WCH puts into both of ours,
 * with what they remember beyond their registers. Then what the CH32V003 and the CH32V002 have in
 * common, which is nearly all; the CH32H417's are in ch32h417/chip.h.
 *
 * Written from the chips' documented behaviour (CH32V003: reference manual V1.7 by its register
 * tables, as the SVD and ch32fun's header repeat them). A registers.def lists every register; what
 * is not there does not exist. Blocks that no port uses are named and refuse to be used. */
#ifndef EMULATOR_CHIP_H
#define EMULATOR_CHIP_H

#include <stdbool.h>
#include <stdint.h>

struct board;
struct core;

/* Register `index` of a chip, if it exists, and what it is. */
struct chip_type;
int bus_register(const struct chip_type *type, unsigned index, const char **name, uint32_t *address,
                 uint32_t *bits, uint32_t *reset);

/* All registers to their values after a reset, or those from `first` to `last`. */
void bus_reset(struct board *board, unsigned first, unsigned last);

/* The CH32V003's and the CH32V002's registers, by their place in board.value. */
enum {
#define BLOCK(name, base, size, gate, bit, kind) FIRST_##name, BEFORE_##name = FIRST_##name - 1,
#define REGISTER(block, name, offset, bits, reset) block##_##name,
#include "registers.def"
    REGISTERS
};

/* Interrupts, by their number in the vector table. */
enum {
    IRQ_FAULT = 3, IRQ_SYSTICK = 12, IRQ_SOFTWARE = 14, IRQ_EXTI = 20, IRQ_ADC = 29,
    IRQ_I2C_EVENT = 30, IRQ_I2C_ERROR = 31, IRQ_USART = 32, IRQS = 39,
};

/* What happens at a time of its own. */
enum event {
    EVENT_WORLD, EVENT_PLL, EVENT_LSI, EVENT_SYSTICK, EVENT_I2C, EVENT_USART_TX, EVENT_USART_RX,
    EVENT_ADC, EVENT_WATCHDOG, EVENT_WATCHDOG_UPDATE, EVENT_CARD,
    /* CH32H417 */
    EVENT_SYSTICK1, EVENT_HSE, EVENT_RNG, EVENT_SDMMC, EVENT_SDMMC_DATA, EVENT_SD, EVENT_SPI,
    EVENT_TIM6, EVENTS,
};

enum { PORT_A, PORT_B, PORT_C, PORT_D, PORT_E, PORT_F, PORTS, PINS = 16 };
enum { PFIC_WORDS = 5, MAX_TICKS = 2 };

/* A block, as registers.def has it: its registers are those from `first` to the next block's.
 * `gate` is the register with its clock's `bit`. */
enum { GATE_NONE = -1, GATE_REFUSED = -2 };
struct block {
    const char *name;
    uint32_t base, size;
    int gate;
    unsigned bit, first;
    uint32_t (*read)(struct board *board, unsigned now);
    void (*write)(struct board *board, unsigned now, uint32_t value);
};

struct register_facts {
    const char *name;
    uint16_t offset;
    uint32_t bits, reset;
};

/* What a chip is: its registers, and where the blocks that both chips have are found in it. A pin
 * is a port and a number. */
struct chip_type {
    const char *name;
    const struct block *blocks;
    unsigned block_count;
    const struct register_facts *registers;
    unsigned register_count;
    uint32_t ticks_per_us, lsi_hertz;
    unsigned irqs, least_bytes; /* of an access to a register */
    uint8_t priority_unused; /* bits of an interrupt's priority that do not exist */
    unsigned merges; /* a block of bytes in words: a store of some leaves the others (or -1) */
    struct { uint16_t first[PORTS], pins[PORTS]; } gpio; /* pins 0: no such port */
    struct { unsigned first, lines, irq_low, irq_high; } exti; /* lines 0-7; 8-15, or 0 */
    struct { unsigned first, irq; uint8_t port, tx, rx; } usart;
    struct { unsigned first, irq, irq_error; uint8_t port, scl, sda; uint32_t most; bool rtr; } i2c;
    struct { unsigned first, status, bit, irq, irq_software; enum event event; } systick[MAX_TICKS];
    struct { unsigned first, status; } watchdog; /* `status`: RSTSCKR */
    /* In MHz, HCLK's highest with no wait state of the flash, and with one (CH32V003, CH32V002). */
    uint32_t no_wait_mhz, one_wait_mhz;
    void (*reset)(struct board *board, uint32_t flags);
    void (*restored)(struct board *board); /* from a snapshot: set up what is not in it */
    void (*event)(struct board *board, enum event event, uint64_t due);
    /* What lies beside all blocks: true if the access is done, or refused with a sentence. */
    bool (*elsewhere)(struct board *board, uint32_t address, uint32_t bytes, uint32_t *value,
                      bool store);
    /* Whether AFIO leads a pin to the block that both chips have; NULL: always. */
    bool (*routed)(struct board *board, const char *block, unsigned port, unsigned pin);
    /* Whether a block's clock is there already; NULL: always. */
    bool (*settled)(const struct board *board, const struct block *block);
    /* SCTLR's bit 5 was set: NULL where that is an event and nothing more. */
    void (*wake)(struct board *board);
    /* Which port's pin feeds a line of EXTI. */
    unsigned (*exti_port)(const struct board *board, unsigned line);
};
extern const struct chip_type chip_ch32v003, chip_ch32v002, chip_ch32h417;

/* Interrupts of one core. */
struct pfic {
    uint32_t lines[PFIC_WORDS];   /* asked for by blocks */
    uint32_t latched[PFIC_WORDS]; /* by software */
    uint32_t enabled[PFIC_WORDS];
    uint8_t priority[256];
    uint32_t threshold, sctlr;
    bool event; /* for WFE */
};

/* What the blocks of both chips remember, and the CH32V003's ADC. */
struct chip {
    uint16_t levels[PORTS];    /* of the pins, as last seen */
    uint64_t systick_from[MAX_TICKS]; /* HCLK's cycle at which CNT was value[SYSTICK_CNT] */
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

/* What every chip's reset begins with: registers and blocks to what they are after it. */
void chip_clear(struct board *board);

/* Do what is due now, or was at `due`. Those of the blocks below are done by chip_common_event. */
void chip_event(struct board *board, enum event event, uint64_t due);
void chip_common_event(struct board *board, enum event event);

void chip_schedule(struct board *board, enum event event, uint64_t ticks);
uint32_t chip_hertz(const struct board *board); /* HCLK */
uint64_t chip_ticks(const struct board *board, uint32_t us);

/* The interrupt for a core to take now, or 0. */
unsigned pfic_pending(const struct board *board, const struct core *core);
bool pfic_any(const struct pfic *pfic); /* whether one waits, enabled or not */
void pfic_taken(struct pfic *pfic, unsigned irq);
void pfic_line(struct board *board, unsigned irq, bool level); /* of all cores */
void pfic_core_line(struct board *board, unsigned core, unsigned irq, bool level);

/* The blocks' own reads and writes; "rcc" is the `kind` that registers.def names. A write gets the
 * value that passed the check of reserved bits, and stores it itself; `now` is the register's
 * index, as in board.value. */
#define KIND(kind) \
    uint32_t kind##_read(struct board *board, unsigned now); \
    void kind##_write(struct board *board, unsigned now, uint32_t value);
KIND(plain)
KIND(rcc)
KIND(flash)
KIND(afio)
KIND(exti)
KIND(gpio)
KIND(adc)
KIND(usart)
KIND(i2c)
KIND(watchdog)
KIND(pfic)
KIND(systick)
#undef KIND
void v00_reset(struct board *board, uint32_t flags); /* of the CH32V003 and the CH32V002 */
void v00_event(struct board *board, enum event event, uint64_t due);
unsigned v00_exti_port(const struct board *board, unsigned line);
void rcc_event(struct board *board, enum event event);
void flash_waits(struct board *board); /* anew, from ACTLR */
void rcc_clock(struct board *board, uint32_t ticks_per_cycle);
void gpio_update(struct board *board);
unsigned gpio_mode(const struct board *board, unsigned port, unsigned pin);
bool gpio_out(const struct board *board, unsigned port, unsigned pin); /* OUTDR's bit */
void exti_edges(struct board *board, unsigned port, unsigned before, unsigned after);
void systick_event(struct board *board, unsigned number);
void systick_schedule(struct board *board, unsigned number);
void systick_settle(struct board *board); /* before HCLK changes: count by the old one */
void systick_resettle(struct board *board); /* after it */
void i2c_event(struct board *board);
void i2c_reset(struct board *board);
void usart_sent(struct board *board);
void usart_received(struct board *board);
void usart_typed(struct board *board);
void usart_reset(struct board *board);
void adc_event(struct board *board);
void adc_reset(struct board *board);
void watchdog_event(struct board *board, enum event event);

#endif
