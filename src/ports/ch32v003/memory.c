/* The four functions that a C compiler may call by itself, small rather than fast. It may do so
 * when it has already looked for what nobody calls, so they are marked. */
#include <stddef.h>
#include <stdint.h>

#define USED __attribute__((used))

USED void *memcpy(void *restrict to, const void *restrict from, size_t count);
USED void *memmove(void *to, const void *from, size_t count);
USED void *memset(void *to, int value, size_t count);
USED int memcmp(const void *a, const void *b, size_t count);

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    while (count--) *out++ = *in++;
    return to;
}

void *memmove(void *to, const void *from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (out < in) return memcpy(to, from, count);
    while (count--) out[count] = in[count];
    return to;
}

void *memset(void *to, int value, size_t count)
{
    uint8_t *out = to;
    while (count--) *out++ = (uint8_t)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t count)
{
    const uint8_t *left = a, *right = b;
    for (; count--; left++, right++) {
        if (*left != *right) return *left - *right;
    }
    return 0;
}
