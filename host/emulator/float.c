/* F, floats of 32 bits: computed with integers, so that rounding and flags are the ISA manual's on
 * every PC. Tininess is detected after rounding; every NaN that comes out is the canonical one. */
#include <stdbool.h>

#include "board.h"

enum { NEAREST_EVEN, TO_ZERO, DOWN, UP, NEAREST_AWAY, DYNAMIC = 7 };
enum { INEXACT = 1, UNDERFLOW = 2, OVERFLOW = 4, BY_ZERO = 8, INVALID = 16 };

static const uint32_t SIGN = 0x80000000, INFINITE = 0x7f800000, CANONICAL_NAN = 0x7fc00000,
                      LARGEST = 0x7f7fffff;

static bool is_nan(uint32_t a) { return (a & ~SIGN) > INFINITE; }
static bool is_signalling(uint32_t a) { return is_nan(a) && !(a & 0x00400000); }
static bool is_infinite(uint32_t a) { return (a & ~SIGN) == INFINITE; }
static bool is_zero(uint32_t a) { return !(a & ~SIGN); }

/* A finite number: (-1)^negative * mantissa * 2^exponent. Bit 0 of a mantissa that is to be rounded
 * is also set where anything lies below it. */
struct number {
    bool negative;
    int32_t exponent;
    uint64_t mantissa;
};

static struct number unpack(uint32_t a)
{
    uint32_t biased = a >> 23 & 0xff, fraction = a & 0x007fffff;
    struct number n = {a >> 31, (int32_t)(biased ? biased : 1) - 150,
                       fraction | (biased ? 0x00800000u : 0)};
    return n;
}

static uint64_t shift_right(uint64_t value, uint32_t count)
{
    if (!count) return value;
    if (count > 63) return value != 0;
    return value >> count | ((value & (((uint64_t)1 << count) - 1)) != 0);
}

/* The highest bit of a mantissa that is not 0, moved to bit 61. */
static struct number normalise(struct number n)
{
    while (n.mantissa >> 62) {
        n.mantissa = shift_right(n.mantissa, 1);
        n.exponent++;
    }
    while (!(n.mantissa >> 61)) {
        n.mantissa <<= 1;
        n.exponent--;
    }
    return n;
}

/* What is added to `value`, whose lowest `count` bits go away (1 to 62), so that cutting rounds. */
static uint64_t round_up_by(uint64_t value, uint32_t count, bool negative, unsigned how)
{
    uint64_t all = ((uint64_t)1 << count) - 1, half = (uint64_t)1 << (count - 1);
    switch (how) {
    case NEAREST_EVEN: return half - !(value >> count & 1);
    case DOWN: return negative ? all : 0;
    case UP: return negative ? 0 : all;
    case NEAREST_AWAY: return half;
    default: return 0;
    }
}

static uint32_t pack(struct number n, unsigned how, uint32_t *flags)
{
    enum { CUT = 38 }; /* from a highest bit of 61 to one of 23 */
    uint32_t sign = n.negative ? SIGN : 0, below;
    uint64_t rounded;
    int32_t exponent;
    bool tiny = false;

    if (!n.mantissa) return sign;
    n = normalise(n);
    exponent = n.exponent + CUT; /* of the value's last place */
    if (exponent < -149) {       /* subnormal, unless rounding alone lifts it from there */
        rounded = n.mantissa + round_up_by(n.mantissa, CUT, n.negative, how);
        tiny = exponent < -150 || !(rounded >> 62);
        n.mantissa = shift_right(n.mantissa, (uint32_t)(-149 - exponent));
        exponent = -149;
    }
    below = (n.mantissa & (((uint64_t)1 << CUT) - 1)) != 0;
    rounded = (n.mantissa + round_up_by(n.mantissa, CUT, n.negative, how)) >> CUT;
    if (rounded >> 24) {
        rounded >>= 1;
        exponent++;
    }
    if (exponent > 104) {
        bool infinite = how == NEAREST_EVEN || how == NEAREST_AWAY ||
                        how == (n.negative ? DOWN : UP);
        *flags |= OVERFLOW | INEXACT;
        return sign | (infinite ? INFINITE : LARGEST);
    }
    if (below) *flags |= INEXACT | (tiny ? UNDERFLOW : 0);
    /* The mantissa's highest bit adds the 1 that makes an exponent other than a subnormal's. */
    return sign + ((uint32_t)(exponent + 149) << 23) + (uint32_t)rounded;
}

static uint32_t invalid(uint32_t *flags)
{
    *flags |= INVALID;
    return CANONICAL_NAN;
}

static uint32_t nan_of(uint32_t a, uint32_t b, uint32_t c, uint32_t *flags)
{
    bool signalling = is_signalling(a) || is_signalling(b) || is_signalling(c);
    return signalling ? invalid(flags) : CANONICAL_NAN;
}

/* Both are below 2^62. Of a product's 48 bits, or an operand's 24, none is lost where the highest
 * ones cancel: that takes exponents that differ by 1 at most. */
static uint32_t sum(struct number p, struct number c, unsigned how, uint32_t *flags)
{
    if (!p.mantissa && !c.mantissa) {
        p.negative = p.negative == c.negative ? p.negative : how == DOWN;
        return pack(p, how, flags);
    }
    if (!p.mantissa) return pack(c, how, flags);
    if (!c.mantissa) return pack(p, how, flags);
    p = normalise(p);
    c = normalise(c);
    if (p.exponent < c.exponent || (p.exponent == c.exponent && p.mantissa < c.mantissa)) {
        struct number other = p;
        p = c;
        c = other;
    }
    c.mantissa = shift_right(c.mantissa, (uint32_t)(p.exponent - c.exponent));
    if (p.negative == c.negative) {
        p.mantissa += c.mantissa;
    } else {
        p.mantissa -= c.mantissa;
        if (!p.mantissa) p.negative = how == DOWN;
    }
    return pack(p, how, flags);
}

static uint32_t add(uint32_t a, uint32_t b, unsigned how, uint32_t *flags)
{
    if (is_nan(a) || is_nan(b)) return nan_of(a, b, 0, flags);
    if (is_infinite(a)) return is_infinite(b) && a != b ? invalid(flags) : a;
    return is_infinite(b) ? b : sum(unpack(a), unpack(b), how, flags);
}

static struct number product(uint32_t a, uint32_t b)
{
    struct number x = unpack(a), y = unpack(b);
    x.negative ^= y.negative;
    x.exponent += y.exponent;
    x.mantissa *= y.mantissa;
    return x;
}

static bool is_no_product(uint32_t a, uint32_t b)
{
    return (is_infinite(a) && is_zero(b)) || (is_zero(a) && is_infinite(b));
}

static uint32_t multiply(uint32_t a, uint32_t b, unsigned how, uint32_t *flags)
{
    if (is_nan(a) || is_nan(b)) return nan_of(a, b, 0, flags);
    if (is_no_product(a, b)) return invalid(flags);
    if (is_infinite(a) || is_infinite(b)) return ((a ^ b) & SIGN) | INFINITE;
    return pack(product(a, b), how, flags);
}

/* a * b + c, rounded once. */
static uint32_t fused(uint32_t a, uint32_t b, uint32_t c, unsigned how, uint32_t *flags)
{
    uint32_t infinite = ((a ^ b) & SIGN) | INFINITE;
    if (is_no_product(a, b)) return invalid(flags); /* whatever c is, a quiet NaN too */
    if (is_nan(a) || is_nan(b) || is_nan(c)) return nan_of(a, b, c, flags);
    if (is_infinite(a) || is_infinite(b)) {
        return is_infinite(c) && c != infinite ? invalid(flags) : infinite;
    }
    return is_infinite(c) ? c : sum(product(a, b), unpack(c), how, flags);
}

static uint32_t divide(uint32_t a, uint32_t b, unsigned how, uint32_t *flags)
{
    uint32_t sign = (a ^ b) & SIGN;
    struct number x, y;

    if (is_nan(a) || is_nan(b)) return nan_of(a, b, 0, flags);
    if (is_infinite(a)) return is_infinite(b) ? invalid(flags) : sign | INFINITE;
    if (is_infinite(b)) return sign;
    if (is_zero(b)) {
        if (is_zero(a)) return invalid(flags);
        *flags |= BY_ZERO;
        return sign | INFINITE;
    }
    if (is_zero(a)) return sign;
    x = normalise(unpack(a));
    y = unpack(b);
    x.negative ^= y.negative;
    x.exponent -= y.exponent; /* the quotient has 38 bits at least */
    x.mantissa = x.mantissa / y.mantissa << 1 | (x.mantissa % y.mantissa != 0);
    x.exponent--;
    return pack(x, how, flags);
}

static uint32_t square_root(uint32_t a, unsigned how, uint32_t *flags)
{
    struct number n;
    uint64_t root = 0;

    if (is_nan(a)) return nan_of(a, 0, 0, flags);
    if (is_zero(a)) return a;
    if (a & SIGN) return invalid(flags);
    if (is_infinite(a)) return a;
    n = normalise(unpack(a));
    if (n.exponent & 1) {
        n.mantissa <<= 1;
        n.exponent--;
    }
    for (uint64_t bit = (uint64_t)1 << 31; bit; bit >>= 1) {
        if ((root | bit) * (root | bit) <= n.mantissa) root |= bit;
    }
    n.exponent = n.exponent / 2 - 1;
    n.mantissa = root << 1 | (root * root != n.mantissa);
    return pack(n, how, flags);
}

/* -1, 0 or 1; neither is a NaN. */
static int compare(uint32_t a, uint32_t b)
{
    int64_t x = a & SIGN ? -(int64_t)(a & ~SIGN) : (int64_t)a;
    int64_t y = b & SIGN ? -(int64_t)(b & ~SIGN) : (int64_t)b;
    return (x > y) - (x < y);
}

/* Less, equal, or both. */
static uint32_t is_below(uint32_t a, uint32_t b, bool less, bool equal, uint32_t *flags)
{
    bool quiet = !less; /* only FEQ takes a quiet NaN without a word */
    int order;
    if (is_nan(a) || is_nan(b)) {
        if (!quiet || is_signalling(a) || is_signalling(b)) *flags |= INVALID;
        return 0;
    }
    order = compare(a, b);
    return (less && order < 0) || (equal && !order);
}

static uint32_t extreme(uint32_t a, uint32_t b, bool largest, uint32_t *flags)
{
    int order;
    if (is_signalling(a) || is_signalling(b)) *flags |= INVALID;
    if (is_nan(a)) return is_nan(b) ? CANONICAL_NAN : b;
    if (is_nan(b)) return a;
    order = compare(a, b);
    if (!order) order = a & SIGN ? -1 : b & SIGN ? 1 : 0; /* -0 is below 0 */
    return (order > 0) == largest ? a : b;
}

static uint32_t to_integer(uint32_t a, bool has_sign, unsigned how, uint32_t *flags)
{
    uint32_t lowest = has_sign ? 0x80000000 : 0, highest = has_sign ? 0x7fffffff : 0xffffffff;
    struct number n = unpack(a);
    uint64_t value;
    bool exact;

    if (is_nan(a)) n.negative = false;
    if (is_nan(a) || is_infinite(a) || n.exponent > 8) {
        *flags |= INVALID;
        return n.negative ? lowest : highest;
    }
    /* 8 bits below the point: a half, and whether there is more */
    value = n.exponent > -8 ? n.mantissa << (n.exponent + 8)
                            : shift_right(n.mantissa, (uint32_t)(-8 - n.exponent));
    exact = !(value & 0xff);
    value = (value + round_up_by(value, 8, n.negative, how)) >> 8;
    if (value > (n.negative ? (has_sign ? 0x80000000 : 0) : highest)) {
        *flags |= INVALID;
        return n.negative ? lowest : highest;
    }
    if (!exact) *flags |= INEXACT;
    return n.negative ? 0 - (uint32_t)value : (uint32_t)value;
}

static uint32_t from_integer(uint32_t a, bool has_sign, unsigned how, uint32_t *flags)
{
    bool negative = has_sign && a & SIGN;
    struct number n = {negative, 0, negative ? 0 - a : a};
    return pack(n, how, flags);
}

static uint32_t class_of(uint32_t a)
{
    unsigned minus = a >> 31, place;
    if (is_nan(a)) return is_signalling(a) ? 1u << 8 : 1u << 9;
    if (is_infinite(a)) place = 0;
    else if (is_zero(a)) place = 3;
    else place = a & INFINITE ? 1 : 2;
    return 1u << (minus ? place : 7 - place);
}

static uint32_t compute(unsigned code, uint32_t a, uint32_t b, uint32_t c, unsigned how,
                        uint32_t *flags)
{
    switch (code) {
    case OP_FSGNJ: return (a & ~SIGN) | (b & SIGN);
    case OP_FSGNJN: return (a & ~SIGN) | (~b & SIGN);
    case OP_FSGNJX: return a ^ (b & SIGN);
    case OP_FMIN: return extreme(a, b, false, flags);
    case OP_FMAX: return extreme(a, b, true, flags);
    case OP_FLE: return is_below(a, b, true, true, flags);
    case OP_FLT: return is_below(a, b, true, false, flags);
    case OP_FEQ: return is_below(a, b, false, true, flags);
    case OP_FCLASS: return class_of(a);
    case OP_FADD: return add(a, b, how, flags);
    case OP_FSUB: return add(a, is_nan(b) ? b : b ^ SIGN, how, flags);
    case OP_FMUL: return multiply(a, b, how, flags);
    case OP_FMADD: return fused(a, b, c, how, flags);
    case OP_FMSUB: return fused(a, b, c ^ SIGN, how, flags);
    case OP_FNMSUB: return fused(a ^ SIGN, b, c, how, flags);
    case OP_FNMADD: return fused(a ^ SIGN, b, c ^ SIGN, how, flags);
    case OP_FCVT_W: return to_integer(a, true, how, flags);
    case OP_FCVT_WU: return to_integer(a, false, how, flags);
    case OP_FCVT_S_W: return from_integer(a, true, how, flags);
    case OP_FCVT_S_WU: return from_integer(a, false, how, flags);
    case OP_FDIV: return divide(a, b, how, flags);
    case OP_FSQRT: return square_root(a, how, flags);
    default: return a; /* FMV */
    }
}

bool core_float_ready(struct board *board)
{
    if (board->core->mstatus & FS) return true;
    board_fault(board, 0, "an instruction for floats, while mstatus says that they are off (FS is "
                "0)");
    return false;
}

void core_float(struct board *board, const struct op *op)
{
    struct core *core = board->core;
    uint32_t *x = core->x, flags = 0;
    unsigned how = (unsigned)op->imm & 7;
    bool rounds = op->code >= OP_FADD;

    if (!core_float_ready(board)) return;
    if (rounds && how == DYNAMIC) how = core->fcsr >> 5;
    if (rounds && how > NEAREST_AWAY) {
        board_fault(board, 0, "rounding as frm = %u says, which is reserved", how);
        return;
    }
    x[op->rd] = compute(op->code, x[op->rs1], x[op->rs2],
                        x[(uint32_t)op->imm >> 3], how, &flags);
    core->fcsr |= flags;
    core->mstatus |= FS;
}
