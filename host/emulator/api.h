/* The emulator as a library; host/whim/board.py calls it. A board is one pointer; two boards have
 * nothing in common. Times are ticks of 1/48 us. */
#ifndef EMULATOR_API_H
#define EMULATOR_API_H

#include <stdint.h>

struct board;

enum {
    FIGURE_TICKS, FIGURE_CYCLES, FIGURE_SLEPT, FIGURE_RETIRED, FIGURE_HERTZ, FIGURE_RESETS,
    FIGURE_LOWEST_SP, FIGURE_PC, FIGURE_FAULT_PC, FIGURE_FAULT_ADDRESS, FIGURE_WAITING,
};
enum {
    OPTION_DELIVER_FAULTS, OPTION_STACK_LIMIT, OPTION_I2C_STUCK, OPTION_ADC_NOISE,
    OPTION_LSI_JITTER, OPTION_LSI_STOPPED, OPTION_CARD_LENGTH, OPTION_CARD_BANDWIDTH,
    OPTION_CARD_LATENCY, OPTION_CARD_PAUSE, OPTION_CARD_PAUSE_CHANCE,
};

/* A core with RAM and nothing else, for tests of the core; ECALL ends its program. NULL without
 * memory. `isa` is a sum of ISA_E 1, ISA_M 2, ISA_C 4. */
struct board *board_new_bare(uint32_t isa, uint32_t base, uint32_t bytes);
struct board *board_new_ch32v003(void);
/* V5F and its memories, ITCM, DTCM and shared SRAM, without the chip around them; ECALL ends its
 * program. Its memories lie where the CH32H417 has them; its ticks are cycles. */
struct board *board_new_bench(void);
void board_free(struct board *board);

/* Put a card with one file into the bench machine's reader (card.h). `file` stays the caller's, and
 * in its place; `bytes` is a multiple of 512. `noise` seeds its pauses and the places of its
 * errors. begins(offset, count) answers what becomes of a read: 0 nothing, 1 error, 2 a bit of it
 * arrives wrong; ends(began, ended, paused) tells its cycles. OPTION_CARD_... say how fast it is:
 * bytes a second, cycles of latency and of a pause, and how likely one is before a block, out of
 * 2^32. */
void board_card(struct board *board, const uint8_t *file, uint32_t bytes, uint64_t noise,
                int (*begins)(uint32_t, uint32_t), void (*ends)(uint64_t, uint64_t, uint64_t));

/* i2c(event, byte): event 0 start, 1 byte, 2 stop; answers whether a byte is acknowledged. */
void board_callbacks(struct board *board, int (*i2c)(int, int), void (*uart)(int));

/* Memory, flash too; 0 where it is not there. */
int board_write(struct board *board, uint32_t address, const uint8_t *bytes, uint32_t count);
int board_read(struct board *board, uint32_t address, uint8_t *bytes, uint32_t count);

/* Power comes: RAM holds noise, which `noise` seeds, as it does all noise from then on. */
void board_power_on(struct board *board, uint64_t noise);

/* Any other reset; `flags` for RSTSCKR. */
void board_reset(struct board *board, uint32_t flags);

/* Run for `ticks`; answers an enum stop: 1 time is over, 2 fault, 3 ECALL, 4 halted. */
int board_run(struct board *board, uint64_t ticks);
void board_halt(struct board *board); /* from a callback */

uint64_t board_figure(const struct board *board, int figure);
uint32_t board_x(const struct board *board, unsigned number);
void board_set_pc(struct board *board, uint32_t pc);
const char *board_fault_text(const struct board *board);
const char *board_cycle_model(const struct board *board);
void board_option(struct board *board, int option, uint32_t value);

/* From `ticks` on the world holds a pin low (0), high (1), not at all (2) or pulls it up (3). Ports
 * count from A = 0. 0 when too many changes wait. board_release forgets those that wait. */
int board_drive(struct board *board, uint64_t ticks, unsigned port, unsigned pin, unsigned drive);
void board_release(struct board *board);

/* Type on the terminal; answers how many bytes fitted. */
uint32_t board_type(struct board *board, const uint8_t *bytes, uint32_t count);

uint32_t board_snapshot_bytes(const struct board *board);
void board_snapshot(const struct board *board, uint8_t *bytes);
void board_restore(struct board *board, const uint8_t *bytes);

/* From now on count what each instruction in flash (bench: in ITCM) costs, anew; 0 without memory.
 * Then: the instructions or cycles of the one at halfword `place`. */
int board_profile_start(struct board *board);
uint64_t board_profile(const struct board *board, uint32_t place, int cycles);

/* The registers that the models have, by index; 0 after the last. */
int board_register(unsigned index, const char **name, uint32_t *address, uint32_t *bits,
                   uint32_t *reset);

#endif
