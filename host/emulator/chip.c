/* The chip as a whole: its reset, and its events' way to their blocks. */
#include "chip.h"

#include <string.h>

#include "board.h"

void chip_reset(struct board *board, uint32_t flags)
{
    struct chip *chip = &board->chip;
    uint32_t kept = chip->value[RCC_RSTSCKR] & 0xfc000000;

    memset(chip, 0, sizeof *chip);
    bus_reset(board, 0, REGISTERS - 1);
    chip->value[RCC_RSTSCKR] = kept | flags;
    for (unsigned event = 0; event < EVENTS; event++) chip->due[event] = NEVER;
    if (board->change_count) chip->due[EVENT_WORLD] = board->changes[0].ticks;
    board_clock(board, 6); /* 24 MHz / 3 */
    core_reset(&board->core, 0);
    gpio_update(board);
    usart_typed(board);
}

void chip_schedule(struct board *board, enum event event, uint64_t ticks)
{
    board->chip.due[event] = ticks;
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

void chip_event(struct board *board, enum event event)
{
    switch (event) {
    case EVENT_WORLD: world_event(board); break;
    case EVENT_PLL:
    case EVENT_LSI: rcc_event(board, event); break;
    case EVENT_SYSTICK: systick_event(board); break;
    case EVENT_I2C: i2c_event(board); break;
    case EVENT_USART_TX: usart_sent(board); break;
    case EVENT_USART_RX: usart_received(board); break;
    case EVENT_ADC: adc_event(board); break;
    case EVENT_WATCHDOG:
    case EVENT_WATCHDOG_UPDATE: watchdog_event(board, event); break;
    case EVENT_CARD: card_event(board); break;
    case EVENTS: break;
    }
}

uint32_t chip_hertz(const struct board *board)
{
    return board->core.bare ? BENCH_HERTZ : 48000000u / board->ticks_per_cycle;
}
