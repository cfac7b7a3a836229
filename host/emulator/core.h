/* The core: registers, counters, and how long things take. */
#ifndef EMULATOR_CORE_H
#define EMULATOR_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "isa.h"

struct board;

/* How many cycles instructions take. `name` and `version` stand beside every figure made with it.
 *
 * qingke-v2a-2, for the CH32V003, after measurements by cpldcpu on a chip at 48 MHz
 * (DRAM_exploration/instruction_timing: loops of 16-bit and 32-bit NOPs and of stores, run from
 * SRAM and from flash); tests/test_board.py holds what it predicts against them. Assumptions:
 *
 *  - every instruction takes 1 cycle, a load or store `memory` more;
 *  - code is fetched in words of 32 bits, each in 1 + wait states cycles, one after the other, up
 *    to `ahead` words before they are needed; an instruction waits for its last word;
 *  - a taken branch, jump, trap or return costs `redirect` cycles, and then the new word's fetch,
 *    which begins when the fetch under way is done: flash is read in slots that cannot be given up;
 *    without wait states, a branch into the very next word takes a cycle more, for it is under way;
 *  - data read from flash take such a slot, and delay the code's;
 *  - an interrupt costs `interrupt` cycles before its handler's first word is fetched (assumed).
 *
 * Checked with a program that nobody here wrote: BitNetMCU's author measured 653,965 cycles for his
 * 12.3 kB net of 4 bits with its kernel in SRAM, and 903,209 from flash. Built from his sources
 * with his flags and GCC 13.2 (he does not name his compiler), it takes 653,964 and 903,203 by this
 * model; GCC 14.2's code 0.3 % and 0.7 % more, GCC 12.2's 9 % and 10 % more. The rule for the next
 * word was derived from these figures. Stores and interrupts are hardly tested by them.
 *
 * qingke-v2c-1, for the CH32V002: an assumption, which nobody has held against a chip. It says that
 * the core takes what V2A takes, and a multiplication 1 cycle; WCH tells no times of either core.
 * What is known to differ is the flash: two wait states at 48 MHz where the CH32V003 has one, so
 * the same rules give a word of code in 3 cycles. Whether as many words are fetched ahead is not
 * known; code in SRAM, where the kernels that count lie, does not depend on it.
 *
 * qingke-v5f-1, for the CH32H417's V5F at 400 MHz with its code in ITCM. Nobody has published what
 * its instructions take, so the model is of a core that V5F should not be slower than: in order,
 * and one instruction a cycle, where V5F is out of order and begins several.
 *
 *  - code in ITCM is fetched without waiting;
 *  - what is loaded lies ready `load` cycles after its instruction, a product `multiply` cycles: an
 *    instruction that comes for it earlier waits. A division stops the core for `divide` cycles;
 *  - an access to shared SRAM, load or store, stops the core for 8 cycles more: two of the bus,
 *    which runs at a quarter of its clock. ITCM and DTCM do not stop it. The card's DMA costs
 *    nothing;
 *  - branches are foretold by their direction alone, back yes, forward no: a branch back or a JAL
 *    costs `taken` cycles more; a branch that goes the other way, JALR or a return `wrong` more;
 *  - floats take what integers do: nothing here uses them.
 *
 * qingke-v3f-1, for the CH32H417's V3F at 100 MHz, is as much of an assumption: in order, with the
 * pipeline of V2A, a multiplication in 1 cycle and a division in `divide`. So a load or store takes
 * 1 cycle more, and a branch that is taken 2; its memories say what a word of code or data takes.
 *
 * ideal-1: one cycle an instruction, for machines that are not a chip. */
struct cycle_model {
    const char *name;
    bool fetch; /* time fetches at all */
    uint8_t memory, redirect, ahead, interrupt;
    uint8_t load, multiply, divide, taken, wrong;
};

enum { MODEL_IDEAL, MODEL_QINGKE_V2A, MODEL_QINGKE_V5F, MODEL_QINGKE_V3F, MODEL_QINGKE_V2C };

enum { MIE = 1 << 3, MPIE = 1 << 7, MPP = 3 << 11, FS = 3 << 13 };

/* A clock that may change its speed: its cycles in ticks, since a moment on both. */
struct clock {
    uint64_t cycles_base, ticks_base;
    uint32_t ticks_per_cycle;
};

struct core {
    uint32_t x[REGISTERS_ALL]; /* x0 to x31, what is written to x0, f0 to f31 */
    uint32_t pc;
    uint32_t mstatus, mtvec, mepc, mcause, mtval, mscratch, intsyscr, fcsr;
    uint32_t reserved; /* address that LR read */
    bool reserves;     /* and SC may write: no SC was there since, and no other core */
    uint64_t cycles, retired;
    uint64_t slept;     /* of the cycles, those spent in WFI */
    uint64_t fetched;   /* cycle at which the slots of the present run of fetches began */
    uint32_t first, last; /* words, as address / 4: first of that run, last one that was used */
    uint32_t word_cycles; /* of the memory that the code lies in */
    uint32_t lowest_sp; /* while it pointed into RAM, as an offset there */
    uint32_t isa;
    uint64_t ready[REGISTERS_ALL]; /* cycle from which a register can be used */
    uint8_t waiting;    /* WFI, or WFE */
    uint8_t model;
    bool bare;          /* no chip around it: ECALL ends the program, cycle counters are CSRs */
    uint8_t number;     /* which of the board's cores it is */
    struct clock clock;
    uint32_t stack_limit; /* end of the program's data: the stack must not go below */
};

enum { AWAKE, WAIT_INTERRUPT, WAIT_EVENT, WAIT_CARD, WAIT_START /* nobody has started it */ };

/* The tick that its cycles have reached. */
uint64_t core_ticks(const struct core *core);

const struct cycle_model *core_model(const struct core *core);

void core_reset(struct core *core, uint32_t pc);

/* Run until board_service says no. */
void core_run(struct board *board);

/* The address in the vector table, as mtvec says where it lies. */
uint32_t core_vector(struct board *board, unsigned irq);

/* Carry out a CSR instruction. */
void core_csr(struct board *board, const struct op *op);

/* What an instruction of B makes of two operands. */
uint32_t core_bits(unsigned code, uint32_t a, uint32_t b);

/* Carry out an instruction of F that does not load or store. */
void core_float(struct board *board, const struct op *op);

/* Whether floats are on; a fault where they are not. */
bool core_float_ready(struct board *board);

/* Enter an interrupt's or an exception's handler. */
void core_trap(struct board *board, uint32_t cause, uint32_t value, uint32_t entry);

#endif
