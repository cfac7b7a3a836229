/* The board's clockwork: time, events, interrupts, sleep. */
#include "board.h"

#include <stdarg.h>
#include <stdio.h>

static uint64_t clock_ticks(const struct clock *clock, uint64_t cycles)
{
    return clock->ticks_base + (cycles - clock->cycles_base) * clock->ticks_per_cycle;
}

uint64_t core_ticks(const struct core *core) { return clock_ticks(&core->clock, core->cycles); }

uint64_t board_ticks(const struct board *board)
{
    uint64_t now = board->now;
    if (board->core_count == 1) return core_ticks(board->core);
    if (board->turning) now = core_ticks(board->core);
    return now > board->latest ? now : board->latest;
}

uint64_t board_bus_cycles(const struct board *board)
{
    const struct clock *bus = &board->bus;
    return bus->cycles_base + (board_ticks(board) - bus->ticks_base) / bus->ticks_per_cycle;
}

void board_clock(struct board *board, struct core *core, uint32_t ticks_per_cycle)
{
    core->clock.ticks_base = core_ticks(core);
    core->clock.cycles_base = core->cycles;
    core->clock.ticks_per_cycle = ticks_per_cycle;
    board_attention(board);
}

void board_bus_clock(struct board *board, uint32_t ticks_per_cycle)
{
    uint64_t cycles = board_bus_cycles(board);
    board->bus.ticks_base = clock_ticks(&board->bus, cycles);
    board->bus.cycles_base = cycles;
    board->bus.ticks_per_cycle = ticks_per_cycle;
}

void board_choose(struct board *board, unsigned core)
{
    board->core = &board->cores[core];
    board->memory = board->view[core].memory;
    board->memory_count = board->view[core].count;
}

void board_fault(struct board *board, uint32_t address, const char *format, ...)
{
    va_list arguments;
    if (board->stop == STOP_FAULT) return;
    board->stop = STOP_FAULT;
    board->fault_pc = board->core->pc;
    board->fault_address = address;
    board->fault_core = board->core->number;
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

uint64_t core_cycle_of(const struct core *core, uint64_t ticks)
{
    uint64_t now = core_ticks(core), length = core->clock.ticks_per_cycle;
    if (ticks == NEVER) return NEVER;
    if (ticks <= now) return core->cycles;
    return core->cycles + (ticks - now + length - 1) / length;
}

void board_events(struct board *board)
{
    bool any = true;
    while (any && !board->stop) {
        uint64_t now = board->core_count > 1 ? board->now : board_ticks(board);
        any = false;
        for (unsigned event = 0; event < EVENTS && !board->stop; event++) {
            uint64_t due = board->due[event];
            if (due <= now) {
                board->due[event] = NEVER;
                chip_event(board, (enum event)event, due);
                any = true;
            }
        }
    }
}

uint64_t board_next_event(const struct board *board)
{
    uint64_t next = NEVER;
    for (unsigned event = 0; event < EVENTS; event++) {
        if (board->due[event] < next) next = board->due[event];
    }
    return next;
}

bool board_awake(struct board *board, struct core *core)
{
    struct pfic *pfic = &board->pfic[core->number];
    switch (core->waiting) {
    case WAIT_EVENT: {
        bool pends = pfic->sctlr & 0x10 && pfic_any(pfic); /* SEVONPEND */
        if (!pfic->event && !pends && !pfic_pending(board, core)) return false;
        pfic->event = false;
        break;
    }
    case WAIT_INTERRUPT:
        /* With interrupts masked it never ends: WCH's cores differ from others here. */
        if (!(core->mstatus & MIE) || !pfic_pending(board, core)) return false;
        break;
    case WAIT_CARD:
        if (card_busy(board)) return false;
        break;
    case WAIT_START: return false;
    }
    core->waiting = AWAKE;
    return true;
}

void board_interrupt(struct board *board)
{
    struct core *core = board->core;
    unsigned irq = core->mstatus & MIE ? pfic_pending(board, core) : 0;
    uint32_t entry;
    if (!irq) return;
    pfic_taken(&board->pfic[core->number], irq);
    core->cycles += core_model(core)->interrupt;
    entry = core_vector(board, irq);
    if (!entry && board->core_count > 1) {
        board_fault(board, 0, "interrupt %u has 0 as its vector, which is V3F's reset", irq);
        return;
    }
    core_trap(board, 0x80000000u | irq, 0, entry);
}

bool board_service(struct board *board)
{
    struct core *core = board->core;

    if (board->core_count > 1) return turns_service(board);
    for (;;) {
        uint64_t next;
        board_events(board);
        if (board->stop) return false;
        if (board->reset_flags) {
            board->resets++;
            chip_reset(board, board->reset_flags);
            board->reset_flags = 0;
        }
        if (board_awake(board, core)) break;
        if (board_ticks(board) >= board->deadline) {
            board->stop = STOP_TIME;
            return false;
        }
        next = board_next_event(board);
        next = core_cycle_of(core, next < board->deadline ? next : board->deadline);
        core->slept += next - core->cycles;
        core->cycles = next;
    }
    if (board->stop) return false;
    if (board_ticks(board) >= board->deadline) {
        board->stop = STOP_TIME;
        return false;
    }
    board_interrupt(board);
    board->limit = board_next_event(board);
    if (board->limit > board->deadline) board->limit = board->deadline;
    board->limit = core_cycle_of(core, board->limit);
    if (board->limit == core->cycles) board->limit++; /* at least one instruction */
    return true;
}
