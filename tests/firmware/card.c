/* A device that does on its card what is typed on its console, for test_card.py:
 *
 *     open FILE NAME            FILE is one of FILES files, by its number
 *     read FILE OFFSET COUNT    by the driver, which waits
 *     start FILE OFFSET COUNT   by the port, which does not
 *     poll FILE
 *     write NAME OFFSET COUNT FILL
 *     counts                    what the driver has counted
 *     zero                      so that it counts from 0
 *
 * Each line is answered by one that begins with "card". Bytes are told by their CRC-32. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/card.h"
#include "engine/crc.h"
#include "ports/sim/sim.h"
#include "whim/port.h"

enum { FILES = 6, ROOM = 1 << 17, LINE = 120 };

static struct card_file files[FILES];
static uint8_t *room; /* on the heap, so that a sanitizer guards both its ends */

static void read_line(char *line)
{
    uint32_t length = 0;
    for (;;) {
        int byte = port_console_read();
        if (byte < 0) port_sleep(1);
        else if (byte == '\n') break;
        else if (length < LINE) line[length++] = (char)byte;
    }
    line[length] = '\0';
}

static void tell(enum whim_status status, const char *what, uint32_t number)
{
    char text[LINE];
    snprintf(text, sizeof text, "card status=%d %s=%u\n", status, what, (unsigned)number);
    port_console(text);
}

static void obey(const char *line)
{
    char name[LINE + 1];
    unsigned file, offset, count, fill;
    enum whim_status status;
    uint32_t began = port_micros();
    memset(room, 0xaa, ROOM);
    if (sscanf(line, "open %u %120s", &file, name) == 2) {
        status = card_open(&files[file], name);
        tell(status, "length", files[file].source.length);
    } else if (sscanf(line, "read %u %u %u", &file, &offset, &count) == 3) {
        status = card_read(&files[file].source, offset, room + ROOM - count, count);
        char text[LINE];
        snprintf(text, sizeof text, "card status=%d crc=%u micros=%u card=%u\n", status,
                 (unsigned)whim_crc32(room + ROOM - count, count),
                 (unsigned)(port_micros() - began), (unsigned)port_card_micros());
        port_console(text);
    } else if (sscanf(line, "start %u %u %u", &file, &offset, &count) == 3) {
        struct whim_source *source = &files[file].below;
        tell(source->start(source, offset, room, count), "micros", port_micros() - began);
    } else if (sscanf(line, "poll %u", &file) == 1) {
        status = files[file].below.poll(&files[file].below);
        tell(status, "crc", whim_crc32(room, 512));
    } else if (sscanf(line, "write %120s %u %u %u", name, &offset, &count, &fill) == 4) {
        memset(room, (int)fill, count);
        status = port_card_write(name, offset, room, count);
        tell(status, "micros", port_micros() - began);
    } else if (!strcmp(line, "counts")) {
        char text[LINE];
        snprintf(text, sizeof text, "card reads=%u bytes=%u micros=%u errors=%u\n",
                 (unsigned)card_counts.reads, (unsigned)card_counts.bytes,
                 (unsigned)card_counts.micros, (unsigned)card_counts.errors);
        port_console(text);
    } else if (!strcmp(line, "zero")) {
        card_counts = (struct card_counts){0};
        tell(WHIM_OK, "reads", card_counts.reads);
    } else {
        tell(WHIM_ERR_HEADER, "unknown", 0);
    }
}

int main(void)
{
    char line[LINE + 1];
    sim_entropy_seed(0);
    room = malloc(ROOM);
    if (!room) return 2;
    for (;;) {
        read_line(line);
        obey(line);
    }
}
