/* Numbers in a model file. They are little-endian, and so is every machine that this engine is for;
 * the file is aligned to 4 bytes, as are its fields to their own size. So a load is one
 * instruction, and copying is how C says it without an aliasing cast. */
#ifndef WHIM_ENGINE_BYTES_H
#define WHIM_ENGINE_BYTES_H

#include <stdint.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The engine reads model files in place and needs a little-endian machine."
#endif

static inline uint16_t load16(const uint8_t *p)
{
    uint16_t value;
    __builtin_memcpy(&value, __builtin_assume_aligned(p, 2), sizeof value);
    return value;
}

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t value;
    __builtin_memcpy(&value, __builtin_assume_aligned(p, 4), sizeof value);
    return value;
}

static inline void store32(uint8_t *p, uint32_t value)
{
    __builtin_memcpy(__builtin_assume_aligned(p, 4), &value, sizeof value);
}

#endif
