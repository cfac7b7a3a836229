/* The CH32H417's blocks: which registers there are, what the blocks remember beyond them, and what
 * a block may ask of the chip around it.
 *
 * Written from HARDWARE facts that data/facts/ch32h417.toml repeats, not from the port.
 * registers.def lists every register; what is not there does not exist. */
#ifndef EMULATOR_CH32H417_CHIP_H
#define EMULATOR_CH32H417_CHIP_H

#include <stdbool.h>
#include <stdint.h>

#include "../chip.h"
#include "blocks.h"

struct board;

enum { V3F, V5F };
enum { H417_TICKS_PER_US = 400 };

/* Registers by their place in board.value: H417_USART1_BRR. */
enum {
#define BLOCK(name, base, size, gate, bit, kind) \
    H417_FIRST_##name, H417_BEFORE_##name = H417_FIRST_##name - 1,
#define REGISTER(block, name, offset, bits, reset) H417_##block##_##name,
#include "registers.def"
    H417_REGISTERS
};

enum {
#define BLOCK(name, base, size, gate, bit, kind) H417_BLOCK_##name,
#define REGISTER(block, name, offset, bits, reset)
#include "registers.def"
    H417_BLOCKS
};

/* Interrupts, by their number in the vector table. */
enum {
    H417_IRQ_FAULT = 3, H417_IRQ_SYSTICK0 = 12, H417_IRQ_SYSTICK1 = 13, H417_IRQ_SOFTWARE = 14,
    H417_IRQ_IPC0 = 16, H417_IRQ_IPC1 = 17, H417_IRQ_IPC2 = 18, H417_IRQ_IPC3 = 19,
    H417_IRQ_HSEM = 28, H417_IRQ_EXTI15_8 = 33, H417_IRQ_EXTI7_0 = 36, H417_IRQ_SPI1 = 37,
    H417_IRQ_DMA1_CH2 = 38, /* to channel 8, 44 */
    H417_IRQ_I2C1_EV = 46, H417_IRQ_I2C1_ER = 47, H417_IRQ_USART1 = 48, H417_IRQ_DMA1_CH1 = 57,
    H417_IRQ_SDMMC = 95, H417_IRQ_TIM6 = 100, H417_IRQ_DMA2_CH1 = 102, /* to channel 8, 109 */
    H417_IRQ_RNG = 146, H417_IRQS = 149,
};

/* The cores' own CSRs, as csr.c lists them. */
enum { H417_CSRS = 10 };

/* What this chip remembers beyond its registers and what chip.h's blocks keep. */
struct h417 {
    uint8_t flash_keys;       /* of the two that unlock ACTLR, 2: unlocked */
    uint32_t unsettled[3];    /* HBPCENR, HB2PCENR, HB1PCENR: bits set since RCC was read last */
    uint32_t hsem[32];        /* who has a semaphore: 1 << 31 | core << 8 | process */
    uint32_t csr[2][H417_CSRS]; /* each core's, csr.c */
    struct h417_blocks blocks;
};

/* ---- What a block may ask of the chip ----
 *
 * Time: board_ticks(board) is now; chip_schedule(board, EVENT_..., ticks) has <block>_event called
 * at that tick, `due`, once; a later call for the same event replaces the earlier one, NEVER
 * forgets it. Events are listed in chip.h (the V003's), enum event.
 * Faults: board_fault(board, address, "sentence"), and return; the program's fault, not the host's.
 * Noise: board_noise(board). */

/* Ticks of a cycle of HCLK now: 4 at 100 MHz. */
uint32_t h417_hclk(const struct board *board);

/* The block asks for its interrupt, or not any more: of both cores; the one that has it enabled
 * takes it. */
void h417_irq(struct board *board, unsigned irq, bool level);

/* Whether a block has its clock: H417_BLOCK_DMA1. */
bool h417_clocked(const struct board *board, unsigned block);

/* A pin, as in ('C', 12): its mode (9 and 11 are AF push-pull, see gpio_mode), the number of its
 * alternate function, and whether it is what a block needs: one of the modes whose bits are set in
 * `modes`, and this AF number (-1: none is needed). If not, that is a fault in `block`'s name. */
unsigned h417_pin_mode(const struct board *board, char port, unsigned pin);
unsigned h417_pin_af(const struct board *board, char port, unsigned pin);
bool h417_pin(struct board *board, const char *block, char port, unsigned pin, unsigned modes,
              int af);
enum { H417_ANALOG = 1 << 0, H417_INPUT = 1 << 4 | 1 << 8, H417_PULL = 1 << 8,
       H417_OUT_PP = 1 << 1 | 1 << 2 | 1 << 3, H417_AF_PP = 1 << 9 | 1 << 10 | 1 << 11,
       H417_AF_OD = 1 << 13 | 1 << 14 | 1 << 15 };
/* Whether the pin is an output that is high now; a CS that GPIO drives. */
bool h417_pin_high(const struct board *board, char port, unsigned pin);
/* Whether VIO18, the supply of port C's and D's card pins, is 3.3 V. */
bool h417_vio18_is_3v3(const struct board *board);

/* Memory, as a DMA sees it: 0 and a fault in its name where it does not reach. `to` and `from` are
 * the host's. What was decoded there is forgotten. SDMMC's own DMA reaches shared SRAM alone; DMA1
 * and DMA2 also ITCM, DTCM and (reading) flash. */
enum h417_master { H417_BY_DMA, H417_BY_SDMMC };
bool h417_dma_load(struct board *board, enum h417_master master, uint32_t address, void *to,
                   uint32_t count);
bool h417_dma_store(struct board *board, enum h417_master master, uint32_t address,
                    const void *from, uint32_t count);
/* Only whether it could. */
bool h417_reaches(struct board *board, enum h417_master master, uint32_t address, uint32_t count);
/* Registers, as DMA1 and DMA2 see them: bus_read(board, address, bytes) and bus_write(...), as the
 * cores do. */

/* A request to the DMA (DMAMUX's number, as the manual counts: 103 is DAC1), from a block that has
 * something to move: once for each transfer. dma.c answers whether a channel took it. */
bool h417_dma_request(struct board *board, unsigned request);

/* TIM6 has updated: TRGO, for the DAC. */
void h417_dac_trigger(struct board *board);

/* ---- The blocks ----
 *
 * BLOCK's `kind` in registers.def is h417_sdmmc where the functions are h417_sdmmc_read and _write;
 * "plain" is storage and nothing more; usart, gpio ... are the blocks of both chips. A write gets
 * the value that passed the check of reserved bits, and stores it itself in board->value[now];
 * `now` is the register's place there. DMAMUX's words may be written byte by byte: bus.c merges.
 * Reset is that of RCC's reset register (rcc.c lists them), and of the chip; the registers have the
 * values of registers.def before it is called; `first` is the place of the block's first
 * register. */
#define H417_KIND(kind) \
    uint32_t h417_##kind##_read(struct board *board, unsigned now); \
    void h417_##kind##_write(struct board *board, unsigned now, uint32_t value); \
    void h417_##kind##_reset(struct board *board, unsigned first);
H417_KIND(rcc)
H417_KIND(flash)
H417_KIND(pwr)
H417_KIND(afio)
H417_KIND(rng)
H417_KIND(ipc)
/* Those of the card and of sound. */
H417_KIND(sdmmc)
H417_KIND(spi)
H417_KIND(dma)
H417_KIND(dmamux)
H417_KIND(dac)
H417_KIND(tim)
#undef H417_KIND

/* The card and the DAC's record, for api.c. h417_slot_power: power comes or goes, for the card too.
 * h417_slot_option: OPTION_SD_... of api.h; false where it is none of these. */
void h417_slot_new(struct board *board);
uint8_t *h417_slot_contents(const struct board *board, uint32_t *bytes); /* of the card; 0: none */
void h417_slot_power(struct board *board, bool on);
bool h417_slot_option(struct board *board, int option, uint32_t value);

/* CSRs that only these cores have: a place, and which bits may be one; NULL where there is none.
 * Then: whether the write of it was right, a fault if not. */
uint32_t *h417_csr(struct board *board, uint32_t number, uint32_t *bits);
void h417_csr_written(struct board *board, uint32_t number, uint32_t old);

void h417_csr_reset(struct board *board);
bool h417_cached(const struct board *board); /* V5F's cache is on */

/* How slow flash is for each core, anew. */
void h417_waits(struct board *board);

/* All blocks to what they are after a reset; their registers are. */
void h417_reset_all(struct board *board);
void h417_rcc_event(struct board *board, enum event event);
void h417_rng_event(struct board *board);
bool h417_hsem_access(struct board *board, uint32_t address, uint32_t bytes, uint32_t *value,
                      bool store);

/* What is due: `due` is the tick that it was scheduled for. */
void h417_sdmmc_event(struct board *board, unsigned event, uint64_t due);
void h417_spi_event(struct board *board, unsigned event, uint64_t due);
void h417_tim_event(struct board *board, unsigned event, uint64_t due);

#endif
