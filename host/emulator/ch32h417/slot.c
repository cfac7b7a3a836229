/* The slot: a card comes and goes, is wired to one block or the other, has options and figures. */
#include "slot.h"

#include <stddef.h>

#include "../api.h"
#include "../board.h"

struct sd *slot_card(struct board *board, uint32_t wiring)
{
    struct sd *card = &board->slot.card;
    return board->slot.wiring == wiring && card->present ? card : NULL;
}

void slot_dealt(struct board *board)
{
    struct sd *card = &board->slot.card;
    const char *complaint = sd_complaint(card);

    if (complaint) board_fault(board, 0, "SD card: %s", complaint);
    if (card->pending) chip_schedule(board, EVENT_SD, card->busy);
}

void h417_slot_new(struct board *board)
{
    struct sd_options *options = &board->slot.card.options;

    options->bandwidth = 20000000;
    options->latency = 200;
    options->write = 500;
    options->high_speed = true;
}

uint8_t *h417_slot_contents(const struct board *board, uint32_t *bytes)
{
    *bytes = board->record.contents.sectors * SD_SECTOR;
    return board->record.contents.image;
}

static void power(struct board *board, bool on)
{
    struct sd *card = &board->slot.card;

    if (on) card->noise = (uint64_t)board_noise(board) << 32 | board_noise(board);
    sd_power(card, &board->record.contents, on, board_ticks(board));
    sdmmc_card_changed(board);
}

/* With the board's power the card's comes and goes, if one is in the slot. */
void h417_slot_power(struct board *board, bool on)
{
    power(board, on && board->slot.inserted & 1);
    if (!on) board->slot.dac_level = 0;
}

void board_sd(struct board *board, uint8_t *image, uint32_t bytes)
{
    board_sd_insert(board, 0);
    board->record.contents.image = image;
    board->record.contents.sectors = image ? bytes / SD_SECTOR : 0;
}

void board_sd_insert(struct board *board, int in)
{
    bool was = board->slot.inserted & 1;

    if (was == !!in) return;
    board->slot.inserted++; /* odd: it is in */
    power(board, in);
}

void board_sd_fate(struct board *board, int (*fate)(int write, uint32_t block))
{
    board->record.contents.fate = fate;
}

uint64_t board_sd_figure(const struct board *board, int figure)
{
    const struct sd *card = &board->slot.card;

    switch (figure) {
    case SD_COMMANDS: return card->counted.commands;
    case SD_BLOCKS_READ: return card->counted.blocks_read;
    case SD_BLOCKS_WRITTEN: return card->counted.blocks_written;
    case SD_READ_COMMANDS: return card->counted.read_commands;
    case SD_READ_TICKS: return card->counted.read_ticks;
    case SD_PAUSED_TICKS: return card->counted.paused_ticks;
    case SD_HERTZ: return card->hertz;
    case SD_WIRES: return card->spi || !card->wide ? 1 : 4;
    case SD_INSERTED: return board->slot.inserted & 1;
    }
    return 0;
}

bool h417_slot_option(struct board *board, int option, uint32_t value)
{
    struct sd_options *options = &board->slot.card.options;

    switch (option) {
    case OPTION_SD_WIRING: board->slot.wiring = value; break;
    case OPTION_SD_KIND: options->kind = value; break;
    case OPTION_SD_BANDWIDTH: options->bandwidth = value; break;
    case OPTION_SD_LATENCY: options->latency = value; break;
    case OPTION_SD_PAUSE: options->pause = value; break;
    case OPTION_SD_PAUSE_CHANCE: options->pause_chance = value; break;
    case OPTION_SD_WRITE: options->write = value; break;
    case OPTION_SD_TORN: options->torn = value; break;
    case OPTION_SD_HIGH_SPEED: options->high_speed = value; break;
    default: return false;
    }
    return true;
}
