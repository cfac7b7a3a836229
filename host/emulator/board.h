/* A virtual board: a core, its memories, a chip's blocks, and what is wired to the chip's pins.
 *
 * All that changes while the board runs lies in the struct below, before `memory`, and in the
 * writable memories, so a snapshot is a copy of these. Time has two clocks: `core.cycles` counts
 * HCLK, the core's clock, also while it sleeps; ticks are 1/48 us and never change their length, so
 * everything outside the core is timed in them. Nothing depends on the host's clock or addresses:
 * the same image, seed and presses give the same run, instruction for instruction. */
#ifndef EMULATOR_BOARD_H
#define EMULATOR_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "card.h"
#include "chip.h"
#include "core.h"
#include "isa.h"

#define NEVER UINT64_MAX
#define TICKS_PER_US 48

enum stop {
    STOP_NONE,
    STOP_TIME,  /* board_run's deadline has come */
    STOP_FAULT, /* the program did what it must not; board.fault says what */
    STOP_ECALL, /* bare machines only: the program has ended */
    STOP_HOST,  /* a callback asked for it */
};

/* Memory that is not a register: RAM, or flash, which appears at two addresses. memory[0] has the
 * stack, memory[1] the code that is profiled. */
struct memory {
    const char *name;
    uint32_t base, size;
    uint8_t *bytes;
    struct op *code; /* what is decoded so far, one for each halfword */
    bool writable, flash;
    uint8_t wait; /* cycles that an access takes longer */
};

/* What was decoded from `count` bytes at `offset`, and what may begin just before them, is not true
 * any more. */
static inline void memory_written(struct memory *memory, uint32_t offset, uint32_t count)
{
    uint32_t place = offset >> 1, last = (offset + count - 1) >> 1;
    if (place) place--;
    for (; place <= last; place++) memory->code[place].code = OP_NONE;
}

/* What an instruction has cost so far. */
struct profile {
    uint64_t instructions, cycles;
};

enum { BENCH_HERTZ = 400000000 };
enum { FOREVER = 1000 }; /* of i2c_stuck */
enum { MAX_MEMORIES = 4, MAX_CHANGES = 64, MAX_TYPED = 4096, FAULT_TEXT = 200 };

/* What the world does to a pin, at a time. */
enum drive { DRIVE_LOW, DRIVE_HIGH, DRIVE_NONE, DRIVE_PULLED_UP };
struct change {
    uint64_t ticks;
    uint8_t port, pin, drive;
};

/* Where a chip meets its world. The I2C callback answers whether the byte is acknowledged, that of
 * a read from the card what becomes of it. */
enum { I2C_START, I2C_BYTE, I2C_STOP };
struct world {
    int (*i2c)(int event, int byte);
    void (*uart)(int byte);
    int (*card_begins)(uint32_t offset, uint32_t count);
    void (*card_ends)(uint64_t began, uint64_t ended, uint64_t paused);
};

struct board {
    struct core core;
    struct chip chip;
    struct change changes[MAX_CHANGES]; /* in order of time */
    uint32_t change_count;
    uint8_t typed[MAX_TYPED]; /* to the UART, a ring */
    uint32_t typed_first, typed_count;
    uint8_t drive[PORTS][8];
    uint64_t noise;       /* state of the generator of all noise */
    uint64_t power_ons, resets;
    uint64_t cycles_base, ticks_base; /* a moment on both clocks */
    uint32_t ticks_per_cycle;
    bool deliver_faults;  /* give faults to the program instead of stopping */
    uint32_t reset_flags; /* a reset is due: what it will leave in RSTSCKR */
    uint32_t adc_noise;   /* of a conversion, in steps; 0 is a broken one */
    uint32_t lsi_jitter;  /* ticks; 0 is an oscillator without any */
    bool lsi_stopped;     /* that oscillator is broken: the watchdog stands still */
    uint32_t i2c_stuck;   /* the display holds SDA low, for so many clocks more */
    uint32_t stack_limit; /* end of the program's data: the stack must not go below */

    /* From here on: not in snapshots. */
    struct memory memory[MAX_MEMORIES];
    uint32_t memory_count;
    struct world world;
    struct card card;
    struct profile *profile; /* one for each halfword of memory[1], or NULL */
    uint64_t deadline, limit; /* core.cycles at which the core's loop must look around */
    enum stop stop;
    uint32_t fault_pc, fault_address;
    char fault[FAULT_TEXT];
};

/* The core's loop must look around before the next instruction: an interrupt may have come. */
static inline void board_attention(struct board *board) { board->limit = 0; }

uint64_t board_ticks(const struct board *board);

/* Change how long a cycle is, from now on. */
void board_clock(struct board *board, uint32_t ticks_per_cycle);

/* Events, interrupts, sleep, deadline. False when the core's loop must end. */
bool board_service(struct board *board);

/* Stop, with a sentence, at the present instruction; only the first one counts. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void board_fault(struct board *board, uint32_t address, const char *format, ...);

/* The next number of the noise: uniform in 32 bits. */
uint32_t board_noise(struct board *board);

/* Registers: what is not memory. `bytes` is 1, 2 or 4, the address is a multiple of it. */
uint32_t bus_read(struct board *board, uint32_t address, uint32_t bytes);
void bus_write(struct board *board, uint32_t address, uint32_t bytes, uint32_t value);

#endif
