/* What the two ways to talk to an SD card have in common. Only for sd.c, sd_mmc.c and sd_spi.c. */
#ifndef DRIVERS_SD_BUS_H
#define DRIVERS_SD_BUS_H

#include "drivers/sd.h"

/* Commands, by the SD specification's numbers. */
enum {
    SD_GO_IDLE = 0,
    SD_ALL_SEND_CID = 2,
    SD_SEND_ADDRESS = 3,
    SD_SET_BUS_WIDTH = 6, /* after SD_APPLICATION */
    SD_SWITCH = 6,
    SD_SELECT = 7,
    SD_SEND_CONDITION = 8,
    SD_SEND_CSD = 9,
    SD_STOP = 12,
    SD_SEND_STATUS = 13,
    SD_SET_BLOCK_LENGTH = 16,
    SD_READ_ONE = 17,
    SD_READ_MANY = 18,
    SD_WRITE_ONE = 24,
    SD_WRITE_MANY = 25,
    SD_START_UP = 41, /* after SD_APPLICATION */
    SD_APPLICATION = 55,
    SD_READ_OCR = 58,
    SD_CRC_ON = 59
};

enum {
    SD_CONDITION = 0x1aa,             /* 2.7 to 3.6 V, and a pattern to be sent back */
    SD_HIGH_CAPACITY = 1 << 30,       /* we know, or the card is, of more than 2 GB */
    SD_VOLTAGES = 0x300000,           /* 3.2 to 3.4 V */
    SD_START_UP_MS = 1000,            /* that a card may take to start up */
    SD_SLOW = 400000, SD_DEFAULT = 25000000, SD_HIGH_SPEED = 50000000, /* hertz */
    SD_LEAST = 3000000, /* and what wires that are too long may bring it down to */
    SD_CLASS_SWITCH = 1 << 10,        /* of the CSD's command classes: the card knows SD_SWITCH */
};
static const uint32_t SD_STARTED = 0x80000000; /* of the OCR */

struct sd_bus {
    const char *name;
    enum whim_status (*start)(void); /* fills in sd_card; WHIM_ERR_CARD_MISSING: try the other */
    enum whim_status (*ask)(void);   /* WHIM_OK when the card is there and ready for a command */
    enum whim_status (*read)(uint32_t address, void *to, uint32_t blocks);
    enum whim_status (*poll)(void);  /* of that read; after an error, too, it is over */
    enum whim_status (*stop)(void);  /* end that read early */
    enum whim_status (*write)(uint32_t address, const void *from, uint32_t blocks);
    void (*set_clock)(uint32_t hertz); /* not while a read is under way */
};

extern const struct sd_bus sd_native, sd_spi;

/* Take what counts from the CSD, 128 bits in four words, the most significant first. Answers the
 * command classes, or 0 for a card that we do not know. */
uint32_t sd_parse_csd(const uint32_t csd[4]);

/* What SD_SET_BLOCK_LENGTH is for: a card that counts bytes. */
uint32_t sd_address(uint32_t block);

#endif
