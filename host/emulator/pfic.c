/* PFIC and SysTick: which interrupt comes next, and the clock that ticks.
 *
 * An interrupt pends while its block asks for it, or after software set it. Nesting and hardware
 * stacking are refused (CSR 0x804, core.c), so a handler runs until its MRET. */
#include "board.h"

enum { STE = 1, STIE = 2, STCLK = 4, STRE = 8, SWIE = (int)0x80000000 };

void pfic_line(struct board *board, unsigned irq, bool level)
{
    uint64_t bit = (uint64_t)1 << irq;
    if (level) board->chip.lines |= bit;
    else board->chip.lines &= ~bit;
    board_attention(board);
}

unsigned pfic_pending(const struct board *board)
{
    const struct chip *chip = &board->chip;
    uint64_t pending = (chip->lines | chip->latched) & chip->enabled;
    unsigned best = 0;

    for (unsigned irq = 2; pending && irq < IRQS; irq++) {
        unsigned limit = chip->value[PFIC_ITHRESDR];
        if (!(pending >> irq & 1) || (limit && chip->priority[irq] >= limit)) continue;
        if (!best || chip->priority[irq] < chip->priority[best]) best = irq;
    }
    return best;
}

void pfic_taken(struct board *board, unsigned irq)
{
    board->chip.latched &= ~((uint64_t)1 << irq);
}

uint32_t pfic_read(struct board *board, unsigned now)
{
    const struct chip *chip = &board->chip;
    uint64_t pending = chip->lines | chip->latched;

    switch (now) {
    case PFIC_ISR1:
    case PFIC_IENR1: return (uint32_t)chip->enabled | 0xc;
    case PFIC_ISR2:
    case PFIC_IENR2: return (uint32_t)(chip->enabled >> 32);
    case PFIC_IPR1: return (uint32_t)pending;
    case PFIC_IPR2: return (uint32_t)(pending >> 32);
    case PFIC_IRER1:
    case PFIC_IRER2:
    case PFIC_IPSR1:
    case PFIC_IPSR2:
    case PFIC_IPRR1:
    case PFIC_IPRR2: board_fault(board, 0, "load from a write-only register of PFIC"); return 0;
    case PFIC_IACTR1:
    case PFIC_IACTR2:
    case PFIC_GISR: board_fault(board, 0, "IACTR and GISR are not modelled"); return 0;
    }
    return chip->value[now];
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
    if (value & 0x80000000) {
        board->reset_flags = (uint32_t)1 << 28;
        return;
    }
    if (value & 0x06) {
        board_fault(board, 0, "SCTLR = 0x%08x: SLEEPONEXIT and SLEEPDEEP are not modelled",
                    (unsigned)value);
        return;
    }
    if (value & 0x20) board->chip.event = true; /* SETEVENT, which does not stay */
    board->chip.value[PFIC_SCTLR] = value & ~(uint32_t)0x20;
}

void pfic_write(struct board *board, unsigned now, uint32_t value)
{
    struct chip *chip = &board->chip;
    uint64_t high = (uint64_t)value << 32;

    switch (now) {
    case PFIC_IENR1: chip->enabled |= value; break;
    case PFIC_IENR2: chip->enabled |= high; break;
    case PFIC_IRER1: chip->enabled &= ~(uint64_t)value; break;
    case PFIC_IRER2: chip->enabled &= ~high; break;
    case PFIC_IPSR1: chip->latched |= value; break;
    case PFIC_IPSR2: chip->latched |= high; break;
    case PFIC_IPRR1: chip->latched &= ~(uint64_t)value; break;
    case PFIC_IPRR2: chip->latched &= ~high; break;
    case PFIC_ITHRESDR: chip->value[now] = value; break;
    case PFIC_CFGR: write_cfgr(board, value); break;
    case PFIC_SCTLR: write_sctlr(board, value); break;
    default: board_fault(board, 0, "store to a read-only register of PFIC");
    }
}

static uint32_t cycles_a_step(const struct board *board)
{
    return board->chip.value[SYSTICK_CTLR] & STCLK ? 1 : 8;
}

/* Bring CNT up to date. */
static void count(struct board *board)
{
    struct chip *chip = &board->chip;
    uint64_t steps = (board->core.cycles - chip->systick_from) / cycles_a_step(board);

    if (chip->value[SYSTICK_CTLR] & STE) {
        chip->systick_from += steps * cycles_a_step(board);
        chip->value[SYSTICK_CNT] += (uint32_t)steps;
    } else {
        chip->systick_from = board->core.cycles;
    }
}

uint32_t systick_read(struct board *board, unsigned now)
{
    const uint32_t *value = board->chip.value;
    if (now == SYSTICK_CNT) {
        count(board);
        if (value[SYSTICK_CTLR] & STRE && value[now] == ~(uint32_t)0) return value[SYSTICK_CMP];
    }
    return value[now];
}

static void lines(struct board *board)
{
    const uint32_t *value = board->chip.value;
    pfic_line(board, IRQ_SYSTICK, value[SYSTICK_SR] & 1 && value[SYSTICK_CTLR] & STIE);
    pfic_line(board, IRQ_SOFTWARE, value[SYSTICK_CTLR] & (uint32_t)SWIE);
}

/* When CNT meets CMP next. */
void systick_schedule(struct board *board)
{
    const uint32_t *value = board->chip.value;
    uint32_t steps;
    uint64_t at;

    if (!(value[SYSTICK_CTLR] & STE)) {
        chip_schedule(board, EVENT_SYSTICK, NEVER);
        return;
    }
    count(board);
    steps = value[SYSTICK_CMP] - value[SYSTICK_CNT];
    at = board->chip.systick_from +
         (steps ? (uint64_t)steps : (uint64_t)1 << 32) * cycles_a_step(board);
    chip_schedule(board, EVENT_SYSTICK,
                  board_ticks(board) + (at - board->core.cycles) * board->ticks_per_cycle);
}

/* CNT has met CMP. With STRE it begins again: CMP + 1 steps make a period. */
void systick_event(struct board *board)
{
    uint32_t *value = board->chip.value;
    count(board);
    value[SYSTICK_SR] |= 1;
    if (value[SYSTICK_CTLR] & STRE) {
        value[SYSTICK_CNT] -= value[SYSTICK_CMP] + 1; /* -1, shown as CMP: 0 is the next step */
    }
    lines(board);
    systick_schedule(board);
}

void systick_write(struct board *board, unsigned now, uint32_t value)
{
    count(board);
    if (now == SYSTICK_SR) board->chip.value[now] &= value; /* zeros clear */
    else board->chip.value[now] = value;
    if (now == SYSTICK_CNT) board->chip.systick_from = board->core.cycles;
    lines(board);
    systick_schedule(board);
}
