/* A chip as a whole: its reset, and its events' way to their blocks. Then what the CH32V003 is,
 * and of it the parts that the CH32V002 shares. */
#include "chip.h"

#include <string.h>

#include "board.h"

void chip_clear(struct board *board)
{
    memset(&board->chip, 0, sizeof board->chip);
    memset(board->pfic, 0, sizeof board->pfic);
    bus_reset(board, 0, board->type->register_count - 1);
    for (unsigned event = 0; event < EVENTS; event++) board->due[event] = NEVER;
    if (board->change_count) board->due[EVENT_WORLD] = board->changes[0].ticks;
}

void chip_reset(struct board *board, uint32_t flags) { board->type->reset(board, flags); }

void chip_schedule(struct board *board, enum event event, uint64_t ticks)
{
    board->due[event] = ticks;
    if (board->turn > ticks) board->turn = ticks;
    board_attention(board);
}

/* The world moves its pins. */
static void world_event(struct board *board)
{
    uint64_t now = board_ticks(board);
    uint32_t done = 0;
    while (done < board->change_count && board->changes[done].ticks <= now) {
        const struct change *change = &board->changes[done++];
        board->drive[change->port][change->pin] = change->drive;
        gpio_update(board);
    }
    board->change_count -= done;
    memmove(board->changes, board->changes + done, board->change_count * sizeof *board->changes);
    if (board->change_count) chip_schedule(board, EVENT_WORLD, board->changes[0].ticks);
}

void chip_event(struct board *board, enum event event, uint64_t due)
{
    if (event == EVENT_CARD) card_event(board);
    else board->type->event(board, event, due);
}

void chip_common_event(struct board *board, enum event event)
{
    switch (event) {
    case EVENT_WORLD: world_event(board); break;
    case EVENT_SYSTICK: systick_event(board, 0); break;
    case EVENT_SYSTICK1: systick_event(board, 1); break;
    case EVENT_I2C: i2c_event(board); break;
    case EVENT_USART_TX: usart_sent(board); break;
    case EVENT_USART_RX: usart_received(board); break;
    case EVENT_WATCHDOG:
    case EVENT_WATCHDOG_UPDATE: watchdog_event(board, event); break;
    default: break;
    }
}

uint64_t chip_ticks(const struct board *board, uint32_t us)
{
    return (uint64_t)us * board->type->ticks_per_us;
}

uint32_t chip_hertz(const struct board *board)
{
    if (!board->type) return BENCH_HERTZ;
    return board->type->ticks_per_us * 1000000u / board->bus.ticks_per_cycle;
}

void v00_reset(struct board *board, uint32_t flags)
{
    uint32_t kept = board->value[RCC_RSTSCKR] & 0xfc000000;

    chip_clear(board);
    board->value[RCC_RSTSCKR] = kept | flags;
    rcc_clock(board, 6); /* 24 MHz / 3 */
    flash_waits(board);
    core_reset(board->core, 0);
    gpio_update(board);
    usart_typed(board);
}

void v00_event(struct board *board, enum event event, uint64_t due)
{
    (void)due;
    switch (event) {
    case EVENT_PLL:
    case EVENT_LSI: rcc_event(board, event); break;
    case EVENT_ADC: adc_event(board); break;
    default: chip_common_event(board, event);
    }
}

/* From port A, C or D, two bits a line. */
unsigned v00_exti_port(const struct board *board, unsigned line)
{
    return board->value[AFIO_EXTICR] >> 2 * line & 3;
}

enum { RCC_NONE = GATE_NONE, RCC_REFUSED = GATE_REFUSED, RCC_ADC_CLOCK = RCC_APB2PCENR };

#define NAMED(x) x
#define EITHER(v003, v002) v003
#define CHIP_REGISTERS "registers.def"
#include "tables.h"
#include "v00_type.h"

const struct chip_type chip_ch32v003 = {
    .name = "CH32V003",
    V00_TYPE,
    .no_wait_mhz = 24,
    .one_wait_mhz = 48,
};
