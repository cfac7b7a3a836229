/* Names of errors, short enough for the display. */
#include "engine/layer.h"

const char *whim_status_name(enum whim_status status)
{
    switch (status) {
    case WHIM_OK: return "ok";
    case WHIM_DONE: return "done";
    case WHIM_ERR_TRUNCATED: return "model truncated";
    case WHIM_ERR_OVERSIZED: return "model oversized";
    case WHIM_ERR_MAGIC: return "model magic";
    case WHIM_ERR_VERSION: return "model version";
    case WHIM_ERR_CRC: return "model crc";
    case WHIM_ERR_BOUNDS: return "model bounds";
    case WHIM_ERR_SHAPE: return "model shape";
#if !WHIM_TRUSTED /* what whim_open does not look for in a model that is part of the image */
    case WHIM_ERR_HEADER: return "model header";
    case WHIM_ERR_OP: return "model op";
    case WHIM_ERR_ENCODING: return "model encoding";
    case WHIM_ERR_SUM: return "model sum";
#endif
    case WHIM_ERR_ARENA: return "arena too small";
    case WHIM_ERR_UNALIGNED: return "unaligned";
    case WHIM_ERR_I2C: return "i2c";
    case WHIM_ERR_ENTROPY: return "entropy";
#if !WHIM_TRUSTED /* a board whose models lie on a card */
    case WHIM_BUSY: return "busy";
    case WHIM_ERR_BUFFERS: return "buffers too small";
    case WHIM_ERR_CARD_MISSING: return "card missing";
    case WHIM_ERR_CARD_READ: return "card read";
    case WHIM_ERR_CARD_WRITE: return "card write";
    case WHIM_ERR_NO_FILE: return "no such file";
#endif
    default: return "unknown";
    }
}
