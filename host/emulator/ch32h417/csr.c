/* The cores' own CSRs: what the vendor's start-up sets, and above all V5F's instruction cache,
 * which is off after a reset and must be switched on in one way.
 *
 * What a board needs: a region by PMP entry 1 (TOR) that may be executed, 0xBC3 and 0xBD0 as the
 * vendor has them, then all three of 0xBC2's bits cleared at once; and CORECFGR's bit 15 is clear
 * then. Anything else traps, or hangs, or does nothing on a chip: a fault here. */
#include "../board.h"

/* As in `numbers`. */
enum { CORECFGR, NESTING, CACHE, WAYS, PREFETCH, PMPCFG, PMPADDR0, PMPADDR1, HARTID };
enum { CACHE_OFF = 0x03000002, CORECFGR_TRAP = 1 << 15 };

static const uint16_t numbers[] = {0xbc0, 0xbc1, 0xbc2, 0xbc3, 0xbd0, 0x3a0, 0x3b0, 0x3b1, 0xf14};

bool h417_cached(const struct board *board)
{
    return !(board->h417.csr[V5F][CACHE] & CACHE_OFF);
}

void h417_csr_reset(struct board *board)
{
    for (unsigned i = 0; i < MAX_CORES; i++) {
        board->h417.csr[i][CACHE] = CACHE_OFF;
        board->h417.csr[i][CORECFGR] = CORECFGR_TRAP;
        board->h417.csr[i][HARTID] = i;
    }
}

uint32_t *h417_csr(struct board *board, uint32_t number, uint32_t *bits)
{
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i] != number) continue;
        *bits = i == HARTID ? 0 : ~(uint32_t)0;
        return &board->h417.csr[board->core->number][i];
    }
    return NULL;
}

static void switched(struct board *board)
{
    const uint32_t *csr = board->h417.csr[V5F];
    uint32_t off = csr[CACHE] & CACHE_OFF;

    if (board->core->number == V3F) {
        board_fault(board, 0, "CSR 0xBC2: V3F has no cache");
    } else if (off && off != CACHE_OFF) {
        board_fault(board, 0, "CSR 0xBC2: a part of 0x03000002 alone traps");
    } else if (!off && (csr[PMPCFG] != 0xad00 || csr[PMPADDR1] <= csr[PMPADDR0] ||
                        csr[WAYS] != 0x10 || csr[PREFETCH] != 4)) {
        board_fault(board, 0, "CSR 0xBC2: the cache is switched on before its region (pmpaddr0/1, "
                    "pmpcfg0 = 0xAD00) and 0xBC3 = 0x10, 0xBD0 = 4");
    } else if (!off && csr[CORECFGR] & CORECFGR_TRAP) {
        board_fault(board, 0, "CSR 0xBC2: the cache is switched on while CORECFGR's bit 15 is set");
    } else {
        h417_waits(board);
    }
}

/* Vectors are fetched from RAM: tables in flash fail on a chip. */
static void check_vectors(struct board *board)
{
    uint32_t table = board->core->mtvec & ~(uint32_t)3;
    for (unsigned i = 0; i < board->memory_count; i++) {
        const struct memory *memory = &board->memory[i];
        if (memory->writable && table - memory->base < memory->size) return;
    }
    board_fault(board, table, "mtvec = 0x%08x: the table of vectors is not in this core's RAM",
                (unsigned)board->core->mtvec);
}

void h417_csr_written(struct board *board, uint32_t number, uint32_t old)
{
    const uint32_t *csr = board->h417.csr[board->core->number];

    if (number == 0xbc2 && csr[CACHE] != old) switched(board);
    if (number == 0xbc0 && board->core->number == V5F && h417_cached(board) &&
        csr[CORECFGR] & CORECFGR_TRAP) {
        board_fault(board, 0, "CORECFGR: bit 15 is set while the cache is on");
    }
    if (number == 0x305) check_vectors(board);
}
