/* Between a core and the chip's registers: what is there, whether it has a clock, and whether all
 * bits that are set exist. Every refusal is a sentence. */
#include <stddef.h>

#include "board.h"

int bus_register(const struct chip_type *type, unsigned index, const char **name, uint32_t *address,
                 uint32_t *bits, uint32_t *reset)
{
    unsigned block = type->block_count;
    if (index >= type->register_count) return 0;
    while (type->blocks[block - 1].first > index) block--;
    *name = type->registers[index].name;
    *address = type->blocks[block - 1].base + type->registers[index].offset;
    *bits = type->registers[index].bits;
    *reset = type->registers[index].reset;
    return 1;
}

void bus_reset(struct board *board, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++) board->value[i] = board->type->registers[i].reset;
}

uint32_t plain_read(struct board *board, unsigned now) { return board->value[now]; }

void plain_write(struct board *board, unsigned now, uint32_t value) { board->value[now] = value; }

/* Which of PFIC's priorities, a byte each, lies at `address`; beyond them it is none. */
static uint32_t pfic_priority(const struct board *board, uint32_t address)
{
    uint32_t place = address - 0xe000e400u, all = (board->type->irqs + 63) / 64 * 64;
    return place < all ? place : ~(uint32_t)0;
}

/* The register at `address`, whose block has a clock and takes `bytes` at a time; or -1. */
static int find(struct board *board, uint32_t address, uint32_t bytes, const char *what,
                const struct block **in)
{
    const struct chip_type *type = board->type;
    const struct block *block = type->blocks, *end = block + type->block_count;
    unsigned i, after;

    while (block < end && address - block->base >= block->size) block++;
    if (block == end) {
        board_fault(board, address, "%s 0x%08x, where nothing is", what, (unsigned)address);
        return -1;
    }
    if (block->gate == GATE_REFUSED) {
        board_fault(board, address, "%s 0x%08x: %s is not modelled", what, (unsigned)address,
                    block->name);
        return -1;
    }
    if (block->gate >= 0 && !(board->value[block->gate] >> block->bit & 1)) {
        board_fault(board, address, "%s 0x%08x: %s has no clock (%s bit %u is 0)", what,
                    (unsigned)address, block->name, type->registers[block->gate].name, block->bit);
        return -1;
    }
    if (type->settled && !type->settled(board, block)) {
        board_fault(board, address, "%s 0x%08x: %s's clock was switched on, but no register of RCC "
                    "read since: it may not be there yet", what, (unsigned)address, block->name);
        return -1;
    }
    after = block + 1 < end ? block[1].first : type->register_count;
    for (i = block->first; i < after; i++) {
        if (type->registers[i].offset == address - block->base) break;
    }
    if (i == after) {
        board_fault(board, address, "%s 0x%08x: %s has no register at offset 0x%02x", what,
                    (unsigned)address, block->name, (unsigned)(address - block->base));
        return -1;
    }
    if (bytes < 4 && (bytes < type->least_bytes || type->registers[i].bits >> 8 * bytes)) {
        board_fault(board, address, "%s %s by %u bits", what, type->registers[i].name,
                    (unsigned)(8 * bytes));
        return -1;
    }
    *in = block;
    return (int)i;
}

/* Whether `address` is in the block whose words are bytes side by side. */
static bool merges(const struct board *board, uint32_t address, uint32_t bytes)
{
    const struct block *block;
    if (bytes == 4 || board->type->merges >= board->type->block_count) return false;
    block = &board->type->blocks[board->type->merges];
    return address - block->base < block->size;
}

uint32_t bus_read(struct board *board, uint32_t address, uint32_t bytes)
{
    const struct block *block;
    uint32_t value = 0;
    int found;

    if (card_has(board, address)) return card_read(board, address, bytes);
    if (!board->type) {
        board_fault(board, address, "load from 0x%08x, where nothing is", (unsigned)address);
        return 0;
    }
    if (pfic_priority(board, address) != ~(uint32_t)0) {
        const uint8_t *priority = board->pfic[board->core->number].priority;
        for (uint32_t i = bytes; i--;) {
            value = value << 8 | priority[pfic_priority(board, address) + i];
        }
        return value;
    }
    if (board->type->elsewhere && board->type->elsewhere(board, address, bytes, &value, false)) {
        return value;
    }
    if (merges(board, address, bytes)) {
        value = bus_read(board, address & ~(uint32_t)3, 4) >> 8 * (address & 3);
        return value & (((uint32_t)1 << 8 * bytes) - 1);
    }
    found = find(board, address, bytes, "load from", &block);
    return found < 0 ? 0 : block->read(board, (unsigned)found);
}

static void write_priority(struct board *board, uint32_t address, uint32_t bytes, uint32_t value)
{
    for (uint32_t i = 0; i < bytes; i++) {
        uint8_t priority = (uint8_t)(value >> 8 * i), unused = board->type->priority_unused;
        if (priority & unused) {
            board_fault(board, address, "priority 0x%02x: bits 0x%02x are reserved", priority,
                        unused);
            return;
        }
        board->pfic[board->core->number].priority[pfic_priority(board, address) + i] = priority;
    }
}

void bus_write(struct board *board, uint32_t address, uint32_t bytes, uint32_t value)
{
    const struct block *block;
    int found;

    if (card_has(board, address)) {
        card_write(board, address, bytes, value);
        return;
    }
    if (!board->type) {
        board_fault(board, address, "store to 0x%08x, where nothing is", (unsigned)address);
        return;
    }
    if (bytes < 4) value &= ((uint32_t)1 << 8 * bytes) - 1;
    if (pfic_priority(board, address) != ~(uint32_t)0) {
        write_priority(board, address, bytes, value);
        return;
    }
    if (board->type->elsewhere && board->type->elsewhere(board, address, bytes, &value, true)) {
        return;
    }
    if (merges(board, address, bytes)) {
        uint32_t mask = (((uint32_t)1 << 8 * bytes) - 1) << 8 * (address & 3);
        uint32_t old = bus_read(board, address & ~(uint32_t)3, 4);
        if (board->stop == STOP_FAULT) return;
        bus_write(board, address & ~(uint32_t)3, 4,
                  (old & ~mask) | (value << 8 * (address & 3) & mask));
        return;
    }
    found = find(board, address, bytes, "store to", &block);
    if (found < 0) return;
    if (value & ~board->type->registers[found].bits) {
        board_fault(board, address, "store of 0x%08x to %s: bits 0x%08x are reserved",
                    (unsigned)value, board->type->registers[found].name,
                    (unsigned)(value & ~board->type->registers[found].bits));
        return;
    }
    block->write(board, (unsigned)found, value);
    board_attention(board);
}
