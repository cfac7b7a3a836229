/* The board's clockwork: time, events, interrupts, sleep. */
#include "board.h"

#include <stdarg.h>
#include <stdio.h>

uint64_t board_ticks(const struct board *board)
{
    return board->ticks_base +
           (board->core.cycles - board->cycles_base) * board->ticks_per_cycle;
}

void board_clock(struct board *board, uint32_t ticks_per_cycle)
{
    board->ticks_base = board_ticks(board);
    board->cycles_base = board->core.cycles;
    board->ticks_per_cycle = ticks_per_cycle;
    board_attention(board);
}

void board_fault(struct board *board, uint32_t address, const char *format, ...)
{
    va_list arguments;
    if (board->stop == STOP_FAULT) return;
    board->stop = STOP_FAULT;
    board->fault_pc = board->core.pc;
    board->fault_address = address;
    va_start(arguments, format);
    vsnprintf(board->fault, sizeof board->fault, format, arguments);
    va_end(arguments);
}

/* xorshift64*, by Vigna: small, and good enough for noise. */
uint32_t board_noise(struct board *board)
{
    uint64_t x = board->noise;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    board->noise = x;
    return (uint32_t)(x * UINT64_C(2685821657736338717) >> 32);
}

/* The cycle by which `ticks` have come. */
static uint64_t cycle_of(const struct board *board, uint64_t ticks)
{
    uint64_t now = board_ticks(board);
    if (ticks == NEVER) return NEVER;
    if (ticks <= now) return board->core.cycles;
    return board->core.cycles + (ticks - now + board->ticks_per_cycle - 1) / board->ticks_per_cycle;
}

static void due_events(struct board *board)
{
    bool any = true;
    while (any && !board->stop) {
        uint64_t now = board_ticks(board);
        any = false;
        for (unsigned event = 0; event < EVENTS && !board->stop; event++) {
            if (board->chip.due[event] <= now) {
                board->chip.due[event] = NEVER;
                chip_event(board, (enum event)event);
                any = true;
            }
        }
    }
}

static uint64_t next_event(const struct board *board)
{
    uint64_t next = board->deadline;
    for (unsigned event = 0; event < EVENTS; event++) {
        if (board->chip.due[event] < next) next = board->chip.due[event];
    }
    return next;
}

/* Whether the core may go on: not while it waits and nothing has come. */
static bool awake(struct board *board)
{
    struct core *core = &board->core;
    if (core->waiting == WAIT_EVENT) {
        bool any = board->chip.lines | board->chip.latched;
        bool pends = board->chip.value[PFIC_SCTLR] & 0x10 && any; /* SEVONPEND */
        if (!board->chip.event && !pends && !pfic_pending(board)) return false;
        board->chip.event = false;
    } else if (core->waiting == WAIT_INTERRUPT) {
        /* With interrupts masked it never ends: WCH's cores differ from others here. */
        if (!(core->mstatus & MIE) || !pfic_pending(board)) return false;
    } else if (core->waiting == WAIT_CARD) {
        if (card_busy(board)) return false;
    }
    core->waiting = AWAKE;
    return true;
}

bool board_service(struct board *board)
{
    struct core *core = &board->core;
    unsigned irq;

    for (;;) {
        uint64_t next;
        due_events(board);
        if (board->stop) return false;
        if (board->reset_flags) {
            board->resets++;
            chip_reset(board, board->reset_flags);
            board->reset_flags = 0;
        }
        if (awake(board)) break;
        if (board_ticks(board) >= board->deadline) {
            board->stop = STOP_TIME;
            return false;
        }
        next = cycle_of(board, next_event(board));
        core->slept += next - core->cycles;
        core->cycles = next;
    }
    if (board->stop) return false;
    if (board_ticks(board) >= board->deadline) {
        board->stop = STOP_TIME;
        return false;
    }
    irq = core->mstatus & MIE ? pfic_pending(board) : 0;
    if (irq) {
        pfic_taken(board, irq);
        core->cycles += core_model(core)->interrupt;
        core_trap(board, 0x80000000u | irq, 0, core_vector(board, irq));
    }
    board->limit = cycle_of(board, next_event(board));
    if (board->limit == core->cycles) board->limit++; /* at least one instruction */
    return true;
}
