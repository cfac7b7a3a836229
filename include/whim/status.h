/* What a call into Whim can answer. Every public function that can fail returns one; callers pass
 * errors on with `if (status) return status;`. A status speaks of the world (a file, a board, a
 * caller's buffer); a mistake of our own is an assertion. */
#ifndef WHIM_STATUS_H
#define WHIM_STATUS_H

enum whim_status {
    WHIM_OK = 0,
    WHIM_DONE = 1, /* not an error: there is no more to do */
    WHIM_BUSY = 2, /* not an error: not yet; ask again */

    /* The model file. */
    WHIM_ERR_TRUNCATED = -1, /* shorter than its header says */
    WHIM_ERR_OVERSIZED = -2, /* longer than its header says */
    WHIM_ERR_MAGIC = -3,     /* not a Whim model */
    WHIM_ERR_VERSION = -4,   /* a format version that this engine does not read */
    WHIM_ERR_CRC = -5,       /* header or weights damaged */
    WHIM_ERR_HEADER = -6,    /* a header field out of range */
    WHIM_ERR_OP = -7,        /* unknown layer, or one that is not linked into this image */
    WHIM_ERR_ENCODING = -8,  /* unknown weight encoding */
    WHIM_ERR_SHAPE = -9,     /* shapes of two layers do not fit, or a dimension is out of range */
    WHIM_ERR_BOUNDS = -10,   /* a layer points outside the file or the arena */
    WHIM_ERR_SUM = -11,      /* scales or biases with which a sum could leave its integer */

    /* The caller. */
    WHIM_ERR_ARENA = -12,     /* arena smaller than the model's arena_bytes */
    WHIM_ERR_UNALIGNED = -15, /* model file, arena or buffers not aligned */
    WHIM_ERR_BUFFERS = -20,   /* buffers smaller than two of the model's chunks */

    /* The board. */
    WHIM_ERR_I2C = -13,     /* nobody acknowledged, or the bus is stuck */
    WHIM_ERR_ENTROPY = -14, /* the entropy source is empty or failed its health test */
    WHIM_ERR_CARD_MISSING = -16, /* no card, or it was pulled out since the file was opened */
    WHIM_ERR_CARD_READ = -17,    /* the card gave an error, too little, or no answer in time */
    WHIM_ERR_CARD_WRITE = -18,   /* likewise, or it is full or write-protected */
    WHIM_ERR_NO_FILE = -19,      /* the card has no file of that name */
};

/* A short name that fits a 21-character line of the display, such as "model crc". Never NULL. */
const char *whim_status_name(enum whim_status status);

#endif
