/* TIM6: a basic timer, the DAC's metronome. The prescaler takes effect at an update, and so does
 * the reload value where ARPE is set; UG makes one at once, as always with these timers. */
#include "../board.h"

enum { CEN = 1, UDIS = 2, URS = 4, OPM = 8, ARPE = 0x80, MMS = 0x70, ON_UPDATE = 0x20 };
enum { UIE = 1, UIF = 1, UG = 1 };

static uint64_t step(const struct board *board)
{
    const struct h417_tim *tim = &board->h417.blocks.tim;

    return (uint64_t)(tim->prescaler + 1) * h417_hclk(board);
}

static void lines(struct board *board)
{
    const uint32_t *value = board->value;
    h417_irq(board, H417_IRQ_TIM6,
             value[H417_TIM6_INTFR] & UIF && value[H417_TIM6_DMAINTENR] & UIE);
}

static uint32_t counter(const struct board *board)
{
    const struct h417_tim *tim = &board->h417.blocks.tim;

    if (!(board->value[H417_TIM6_CTLR1] & CEN)) return board->value[H417_TIM6_CNT];
    return (uint32_t)((board_ticks(board) - tim->from) / step(board)) & 0xffff;
}

/* CNT is `now` at this moment: when does it overflow? Beyond the reload value only after 65,535. */
static void run(struct board *board, uint32_t now)
{
    struct h417_tim *tim = &board->h417.blocks.tim;
    uint32_t reload = tim->reload;
    uint64_t last = now > reload ? 0xffff : reload;

    board->value[H417_TIM6_CNT] = now;
    tim->from = board_ticks(board) - now * step(board);
    chip_schedule(board, EVENT_TIM6,
                  board->value[H417_TIM6_CTLR1] & CEN && reload
                      ? tim->from + (last + 1) * step(board)
                      : NEVER);
}

static void update(struct board *board, uint64_t due, bool by_software)
{
    struct h417_tim *tim = &board->h417.blocks.tim;
    uint32_t *value = board->value;

    if (value[H417_TIM6_CTLR1] & UDIS) return;
    tim->prescaler = value[H417_TIM6_PSC];
    tim->reload = value[H417_TIM6_ATRLR];
    tim->from = due;
    if (!by_software || !(value[H417_TIM6_CTLR1] & URS)) value[H417_TIM6_INTFR] |= UIF;
    lines(board);
    if ((value[H417_TIM6_CTLR2] & MMS) == ON_UPDATE) h417_dac_trigger(board);
}

void h417_tim_event(struct board *board, unsigned event, uint64_t due)
{
    struct h417_tim *tim = &board->h417.blocks.tim;
    uint32_t *value = board->value;

    (void)event;
    tim->from = due;
    if (value[H417_TIM6_CTLR1] & OPM) {
        value[H417_TIM6_CTLR1] &= ~(uint32_t)CEN;
        value[H417_TIM6_CNT] = 0;
    }
    update(board, due, false);
    if (!(value[H417_TIM6_CTLR1] & CEN) || !tim->reload) return;
    chip_schedule(board, EVENT_TIM6,
                  due + (uint64_t)(tim->reload + 1) * step(board));
}

uint32_t h417_tim_read(struct board *board, unsigned now)
{
    if (now == H417_TIM6_CNT) return counter(board);
    if (now == H417_TIM6_SWEVGR) board_fault(board, 0, "TIM6: load from SWEVGR, write-only");
    return board->value[now];
}

void h417_tim_write(struct board *board, unsigned now, uint32_t value)
{
    struct h417_tim *tim = &board->h417.blocks.tim;
    uint32_t count = counter(board);

    switch (now) {
    case H417_TIM6_CTLR1:
        if (value & ~(uint32_t)(CEN | UDIS | URS | OPM | ARPE)) {
            board_fault(board, 0, "TIM6: CTLR1 = 0x%04x: not all of this is modelled",
                        (unsigned)value);
        }
        board->value[now] = value;
        run(board, count);
        break;
    case H417_TIM6_CTLR2:
        if (value && value != ON_UPDATE) {
            board_fault(board, 0, "TIM6: CTLR2 = 0x%04x: only TRGO on update is modelled",
                        (unsigned)value);
        }
        board->value[now] = value;
        break;
    case H417_TIM6_DMAINTENR:
        if (value & ~(uint32_t)UIE) board_fault(board, 0, "TIM6's own DMA is not modelled");
        board->value[now] = value;
        lines(board);
        break;
    case H417_TIM6_INTFR:
        board->value[now] &= value; /* zeros clear */
        lines(board);
        break;
    case H417_TIM6_SWEVGR:
        if (value & UG) {
            update(board, board_ticks(board), true);
            run(board, 0);
        }
        break;
    case H417_TIM6_CNT: run(board, value); break;
    case H417_TIM6_ATRLR:
        board->value[now] = value;
        if (!(board->value[H417_TIM6_CTLR1] & ARPE)) {
            tim->reload = value;
            run(board, count);
        }
        break;
    default: board->value[now] = value; /* PSC */
    }
}

void h417_tim_reset(struct board *board, unsigned first)
{
    struct h417_tim *tim = &board->h417.blocks.tim;

    (void)first;
    tim->prescaler = 0;
    tim->reload = 0xffff;
    chip_schedule(board, EVENT_TIM6, NEVER);
    lines(board);
}
