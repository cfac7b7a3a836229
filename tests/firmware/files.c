/* The drivers of a bare card, as a library for test_files.py, and the slot in which they find the
 * card: slot.h. */
#include <stdio.h>
#include <string.h>

#include "drivers/card.h"
#include "drivers/sd.h"
#include "slot.h"
#include "whim/port.h"

enum { FILES = 6 };

struct world world;
uint64_t now;

void complain(const char *what, uint32_t number)
{
    if (*world.complaint) return;
    snprintf(world.complaint, sizeof world.complaint, "%s %u", what, (unsigned)number);
}

uint32_t port_micros(void)
{
    return (uint32_t)++now;
}

uint32_t port_millis(void)
{
    return (uint32_t)(++now / 1000);
}

void port_sleep(uint32_t milliseconds)
{
    now += 1000 * (uint64_t)milliseconds + 1;
}

static struct card_file files[FILES];

void files_reset(uint8_t *image, uint32_t blocks, bool native, bool in_spi)
{
    memset(&world, 0, sizeof world);
    world.image = image;
    world.blocks = blocks;
    world.native = native;
    world.spi = in_spi;
    world.high_capacity = world.high_speed = 1;
    world.latency = 300;
    world.busy = 700;
    world.hertz_most = UINT32_MAX;
    world.pull_after = NONE;
    insert();
}

uint32_t files_wires(void) { return native_wires(); }
uint32_t files_hertz(void) { return sd_card.hertz; }
const char *files_bus(void) { return sd_card.bus; }
uint32_t files_blocks(void) { return sd_card.blocks; }
uint32_t files_length(uint32_t file) { return files[file].source.length; }

enum whim_status files_open(uint32_t file, const char *name)
{
    return card_open(&files[file], name);
}

enum whim_status files_read(uint32_t file, uint32_t offset, void *to, uint32_t count)
{
    return card_read(&files[file].source, offset, to, count);
}

enum whim_status files_start(uint32_t file, uint32_t offset, void *to, uint32_t count)
{
    return files[file].source.start(&files[file].source, offset, to, count);
}

enum whim_status files_poll(uint32_t file)
{
    return files[file].source.poll(&files[file].source);
}
