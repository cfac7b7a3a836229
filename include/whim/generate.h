/* Run a model that is larger than memory: its weights stream through two buffers, one filling while
 * the other is used, and each of them is read exactly once a picture.
 *
 * The caller owns all memory, and gives the engine the means to read: a struct whim_source. Nothing
 * here waits: a step does a bounded piece of work, or answers WHIM_BUSY while the bytes that it
 * needs are still on their way.
 *
 *     struct whim_generator generator;
 *     whim_generate_open(&generator, &source, buffers, sizeof buffers);
 *     while (!(status = whim_generate_step(&generator)) || status == WHIM_BUSY) {}
 *     if (status == WHIM_DONE) status = whim_generate_start(&generator, z, arena, sizeof arena);
 *     while (!status || status == WHIM_BUSY) status = whim_generate_step(&generator);
 *     if (status == WHIM_DONE) show(generator.picture);
 */
#ifndef WHIM_GENERATE_H
#define WHIM_GENERATE_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/model.h"
#include "whim/status.h"

/* A file, wherever it lies. Reads go on by themselves once they have begun, one at a time. */
struct whim_source {
    uint32_t length; /* of the file, bytes */
    /* Begin to read `count` bytes from `offset` on; all of them lie within the file. */
    enum whim_status (*start)(struct whim_source *source, uint32_t offset, void *to,
                              uint32_t count);
    /* WHIM_BUSY until all of them have arrived, then WHIM_OK; or what went wrong. */
    enum whim_status (*poll)(struct whim_source *source);
};

enum {
    WHIM_SECTOR = 512,   /* every read begins at a multiple of this */
    WHIM_READ_TRIES = 3, /* of a chunk, before its error is the caller's */
};

/* Chunks on their way from a source into two buffers. The engine's business, but for the counts. */
struct whim_loader {
    struct whim_source *source;
    uint8_t *buffers[2];
    uint32_t held[2];    /* number of the chunk that lies in each */
    uint32_t first, chunk_bytes, chunks; /* where they lie in the file */
    uint32_t wanted;     /* the chunk in use, or the next one to be */
    uint32_t reading;    /* the chunk under way, or none */
    uint32_t asked;      /* bytes of that read */
    uint32_t bytes_read; /* since whim_generate_open, what was read again included */
    uint16_t retries;
    uint8_t tries;
};

/* A picture in the making. Only what stands first is for the caller. */
struct whim_generator {
    struct whim_model model; /* known once opening is done */
    const int8_t *picture;   /* model.height * width * channels values, once it is done */
    struct whim_loader loader;
    uint8_t layer;           /* the one being made, from 0 */

    uint8_t state, part, tile_channels;
    enum whim_status error;
    const uint8_t *chunk;    /* payload of the chunk in use */
    uint32_t at, end;        /* its next byte, and its length */
    uint32_t offset, length; /* the same place in the whole payload, and its length */
    uint32_t tile, phase, place, done, y; /* where in the layer: docs/FORMAT.md, the layout */
    uint32_t buffer_bytes;
    const int8_t *input;
    uint8_t *arena;
    uint32_t sums, weights, records, tables, crc; /* places in the arena */
    uint32_t head[WHIM_SECTOR / 4]; /* header and layer entries: model.file */
};

/* Begin to open the model that `source` reads; no read may be under way. `buffers` are aligned to
 * 16 bytes and hold two chunks with their trailers, each rounded up to sectors. Opening ends when
 * whim_generate_step answers WHIM_DONE, WHIM_ERR_BUFFERS, one of the model file's errors, or one of
 * the source's. */
void whim_generate_open(struct whim_generator *generator, struct whim_source *source,
                        void *buffers, uint32_t buffer_bytes);

/* Begin a picture of the model that was opened. `input`: model.inputs values, which stay in place
 * until the first layer is made. Errors: WHIM_ERR_ARENA when `arena_bytes` < model.arena_bytes,
 * WHIM_ERR_UNALIGNED when the arena is not aligned to 16 bytes. */
enum whim_status whim_generate_start(struct whim_generator *generator, const int8_t *input,
                                     void *arena, uint32_t arena_bytes);

/* Do a piece of the work: WHIM_OK when there is more, WHIM_BUSY when the next chunk has not
 * arrived, WHIM_DONE at the end, or what went wrong. After an error only whim_generate_open helps.
 */
enum whim_status whim_generate_step(struct whim_generator *generator);

/* Give up. WHIM_BUSY while a read is on its way into the buffers, then WHIM_OK: they are the
 * caller's again. */
enum whim_status whim_generate_stop(struct whim_generator *generator);

/* How much of the weights has been used, 0 to 100. */
uint32_t whim_generate_percent(const struct whim_generator *generator);

#endif
