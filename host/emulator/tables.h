/* A chip's registers.def as two tables, `blocks` and `registers`; included once by each chip's
 * file, which defines CHIP_REGISTERS, that file's name, and NAMED(x), what x is called in its
 * enumerations. NAMED(RCC_NONE) and NAMED(RCC_REFUSED) are GATE_NONE and GATE_REFUSED. */
static const struct block blocks[] = {
#define BLOCK(name, base, size, gate, bit, kind) \
    {#name, base, size, NAMED(RCC_##gate), bit, NAMED(FIRST_##name), kind##_read, kind##_write},
#define REGISTER(block, name, offset, bits, reset)
#include CHIP_REGISTERS
};

static const struct register_facts registers[] = {
#define BLOCK(name, base, size, gate, bit, kind)
#define REGISTER(block, name, offset, bits, reset) {#block "_" #name, offset, bits, reset},
#include CHIP_REGISTERS
};
