/* Control and status registers: those that QingKe V2A has and a port needs, and F's, where the core
 * has F. A bare core has the counters of the RISC-V privileged manual instead of WCH's own. */
#include <stddef.h>

#include "board.h"

static bool is_counter(const struct core *core, uint32_t number)
{
    return core->bare && (number == 0xb00 || number == 0xb02 || number == 0xb80 ||
                          number == 0xb82 || number == 0xf14);
}

static uint32_t counter(const struct core *core, uint32_t number)
{
    uint64_t value = number & 2 ? core->retired : core->cycles;
    if (number == 0xf14) return 0; /* mhartid */
    return (uint32_t)(number & 0x80 ? value >> 32 : value);
}

/* A CSR's place in the core, or NULL, and which of its bits may be one. */
static uint32_t *csr(struct core *core, uint32_t number, uint32_t *bits)
{
    *bits = ~(uint32_t)0;
    switch (number) {
    case 0x001: *bits = 0x1f; return core->isa & ISA_F ? &core->fcsr : NULL; /* fflags */
    case 0x002: *bits = 7; return core->isa & ISA_F ? &core->fcsr : NULL;    /* frm */
    case 0x003: *bits = 0xff; return core->isa & ISA_F ? &core->fcsr : NULL;
    case 0x300:
        *bits = core->bare ? ~(uint32_t)0 : MIE | MPIE | MPP | (core->isa & ISA_F ? FS : 0);
        return &core->mstatus;
    case 0x305: return &core->mtvec;
    case 0x340: return &core->mscratch;
    case 0x341: *bits = ~(uint32_t)1; return &core->mepc;
    case 0x342: return &core->mcause;
    case 0x343: return &core->mtval;
    case 0x804: *bits = core->bare ? 0 : 3; return core->bare ? NULL : &core->intsyscr;
    }
    return NULL;
}

void core_csr(struct board *board, const struct op *op)
{
    struct core *core = board->core;
    uint32_t number = (uint32_t)op->imm, bits, old, value;
    bool immediate = op->code >= OP_CSRRWI;
    uint32_t operand = immediate ? op->rs1 : core->x[op->rs1];
    uint32_t *place = csr(core, number, &bits);
    int kind = (op->code - OP_CSRRW) % 3; /* write, set, clear */
    unsigned shift = number == 0x002 ? 5 : 0; /* frm is a part of fcsr */

    if (!place && board->type == &chip_ch32h417) place = h417_csr(board, number, &bits);
    if (!place && !is_counter(core, number)) {
        board_fault(board, 0, "CSR 0x%03x does not exist or is not modelled", (unsigned)number);
        return;
    }
    if (place == &core->fcsr && !core_float_ready(board)) return;
    old = place ? *place : counter(core, number);
    if (place == &core->fcsr) old = old >> shift & bits;
    value = kind == 0 ? operand : kind == 1 ? old | operand : old & ~operand;
    if (core->bare) value &= bits; /* as the manuals' cores; on a chip the others are mistakes */
    if (place && (kind == 0 || op->rs1)) {
        if (value & ~bits) {
            board_fault(board, 0, "write of 0x%08x to CSR 0x%03x: bits 0x%08x are reserved",
                        (unsigned)value, (unsigned)number, (unsigned)(value & ~bits));
            return;
        }
        if (number == 0x305 && !core->bare && ((value & 3) != 3 || value & 0x3fc)) {
            board_fault(board, 0, "mtvec = 0x%08x: a table of addresses (mode 3), aligned to "
                        "1 KB, is what is modelled", (unsigned)value);
            return;
        }
        if (number == 0x804 && value) {
            board_fault(board, 0, "INTSYSCR = %u: hardware stacking and nesting are not modelled",
                        (unsigned)value);
            return;
        }
        if (place == &core->fcsr) {
            core->fcsr = (core->fcsr & ~(bits << shift)) | value << shift;
            core->mstatus |= FS;
        } else {
            *place = value;
        }
        if (board->type == &chip_ch32h417) h417_csr_written(board, number, old);
        board_attention(board);
    }
    core->x[op->rd] = old;
}
