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
    struct whim_source below;  /* the board's, or the file system's */
    uint32_t began, count;     /* port_micros and bytes of the read under way */
};

/* What the reads of all files came to; whoever shows it may set it to zero. */
extern struct card_counts {
    uint32_t reads, bytes, micros; /* that arrived, and how long the card took for them */
    uint32_t errors;               /* reads that failed */
} card_counts;

/* Open a file of the board's, or of drivers/fat.h's where the card is a bare one: both promise the
 * same. `file` stays where it is while it is in use.
 * Errors: WHIM_ERR_CARD_MISSING, WHIM_ERR_NO_FILE, WHIM_ERR_CARD_READ. */
enum whim_status card_open(struct card_file *file, const char *name);

/* Read `count` bytes, from `offset` on, of a file opened above, and wait for them, asleep. What
 * fails is tried WHIM_READ_TRIES times in all.
 * Errors: WHIM_ERR_CARD_MISSING, WHIM_ERR_CARD_READ. */
enum whim_status card_read(struct whim_source *source, uint32_t offset, void *to, uint32_t count);

/* Write `count` bytes into a file from `offset` on, which is at most its length; file and folder
 * are made where there are none. What was written is durable when this returns, after up to 250 ms,
 * with the device kept alive. After an error, or if power fails meanwhile, the file's bytes there
 * are old, new or neither.
 * Errors: WHIM_ERR_CARD_MISSING, WHIM_ERR_CARD_WRITE. */
enum whim_status card_write(const char *name, uint32_t offset, const void *bytes, uint32_t count);

#endif
