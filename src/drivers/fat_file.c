/* Files as FatFs finds them: see fat_file.h. */
#include "drivers/fat_file.h"

#include <stddef.h>

uint8_t fat_block[SD_BLOCK] __attribute__((aligned(SD_ALIGNMENT)));

enum { WHOLE = 2 }; /* of FatFs's notes on a file: exFAT says that it lies in one piece */

static FATFS volume;
static DWORD free_before; /* free clusters, when a file was looked for last */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* The length of the letters that `name` begins with, or 0 where there are none or too many. */
static uint32_t letters(const char *name)
{
    uint32_t length = 0;
    while (length <= FAT_NAME && is_letter(name[length])) length++;
    return length <= FAT_NAME ? length : 0;
}

bool fat_is_name(const char *name, uint32_t *folder)
{
    uint32_t length = letters(name);
    *folder = 0;
    if (length && name[length] == '/') {
        *folder = length;
        name += length + 1;
        length = letters(name);
    }
    if (length && name[length] == '.') {
        name += length + 1;
        length = letters(name);
    }
    return length && !name[length];
}

enum whim_status fat_answer(FRESULT result, enum whim_status failed)
{
    switch (result) {
    case FR_OK: return WHIM_OK;
    case FR_NO_FILE:
    case FR_NO_PATH:
    case FR_INVALID_NAME: return WHIM_ERR_NO_FILE;
    default: return sd_ready() ? failed : WHIM_ERR_CARD_MISSING;
    }
}

/* A card that has to be started may be another one, so FatFs forgets what it knows of its volume,
 * and mounts it when it is asked next. */
enum whim_status fat_begin(void)
{
    if (sd_check()) return WHIM_OK;
    (void)f_mount(&volume, "", 0); /* cannot fail: it looks at no card yet */
    return sd_start();
}

void fat_give_up(void)
{
    volume.wflag = 0;
    volume.winsect = (LBA_t)0 - 1; /* as where none was read yet */
    volume.free_clst = free_before;
}

enum whim_status fat_find(struct fat_file *file, const char *name, enum whim_status failed)
{
    file->count = file->first = file->covered = 0;
    FRESULT result = f_open(&file->fil, name, FA_READ);
    free_before = volume.free_clst;
    if (!result && f_size(&file->fil) > UINT32_MAX) return failed;
    return fat_answer(result, failed);
}

bool fat_is_alive(const struct fat_file *file)
{
    return sd_ready() && volume.fs_type && file->fil.obj.id == volume.id;
}

uint32_t fat_length(const struct fat_file *file)
{
    return (uint32_t)f_size(&file->fil);
}

/* The runs are those from the cluster on that has the file's block `number`; none is known yet. */
static void forget(struct fat_file *file, uint32_t number)
{
    file->first = number - number % volume.csize;
    file->covered = file->count = 0;
}

/* How many clusters, up to `most`, lie right behind the one where FatFs stands, by what it knows:
 * that the whole file does, or what the part of the table says that it has read last. */
static uint32_t ahead(const FIL *fil, uint32_t most)
{
    const FATFS *fs = &volume;
    uint32_t size = fs->fs_type == FS_FAT16 ? 2 : 4, cluster = fil->clust, count = 0;
    if (fs->fs_type == FS_EXFAT && fil->obj.stat == WHOLE) return most;
    if (fs->fs_type == FS_FAT12) return 0; /* whose entries lie across blocks */
    while (count < most && fs->winsect == fs->fatbase + cluster * size / SD_BLOCK) {
        const uint8_t *entry = fs->win + cluster * size % SD_BLOCK;
        uint32_t next = entry[0] | (uint32_t)entry[1] << 8;
        if (size == 4) next |= (uint32_t)entry[2] << 16 | (uint32_t)(entry[3] & 15) << 24;
        if (next != cluster + 1 || next >= fs->n_fatent) break;
        cluster = next;
        count++;
    }
    return count;
}

/* Remember runs up to the file's block `end`, or as many as there is room for. */
static FRESULT follow(struct fat_file *file, uint32_t end)
{
    uint32_t cluster = volume.csize, length = fat_length(file) / SD_BLOCK;
    if (fat_length(file) % SD_BLOCK) length++;
    if (end > length) end = length;
    for (uint32_t at; (at = file->first + file->covered) < end;) {
        /* FatFs stands in the cluster that has the byte before its position. */
        uint32_t left = length - at, blocks = left < cluster ? left : cluster;
        FRESULT result = f_lseek(&file->fil, (FSIZE_t)(at + blocks) * SD_BLOCK);
        if (result) return result;
        blocks += ahead(&file->fil, (left - 1) / cluster) * cluster;
        if (blocks > left) blocks = left;
        uint32_t block = (uint32_t)volume.database + (file->fil.clust - 2) * cluster;
        struct fat_run *last = file->count ? &file->runs[file->count - 1] : NULL;
        if (last && last->block + last->blocks == block) {
            last->blocks += blocks;
        } else if (file->count < FAT_RUNS) {
            file->runs[file->count++] = (struct fat_run){block, blocks};
        } else {
            break;
        }
        file->covered += blocks;
    }
    return FR_OK;
}

enum whim_status fat_locate(struct fat_file *file, uint32_t number, uint32_t blocks,
                            struct fat_run *found)
{
    if (number < file->first) forget(file, number);
    FRESULT result = follow(file, number + blocks);
    if (!result && number - file->first >= file->covered) { /* there was no room for it */
        forget(file, number);
        result = follow(file, number + blocks);
    }
    if (result) return fat_answer(result, WHIM_ERR_CARD_READ);
    uint32_t in = number - file->first;
    for (uint32_t i = 0; i < file->count; in -= file->runs[i].blocks, i++) {
        const struct fat_run *run = &file->runs[i];
        if (in >= run->blocks) continue;
        *found = (struct fat_run){run->block + in, run->blocks - in};
        return WHIM_OK;
    }
    return WHIM_ERR_CARD_READ; /* a chain that is shorter than the file says */
}
