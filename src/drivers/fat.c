/* Files of a bare card, and how they are read: see fat.h. */
#include "drivers/fat.h"

#include <stddef.h>

#include "drivers/fat_file.h"

static struct {
    struct fat_file files[FAT_FILES];
    uint32_t opened;
    uint32_t micros;
} fat;

/* The read under way. */
static struct {
    struct fat_file *file; /* NULL: none */
    uint8_t *to;
    uint32_t offset, count; /* what is left of it */
    uint32_t piece;         /* bytes that are being read, or 0 */
    bool aside;             /* they come into fat_block first */
    uint32_t began;
} reading;

/* Begin to read the next piece, which lies in one run. WHIM_DONE: nothing is left. */
static enum whim_status next_piece(void)
{
    struct fat_file *file = reading.file;
    uint32_t skip = reading.offset % SD_BLOCK, length = fat_length(file);
    uint32_t blocks = reading.count / SD_BLOCK;
    struct fat_run run;
    reading.piece = 0;
    if (!reading.count) return WHIM_DONE;
    if (reading.offset >= length) {
        for (uint32_t i = 0; i < reading.count; i++) reading.to[i] = 0;
        return WHIM_DONE;
    }
    reading.aside = skip || !blocks || (uintptr_t)reading.to % SD_ALIGNMENT != 0;
    if (reading.aside) blocks = 1;
    enum whim_status status = fat_locate(file, reading.offset / SD_BLOCK, blocks, &run);
    if (status) return status;
    if (reading.aside) {
        reading.piece = SD_BLOCK - skip < reading.count ? SD_BLOCK - skip : reading.count;
        return sd_read_start(run.block, fat_block, 1);
    }
    if (blocks > run.blocks) blocks = run.blocks;
    reading.piece = blocks * SD_BLOCK;
    return sd_read_start(run.block, reading.to, blocks);
}

/* A piece is there: put it where it belongs, with zeros behind the file's end. */
static void take_piece(void)
{
    uint32_t length = fat_length(reading.file), left = length - reading.offset;
    if (reading.aside) {
        const uint8_t *from = fat_block + reading.offset % SD_BLOCK;
        for (uint32_t i = 0; i < reading.piece; i++) reading.to[i] = from[i];
    }
    for (uint32_t i = left; i < reading.piece; i++) reading.to[i] = 0;
    reading.to += reading.piece;
    reading.offset += reading.piece;
    reading.count -= reading.piece;
}

static struct fat_file *file_of(const struct whim_source *source)
{
    for (uint32_t i = 0; i < FAT_FILES; i++) {
        if (fat.files[i].source == source) return &fat.files[i];
    }
    return NULL;
}

void fat_stop(void)
{
    sd_read_stop();
    reading.file = NULL;
}

static enum whim_status start(struct whim_source *source, uint32_t offset, void *to,
                              uint32_t count)
{
    struct fat_file *file = file_of(source);
    fat_stop();
    if (!count) return WHIM_OK;
    if (!file) return WHIM_ERR_CARD_READ;
    if (!fat_is_alive(file)) return WHIM_ERR_CARD_MISSING;
    reading.file = file;
    reading.to = to;
    reading.offset = offset;
    reading.count = count;
    reading.began = port_micros();
    enum whim_status status = next_piece();
    if (status < 0) reading.file = NULL;
    return status < 0 ? status : WHIM_OK;
}

static enum whim_status poll(struct whim_source *source)
{
    enum whim_status status = WHIM_DONE;
    if (!reading.file || reading.file->source != source) return WHIM_ERR_CARD_READ;
    if (reading.piece) {
        status = sd_read_poll();
        if (status == WHIM_BUSY) return WHIM_BUSY;
        if (!status) {
            take_piece();
            status = next_piece();
        }
    }
    if (!status) return WHIM_BUSY;
    reading.file = NULL;
    if (status == WHIM_DONE) fat.micros = port_micros() - reading.began;
    return status == WHIM_DONE ? WHIM_OK : status;
}

enum whim_status fat_open(struct whim_source *source, const char *name)
{
    uint32_t folder;
    struct fat_file *file = file_of(source);
    fat_stop();
    enum whim_status status = fat_begin();
    if (status) return status;
    if (!fat_is_name(name, &folder)) return WHIM_ERR_NO_FILE;
    if (!file) file = file_of(NULL); /* a place that an error has left free */
    if (!file) file = &fat.files[fat.opened++ % FAT_FILES];
    file->source = NULL;
    status = fat_find(file, name, WHIM_ERR_CARD_READ);
    if (status) return status;
    file->source = source;
    *source = (struct whim_source){fat_length(file), start, poll};
    return WHIM_OK;
}

uint32_t fat_micros(void)
{
    return fat.micros;
}
