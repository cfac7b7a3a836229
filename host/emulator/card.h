/* A card and its reader: a block of our own, on no chip. It copies blocks of a file into one memory
 * by itself, while the core runs, and is as slow as it is told to be.
 *
 * A program writes OFFSET and COUNT, multiples of 512 within the file, and TO, a multiple of 16 in
 * the memory that the reader reaches; then 1 to GO. STATUS is CARD_BUSY until all has arrived, then
 * CARD_READY, or CARD_FAILED. Blocks arrive one by one: one that has not is still what was there
 * before. WFI sleeps until the reader is not busy. */
#ifndef EMULATOR_CARD_H
#define EMULATOR_CARD_H

#include <stdbool.h>
#include <stdint.h>

struct board;

enum { CARD_BLOCK = 512, CARD_REACHES = 2 /* of board.memory */ };
enum { CARD_LENGTH, CARD_OFFSET, CARD_COUNT, CARD_TO, CARD_GO, CARD_STATUS, CARD_REGISTERS };
enum { CARD_READY, CARD_BUSY, CARD_FAILED };
enum { CARD_GOOD, CARD_READ_ERROR, CARD_CORRUPT }; /* what becomes of a read */
static const uint32_t card_base = 0x60000000u;

/* Times are in cycles. */
struct card {
    const uint8_t *file; /* NULL: there is no such block */
    uint32_t bytes;      /* of the file; the register LENGTH may say something else */
    uint32_t bandwidth;  /* bytes a second */
    uint32_t latency;    /* from GO until the first block begins */
    uint32_t pause, pause_chance; /* before a block: how long, and how likely, out of 2^32 */
    uint32_t registers[CARD_REGISTERS];
    uint32_t arrived;    /* bytes */
    uint64_t began, paused;
    uint32_t fate, fated_block; /* CARD_GOOD ... of the present read, and the block it strikes */
};

bool card_has(const struct board *board, uint32_t address);
uint32_t card_read(struct board *board, uint32_t address, uint32_t bytes);
void card_write(struct board *board, uint32_t address, uint32_t bytes, uint32_t value);
bool card_busy(const struct board *board);

/* A block has arrived. */
void card_event(struct board *board);

#endif
