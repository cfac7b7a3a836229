/* IWDG: counts down on the 128 kHz oscillator, and resets the chip when nobody feeds it. */
#include "board.h"

enum { LSI_TICKS = 375, PVU = 1, RVU = 2, RESET_FLAG = 1 << 29, UPDATE_EDGES = 5 };

/* A new PSCR or RLDR is taken over on the fifth edge of LSI from now, while the watchdog runs. That
 * oscillator has nothing to do with HSI, and jitters. */
static void update(struct board *board)
{
    uint64_t now = board_ticks(board), edge = (now / LSI_TICKS + UPDATE_EDGES) * LSI_TICKS;
    if (!board->chip.watchdog.running || !board->chip.value[IWDG_STATR]) return;
    if (board->lsi_stopped) return;
    if (board->lsi_jitter) edge += board_noise(board) % (2 * board->lsi_jitter + 1);
    chip_schedule(board, EVENT_WATCHDOG_UPDATE, edge);
}

static void schedule(struct board *board)
{
    const uint32_t *value = board->chip.value;
    uint64_t step = (uint64_t)(4u << (value[IWDG_PSCR] > 6 ? 6 : value[IWDG_PSCR])) * LSI_TICKS;
    chip_schedule(board, EVENT_WATCHDOG,
                  board->chip.watchdog.fed + (value[IWDG_RLDR] + 1) * step);
}

uint32_t watchdog_read(struct board *board, unsigned now)
{
    if (now == IWDG_CTLR) board_fault(board, 0, "load from IWDG's CTLR, which is write-only");
    return board->chip.value[now];
}

static void key(struct board *board, uint32_t value)
{
    switch (value) {
    case 0xaaaa: break;
    case 0x5555: board->chip.watchdog.unlocked = true; return;
    case 0xcccc:
        board->chip.watchdog.running = true;
        board->chip.value[RCC_RSTSCKR] |= 3; /* its oscillator cannot be switched off any more */
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
    uint32_t *status = &board->chip.value[IWDG_STATR];

    if (now == IWDG_CTLR) {
        key(board, value);
        return;
    }
    if (now == IWDG_STATR) {
        board_fault(board, 0, "store to IWDG's STATR, which is read-only");
    } else if (!board->chip.watchdog.unlocked) {
        board_fault(board, 0, "IWDG: PSCR or RLDR written without the key 0x5555");
    } else if (!board->lsi_stopped && *status & (now == IWDG_PSCR ? PVU : RVU)) {
        board_fault(board, 0, "IWDG: PSCR or RLDR written while it still takes the value before");
    } else {
        board->chip.value[now] = value;
        *status |= now == IWDG_PSCR ? PVU : RVU;
        update(board);
    }
}

void watchdog_event(struct board *board, enum event event)
{
    if (event == EVENT_WATCHDOG_UPDATE) board->chip.value[IWDG_STATR] = 0;
    else if (!board->lsi_stopped) board->reset_flags = RESET_FLAG;
}
