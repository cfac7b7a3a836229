/* B, bit manipulation: what its instructions make of two operands. Zba's stand in the loop. */
#include "core.h"

static uint32_t count_leading(uint32_t a)
{
    uint32_t count = 0;
    for (; count < 32 && !(a >> 31); a <<= 1) count++;
    return count;
}

static uint32_t count_trailing(uint32_t a)
{
    uint32_t count = 0;
    for (; count < 32 && !(a & 1); a >>= 1) count++;
    return count;
}

static uint32_t count_ones(uint32_t a)
{
    uint32_t count = 0;
    for (; a; a &= a - 1) count++;
    return count;
}

static uint32_t reverse_bytes(uint32_t a)
{
    return a >> 24 | (a >> 8 & 0xff00) | (a & 0xff00) << 8 | a << 24;
}

static uint32_t fill_bytes(uint32_t a)
{
    uint32_t filled = 0;
    for (uint32_t byte = 0xff; byte; byte <<= 8) filled |= a & byte ? byte : 0;
    return filled;
}

/* Rotate to the right. */
static uint32_t rotate(uint32_t a, uint32_t count)
{
    return a >> (count & 31) | a << (-count & 31);
}

/* The product of two polynomials, whose coefficients are bits. */
static uint64_t carry_less(uint32_t a, uint32_t b)
{
    uint64_t sum = 0;
    for (unsigned bit = 0; bit < 32; bit++) sum ^= b >> bit & 1 ? (uint64_t)a << bit : 0;
    return sum;
}

uint32_t core_bits(unsigned code, uint32_t a, uint32_t b)
{
    uint32_t bit = (uint32_t)1 << (b & 31);

    switch (code) {
    case OP_ANDN: return a & ~b;
    case OP_ORN: return a | ~b;
    case OP_XNOR: return ~(a ^ b);
    case OP_MIN: return (int32_t)a < (int32_t)b ? a : b;
    case OP_MINU: return a < b ? a : b;
    case OP_MAX: return (int32_t)a > (int32_t)b ? a : b;
    case OP_MAXU: return a > b ? a : b;
    case OP_ROL: return rotate(a, -b);
    case OP_ROR: return rotate(a, b);
    case OP_CLZ: return count_leading(a);
    case OP_CTZ: return count_trailing(a);
    case OP_CPOP: return count_ones(a);
    case OP_SEXT_B: return (uint32_t)(int32_t)(int8_t)a;
    case OP_SEXT_H: return (uint32_t)(int32_t)(int16_t)a;
    case OP_ZEXT_H: return a & 0xffff;
    case OP_ORC_B: return fill_bytes(a);
    case OP_REV8: return reverse_bytes(a);
    case OP_CLMUL: return (uint32_t)carry_less(a, b);
    case OP_CLMULR: return (uint32_t)(carry_less(a, b) >> 31);
    case OP_CLMULH: return (uint32_t)(carry_less(a, b) >> 32);
    case OP_BCLR: return a & ~bit;
    case OP_BEXT: return a >> (b & 31) & 1;
    case OP_BINV: return a ^ bit;
    default: return a | bit; /* BSET */
    }
}
