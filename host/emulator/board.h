/* A virtual board: a core or two, their memories, a chip's blocks, and what is wired to its pins.
 *
 * All that changes while the board runs lies in the struct below, before `view`, and in the
 * writable memories, so a snapshot is a copy of these. Time has two clocks: `cycles` of a core
 * counts its own clock, also while it sleeps; ticks never change their length, so everything
 * outside of a core is timed in them. Nothing depends on the host's clock or addresses: the same
 * image, seed and presses give the same run, instruction for instruction. */
#ifndef EMULATOR_BOARD_H
#define EMULATOR_BOARD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "card.h"
#include "ch32h417/chip.h"
#include "chip.h"
#include "core.h"
#include "isa.h"

#define NEVER UINT64_MAX

enum stop {
    STOP_NONE,
    STOP_TIME,  /* board_run's deadline has come */
    STOP_FAULT, /* the program did what it must not; board.fault says what */
    STOP_ECALL, /* bare machines only: the program has ended */
    STOP_HOST,  /* a callback asked for it */
};

/* What an instruction has cost so far. */
struct profile {
    uint64_t instructions, cycles;
};

/* Memory that is not a register: RAM, or flash, which appears at two addresses. */
struct memory {
    const char *name;
    uint32_t base, size;
    uint8_t *bytes;
    struct op *code; /* what is decoded so far, one for each halfword */
    struct profile *profile; /* likewise, or NULL where nobody counts */
    bool writable, flash;
    uint8_t wait;         /* cycles that an access takes longer */
    uint32_t word_cycles; /* that fetching a word of code takes */
};

/* What was decoded from `count` bytes at `offset`, and what may begin just before them, is not true
 * any more. */
static inline void memory_written(struct memory *memory, uint32_t offset, uint32_t count)
{
    uint32_t place = offset >> 1, last = (offset + count - 1) >> 1;
    if (place) place--;
    for (; place <= last; place++) memory->code[place].code = OP_NONE;
}

/* Nothing of it is decoded any more. */
static inline void memory_forget(struct memory *memory)
{
    memset(memory->code, 0, memory->size / 2 * sizeof *memory->code);
}

enum { BENCH_HERTZ = 400000000 };
enum { FOREVER = 1000 }; /* of i2c_stuck */
enum { MAX_CORES = 2, MAX_MEMORIES = 6, MAX_CHANGES = 64, MAX_TYPED = 4096, FAULT_TEXT = 200 };
enum {
    MAX_REGISTERS = (int)REGISTERS > (int)H417_REGISTERS ? (int)REGISTERS : (int)H417_REGISTERS
};

/* The memories that a core sees, each with the waits that this core has there. memory[0] has the
 * stack and does not wait. */
struct view {
    struct memory memory[MAX_MEMORIES];
    uint32_t count;
};

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
    struct core cores[MAX_CORES];
    struct clock bus;         /* HCLK */
    uint32_t value[MAX_REGISTERS];
    uint64_t due[EVENTS];     /* in ticks; NEVER */
    struct pfic pfic[MAX_CORES];
    struct chip chip;
    struct h417 h417;
    struct h417_slot slot;
    struct change changes[MAX_CHANGES]; /* in order of time */
    uint32_t change_count;
    uint8_t typed[MAX_TYPED]; /* to the UART, a ring */
    uint32_t typed_first, typed_count;
    uint8_t drive[PORTS][PINS];
    uint64_t noise;       /* state of the generator of all noise */
    uint64_t power_ons, resets;
    uint64_t now, latest; /* two cores: ticks that both have reached, and that one has */
    bool deliver_faults;  /* give faults to the program instead of stopping */
    uint32_t reset_flags; /* a reset is due: what it will leave in RSTSCKR */
    uint32_t adc_noise;   /* of a conversion, in steps; 0 is a broken one */
    uint32_t lsi_jitter;  /* ticks; 0 is an oscillator without any */
    bool lsi_stopped;     /* that oscillator is broken: the watchdog stands still */
    uint32_t i2c_stuck;   /* the display holds SDA low, for so many clocks more */
    uint32_t rng_fault;   /* RNG_... of api.h */
    uint32_t snapshot_bytes; /* of all that a snapshot holds; only there */

    /* From here on: not in snapshots. */
    struct view view[MAX_CORES];
    const struct chip_type *type; /* NULL: a bare core, or the bench */
    uint32_t core_count;
    struct core *core;     /* the one whose turn it is */
    struct memory *memory; /* that it sees */
    uint32_t memory_count;
    struct world world;
    struct card card;
    struct h417_record record;
    struct op uncached;    /* the instruction that was fetched from where nothing is kept */
    uint64_t deadline, turn; /* in ticks: of the run, of the core's turn */
    uint64_t limit;          /* cycle at which the core's loop must look around */
    bool turning;            /* a core's loop runs */
    enum stop stop;
    uint32_t fault_pc, fault_address, fault_core;
    char fault[FAULT_TEXT];
};

/* The core's loop must look around before the next instruction: an interrupt may have come. */
static inline void board_attention(struct board *board) { board->limit = 0; }

/* Now: as the core sees it whose turn it is, but never before what the other has seen. */
uint64_t board_ticks(const struct board *board);

/* Cycles of HCLK until now. */
uint64_t board_bus_cycles(const struct board *board);

/* Change how long a cycle of a core is, or of HCLK, from now on. */
void board_clock(struct board *board, struct core *core, uint32_t ticks_per_cycle);
void board_bus_clock(struct board *board, uint32_t ticks_per_cycle);

/* Whose turn it is. */
void board_choose(struct board *board, unsigned core);

/* Whether a core's memory is one that core 0 sees too. */
bool board_sees_twice(const struct board *board, unsigned core, const struct memory *memory);

/* What was decoded from RAM, and from flash where `all`, is not true any more. */
void board_forget(struct board *board, bool all);

/* Events, interrupts, sleep, deadline. False when the core's loop must end. */
bool board_service(struct board *board);

/* The parts of that which one core and two have in common: do what is due; the tick at which
 * something is next; whether a core may go on, which wakes it; take an interrupt, if one pends; the
 * cycle of a core by which `ticks` have come. */
void board_events(struct board *board);
uint64_t board_next_event(const struct board *board);
bool board_awake(struct board *board, struct core *core);
void board_interrupt(struct board *board);
uint64_t core_cycle_of(const struct core *core, uint64_t ticks);

/* Two cores in turns, until the run ends; and what a turn asks when it looks around. */
void turns_run(struct board *board);
bool turns_service(struct board *board);

/* The core's clock up to now, where it is behind. */
void turns_catch_up(struct board *board, struct core *core);

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
