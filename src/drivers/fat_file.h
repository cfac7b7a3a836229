/* Files as FatFs finds them, and where their blocks lie on the card. Only for fat*.c.
 *
 * FatFs is asked cluster by cluster, not before it must be, and what it says is remembered in runs,
 * so that a file in one piece is one run, of which any part is one transfer. */
#ifndef DRIVERS_FAT_FILE_H
#define DRIVERS_FAT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/sd.h"
#include "ff.h"
#include "whim/port.h"

enum {
    FAT_NAME = 64, /* letters, of a folder and of a file, with its ending */
    FAT_RUNS = 64, /* that are remembered of a file */
};

struct fat_run {
    uint32_t block, blocks; /* of the card */
};

struct fat_file {
    struct whim_source *source; /* who knows it, or NULL */
    FIL fil;
    uint32_t first, covered; /* blocks of the file that the runs are, so far */
    uint32_t count;
    struct fat_run runs[FAT_RUNS];
};

/* A place for a block of which not all is asked for. */
extern uint8_t fat_block[SD_BLOCK];

/* Have a card, started if need be. Ends the read under way. */
enum whim_status fat_begin(void);

/* What FatFs says, as ours; `failed` is what an error of the card is called here. */
enum whim_status fat_answer(FRESULT result, enum whim_status failed);

/* Whether a name is one; *folder: the length of its folder's name, or 0. */
bool fat_is_name(const char *name, uint32_t *folder);

/* After a write that failed: forget the block that FatFs would try to write again before whatever
 * it is asked next, for a card may refuse for ever. */
void fat_give_up(void);

/* Find a file. One of 4 GB or more is `failed`, too. */
enum whim_status fat_find(struct fat_file *file, const char *name, enum whim_status failed);

/* Whether its card is still the one that it was found on. */
bool fat_is_alive(const struct fat_file *file);

/* Bytes. */
uint32_t fat_length(const struct fat_file *file);

/* Where the file's block `number` lies, and how many of the next ones follow it in one piece; only
 * of `blocks` of them, at least 1, FatFs is asked. */
enum whim_status fat_locate(struct fat_file *file, uint32_t number, uint32_t blocks,
                            struct fat_run *found);

#endif
