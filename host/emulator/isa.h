/* Instructions, decoded once and then run many times: RV32 I or E, with M, C, Zicsr and Zifencei.
 * A compressed instruction decodes to the one it abbreviates, with length 2. */
#ifndef EMULATOR_ISA_H
#define EMULATOR_ISA_H

#include <stdint.h>

/* What a core has beyond I; decode() refuses the rest. */
enum {
    ISA_E = 1, /* 16 registers */
    ISA_M = 2,
    ISA_C = 4,
};

enum opcode {
    OP_NONE, /* not decoded yet */
    OP_ILLEGAL,
    OP_LUI, OP_AUIPC, OP_JAL, OP_JALR,
    OP_BEQ, OP_BNE, OP_BLT, OP_BGE, OP_BLTU, OP_BGEU,
    OP_LB, OP_LH, OP_LW, OP_LBU, OP_LHU,
    OP_SB, OP_SH, OP_SW,
    OP_ADDI, OP_SLTI, OP_SLTIU, OP_XORI, OP_ORI, OP_ANDI, OP_SLLI, OP_SRLI, OP_SRAI,
    OP_ADD, OP_SUB, OP_SLL, OP_SLT, OP_SLTU, OP_XOR, OP_SRL, OP_SRA, OP_OR, OP_AND,
    OP_MUL, OP_MULH, OP_MULHSU, OP_MULHU, OP_DIV, OP_DIVU, OP_REM, OP_REMU,
    OP_FENCE, OP_FENCE_I, OP_ECALL, OP_EBREAK, OP_MRET, OP_WFI,
    OP_CSRRW, OP_CSRRS, OP_CSRRC, OP_CSRRWI, OP_CSRRSI, OP_CSRRCI,
};

enum { X_NOWHERE = 32 }; /* where results for x0 go */

/* `rd` is X_NOWHERE instead of 0. `imm` is the immediate, the shift's amount, the CSR's number, or
 * of an illegal instruction all its bits. In CSRRxI, `rs1` is the immediate. */
struct op {
    uint8_t code, rd, rs1, rs2, length;
    int32_t imm;
};

/* Decode the instruction that begins with `bits` (its second half is ignored where it is
 * compressed). What the core does not have is OP_ILLEGAL. */
struct op decode(uint32_t bits, unsigned isa);

/* The register at or above 16 that makes `bits` illegal on an E core, or 0 if that is not why. */
unsigned decode_missing_register(uint32_t bits, unsigned isa);

#endif
