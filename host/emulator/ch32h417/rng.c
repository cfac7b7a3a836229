/* RNG: a word of noise every so often. Its raw words are not fair: like the chip's they hold less
 * than 32 bits of entropy, for whoever would take them without conditioning them. */
#include "../api.h"
#include "../board.h"

enum { ENABLE = 4, IE = 8, READY = 1, CLOCK_ERROR = 2, SEED_ERROR = 4, ERRORS = 0x60 };
enum { WORD_US = 1, FROM_SYSPLL = 1 << 23 };

static void line(struct board *board)
{
    uint32_t status = board->value[H417_RNG_SR];
    h417_irq(board, H417_IRQ_RNG,
             board->value[H417_RNG_CR] & IE && status & (READY | ERRORS));
}

static void expect(struct board *board)
{
    if (board->rng_fault == RNG_NEVER_READY) return;
    chip_schedule(board, EVENT_RNG, board_ticks(board) + chip_ticks(board, WORD_US));
}

/* Eleven bits of noise, three times, which is what looks like 32. */
static uint32_t raw(struct board *board)
{
    uint32_t noise = board_noise(board) & 0x7ff;
    if (board->rng_fault == RNG_BIASED && board_noise(board) & 3) noise |= 1;
    return noise * 0x00200401u ^ noise << 27;
}

void h417_rng_event(struct board *board)
{
    uint32_t *status = &board->value[H417_RNG_SR];

    if (board->rng_fault == RNG_SEED_ERROR) *status |= SEED_ERROR | SEED_ERROR << 4;
    if (board->rng_fault == RNG_CLOCK_ERROR) *status |= CLOCK_ERROR | CLOCK_ERROR << 4;
    if (!(*status & (SEED_ERROR | CLOCK_ERROR))) {
        if (board->rng_fault != RNG_STUCK) board->value[H417_RNG_DR] = raw(board);
        *status |= READY;
    }
    line(board);
}

uint32_t h417_rng_read(struct board *board, unsigned now)
{
    uint32_t value = board->value[now];
    if (now != H417_RNG_DR) return value;
    if (!(board->value[H417_RNG_SR] & READY)) {
        board_fault(board, 0, "RNG: DR is read while no word is ready");
        return 0;
    }
    board->value[H417_RNG_SR] &= ~(uint32_t)READY;
    line(board);
    expect(board);
    return value;
}

void h417_rng_write(struct board *board, unsigned now, uint32_t value)
{
    uint32_t old = board->value[now];

    switch (now) {
    case H417_RNG_CR:
        if (value & ENABLE && board->value[H417_RCC_CFGR2] & FROM_SYSPLL) {
            board_fault(board, 0, "RNG: another clock than SYSCLK is not modelled");
            return;
        }
        board->value[now] = value;
        if (value & ~old & ENABLE) expect(board);
        if (!(value & ENABLE)) {
            board->due[EVENT_RNG] = NEVER;
            board->value[H417_RNG_SR] &= ~(uint32_t)READY;
        }
        break;
    case H417_RNG_SR: board->value[now] &= value | ~(uint32_t)ERRORS; break; /* zeros clear */
    default: board_fault(board, 0, "RNG: store to DR, which is read-only"); return;
    }
    line(board);
}

void h417_rng_reset(struct board *board, unsigned first)
{
    (void)first;
    board->due[EVENT_RNG] = NEVER;
    line(board);
}
