/* PFIC: which interrupt comes next, for each core its own.
 *
 * An interrupt pends while its block asks for it, or after software set it. Nesting and hardware
 * stacking are refused (CSR 0x804, csr.c), so a handler runs until its MRET. */
#include "board.h"

enum { ISR = 0x000, IPR = 0x020, ITHRESDR = 0x040, CFGR = 0x048, GISR = 0x04c, IENR = 0x100,
       IRER = 0x180, IPSR = 0x200, IPRR = 0x280, IACTR = 0x300, WAKEIP = 0x720, SCTLR = 0xd10 };
enum { SEVONPEND = 0x10, SETEVENT = 0x20, DEEP_OR_ON_EXIT = 0x06 };

void pfic_core_line(struct board *board, unsigned core, unsigned irq, bool level)
{
    uint32_t *lines = &board->pfic[core].lines[irq / 32], bit = (uint32_t)1 << irq % 32;
    if (level) {
        *lines |= bit;
        if (board->cores[core].waiting && board->turning && board->turn > board_ticks(board)) {
            board->turn = board_ticks(board); /* it may wake */
        }
    } else {
        *lines &= ~bit;
    }
    board_attention(board);
}

void pfic_line(struct board *board, unsigned irq, bool level)
{
    for (unsigned core = 0; core < board->core_count; core++) {
        pfic_core_line(board, core, irq, level);
    }
}

bool pfic_any(const struct pfic *pfic)
{
    uint32_t any = 0;
    for (unsigned i = 0; i < PFIC_WORDS; i++) any |= pfic->lines[i] | pfic->latched[i];
    return any;
}

unsigned pfic_pending(const struct board *board, const struct core *core)
{
    const struct pfic *pfic = &board->pfic[core->number];
    unsigned best = 0;

    for (unsigned word = 0; word < PFIC_WORDS; word++) {
        uint32_t pending = (pfic->lines[word] | pfic->latched[word]) & pfic->enabled[word];
        for (unsigned irq = 32 * word; pending; irq++, pending >>= 1) {
            if (!(pending & 1)) continue;
            if (pfic->threshold && pfic->priority[irq] >= pfic->threshold) continue;
            if (!best || pfic->priority[irq] < pfic->priority[best]) best = irq;
        }
    }
    return best;
}

void pfic_taken(struct pfic *pfic, unsigned irq)
{
    pfic->latched[irq / 32] &= ~((uint32_t)1 << irq % 32);
}

uint32_t pfic_read(struct board *board, unsigned now)
{
    const struct pfic *pfic = &board->pfic[board->core->number];
    unsigned offset = board->type->registers[now].offset, word = offset % 32 / 4;

    if (offset < IPR || (offset >= IENR && offset < IRER)) {
        return pfic->enabled[word] | (word ? 0 : 0xc);
    }
    if (offset < ITHRESDR) return pfic->lines[word] | pfic->latched[word];
    if (offset >= IRER && offset < IACTR) {
        board_fault(board, 0, "load from a write-only register of PFIC");
        return 0;
    }
    if (offset == GISR || (offset >= IACTR && offset < WAKEIP)) {
        board_fault(board, 0, "IACTR and GISR are not modelled");
        return 0;
    }
    if (offset == ITHRESDR) return pfic->threshold;
    if (offset == SCTLR) return pfic->sctlr | (uint32_t)board->core->number << 16;
    return board->value[now];
}

static void write_cfgr(struct board *board, uint32_t value)
{
    if (value >> 16 == 0xbeef && value & 0x80) {
        board->reset_flags = (uint32_t)1 << 28;
    } else {
        board_fault(board, 0, "CFGR = 0x%08x: only 0xbeef0080, a reset, is modelled",
                    (unsigned)value);
    }
}

static void write_sctlr(struct board *board, uint32_t value)
{
    struct pfic *pfic = &board->pfic[board->core->number];
    if (value & 0x80000000) {
        board->reset_flags = (uint32_t)1 << 28;
        return;
    }
    if (value & DEEP_OR_ON_EXIT) {
        board_fault(board, 0, "SCTLR = 0x%08x: SLEEPONEXIT and SLEEPDEEP are not modelled",
                    (unsigned)value);
        return;
    }
    pfic->sctlr = value & ~(uint32_t)(SETEVENT | 1 << 16); /* they do not stay */
    if (!(value & SETEVENT)) return;
    if (board->type->wake) board->type->wake(board);
    else pfic->event = true;
}

void pfic_write(struct board *board, unsigned now, uint32_t value)
{
    struct pfic *pfic = &board->pfic[board->core->number];
    unsigned offset = board->type->registers[now].offset, word = offset % 32 / 4;

    switch (offset & ~31u) {
    case IENR: pfic->enabled[word] |= value; return;
    case IRER: pfic->enabled[word] &= ~value; return;
    case IPSR: pfic->latched[word] |= value; return;
    case IPRR: pfic->latched[word] &= ~value; return;
    }
    switch (offset) {
    case ITHRESDR: pfic->threshold = value; break;
    case CFGR: write_cfgr(board, value); break;
    case SCTLR: write_sctlr(board, value); break;
    case WAKEIP:
    case WAKEIP + 4: board->value[now] = value; break;
    default: board_fault(board, 0, "store to a read-only register of PFIC");
    }
}
