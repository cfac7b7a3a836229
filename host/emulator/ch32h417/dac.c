/* The DAC, and what its first channel has put out. A trigger from TIM6 makes the data register's
 * value the output, and asks the DMA for the next one; so what is heard comes one trigger after it
 * was fetched, and the first is what the register held before. */
#include <string.h>

#include "../api.h"
#include "../board.h"
#include "dma.h"

enum { EN = 1, TEN = 4, TSEL = 0x38, WAVES = 0xfc0, DMAEN = 0x1000 };

/* Channel 1 outputs what its data register holds. */
static void output(struct board *board, uint64_t ticks)
{
    struct h417_record *record = &board->record;
    uint16_t value = (uint16_t)board->value[H417_DAC_R12BDHR1];
    uint32_t place = (record->first + record->count) % DAC_KEEPS;

    if (!h417_pin(board, "DAC", 'A', 4, H417_ANALOG, -1)) return;
    board->value[H417_DAC_DOR1] = value;
    board->slot.dac_level = value;
    board->slot.dac_values++;
    record->values[place] = value;
    record->ticks[place] = ticks;
    if (record->count < DAC_KEEPS) {
        record->count++;
    } else {
        record->first = (record->first + 1) % DAC_KEEPS;
        record->lost++;
    }
}

void h417_dac_trigger(struct board *board)
{
    uint32_t control = board->value[H417_DAC_CTLR];

    if ((control & (EN | TEN)) != (EN | TEN) || control & TSEL) return;
    if (!h417_clocked(board, H417_BLOCK_DAC)) return;
    if (control & DMAEN && !board->h417.blocks.dac.fresh) board->slot.dac_late++;
    output(board, board->h417.blocks.tim.from);
    board->h417.blocks.dac.fresh = false;
    if (control & DMAEN) h417_dma_request(board, REQUEST_DAC1);
}

uint32_t h417_dac_read(struct board *board, unsigned now)
{
    return board->value[now];
}

static void write_control(struct board *board, uint32_t value)
{
    uint32_t old = board->value[H417_DAC_CTLR];

    if (value & WAVES || value >> 16 & (WAVES | DMAEN)) {
        board_fault(board, 0, "DAC: CTLR = 0x%08x: waves, and the second channel's DMA, are not "
                    "modelled", (unsigned)value);
    } else if (value & TEN && value & TSEL) {
        board_fault(board, 0, "DAC: CTLR = 0x%08x: a trigger other than TIM6's is not modelled",
                    (unsigned)value);
    }
    board->value[H417_DAC_CTLR] = value;
    if (value & DMAEN && !(old & DMAEN)) board->h417.blocks.dac.fresh = true;
}

void h417_dac_write(struct board *board, unsigned now, uint32_t value)
{
    uint32_t *registers = board->value;

    switch (now) {
    case H417_DAC_CTLR: write_control(board, value); return;
    case H417_DAC_R12BDHR1: registers[now] = value; break;
    case H417_DAC_R12BDHR2: registers[now] = value; return;
    case H417_DAC_RD12BDHR:
        registers[H417_DAC_R12BDHR1] = value & 0xfff;
        registers[H417_DAC_R12BDHR2] = value >> 16;
        break;
    case H417_DAC_DOR1:
    case H417_DAC_DOR2: board_fault(board, 0, "DAC: store to a read-only register"); return;
    default: board_fault(board, 0, "DAC: only 12 bits, right aligned, are modelled"); return;
    }
    board->h417.blocks.dac.fresh = true;
    if ((registers[H417_DAC_CTLR] & (EN | TEN)) == EN) output(board, board_ticks(board));
}

void h417_dac_reset(struct board *board, unsigned first)
{
    (void)first;
    memset(&board->h417.blocks.dac, 0, sizeof board->h417.blocks.dac);
    board->slot.dac_level = 0;
}

uint32_t board_dac(struct board *board, uint16_t *values, uint64_t *ticks, uint32_t room)
{
    struct h417_record *record = &board->record;
    uint32_t taken = 0;

    for (; taken < room && record->count; record->count--, taken++) {
        values[taken] = record->values[record->first];
        if (ticks) ticks[taken] = record->ticks[record->first];
        record->first = (record->first + 1) % DAC_KEEPS;
    }
    return taken;
}

uint64_t board_dac_figure(const struct board *board, int figure)
{
    switch (figure) {
    case DAC_VALUES: return board->slot.dac_values;
    case DAC_LATE: return board->slot.dac_late;
    case DAC_LOST: return board->record.lost;
    case DAC_LEVEL: return board->slot.dac_level;
    }
    return 0;
}
