/* Instructions, decoded once and then run many times: RV32 I or E, with Zicsr, Zifencei and what a
 * core has of M, A, F, C and B. A compressed instruction decodes to the one that it abbreviates,
 * with length 2. */
#ifndef EMULATOR_ISA_H
#define EMULATOR_ISA_H

#include <stdint.h>

/* What a core has beyond I; decode() refuses the rest. */
enum {
    ISA_E = 1, /* 16 registers */
    ISA_M = 2,
    ISA_C = 4,
    ISA_A = 8,
    ISA_F = 16,
    ISA_B = 32, /* Zba, Zbb, Zbc, Zbs */
    ISA_ZMMUL = 64, /* of M the multiplications alone */
    ISA_CH32H417 = ISA_M | ISA_C | ISA_A | ISA_F | ISA_B,
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
    OP_SH1ADD, OP_SH2ADD, OP_SH3ADD,
    /* bits.c carries out these. */
    OP_ANDN, OP_ORN, OP_XNOR, OP_MIN, OP_MINU, OP_MAX, OP_MAXU, OP_ROL, OP_ROR, OP_CLZ, OP_CTZ,
    OP_CPOP, OP_SEXT_B, OP_SEXT_H, OP_ZEXT_H, OP_ORC_B, OP_REV8, OP_CLMUL, OP_CLMULR, OP_CLMULH,
    OP_BCLR, OP_BEXT, OP_BINV, OP_BSET,
    OP_LR, OP_SC, OP_AMOSWAP, OP_AMOADD, OP_AMOXOR, OP_AMOAND, OP_AMOOR, OP_AMOMIN, OP_AMOMAX,
    OP_AMOMINU, OP_AMOMAXU,
    OP_FLW, OP_FSW,
    OP_FENCE, OP_FENCE_I, OP_ECALL, OP_EBREAK, OP_MRET, OP_WFI,
    OP_CSRRW, OP_CSRRS, OP_CSRRC, OP_CSRRWI, OP_CSRRSI, OP_CSRRCI,
    /* float.c carries out these; each from FADD on rounds. */
    OP_FSGNJ, OP_FSGNJN, OP_FSGNJX, OP_FMIN, OP_FMAX, OP_FLE, OP_FLT, OP_FEQ, OP_FCLASS, OP_FMV_X,
    OP_FMV_F,
    OP_FADD, OP_FSUB, OP_FMUL, OP_FMADD, OP_FMSUB, OP_FNMSUB, OP_FNMADD, OP_FCVT_W, OP_FCVT_WU,
    OP_FCVT_S_W, OP_FCVT_S_WU, OP_FDIV, OP_FSQRT,
};

/* Registers have one numbering: x1 to x31, where results for x0 go, f0 to f31. */
enum { X_NOWHERE = 32, F_0 = 33, REGISTERS_ALL = 65 };

/* `rd` is X_NOWHERE instead of 0. `imm` is the immediate, the shift's amount, the CSR's number, or
 * of an illegal instruction all its bits. In CSRRxI, `rs1` is the immediate. B's instructions have
 * a register or a constant, and 0 in place of the other. Where floats round, `imm` is how; FMADD
 * and its like add 8 times the third operand's register. */
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
