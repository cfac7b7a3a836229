/* Files, records and memory for the modes of this program that are no device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports/sim/sim.h"

void *sim_room(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) sim_fail("no memory for %zu bytes", bytes);
    return memory;
}

/* Read a whole file into memory of exactly its size, so that a sanitizer sees a read beyond it. */
uint8_t *sim_load(const char *path, uint32_t *length)
{
    FILE *file = fopen(path, "rb");
    if (!file) sim_fail("%s: %s", path, strerror(errno));
    uint8_t *bytes = NULL;
    size_t used = 0, got;
    do {
        enum { STEP = 65536 };
        bytes = realloc(bytes, used + STEP);
        if (!bytes) sim_fail("no memory for %s", path);
        got = fread(bytes + used, 1, STEP, file);
        used += got;
    } while (got);
    if (ferror(file)) sim_fail("%s: %s", path, strerror(errno));
    if (used > UINT32_MAX) sim_fail("%s: too large for a model", path);
    fclose(file);
    uint8_t *exact = sim_room(used);
    memcpy(exact, bytes, used);
    free(bytes);
    *length = (uint32_t)used;
    return exact;
}

/* Write to stdout; when nobody reads any more there is nothing left to do. */
void sim_out(const void *bytes, size_t count)
{
    if (fwrite(bytes, 1, count, stdout) != count) exit(0);
}

/* Read one record of `size` bytes from stdin; false at the end. */
bool sim_in(void *bytes, size_t size)
{
    size_t got = fread(bytes, 1, size, stdin);
    if (got && got < size) sim_fail("stdin ends within a record of %zu bytes", size);
    return got == size;
}
