/* Two buffers, and one rule: read the first of the wanted chunk and the next that is not there. It
 * says what comes after an error, too. */
#include "engine/loader.h"

#define NONE UINT32_MAX /* no chunk */

static enum whim_status start(struct whim_loader *loader, uint32_t chunk)
{
    struct whim_source *source = loader->source;
    uint32_t offset = loader->first + chunk * loader->chunk_bytes;
    uint32_t left = source->length - offset;

    loader->asked = left < loader->chunk_bytes ? left : loader->chunk_bytes;
    loader->reading = chunk;
    return source->start(source, offset, loader->buffers[chunk & 1], loader->asked);
}

/* A read failed: what the device says if it is not worth another try. */
static enum whim_status failed(struct whim_loader *loader, enum whim_status error)
{
    loader->reading = NONE;
    loader->tries++;
    if (error == WHIM_ERR_CARD_MISSING || loader->tries == WHIM_READ_TRIES) return error;
    loader->retries++;
    return WHIM_OK;
}

enum whim_status loader_poll(struct whim_loader *loader)
{
    enum whim_status status;
    uint32_t chunk, last;

    if (loader->reading != NONE) {
        status = loader->source->poll(loader->source);
        if (status == WHIM_BUSY) return WHIM_OK;
        if (status) return failed(loader, status);
        loader->held[loader->reading & 1] = loader->reading;
        loader->bytes_read += loader->asked;
        loader->reading = NONE;
    }
    last = loader->wanted + 1;
    for (chunk = loader->wanted; chunk <= last && chunk < loader->chunks; chunk++) {
        if (loader->held[chunk & 1] == chunk) continue;
        status = start(loader, chunk);
        return status ? failed(loader, status) : WHIM_OK;
    }
    return WHIM_OK;
}

enum whim_status loader_open(struct whim_loader *loader, struct whim_source *source,
                             uint8_t *buffers)
{
    loader->source = source;
    loader->buffers[0] = loader->buffers[1] = buffers;
    loader->bytes_read = loader->retries = loader->tries = 0;
    loader->reading = NONE;
    loader_begin(loader, 0, source->length < WHIM_SECTOR ? source->length : WHIM_SECTOR, 1);
    return loader_poll(loader);
}

void loader_begin(struct whim_loader *loader, uint32_t first, uint32_t chunk_bytes,
                  uint32_t chunks)
{
    loader->first = first;
    loader->chunk_bytes = chunk_bytes;
    loader->chunks = chunks;
    loader->wanted = 0;
    loader->held[0] = loader->held[1] = NONE;
    loader->tries = 0;
}

const uint8_t *loader_chunk(const struct whim_loader *loader)
{
    const uint32_t wanted = loader->wanted;
    return loader->held[wanted & 1] == wanted ? loader->buffers[wanted & 1] : 0;
}

enum whim_status loader_again(struct whim_loader *loader, enum whim_status error)
{
    loader->held[loader->wanted & 1] = NONE;
    loader->tries++;
    if (loader->tries == WHIM_READ_TRIES) return error;
    loader->retries++;
    return WHIM_OK;
}

void loader_accept(struct whim_loader *loader)
{
    loader->tries = 0;
}

void loader_next(struct whim_loader *loader)
{
    loader->wanted++;
}

enum whim_status loader_stop(struct whim_loader *loader)
{
    if (!loader->source || loader->reading == NONE) return WHIM_OK;
    if (loader->source->poll(loader->source) == WHIM_BUSY) return WHIM_BUSY;
    loader->reading = NONE;
    return WHIM_OK;
}
