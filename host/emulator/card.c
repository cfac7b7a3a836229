/* The card reader of card.h. */
#include "card.h"

#include <string.h>

#include "board.h"

bool card_has(const struct board *board, uint32_t address)
{
    return board->card.file && address - card_base < 4 * CARD_REGISTERS;
}

bool card_busy(const struct board *board)
{
    return board->card.registers[CARD_STATUS] == CARD_BUSY;
}

uint32_t card_read(struct board *board, uint32_t address, uint32_t bytes)
{
    if (bytes != 4) board_fault(board, address, "load from the card reader, not of a word");
    return board->card.registers[(address - card_base) / 4];
}

/* When the block after those that have arrived will be there. */
static void expect_block(struct board *board)
{
    struct card *card = &board->card;
    uint64_t bytes = (uint64_t)card->arrived + CARD_BLOCK;

    if (board_noise(board) < card->pause_chance) card->paused += card->pause;
    chip_schedule(board, EVENT_CARD, card->began + card->latency + card->paused +
                  (bytes * BENCH_HERTZ + card->bandwidth - 1) / card->bandwidth);
}

static void begin(struct board *board)
{
    struct card *card = &board->card;
    const struct memory *memory = &board->memory[CARD_REACHES];
    uint32_t offset = card->registers[CARD_OFFSET], count = card->registers[CARD_COUNT];
    uint32_t to = card->registers[CARD_TO], within = to - memory->base;

    if (card_busy(board)) {
        board_fault(board, 0, "the card reader is told to read while it is busy");
    } else if (offset % CARD_BLOCK || count % CARD_BLOCK || !count) {
        board_fault(board, 0, "a read of %u bytes from %u on is not one of whole blocks",
                    (unsigned)count, (unsigned)offset);
    } else if (offset > card->bytes || count > card->bytes - offset) {
        board_fault(board, 0, "a read of %u bytes from %u on goes beyond the file, which has %u",
                    (unsigned)count, (unsigned)offset, (unsigned)card->bytes);
    } else if (to % 16) {
        board_fault(board, to, "a read to 0x%08x, which is not a multiple of 16", (unsigned)to);
    } else if (within > memory->size || count > memory->size - within) {
        board_fault(board, to, "the card reader cannot reach 0x%08x, only %s", (unsigned)to,
                    memory->name);
    } else {
        card->registers[CARD_STATUS] = CARD_BUSY;
        card->arrived = 0;
        card->began = board->core->cycles;
        card->paused = 0;
        card->fate = CARD_GOOD;
        if (board->world.card_begins) {
            card->fate = (uint32_t)board->world.card_begins(offset, count);
        }
        card->fated_block = board_noise(board) % (count / CARD_BLOCK);
        expect_block(board);
    }
}

void card_write(struct board *board, uint32_t address, uint32_t bytes, uint32_t value)
{
    unsigned number = (address - card_base) / 4;

    if (bytes != 4 || number == CARD_LENGTH || number == CARD_STATUS) {
        board_fault(board, address, "the card reader takes no such store");
    } else if (number == CARD_GO) {
        begin(board);
    } else {
        board->card.registers[number] = value;
    }
}

static void end(struct board *board, uint32_t status)
{
    struct card *card = &board->card;
    card->registers[CARD_STATUS] = status;
    if (board->world.card_ends) {
        board->world.card_ends(card->began, board->core->cycles, card->paused);
    }
}

void card_event(struct board *board)
{
    struct card *card = &board->card;
    struct memory *memory = &board->memory[CARD_REACHES];
    uint32_t within = card->registers[CARD_TO] - memory->base + card->arrived;
    bool struck = card->arrived / CARD_BLOCK == card->fated_block;

    if (struck && card->fate == CARD_READ_ERROR) {
        end(board, CARD_FAILED);
        return;
    }
    memcpy(memory->bytes + within, card->file + card->registers[CARD_OFFSET] + card->arrived,
           CARD_BLOCK);
    if (struck && card->fate == CARD_CORRUPT) {
        uint32_t noise = board_noise(board);
        memory->bytes[within + noise % CARD_BLOCK] ^= (uint8_t)(1 << (noise >> 16) % 8);
    }
    memory_written(memory, within, CARD_BLOCK);
    card->arrived += CARD_BLOCK;
    if (card->arrived == card->registers[CARD_COUNT]) {
        end(board, CARD_READY);
    } else {
        expect_block(board);
    }
}
