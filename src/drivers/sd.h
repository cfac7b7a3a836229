/* Blocks of an SD card, on whichever of the board's two buses it answers: its native one, with one
 * or four wires, or SPI. A read goes on by itself, one at a time; the rest waits, asleep. Where
 * reads fail again and again, as over long wires, the bus becomes slower.
 *
 * A card that was pulled out stays away until sd_start has found one again, for the card that is
 * put in may be another one: what was known of its files is void. */
#ifndef DRIVERS_SD_H
#define DRIVERS_SD_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/status.h"

enum {
    SD_BLOCK = 512,       /* bytes */
    SD_ALIGNMENT = 16,    /* of what sd_read_start reads to */
    SD_READ_MS = 1000,    /* sd_read gives up; cards pause up to 100 ms, worn ones longer */
    SD_WRITE_MS = 2000    /* likewise; up to 500 ms for a block */
};

/* The card that answered last; for the screen and for tests. */
extern struct sd_card {
    const char *bus;       /* "sdmmc" or "spi" */
    uint32_t blocks;       /* its size */
    uint32_t hertz, wires; /* of the bus, as asked of the port */
    bool by_block;         /* addresses count blocks, not bytes: a card of more than 2 GB */
    uint32_t rca;          /* its address on the native bus, in the upper half */
} sd_card;

/* Find the card and bring it to its fastest speed, the native bus first.
 * Errors: WHIM_ERR_CARD_MISSING; WHIM_ERR_CARD_READ for one that answers and cannot be used. */
enum whim_status sd_start(void);

/* Whether a card was found, and has answered ever since. */
bool sd_ready(void);

/* Ask the card whether it is still there; sd_ready tells from then on, too. Ends a read under way.
 */
bool sd_check(void);

/* Begin to read `blocks` blocks, 1 to 65,535, from `block` on, `to` where the board's DMA reaches
 * it and aligned to SD_ALIGNMENT. A read under way ends.
 * Errors: WHIM_ERR_CARD_MISSING; WHIM_ERR_CARD_READ, also for blocks that the card has not. */
enum whim_status sd_read_start(uint32_t block, void *to, uint32_t blocks);

/* WHIM_BUSY, on SPI up to a millisecond later, until all blocks have arrived undamaged: WHIM_OK. Or
 * the errors above. It has no time limit. */
enum whim_status sd_read_poll(void);

/* End the read under way, if there is one: nothing arrives any more. */
void sd_read_stop(void);

/* Read blocks to anywhere, and wait for them. */
enum whim_status sd_read(uint32_t block, void *to, uint32_t blocks);

/* Write blocks from anywhere. They are durable when this returns.
 * Errors: WHIM_ERR_CARD_MISSING, WHIM_ERR_CARD_WRITE. */
enum whim_status sd_write(uint32_t block, const void *from, uint32_t blocks);

#endif
