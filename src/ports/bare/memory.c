/* The functions that a C compiler may call by itself, by words where both sides allow it. */
#include <stddef.h>
#include <stdint.h>

#define USED __attribute__((used))
typedef uint32_t __attribute__((may_alias)) word;

USED void *memcpy(void *restrict to, const void *restrict from, size_t count);
USED void *memmove(void *to, const void *from, size_t count);
USED void *memset(void *to, int value, size_t count);
USED int memcmp(const void *a, const void *b, size_t count);

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    uint8_t *out = to;
    const uint8_t *in = from;

    if (!(((uintptr_t)out | (uintptr_t)in) & 3)) {
        for (; count >= 4; count -= 4, out += 4, in += 4) *(word *)out = *(const word *)in;
    }
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

    if (!((uintptr_t)out & 3)) {
        word all = (uint8_t)value * 0x01010101u;
        for (; count >= 4; count -= 4, out += 4) *(word *)out = all;
    }
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
