/* Snapshots: all that changes while a board runs, in one piece. */
#include <stddef.h>
#include <string.h>

#include "api.h"
#include "board.h"

static const size_t kept = offsetof(struct board, view);

/* What changes lies in several places: the struct, the memories that can be written, the card. The
 * place and the size of the part after `number` others, NULL after the last. */
static uint8_t *part(const struct board *board, unsigned number, uint32_t *bytes)
{
    if (!number--) {
        *bytes = (uint32_t)kept;
        return (uint8_t *)board;
    }
    for (unsigned i = 0; i < board->core_count; i++) {
        for (unsigned j = 0; j < board->view[i].count; j++) {
            const struct memory *memory = &board->view[i].memory[j];
            if (!memory->writable || board_sees_twice(board, i, memory) || number--) continue;
            *bytes = memory->size;
            return memory->bytes;
        }
    }
    return number ? NULL : h417_slot_contents(board, bytes);
}

uint32_t board_snapshot_bytes(const struct board *board)
{
    uint32_t bytes, all = 0;
    for (unsigned i = 0; part(board, i, &bytes); i++) all += bytes;
    return all;
}

void board_snapshot(const struct board *board, uint8_t *snapshot)
{
    uint32_t bytes, all = board_snapshot_bytes(board);
    uint8_t *place, *at = snapshot;
    for (unsigned i = 0; (place = part(board, i, &bytes)); i++) {
        memcpy(at, place, bytes);
        at += bytes;
    }
    memcpy(snapshot + offsetof(struct board, snapshot_bytes), &all, sizeof all);
}

int board_restore(struct board *board, const uint8_t *snapshot)
{
    uint32_t bytes, all;
    uint8_t *place;
    memcpy(&all, snapshot + offsetof(struct board, snapshot_bytes), sizeof all);
    if (all != board_snapshot_bytes(board)) return 0;
    for (unsigned i = 0; (place = part(board, i, &bytes)); i++) {
        memcpy(place, snapshot, bytes);
        snapshot += bytes;
    }
    board_forget(board, false);
    if (board->type) board->type->restored(board);
    board->stop = STOP_NONE;
    board->turn = 0;
    board_choose(board, 0);
    return 1;
}
