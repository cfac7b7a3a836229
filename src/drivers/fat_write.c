/* Writing files of a bare card: see fat.h. */
#include <stddef.h>

#include "drivers/fat.h"
#include "drivers/fat_file.h"

/* Write over bytes that the file has. */
static enum whim_status write_over(struct fat_file *file, uint32_t offset, const uint8_t *from,
                                   uint32_t count)
{
    while (count) {
        struct fat_run run;
        uint32_t skip = offset % SD_BLOCK, piece = SD_BLOCK - skip, blocks = count / SD_BLOCK;
        if (piece > count) piece = count;
        enum whim_status status = fat_locate(file, offset / SD_BLOCK, blocks ? blocks : 1, &run);
        if (status) return status;
        if (piece < SD_BLOCK) {
            status = sd_read(run.block, fat_block, 1);
            if (status) return status;
            for (uint32_t i = 0; i < piece; i++) fat_block[skip + i] = from[i];
            status = sd_write(run.block, fat_block, 1);
        } else {
            if (blocks > run.blocks) blocks = run.blocks;
            piece = blocks * SD_BLOCK;
            status = sd_write(run.block, from, blocks);
        }
        if (status) return status;
        offset += piece;
        from += piece;
        count -= piece;
    }
    return WHIM_OK;
}

/* Make a file's folder, if there is none yet. */
static FRESULT make_folder(const char *name, uint32_t length)
{
    char folder[FAT_NAME + 1];
    for (uint32_t i = 0; i < length; i++) folder[i] = name[i];
    folder[length] = '\0';
    FRESULT result = length ? f_mkdir(folder) : FR_OK;
    return result == FR_EXIST ? FR_OK : result;
}

/* Undo what did not fit. */
static FRESULT shrink(FIL *fil, const char *name, uint32_t length, bool there)
{
    FRESULT result = f_lseek(fil, length);
    if (!result) result = f_truncate(fil);
    if (!result) result = f_close(fil);
    if (!result && !there) result = f_unlink(name);
    return result ? result : FR_DENIED;
}

/* Let a file grow, or make it where it is not there yet. */
static FRESULT grow(FIL *fil, const char *name, bool there, uint32_t offset, const void *bytes,
                    uint32_t count)
{
    UINT written = 0;
    uint32_t length = there ? (uint32_t)f_size(fil) : 0;
    FRESULT result = f_open(fil, name, FA_WRITE | (there ? FA_OPEN_EXISTING : FA_CREATE_NEW));
    if (!result) result = f_lseek(fil, offset);
    if (!result) result = f_write(fil, bytes, count, &written);
    if (result) return result;
    return written == count ? f_close(fil) : shrink(fil, name, length, there);
}

enum whim_status fat_write(const char *name, uint32_t offset, const void *bytes, uint32_t count)
{
    static struct fat_file file;
    uint32_t folder, length = 0;
    fat_stop();
    enum whim_status status = fat_begin();
    if (status) return status == WHIM_ERR_CARD_MISSING ? status : WHIM_ERR_CARD_WRITE;
    if (!fat_is_name(name, &folder)) return WHIM_ERR_CARD_WRITE;
    status = fat_find(&file, name, WHIM_ERR_CARD_WRITE);
    bool there = !status;
    if (there) length = fat_length(&file);
    if (status && status != WHIM_ERR_NO_FILE) return status;
    if (offset > length || count > UINT32_MAX - offset) return WHIM_ERR_CARD_WRITE;
    if (there && offset + count <= length) {
        status = write_over(&file, offset, bytes, count);
    } else {
        FRESULT result = make_folder(name, folder);
        if (!result) result = grow(&file.fil, name, there, offset, bytes, count);
        if (result == FR_DISK_ERR) fat_give_up();
        status = fat_answer(result, WHIM_ERR_CARD_WRITE);
    }
    return status && status != WHIM_ERR_CARD_MISSING ? WHIM_ERR_CARD_WRITE : status;
}
