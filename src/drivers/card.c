/* The card's driver: see card.h. */
#include "drivers/card.h"

#include <stddef.h>

struct card_counts card_counts;

static enum whim_status counted(enum whim_status status)
{
    if (status < 0) card_counts.errors++;
    return status;
}

static enum whim_status start(struct whim_source *source, uint32_t offset, void *to,
                              uint32_t count)
{
    struct card_file *file = (struct card_file *)source;
    file->began = port_micros();
    file->count = count;
    return counted(file->port.start(&file->port, offset, to, count));
}

static enum whim_status poll(struct whim_source *source)
{
    struct card_file *file = (struct card_file *)source;
    enum whim_status status = file->port.poll(&file->port);
    if (status == WHIM_BUSY) {
        if (port_micros() - file->began < 1000 * (uint32_t)CARD_LIMIT_MS) return WHIM_BUSY;
        (void)file->port.start(&file->port, 0, NULL, 0); /* nothing may arrive any more */
        status = WHIM_ERR_CARD_READ;
    } else if (!status) {
        card_counts.reads++;
        card_counts.bytes += file->count;
        card_counts.micros += port_card_micros();
    }
    return counted(status);
}

enum whim_status card_open(struct card_file *file, const char *name)
{
    enum whim_status status = port_card_open(&file->port, name);
    if (status) return status;
    file->source = (struct whim_source){file->port.length, start, poll};
    return WHIM_OK;
}

static enum whim_status read_once(struct whim_source *source, uint32_t offset, void *to,
                                  uint32_t count)
{
    enum whim_status status = source->start(source, offset, to, count);
    if (status) return status;
    while ((status = source->poll(source)) == WHIM_BUSY) port_sleep(1);
    return status;
}

enum whim_status card_read(struct whim_source *source, uint32_t offset, void *to, uint32_t count)
{
    enum whim_status status = WHIM_ERR_CARD_READ;
    for (uint32_t i = 0; i < WHIM_READ_TRIES && status == WHIM_ERR_CARD_READ; i++) {
        status = read_once(source, offset, to, count);
    }
    return status;
}
