/* The chunks of a streamed model, one after the other: while one is used, the next is read. */
#ifndef WHIM_ENGINE_LOADER_H
#define WHIM_ENGINE_LOADER_H

#include "whim/generate.h"

/* Begin to read the file's first sector, or what there is of it, into buffers[0]. */
enum whim_status loader_open(struct whim_loader *loader, struct whim_source *source,
                             uint8_t *buffers);

/* From now on read `chunks` chunks of `chunk_bytes` each, from offset `first` of the file. */
void loader_begin(struct whim_loader *loader, uint32_t first, uint32_t chunk_bytes,
                  uint32_t chunks);

/* Keep the reading going: WHIM_OK, or an error that trying again did not help. */
enum whim_status loader_poll(struct whim_loader *loader);

/* The wanted chunk, once it has arrived; NULL before. */
const uint8_t *loader_chunk(const struct whim_loader *loader);

/* It arrived damaged: read it again, or answer `error` if that was tried often enough. */
enum whim_status loader_again(struct whim_loader *loader, enum whim_status error);

/* It is good, and the tries of the next one count anew. */
void loader_accept(struct whim_loader *loader);

/* It has been used: want the next, and let this one's buffer be filled. */
void loader_next(struct whim_loader *loader);

/* Begin no more reads. WHIM_BUSY while one is under way. */
enum whim_status loader_stop(struct whim_loader *loader);

#endif
