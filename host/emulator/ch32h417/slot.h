/* The slot with the card: what the two blocks that can hold its wires ask of it. */
#ifndef EMULATOR_CH32H417_SLOT_H
#define EMULATOR_CH32H417_SLOT_H

#include <stdbool.h>
#include <stdint.h>

struct board;

/* The card at this block's pins (SD_SDMMC, SD_SPI), or NULL: they are open. */
struct sd *slot_card(struct board *board, uint32_t wiring);

/* After each dealing with the card: what it says against its host is a fault, and what it programs
 * will be done in time. */
void slot_dealt(struct board *board);

/* The card was put in or pulled out. */
void sdmmc_card_changed(struct board *board);

#endif
