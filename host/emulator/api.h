/* The emulator as a library; host/whim/board.py calls it. A board is one pointer; two boards have
 * nothing in common. Times are ticks: 1/48 us on the CH32V003 and the CH32V002, 1/400 us on the
 * CH32H417 and the bench. Cores count from 0; the CH32H417's are V3F and V5F. Where a call names no
 * core, it is core 0. */
#ifndef EMULATOR_API_H
#define EMULATOR_API_H

#include <stdint.h>

struct board;

enum {
    FIGURE_TICKS, FIGURE_CYCLES, FIGURE_SLEPT, FIGURE_RETIRED, FIGURE_HERTZ, FIGURE_RESETS,
    FIGURE_LOWEST_SP, FIGURE_PC, FIGURE_FAULT_PC, FIGURE_FAULT_ADDRESS, FIGURE_WAITING,
    FIGURE_FAULT_CORE, /* which core it was */
    FIGURE_STARTED,    /* whether the core runs at all: V5F does not before V3F starts it */
    FIGURE_LOWEST_SP_ADDRESS, /* lowest_sp as an address, not as an offset in the core's RAM */
};
enum {
    OPTION_DELIVER_FAULTS, OPTION_STACK_LIMIT, OPTION_I2C_STUCK, OPTION_ADC_NOISE,
    OPTION_LSI_JITTER, OPTION_LSI_STOPPED, OPTION_CARD_LENGTH, OPTION_CARD_BANDWIDTH,
    OPTION_CARD_LATENCY, OPTION_CARD_PAUSE, OPTION_CARD_PAUSE_CHANCE,
    /* From here on: CH32H417. */
    OPTION_STACK_LIMIT_V5F,
    OPTION_RNG_FAULT,      /* RNG_... below */
    OPTION_SD_WIRING,      /* SD_... below; what the slot is wired to */
    OPTION_SD_KIND,        /* 0 SDHC (blocks), 1 SDSC (bytes) */
    OPTION_SD_BANDWIDTH,   /* of the card itself: bytes a second at most, besides the bus' clock */
    OPTION_SD_LATENCY,     /* us from a read command until its first block begins */
    OPTION_SD_PAUSE,       /* us of a pause before a block ... */
    OPTION_SD_PAUSE_CHANCE, /* ... and how likely one is, out of 2^32 */
    OPTION_SD_WRITE,       /* us that it is busy after a written block */
    OPTION_SD_TORN,        /* 1: a block being written when the power goes is half old, half new */
    OPTION_SD_HIGH_SPEED,  /* 0: a card that refuses CMD6's 50 MHz; 1 (default): it takes it */
};
enum { RNG_GOOD, RNG_STUCK /* one value for ever */, RNG_SEED_ERROR, RNG_CLOCK_ERROR,
       RNG_NEVER_READY, RNG_BIASED /* one bit is 1 too often */ };
enum { SD_SDMMC, SD_SPI }; /* the slot's wiring */
/* What becomes of a block: of one read, of one written. */
enum { SD_GOOD, SD_ERROR /* no data, or refused */, SD_CORRUPT /* its CRC does not fit */ };
/* What the card and its bus have done since the board was made. */
enum { SD_COMMANDS, SD_BLOCKS_READ, SD_BLOCKS_WRITTEN, SD_READ_COMMANDS, SD_READ_TICKS,
       SD_PAUSED_TICKS, SD_HERTZ /* of the bus now */, SD_WIRES, SD_INSERTED, SD_FIGURES };
enum { DAC_VALUES /* output since the board was made */, DAC_LATE /* triggers without new data */,
       DAC_LOST /* recorded but overwritten before board_dac took them */, DAC_LEVEL /* now */,
       DAC_FIGURES };

/* A core with RAM and nothing else, for tests of the core; ECALL ends its program. NULL without
 * memory. `isa` is a sum of ISA_E 1, ISA_M 2, ISA_C 4 ... (isa.h). */
struct board *board_new_bare(uint32_t isa, uint32_t base, uint32_t bytes);
struct board *board_new_ch32v003(void);
struct board *board_new_ch32v002(void);
/* V5F and its memories, ITCM, DTCM and shared SRAM, without the chip around them; ECALL ends its
 * program. Its memories lie where the CH32H417 has them; its ticks are cycles. */
struct board *board_new_bench(void);
/* The whole chip: V3F, V5F, their memories and blocks. */
struct board *board_new_ch32h417(void);
void board_free(struct board *board);

/* Put a card with one file into the bench machine's reader (card.h). `file` stays the caller's, and
 * in its place; `bytes` is a multiple of 512. `noise` seeds its pauses and the places of its
 * errors. begins(offset, count) answers what becomes of a read: 0 nothing, 1 error, 2 a bit of it
 * arrives wrong; ends(began, ended, paused) tells its cycles. OPTION_CARD_... say how fast it is:
 * bytes a second, cycles of latency and of a pause, and how likely one is before a block, out of
 * 2^32. */
void board_card(struct board *board, const uint8_t *file, uint32_t bytes, uint64_t noise,
                int (*begins)(uint32_t, uint32_t), void (*ends)(uint64_t, uint64_t, uint64_t));

/* CH32H417: a whole card, all `bytes` of it, a multiple of 512. `image` stays the caller's and in
 * its place; the board writes there. NULL: no card. It is not inserted yet. The card's contents are
 * part of snapshots. */
void board_sd(struct board *board, uint8_t *image, uint32_t bytes);
/* Put it in, or pull it out, now: whatever is under way ends as it would. Pulled out, it forgets
 * its state, not its contents. */
void board_sd_insert(struct board *board, int in);
/* fate(write, block): asked for each block before it is read or written; answers SD_GOOD ... NULL:
 * all are good. */
void board_sd_fate(struct board *board, int (*fate)(int write, uint32_t block));
uint64_t board_sd_figure(const struct board *board, int figure); /* SD_COMMANDS ... */

/* What the DAC's first channel has output since the last call, oldest first: 12-bit values, and the
 * tick of each where `ticks` is not NULL; answers how many, `room` at most. It keeps 65,536. */
uint32_t board_dac(struct board *board, uint16_t *values, uint64_t *ticks, uint32_t room);
uint64_t board_dac_figure(const struct board *board, int figure); /* DAC_VALUES ... */

/* i2c(event, byte): event 0 start, 1 byte, 2 stop; answers whether a byte is acknowledged. */
void board_callbacks(struct board *board, int (*i2c)(int, int), void (*uart)(int));

/* Memory, flash too; 0 where it is not there. */
int board_write(struct board *board, uint32_t address, const uint8_t *bytes, uint32_t count);
int board_read(struct board *board, uint32_t address, uint8_t *bytes, uint32_t count);

/* Power comes: RAM holds noise, which `noise` seeds, as it does all noise from then on. Where the
 * board was running, its power is cut first, and the card's with it, also in the middle of a
 * write. */
void board_power_on(struct board *board, uint64_t noise);

/* Any other reset; `flags` for RSTSCKR. */
void board_reset(struct board *board, uint32_t flags);

/* Run for `ticks`; answers an enum stop: 1 time is over, 2 fault, 3 ECALL, 4 halted. */
int board_run(struct board *board, uint64_t ticks);
void board_halt(struct board *board); /* from a callback */

uint64_t board_figure(const struct board *board, int figure);
uint64_t board_core_figure(const struct board *board, unsigned core, int figure);
uint32_t board_x(const struct board *board, unsigned number);
uint32_t board_core_x(const struct board *board, unsigned core, unsigned number);
void board_set_pc(struct board *board, uint32_t pc);
const char *board_fault_text(const struct board *board);
const char *board_cycle_model(const struct board *board);
const char *board_core_cycle_model(const struct board *board, unsigned core);
void board_option(struct board *board, int option, uint32_t value);

/* From `ticks` on the world holds a pin low (0), high (1), not at all (2) or pulls it up (3). Ports
 * count from A = 0. 0 when too many changes wait. board_release forgets those that wait. */
int board_drive(struct board *board, uint64_t ticks, unsigned port, unsigned pin, unsigned drive);
void board_release(struct board *board);

/* Type on the terminal; answers how many bytes fitted. */
uint32_t board_type(struct board *board, const uint8_t *bytes, uint32_t count);

/* All that changes while the board runs: cores, memories, blocks, the card with its contents. To be
 * restored into a board of the same kind with the same image, and a card of the same size. Answers
 * 0, and changes nothing, where that is not so. What the DAC has recorded is not in it. */
uint32_t board_snapshot_bytes(const struct board *board);
void board_snapshot(const struct board *board, uint8_t *bytes);
int board_restore(struct board *board, const uint8_t *bytes);

/* From now on count what each instruction costs, anew; 0 without memory. Then: the instructions or
 * cycles of the one at `address`, as `core` ran it. */
int board_profile_start(struct board *board);
uint64_t board_core_profile(const struct board *board, unsigned core, uint32_t address, int cycles);

/* The registers that the models have, by index; 0 after the last. */
int board_register(unsigned index, const char **name, uint32_t *address, uint32_t *bits,
                   uint32_t *reset);
int board_register_ch32v002(unsigned index, const char **name, uint32_t *address, uint32_t *bits,
                            uint32_t *reset);
int board_register_ch32h417(unsigned index, const char **name, uint32_t *address, uint32_t *bits,
                            uint32_t *reset);

#endif
