/* Between the core and the chip's registers: what is there, whether it has a clock, and whether all
 * bits that are set exist. Every refusal is a sentence. */
#include <stddef.h>

#include "board.h"

enum { RCC_NONE = -1, RCC_REFUSED = -2 };

static const struct {
    const char *name;
    uint32_t base, size;
    int gate;
    unsigned bit;
} blocks[] = {
#define BLOCK(name, base, size, gate, bit) {#name, base, size, RCC_##gate, bit},
#define REGISTER(block, name, offset, bits, reset)
#include "registers.def"
};

static const struct {
    const char *name;
    uint8_t block;
    uint16_t offset;
    uint32_t bits, reset;
} registers[] = {
#define BLOCK(name, base, size, gate, bit)
#define REGISTER(block, name, offset, bits, reset) \
    {#block "_" #name, BLOCK_##block, offset, bits, reset},
#include "registers.def"
};

int bus_register(unsigned index, const char **name, uint32_t *address, uint32_t *bits,
                 uint32_t *reset)
{
    if (index >= REGISTERS) return 0;
    *name = registers[index].name;
    *address = blocks[registers[index].block].base + registers[index].offset;
    *bits = registers[index].bits;
    *reset = registers[index].reset;
    return 1;
}

void bus_reset(struct board *board, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) board->chip.value[i] = registers[i].reset;
}

/* Which of PFIC's 64 priorities, a byte each, lies at `address`; beyond 63 it is none. */
static uint32_t pfic_priority(uint32_t address)
{
    return address - 0xe000e400u;
}

/* The register at `address`, whose block has a clock and takes `bytes` at a time; or -1. */
static int find(struct board *board, uint32_t address, uint32_t bytes, const char *what)
{
    unsigned block = 0, i;

    while (block < BLOCKS && address - blocks[block].base >= blocks[block].size) block++;
    if (block == BLOCKS) {
        board_fault(board, address, "%s 0x%08x, where nothing is", what, (unsigned)address);
        return -1;
    }
    if (blocks[block].gate == RCC_REFUSED) {
        board_fault(board, address, "%s 0x%08x: %s is not modelled", what, (unsigned)address,
                    blocks[block].name);
        return -1;
    }
    if (blocks[block].gate >= 0 &&
        !(board->chip.value[blocks[block].gate] >> blocks[block].bit & 1)) {
        board_fault(board, address, "%s 0x%08x: %s has no clock (%s bit %u is 0)", what,
                    (unsigned)address, blocks[block].name, registers[blocks[block].gate].name,
                    blocks[block].bit);
        return -1;
    }
    for (i = 0; i < REGISTERS; i++) {
        if (registers[i].block != block) continue;
        if (registers[i].offset == address - blocks[block].base) break;
    }
    if (i == REGISTERS) {
        board_fault(board, address, "%s 0x%08x: %s has no register at offset 0x%02x", what,
                    (unsigned)address, blocks[block].name,
                    (unsigned)(address - blocks[block].base));
        return -1;
    }
    if (bytes != 4 && !(bytes == 2 && !(registers[i].bits >> 16))) {
        board_fault(board, address, "%s %s by %u bits", what, registers[i].name,
                    (unsigned)(8 * bytes));
        return -1;
    }
    return (int)i;
}

uint32_t bus_read(struct board *board, uint32_t address, uint32_t bytes)
{
    int found;

    if (card_has(board, address)) return card_read(board, address, bytes);
    if (board->core.bare) {
        board_fault(board, address, "load from 0x%08x, where nothing is", (unsigned)address);
        return 0;
    }
    if (pfic_priority(address) < 64) {
        uint32_t value = 0;
        for (uint32_t i = bytes; i--;) {
            value = value << 8 | board->chip.priority[pfic_priority(address) + i];
        }
        return value;
    }
    found = find(board, address, bytes, "load from");
    if (found < 0) return 0;
    switch (registers[found].block) {
    case BLOCK_RCC: return rcc_read(board, (unsigned)found);
    case BLOCK_GPIOA:
    case BLOCK_GPIOC:
    case BLOCK_GPIOD: return gpio_read(board, (unsigned)found);
    case BLOCK_ADC1: return adc_read(board, (unsigned)found);
    case BLOCK_USART1: return usart_read(board, (unsigned)found);
    case BLOCK_I2C1: return i2c_read(board, (unsigned)found);
    case BLOCK_IWDG: return watchdog_read(board, (unsigned)found);
    case BLOCK_PFIC: return pfic_read(board, (unsigned)found);
    case BLOCK_SYSTICK: return systick_read(board, (unsigned)found);
    default: return board->chip.value[found];
    }
}

void bus_write(struct board *board, uint32_t address, uint32_t bytes, uint32_t value)
{
    int found;

    if (card_has(board, address)) {
        card_write(board, address, bytes, value);
        return;
    }
    if (board->core.bare) {
        board_fault(board, address, "store to 0x%08x, where nothing is", (unsigned)address);
        return;
    }
    if (pfic_priority(address) < 64) {
        for (uint32_t i = 0; i < bytes; i++) {
            uint8_t priority = (uint8_t)(value >> 8 * i);
            if (priority & 0x3f) {
                board_fault(board, address, "priority 0x%02x: bits 0x3f are reserved", priority);
                return;
            }
            board->chip.priority[pfic_priority(address) + i] = priority;
        }
        return;
    }
    found = find(board, address, bytes, "store to");
    if (found < 0) return;
    if (bytes == 2) value &= 0xffff;
    if (value & ~registers[found].bits) {
        board_fault(board, address, "store of 0x%08x to %s: bits 0x%08x are reserved",
                    (unsigned)value, registers[found].name,
                    (unsigned)(value & ~registers[found].bits));
        return;
    }
    switch (registers[found].block) {
    case BLOCK_RCC: rcc_write(board, (unsigned)found, value); break;
    case BLOCK_FLASH: flash_write(board, (unsigned)found, value); break;
    case BLOCK_AFIO: afio_write(board, (unsigned)found, value); break;
    case BLOCK_EXTI: exti_write(board, (unsigned)found, value); break;
    case BLOCK_GPIOA:
    case BLOCK_GPIOC:
    case BLOCK_GPIOD: gpio_write(board, (unsigned)found, value); break;
    case BLOCK_ADC1: adc_write(board, (unsigned)found, value); break;
    case BLOCK_USART1: usart_write(board, (unsigned)found, value); break;
    case BLOCK_I2C1: i2c_write(board, (unsigned)found, value); break;
    case BLOCK_IWDG: watchdog_write(board, (unsigned)found, value); break;
    case BLOCK_PFIC: pfic_write(board, (unsigned)found, value); break;
    case BLOCK_SYSTICK: systick_write(board, (unsigned)found, value); break;
    }
    board_attention(board);
}
