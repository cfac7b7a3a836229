/* The pool: random bytes that somebody has fetched (host/entropy.py) and put on the card. No byte
 * is ever given twice, whenever the power fails or the card is pulled. docs/ENTROPY.md has the
 * bytes of its two files, and why this is so. */
#ifndef APP_POOL_H
#define APP_POOL_H

#include <stdint.h>

#include "whim/status.h"

/* Where the fields of /pool.bin's header and of a record in /pool.pos lie; host/whim/pool.py has
 * the definition. */
enum {
    POOL_MAGIC = 0,
    POOL_CRC = 8,
    POOL_VERSION = 12,
    POOL_ID = 16,
    POOL_SECTORS = 24,
    POOL_QUANTUM = 28,
    POOL_SOURCES = 32,

    POSITION_CRC = 0,
    POSITION_ID = 4,
    POSITION_SECTOR = 12,
    POSITION_BYTES = 16,
};

/* A whim_entropy: the pool's next bytes. Takes a sector of 508 bytes at a time off the card; what
 * is left of it when the power goes is lost. Errors: WHIM_ERR_NO_FILE without a pool on the card;
 * WHIM_ERR_ENTROPY when the pool is used up, or damaged (the next call tries the next sector), or
 * nobody knows any more what of it was used; and the card's. */
enum whim_status pool_bytes(uint8_t *bytes, uint32_t count);

/* What the last bytes were: "quantum", or "pool" where not all of the pool came from such sources.
 */
const char *pool_source(void);

#endif
