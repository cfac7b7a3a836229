/* What two cores tell each other with: IPC, four channels that interrupt, and HSEM, semaphores.
 *
 * A channel's byte in CTLR names its sender and its receiver, and allows their interrupts; its byte
 * in STS has eight flags, which SET and CLR change. The receiver's interrupt is asked for while
 * flags are set that ENA allows; the sender's, while none is. */
#include "../board.h"

enum { CHANNELS = 4, TX_IE = 0x10, RX_IE = 0x20, LOCK = 0x80 };
static const uint32_t hsem_base = 0xe000c000;

static void lines(struct board *board)
{
    const uint32_t *value = board->value;
    for (unsigned i = 0; i < CHANNELS; i++) {
        uint32_t control = value[H417_IPC_CTLR] >> 8 * i & 0xff;
        uint32_t flags = (value[H417_IPC_STS] & value[H417_IPC_ENA]) >> 8 * i & 0xff;
        unsigned sender = control & 3, receiver = control >> 2 & 3;
        for (unsigned core = 0; core < MAX_CORES; core++) {
            pfic_core_line(board, core, H417_IRQ_IPC0 + i,
                           (core == receiver && control & RX_IE && flags) ||
                               (core == sender && control & TX_IE && !flags));
        }
    }
}

uint32_t h417_ipc_read(struct board *board, unsigned now)
{
    const uint32_t *value = board->value;
    switch (now) {
    case H417_IPC_SET:
    case H417_IPC_CLR: board_fault(board, 0, "load from IPC's SET or CLR"); return 0;
    case H417_IPC_ISR: return value[H417_IPC_STS];
    case H417_IPC_ISM: return value[H417_IPC_STS] & value[H417_IPC_ENA];
    }
    return value[now];
}

void h417_ipc_write(struct board *board, unsigned now, uint32_t value)
{
    uint32_t *registers = board->value;
    switch (now) {
    case H417_IPC_CTLR:
        for (unsigned i = 0; i < CHANNELS; i++) {
            uint32_t byte = (uint32_t)0xff << 8 * i;
            if (registers[now] >> 8 * i & LOCK && (value ^ registers[now]) & byte) {
                board_fault(board, 0, "IPC: channel %u is locked", i);
                return;
            }
            if ((value >> 8 * i & 3) >= MAX_CORES || (value >> (8 * i + 2) & 3) >= MAX_CORES) {
                board_fault(board, 0, "IPC: channel %u names a core that does not exist", i);
                return;
            }
        }
        registers[now] = value;
        break;
    case H417_IPC_SET: registers[H417_IPC_STS] |= value; break;
    case H417_IPC_CLR: registers[H417_IPC_STS] &= ~value; break;
    case H417_IPC_ISR:
    case H417_IPC_ISM: board_fault(board, 0, "store to IPC's ISR or ISM"); return;
    default: registers[now] = value;
    }
    lines(board);
}

bool h417_hsem_access(struct board *board, uint32_t address, uint32_t bytes, uint32_t *value,
                      bool store)
{
    uint32_t offset = address - hsem_base, *taken = &board->h417.hsem[offset / 4 % 32];
    uint32_t mine = (uint32_t)1 << 31 | (uint32_t)board->core->number << 8;

    if (offset >= 0x1000) return false;
    if (bytes != 4 || offset >= 0x180 || (offset >= 0x80 && offset < 0x100) ||
        (store && offset >= 0x100)) {
        board_fault(board, address, "HSEM: this access is not modelled");
    } else if (offset >= 0x100) { /* reading takes; 0 says that it is the reader's now */
        *value = *taken && *taken != mine ? *taken : 0;
        if (!*taken) *taken = mine;
    } else if (!store) {
        *value = *taken;
    } else if (*value >> 31) {
        if (!*taken) *taken = mine | (*value & 0xff);
    } else if (*taken >> 31 && (*taken & 0xf00) == (*value & 0xf00)) {
        *taken = 0;
    } else {
        board_fault(board, address, "HSEM: released by a core that has not taken it");
    }
    return true;
}
