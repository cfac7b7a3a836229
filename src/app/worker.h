/* The computing side of a picture: it runs a streamed model, and knows neither card nor display.
 *
 * On a board with two cores it is all that the second one does; the application's side, maker.h,
 * is the first's. On other boards the two take turns, and share the same struct. All that crosses
 * is below, and lies in memory that both cores and the card's DMA reach. Of each part one side
 * writes and the other reads. The word that stands first in a part says that the rest of it is
 * there: it is written last and read first, with port_fence between. The only pointer is to the
 * buffers, which the application owns and lends; places in them are offsets. */
#ifndef APP_WORKER_H
#define APP_WORKER_H

#include <stdint.h>

#include "whim/model.h"
#include "whim/status.h"

#ifndef WHIM_CORES
#define WHIM_CORES 1 /* the build of a board with two says 2 */
#endif

enum {
    WORKER_ARENA = 220 * 1024, /* bytes of a model's activations, where there is one core */
    WORKER_STATE = 1024,       /* of the worker's structs, at most */
    WORK_INPUTS = 128          /* values that a model may take */
};

enum work_kind { WORK_NONE, WORK_OPEN, WORK_MAKE, WORK_STOP, WORK_KIND = 0xff };

struct work {
    /* Orders, by the application. A new one is given when the one before has ended, but for
     * WORK_STOP, which ends any. */
    volatile uint32_t order;  /* 256 * a count of orders + enum work_kind */
    uint8_t *buffers;         /* for chunks of the model, aligned to 16 bytes */
    uint32_t buffer_bytes;
    uint32_t file_bytes;      /* WORK_OPEN: the model file's length */
    uint32_t picture_at;      /* WORK_MAKE: where in the buffers the picture goes, in the end */
    uint32_t checked;         /* WORK_MAKE: 1 takes a CRC of what each layer makes */
    int8_t input[WORK_INPUTS]; /* WORK_MAKE: model inputs */

    /* Answers, by the worker. */
    volatile uint32_t ended;  /* the last order that has: the buffers are the application's again */
    int32_t status;           /* WHIM_DONE, or WHIM_OK of WORK_STOP, or what went wrong */
    uint32_t model_crc;       /* of WORK_OPEN, from here on: the CRC in the model's header */
    uint32_t arena_bytes, arena_room; /* that the model needs, and that there are */
    uint16_t inputs, width, height, channels, layers;
    uint32_t crcs[WHIM_MAX_LAYERS]; /* of WORK_MAKE, if it was asked for: all rows of each layer */

    /* While it works, each right for itself. */
    volatile uint32_t beats;  /* goes up while the worker lives, idle or not */
    volatile uint32_t percent, layer; /* 0 to 100 of the weights; from 0 on */
    volatile uint32_t compute, wait;  /* microseconds since WORK_MAKE was begun */
    volatile uint32_t bytes_read, retries; /* since WORK_OPEN */

    /* Reads that the worker asks for, one at a time. */
    volatile uint32_t asked;  /* so many until now */
    uint32_t read_offset, read_count; /* in the file, bytes */
    uint32_t read_at;         /* where in the buffers they go */

    /* And the application's answers. */
    volatile uint32_t served; /* so many have ended */
    int32_t read_status;      /* WHIM_OK, or the card's error */
};

/* Defined by the application's side; a second core's image has one of its own, which its linker
 * script puts in the same place. All zero before the worker looks at it. */
extern struct work work;

/* Do a piece of what there is to do, and book the time since `began` (port_micros) as computing, or
 * as waiting for the card. Where the worker has a core to itself and nothing to do, it sleeps. */
void worker_step(uint32_t began);

/* A second core's whole life. */
void worker_run(void);

#endif
