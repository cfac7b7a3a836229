/* Where the fields of a model file lie: docs/FORMAT.md. A test compares these, field by field, with
 * the definition in host/whim/format.py. */
#ifndef WHIM_ENGINE_FORMAT_H
#define WHIM_ENGINE_FORMAT_H

enum { MAGIC = 0x4d494857 }; /* "WHIM" */
enum { FORMAT_VERSION = 3, CRC_FROM = 8, TABLE_BYTES = 256 };
enum { FLAG_NARROW = 1, FLAG_POOLED = 2 };
enum { CHUNK_UNIT = 16, TAG_BYTES = 4, TRAILER_BYTES = 8 }; /* a chunk's trailer: tag, CRC */
enum { STREAM_ALIGNMENT = 9 }; /* log2 of a card's sector */

enum {
    HEADER_MAGIC = 0,
    HEADER_CRC = 4,
    HEADER_VERSION = 8,
    HEADER_LAYERS = 9,
    HEADER_TABLES = 10,
    HEADER_ALIGNMENT = 11,
    HEADER_CHANNELS = 12, /* of the input; from here on much as in a layer entry */
    HEADER_HEIGHT = 14,
    HEADER_WIDTH = 16,
    HEADER_CHUNK = 18,
    HEADER_ARENA = 20,
    HEADER_LENGTH = 24,
    HEADER_BYTES = 28,
};

enum {
    LAYER_OP = 0,
    LAYER_ENCODING = 1,
    LAYER_LAYOUT = 2,
    LAYER_TABLE = 3,
    LAYER_KERNEL = 4,
    LAYER_STRIDE = 5,
    LAYER_PAD = 6,
    LAYER_FLAGS = 7,
    LAYER_CHANNELS = 8,
    LAYER_HEIGHT = 10,
    LAYER_WIDTH = 12,
    LAYER_LOW = 14,
    LAYER_HIGH = 15,
    LAYER_ARENA = 16,
    LAYER_DATA = 20,
    LAYER_BYTES = 24,
};

enum { NARROW_BIAS = 0, NARROW_MULTIPLIER = 2, NARROW_SHIFT = 3, NARROW_BYTES = 4 };
enum { WIDE_BIAS = 0, WIDE_MULTIPLIER = 4, WIDE_SHIFT = 8, WIDE_BYTES = 12 };

#endif
