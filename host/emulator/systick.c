/* SysTick: the clock that ticks, one for each core. It counts cycles of HCLK. */
#include "board.h"

enum { STE = 1, STIE = 2, STCLK = 4, STRE = 8, SWIE = (int)0x80000000 };
enum { CTLR, CNT, CMP }; /* in this order in registers.def */

static uint32_t *registers_of(struct board *board, unsigned number)
{
    return &board->value[board->type->systick[number].first];
}

static uint64_t cycles_a_step(uint32_t control)
{
    return control & STCLK ? 1 : 8;
}

static bool exists(const struct board *board, unsigned number)
{
    return board->type->systick[number].irq;
}

/* Bring CNT up to date. */
static void count(struct board *board, unsigned number)
{
    uint32_t *own = registers_of(board, number);
    uint64_t *from = &board->chip.systick_from[number], now = board_bus_cycles(board);
    uint64_t step = cycles_a_step(own[CTLR]), steps = (now - *from) / step;

    if (own[CTLR] & STE) {
        *from += steps * step;
        own[CNT] += (uint32_t)steps;
    } else {
        *from = now;
    }
}

/* Which of them a register belongs to; the flags of all may lie in the first. */
static unsigned number_of(const struct board *board, unsigned now)
{
    return exists(board, 1) && now >= board->type->systick[1].first &&
           now < board->type->systick[1].first + 3;
}

uint32_t systick_read(struct board *board, unsigned now)
{
    unsigned number = number_of(board, now);
    const uint32_t *own = registers_of(board, number);

    if (now == board->type->systick[number].first + CNT) {
        count(board, number);
        if (own[CTLR] & STRE && own[CNT] == ~(uint32_t)0) return own[CMP];
    }
    return board->value[now];
}

static void lines(struct board *board, unsigned number)
{
    uint32_t control = registers_of(board, number)[CTLR];
    uint32_t status = board->value[board->type->systick[number].status];
    bool met = status >> board->type->systick[number].bit & 1;
    unsigned software = board->type->systick[number].irq_software;

    pfic_core_line(board, number, board->type->systick[number].irq, met && control & STIE);
    if (software) pfic_core_line(board, number, software, control & (uint32_t)SWIE);
}

/* When CNT meets CMP next. */
void systick_schedule(struct board *board, unsigned number)
{
    const uint32_t *own = registers_of(board, number);
    enum event event = board->type->systick[number].event;
    uint32_t steps;
    uint64_t at;

    if (!(own[CTLR] & STE)) {
        chip_schedule(board, event, NEVER);
        return;
    }
    count(board, number);
    steps = own[CMP] - own[CNT];
    at = board->chip.systick_from[number] +
         (steps ? (uint64_t)steps : (uint64_t)1 << 32) * cycles_a_step(own[CTLR]);
    chip_schedule(board, event, board->bus.ticks_base +
                                    (at - board->bus.cycles_base) * board->bus.ticks_per_cycle);
}

void systick_settle(struct board *board)
{
    for (unsigned number = 0; number < MAX_TICKS; number++) {
        if (exists(board, number)) count(board, number);
    }
}

void systick_resettle(struct board *board)
{
    for (unsigned number = 0; number < MAX_TICKS; number++) {
        if (exists(board, number)) systick_schedule(board, number);
    }
}

/* CNT has met CMP. With STRE it begins again: CMP + 1 steps make a period. */
void systick_event(struct board *board, unsigned number)
{
    uint32_t *own = registers_of(board, number);
    count(board, number);
    board->value[board->type->systick[number].status] |= 1u << board->type->systick[number].bit;
    if (own[CTLR] & STRE) own[CNT] -= own[CMP] + 1; /* -1, shown as CMP: 0 is the next step */
    lines(board, number);
    systick_schedule(board, number);
}

void systick_write(struct board *board, unsigned now, uint32_t value)
{
    unsigned number = number_of(board, now);

    count(board, number);
    if (now == board->type->systick[number].status) {
        board->value[now] &= value; /* zeros clear, each its own flag */
        for (unsigned i = 0; i < board->core_count; i++) lines(board, i);
        return;
    }
    board->value[now] = value;
    if (now == board->type->systick[number].first + CNT) {
        board->chip.systick_from[number] = board_bus_cycles(board);
    }
    lines(board, number);
    systick_schedule(board, number);
}
