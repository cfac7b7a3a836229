/* The card's driver: see card.h. */
#include "drivers/card.h"

#include <stddef.h>

#ifndef WHIM_SD
#define WHIM_SD 0
#endif
#if WHIM_SD
#include "drivers/fat.h"
#define FILES(does) fat_##does /* of a bare card */
#else
#define FILES(does) port_card_##does
#endif

/* A bare card wakes who sleeps for no time when it has sent something: port.h. */
enum { WAIT_MS = WHIM_SD ? 0 : 1 };

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
    return counted(file->below.start(&file->below, offset, to, count));
}

static enum whim_status poll(struct whim_source *source)
{
    struct card_file *file = (struct card_file *)source;
    enum whim_status status = file->below.poll(&file->below);
    if (status == WHIM_BUSY) {
        if (port_micros() - file->began < 1000 * (uint32_t)CARD_LIMIT_MS) return WHIM_BUSY;
        (void)file->below.start(&file->below, 0, NULL, 0); /* nothing may arrive any more */
        status = WHIM_ERR_CARD_READ;
    } else if (!status) {
        card_counts.reads++;
        card_counts.bytes += file->count;
        card_counts.micros += FILES(micros)();
    }
    return counted(status);
}

enum whim_status card_open(struct card_file *file, const char *name)
{
    enum whim_status status = FILES(open)(&file->below, name);
    if (status) return status;
    file->source = (struct whim_source){file->below.length, start, poll};
    return WHIM_OK;
}

static enum whim_status read_once(struct whim_source *source, uint32_t offset, void *to,
                                  uint32_t count)
{
    enum whim_status status = source->start(source, offset, to, count);
    if (status) return status;
    while ((status = source->poll(source)) == WHIM_BUSY) port_sleep(WAIT_MS);
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

enum whim_status card_write(const char *name, uint32_t offset, const void *bytes, uint32_t count)
{
    return FILES(write)(name, offset, bytes, count);
}
