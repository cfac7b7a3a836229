/* What FatFs reads and writes: the card's blocks. It keeps a block in memory, and asks for each
 * only once; so what fails is tried again here. */
#include "drivers/sd.h"
#include "ff.h"
/* FatFs's second header needs the first. */
#include "diskio.h"
#include "whim/port.h" /* WHIM_READ_TRIES */

DSTATUS disk_status(BYTE drive)
{
    (void)drive;
    return sd_ready() ? 0 : STA_NOINIT;
}

DSTATUS disk_initialize(BYTE drive)
{
    return disk_status(drive); /* fat.c starts the card */
}

static DRESULT answer(enum whim_status status)
{
    if (!status) return RES_OK;
    return status == WHIM_ERR_CARD_MISSING ? RES_NOTRDY : RES_ERROR;
}

DRESULT disk_read(BYTE drive, BYTE *bytes, LBA_t block, UINT blocks)
{
    enum whim_status status = WHIM_ERR_CARD_READ;
    (void)drive;
    if (block > UINT32_MAX) return RES_PARERR;
    for (uint32_t i = 0; i < WHIM_READ_TRIES && status == WHIM_ERR_CARD_READ; i++) {
        status = sd_read((uint32_t)block, bytes, blocks);
    }
    return answer(status);
}

DRESULT disk_write(BYTE drive, const BYTE *bytes, LBA_t block, UINT blocks)
{
    (void)drive;
    return block > UINT32_MAX ? RES_PARERR : answer(sd_write((uint32_t)block, bytes, blocks));
}

DRESULT disk_ioctl(BYTE drive, BYTE command, void *to)
{
    (void)drive;
    (void)to;
    return command == CTRL_SYNC ? RES_OK : RES_PARERR; /* what was written is durable already */
}
