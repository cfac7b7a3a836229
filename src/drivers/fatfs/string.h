/* What FatFs takes from the C library, for boards without one: the port brings the functions that
 * compilers call by themselves, and strchr is here. */
#ifndef WHIM_FATFS_STRING_H
#define WHIM_FATFS_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memset(void *to, int value, size_t count);
int memcmp(const void *a, const void *b, size_t count);

static inline char *strchr(const char *text, int character)
{
    for (; *text != (char)character; text++) {
        if (!*text) return NULL;
    }
    return (char *)text;
}

#endif
