/* What the blocks of the card and of sound remember: in snapshots, and beside them. */
#ifndef EMULATOR_CH32H417_BLOCKS_H
#define EMULATOR_CH32H417_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "sd.h"

enum { DMA_CHANNELS = 16, DAC_KEEPS = 65536 };

struct h417_sdmmc {
    uint8_t phase, expected;   /* of the command; the bytes of the response that comes */
    uint8_t response[SD_LONGEST];
    uint64_t clock_from;       /* since when the clock's ticks are not counted yet */
    uint64_t next_command;     /* when the eight clocks after the last one are over */
    uint64_t data_from;        /* when the data lines may begin */
    uint64_t timeout;          /* when the controller gives up the block that it waits for */
    uint64_t busy_timeout;     /* when it gives up a busy card, after an R1b */
    uint64_t count_from;       /* when STATUS forgets the transfer before */
    bool armed, writes, gap;   /* a transfer is set up; to the card; WRITE_CONT is awaited */
    bool moving;               /* a block is on the wires */
    bool stuck, fresh;         /* after an error; no block has moved yet */
    bool was_armed, surprised; /* when the last command began; a read found nothing armed */
    uint32_t address, left, done, done_before; /* of the DMA; in blocks */
};

struct h417_spi {
    bool shifting, loaded; /* a byte is on the wires; one waits in DATAR */
    uint8_t shift, next;
    uint32_t burst;        /* bytes that the DMA moves at once */
};

struct h417_tim {
    uint64_t from;              /* tick at which CNT was 0 */
    uint32_t prescaler, reload; /* those in effect */
};

/* Part of snapshots; zero after a reset of the chip, except what a block's reset keeps. */
struct h417_blocks {
    struct h417_sdmmc sdmmc;
    struct h417_spi spi;
    struct {
        uint32_t address, total; /* in memory, now; what CNTR was when it was enabled */
    } dma[DMA_CHANNELS];
    struct {
        bool fresh; /* new data since the last trigger */
    } dac;
    struct h417_tim tim;
};

/* Beside the chip: the card's state, how it is wired, what has been counted. In snapshots, and no
 * reset of the chip touches it. */
struct h417_slot {
    struct sd card;
    uint32_t wiring; /* SD_SDMMC, SD_SPI of api.h */
    uint64_t inserted, dac_values, dac_late;
    uint16_t dac_level;
};

/* Not in snapshots: what the host owns, and what is recorded for it. */
struct h417_record {
    struct sd_contents contents;
    uint16_t values[DAC_KEEPS];
    uint64_t ticks[DAC_KEEPS];
    uint32_t first, count;
    uint64_t lost;
};

#endif
