/* IWDG: counts down on the slow oscillator, LSI, and resets the chip when nobody feeds it. */
#include "board.h"

enum { PVU = 1, RVU = 2, RESET_FLAG = 1 << 29, UPDATE_EDGES = 5 };
enum { CTLR, PSCR, RLDR, STATR }; /* in this order in registers.def */

static uint32_t *own(struct board *board)
{
    return &board->value[board->type->watchdog.first];
}

static uint64_t lsi_ticks(const struct board *board)
{
    return chip_ticks(board, 1000000) / board->type->lsi_hertz;
}

/* A new PSCR or RLDR is taken over on the fifth edge of LSI from now, while the watchdog runs. That
 * oscillator has nothing to do with HSI, and jitters. */
static void update(struct board *board)
{
    uint64_t lsi = lsi_ticks(board), edge = (board_ticks(board) / lsi + UPDATE_EDGES) * lsi;
    if (!board->chip.watchdog.running || !own(board)[STATR]) return;
    if (board->lsi_stopped) return;
    if (board->lsi_jitter) edge += board_noise(board) % (2 * board->lsi_jitter + 1);
    chip_schedule(board, EVENT_WATCHDOG_UPDATE, edge);
}

static void schedule(struct board *board)
{
    const uint32_t *value = own(board);
    uint64_t step = (4u << (value[PSCR] > 6 ? 6 : value[PSCR])) * lsi_ticks(board);
    chip_schedule(board, EVENT_WATCHDOG, board->chip.watchdog.fed + (value[RLDR] + 1) * step);
}

uint32_t watchdog_read(struct board *board, unsigned now)
{
    if (now == board->type->watchdog.first) {
        board_fault(board, 0, "load from IWDG's CTLR, which is write-only");
    }
    return board->value[now];
}

static void key(struct board *board, uint32_t value)
{
    switch (value) {
    case 0xaaaa: break;
    case 0x5555: board->chip.watchdog.unlocked = true; return;
    case 0xcccc:
        board->chip.watchdog.running = true;
        /* Its oscillator cannot be switched off any more. */
        board->value[board->type->watchdog.status] |= 3;
        break;
    default:
        board_fault(board, 0, "IWDG: 0x%04x is not one of its keys", (unsigned)value);
        return;
    }
    board->chip.watchdog.unlocked = false;
    if (!board->chip.watchdog.running) return;
    board->chip.watchdog.fed = board_ticks(board);
    schedule(board);
    if (value == 0xcccc) update(board);
}

void watchdog_write(struct board *board, unsigned now, uint32_t value)
{
    uint32_t *status = &own(board)[STATR];
    unsigned place = now - board->type->watchdog.first;

    if (place == CTLR) {
        key(board, value);
        return;
    }
    if (place == STATR) {
        board_fault(board, 0, "store to IWDG's STATR, which is read-only");
    } else if (!board->chip.watchdog.unlocked) {
        board_fault(board, 0, "IWDG: PSCR or RLDR written without the key 0x5555");
    } else if (!board->lsi_stopped && *status & (place == PSCR ? PVU : RVU)) {
        board_fault(board, 0, "IWDG: PSCR or RLDR written while it still takes the value before");
    } else {
        board->value[now] = value;
        *status |= place == PSCR ? PVU : RVU;
        update(board);
    }
}

void watchdog_event(struct board *board, enum event event)
{
    if (event == EVENT_WATCHDOG_UPDATE) own(board)[STATR] = 0;
    else if (!board->lsi_stopped) board->reset_flags = RESET_FLAG;
}
