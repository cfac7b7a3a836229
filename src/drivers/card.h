/* Files of the card, with a time limit and a count of what was read.
 *
 * A card is asked through struct whim_source, whose reads go on by themselves; the engine's
 * generator takes `file.source` as it is. card_read is for those who can wait. */
#ifndef DRIVERS_CARD_H
#define DRIVERS_CARD_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/port.h"

enum { CARD_LIMIT_MS = 1000 }; /* a read that takes longer has failed; cards pause up to 250 ms */

struct card_file {
    struct whim_source source; /* for whoever reads the file */
    struct whim_source port;   /* the board's, below it */
    uint32_t began, count;     /* port_micros and bytes of the read under way */
};

/* What the reads of all files came to; whoever shows it may set it to zero. */
extern struct card_counts {
    uint32_t reads, bytes, micros; /* that arrived, and how long the card took for them */
    uint32_t errors;               /* reads that failed */
} card_counts;

/* Open a file; port.h has the names. `file` stays where it is while it is in use.
 * Errors: WHIM_ERR_CARD_MISSING, WHIM_ERR_NO_FILE, WHIM_ERR_CARD_READ. */
enum whim_status card_open(struct card_file *file, const char *name);

/* Read `count` bytes, from `offset` on, of a file opened above, and wait for them, asleep. What
 * fails is tried WHIM_READ_TRIES times in all.
 * Errors: WHIM_ERR_CARD_MISSING, WHIM_ERR_CARD_READ. */
enum whim_status card_read(struct whim_source *source, uint32_t offset, void *to, uint32_t count);

#endif
