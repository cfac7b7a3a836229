/* Files of a bare card: FAT12, FAT16, FAT32 and exFAT volumes, alone on the card or the first one
 * of a partition table. Names and lookups are FatFs's business (docs/CARD.md); what a file's bytes
 * are read from, and written over in place, are the runs of blocks that it says they lie in.
 *
 * Names of files: letters, digits, '-' and '_', with at most one '.' between them and one folder
 * before them: "cat8.whim", "cats/00001.bmp". Another name is one that no file has. */
#ifndef DRIVERS_FAT_H
#define DRIVERS_FAT_H

#include <stdint.h>

#include "whim/port.h" /* struct whim_source */

enum { FAT_FILES = 4 };

/* Open a file and fill in `source`, by whose address it is known from now on. FAT_FILES stay open,
 * and one more closes the one that was opened first. Starts the card where there is none yet, or
 * where it was pulled out since: files that were open then stay dead.
 *
 * The card reads for one source at a time: a start, an open or a write ends the read under way,
 * whose poll then answers WHIM_ERR_CARD_READ, and of which nothing arrives any more. A start of 0
 * bytes does only that. Offsets, counts and destinations are best multiples of 512: those of 16
 * bytes are read in the fewest and longest transfers. Behind the file's end zeros are read.
 * Errors: WHIM_ERR_CARD_MISSING, WHIM_ERR_NO_FILE, WHIM_ERR_CARD_READ; of start and poll the first
 * and the last. A file of 4 GB or more cannot be opened: WHIM_ERR_CARD_READ. */
enum whim_status fat_open(struct whim_source *source, const char *name);

/* End the read under way, if there is one: nothing arrives any more. */
void fat_stop(void);

/* Microseconds from the start of the read that arrived last until it was polled. */
uint32_t fat_micros(void);

/* Write `count` bytes into a file from `offset` on, which is at most its length; file and folder
 * are made where there are none. What was written is durable when this returns. Bytes that the file
 * had before are written over where they lie, and nothing else on the card changes; where a file
 * grows, a power cut may leave it as it was, with or without blocks that belong to nobody. A card
 * that is full has all its files as they were.
 * Errors: WHIM_ERR_CARD_MISSING, WHIM_ERR_CARD_WRITE. */
enum whim_status fat_write(const char *name, uint32_t offset, const void *bytes, uint32_t count);

#endif
