/* PWR, the flash's controller, and AFIO: what must be right before pins and memories are used.
 *
 * Strict: the flash's clock is never HCLK itself (that bricks the board), ACTLR is unlocked first,
 * and nothing is programmed. AFIO's remaps are the ones that this board is wired for: none. */
#include "../board.h"

enum { UNLOCKED = 2, LOCK = 0x80, ENHANCED = 0x40, EHMOD = 0x80, FIXED = 0xc9c3 & ~0x8083 };
static const uint32_t keys[] = {0x45670123, 0xcdef89ab};

uint32_t h417_flash_read(struct board *board, unsigned now)
{
    uint32_t lock = board->h417.flash_keys == UNLOCKED ? 0 : LOCK;
    if (now == H417_FLASH_CTLR) return (board->value[now] & ~(uint32_t)LOCK) | lock;
    if (now == H417_FLASH_KEYR) board_fault(board, 0, "load from KEYR, which is write-only");
    return board->value[now];
}

static void write_actlr(struct board *board, uint32_t value)
{
    uint32_t *actlr = &board->value[H417_FLASH_ACTLR];
    if (board->h417.flash_keys != UNLOCKED) {
        if (value == *actlr) return;
        board_fault(board, 0, "ACTLR: written while it is locked, which does nothing");
    } else if ((value & 3) == 0 || (value & 3) == 3) {
        board_fault(board, 0, "ACTLR: a flash clock of HCLK / 1, which bricks the board");
    } else {
        *actlr = (*actlr & FIXED & ~(uint32_t)ENHANCED) | (value & ~(uint32_t)FIXED) |
                 (value & EHMOD ? ENHANCED : 0);
    }
}

void h417_flash_write(struct board *board, unsigned now, uint32_t value)
{
    uint8_t *seen = &board->h417.flash_keys;

    switch (now) {
    case H417_FLASH_ACTLR: write_actlr(board, value); break;
    case H417_FLASH_KEYR:
        if (*seen == UNLOCKED) return;
        if (value != keys[*seen]) {
            board_fault(board, 0, "KEYR: 0x%08x is not the next of its keys", (unsigned)value);
            return;
        }
        ++*seen;
        break;
    case H417_FLASH_CTLR:
        if (value & LOCK) *seen = 0;
        if (value & ~(uint32_t)LOCK) board_fault(board, 0, "writing flash is not modelled");
        break;
    default: board_fault(board, 0, "writing flash is not modelled");
    }
}

uint32_t h417_pwr_read(struct board *board, unsigned now) { return board->value[now]; }

void h417_pwr_write(struct board *board, unsigned now, uint32_t value)
{
    if (now == H417_PWR_CTLR && value & ~(uint32_t)0x1e00) {
        board_fault(board, 0, "PWR: CTLR = 0x%04x: only VIO18 is modelled", (unsigned)value);
        return;
    }
    board->value[now] = value;
}

/* By software (bit 9), and 3.3 V (3). */
bool h417_vio18_is_3v3(const struct board *board)
{
    return board->value[H417_PWR_CTLR] == (1u << 9 | 3u << 10);
}

uint32_t h417_afio_read(struct board *board, unsigned now) { return board->value[now]; }

void h417_afio_write(struct board *board, unsigned now, uint32_t value)
{
    if (now == H417_AFIO_PCFR1 && value) {
        board_fault(board, 0, "PCFR1 = 0x%08x: other pins than the usual are not modelled",
                    (unsigned)value);
        return;
    }
    for (unsigned i = 0; now >= H417_AFIO_EXTICR1 && i < 8; i++) {
        if ((value >> 4 * i & 15) >= PORTS) {
            board_fault(board, 0, "EXTICR: a line from port %u, which does not exist",
                        (unsigned)value >> 4 * i & 15);
            return;
        }
    }
    board->value[now] = value;
}
