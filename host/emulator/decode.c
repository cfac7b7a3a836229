/* Instruction words to struct op. The encodings are those of the RISC-V unprivileged ISA manual,
 * chapters "RV32I", "M", "A", "F", "B", "Zicsr" and "C"; reserved ones are illegal. */
#include "isa.h"

#include <stdbool.h>

static uint32_t field(uint32_t bits, unsigned low, unsigned count)
{
    return bits >> low & (((uint32_t)1 << count) - 1);
}

static int32_t extend(uint32_t value, unsigned bits)
{
    uint32_t sign = (uint32_t)1 << (bits - 1);
    return (int32_t)((value ^ sign) - sign);
}

static struct op make(enum opcode code, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    struct op op = {(uint8_t)code, (uint8_t)(rd ? rd : X_NOWHERE), (uint8_t)rs1, (uint8_t)rs2, 4,
                    imm};
    return op;
}

static struct op illegal(uint32_t bits)
{
    return make(OP_ILLEGAL, 0, 0, 0, (int32_t)bits);
}

static int32_t imm_i(uint32_t bits) { return (int32_t)bits >> 20; }

static int32_t imm_s(uint32_t bits)
{
    return extend(field(bits, 25, 7) << 5 | field(bits, 7, 5), 12);
}

static int32_t imm_b(uint32_t bits)
{
    return extend(field(bits, 31, 1) << 12 | field(bits, 7, 1) << 11 | field(bits, 25, 6) << 5 |
                  field(bits, 8, 4) << 1, 13);
}

static int32_t imm_j(uint32_t bits)
{
    return extend(field(bits, 31, 1) << 20 | field(bits, 12, 8) << 12 | field(bits, 20, 1) << 11 |
                  field(bits, 21, 10) << 1, 21);
}

/* A word with fields that are all given: `mask` says which bits make the instruction. */
struct pattern {
    uint32_t mask, bits;
    uint8_t code;
};

/* What B adds among the instructions of two registers, and of one and a constant. */
static struct op bit_manipulation(uint32_t bits)
{
    static const struct pattern patterns[] = {
        {0xfe00707f, 0x20002033, OP_SH1ADD}, {0xfe00707f, 0x20004033, OP_SH2ADD},
        {0xfe00707f, 0x20006033, OP_SH3ADD}, {0xfe00707f, 0x40007033, OP_ANDN},
        {0xfe00707f, 0x40006033, OP_ORN},    {0xfe00707f, 0x40004033, OP_XNOR},
        {0xfe00707f, 0x0a004033, OP_MIN},    {0xfe00707f, 0x0a005033, OP_MINU},
        {0xfe00707f, 0x0a006033, OP_MAX},    {0xfe00707f, 0x0a007033, OP_MAXU},
        {0xfe00707f, 0x60001033, OP_ROL},    {0xfe00707f, 0x60005033, OP_ROR},
        {0xfe00707f, 0x60005013, OP_ROR},    {0xfff0707f, 0x60001013, OP_CLZ},
        {0xfff0707f, 0x60101013, OP_CTZ},    {0xfff0707f, 0x60201013, OP_CPOP},
        {0xfff0707f, 0x60401013, OP_SEXT_B}, {0xfff0707f, 0x60501013, OP_SEXT_H},
        {0xfff0707f, 0x08004033, OP_ZEXT_H}, {0xfff0707f, 0x28705013, OP_ORC_B},
        {0xfff0707f, 0x69805013, OP_REV8},   {0xfe00707f, 0x0a001033, OP_CLMUL},
        {0xfe00707f, 0x0a002033, OP_CLMULR}, {0xfe00707f, 0x0a003033, OP_CLMULH},
        {0xfe00707f, 0x48001033, OP_BCLR},   {0xfe00707f, 0x48005033, OP_BEXT},
        {0xfe00707f, 0x68001033, OP_BINV},   {0xfe00707f, 0x28001033, OP_BSET},
        {0xfe00707f, 0x48001013, OP_BCLR},   {0xfe00707f, 0x48005013, OP_BEXT},
        {0xfe00707f, 0x68001013, OP_BINV},   {0xfe00707f, 0x28001013, OP_BSET},
    };
    unsigned rs2 = field(bits, 20, 5);

    for (unsigned i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        bool constant = !(bits & 0x20);
        if ((bits & patterns[i].mask) != patterns[i].bits) continue;
        return make(patterns[i].code, field(bits, 7, 5), field(bits, 15, 5), constant ? 0 : rs2,
                    constant ? (int32_t)rs2 : 0);
    }
    return illegal(bits);
}

static struct op arithmetic(uint32_t bits, unsigned isa)
{
    static const uint8_t base[] = {OP_ADD, OP_SLL, OP_SLT, OP_SLTU, OP_XOR, OP_SRL, OP_OR, OP_AND};
    unsigned rd = field(bits, 7, 5), f3 = field(bits, 12, 3), rs1 = field(bits, 15, 5);
    unsigned rs2 = field(bits, 20, 5), f7 = field(bits, 25, 7);

    if (f7 == 0) return make(base[f3], rd, rs1, rs2, 0);
    if (f7 == 0x20 && f3 == 0) return make(OP_SUB, rd, rs1, rs2, 0);
    if (f7 == 0x20 && f3 == 5) return make(OP_SRA, rd, rs1, rs2, 0);
    if (f7 == 1 && isa & (f3 < 4 ? ISA_M | ISA_ZMMUL : ISA_M)) {
        return make(OP_MUL + f3, rd, rs1, rs2, 0);
    }
    return isa & ISA_B ? bit_manipulation(bits) : illegal(bits);
}

static struct op arithmetic_immediate(uint32_t bits, unsigned isa)
{
    static const uint8_t base[] = {OP_ADDI, OP_SLLI, OP_SLTI, OP_SLTIU,
                                   OP_XORI, OP_SRLI, OP_ORI,  OP_ANDI};
    unsigned rd = field(bits, 7, 5), f3 = field(bits, 12, 3), rs1 = field(bits, 15, 5);
    unsigned amount = field(bits, 20, 5), f7 = field(bits, 25, 7);

    if (f3 == 5 && f7 == 0x20) return make(OP_SRAI, rd, rs1, 0, (int32_t)amount);
    if (f3 == 1 || f3 == 5) {
        if (f7) return isa & ISA_B ? bit_manipulation(bits) : illegal(bits);
        return make(base[f3], rd, rs1, 0, (int32_t)amount);
    }
    return make(base[f3], rd, rs1, 0, imm_i(bits));
}

static struct op atomic(uint32_t bits)
{
    static const uint8_t codes[32] = {
        [0] = OP_AMOADD, [1] = OP_AMOSWAP, [2] = OP_LR, [3] = OP_SC, [4] = OP_AMOXOR,
        [8] = OP_AMOOR, [12] = OP_AMOAND, [16] = OP_AMOMIN, [20] = OP_AMOMAX, [24] = OP_AMOMINU,
        [28] = OP_AMOMAXU,
    };
    unsigned code = codes[field(bits, 27, 5)], rs2 = field(bits, 20, 5);
    if (!code || field(bits, 12, 3) != 2 || (code == OP_LR && rs2)) return illegal(bits);
    return make(code, field(bits, 7, 5), field(bits, 15, 5), rs2, 0);
}

/* F's loads and stores, and the four that multiply and add. */
static struct op float_memory(uint32_t bits)
{
    unsigned rs1 = field(bits, 15, 5);
    if (field(bits, 12, 3) != 2) return illegal(bits);
    if (bits & 0x20) return make(OP_FSW, 0, rs1, F_0 + field(bits, 20, 5), imm_s(bits));
    return make(OP_FLW, F_0 + field(bits, 7, 5), rs1, 0, imm_i(bits));
}

static bool rounds(unsigned how) { return how != 5 && how != 6; }

static struct op float_fused(uint32_t bits)
{
    unsigned how = field(bits, 12, 3);
    if (field(bits, 25, 2) || !rounds(how)) return illegal(bits);
    return make(OP_FMADD + field(bits, 2, 2), F_0 + field(bits, 7, 5), F_0 + field(bits, 15, 5),
                F_0 + field(bits, 20, 5), (int32_t)((F_0 + field(bits, 27, 5)) << 3 | how));
}

/* The rest of F. `x` says which operands are x registers: 1 the result, 2 the first. */
static struct op float_arithmetic(uint32_t bits)
{
    enum { RESULT = 1, FIRST = 2, ONE = 4 };
    static const struct {
        struct pattern pattern;
        uint8_t x;
    } all[] = {
        {{0xfe000000, 0x00000000, OP_FADD}, 0},
        {{0xfe000000, 0x08000000, OP_FSUB}, 0},
        {{0xfe000000, 0x10000000, OP_FMUL}, 0},
        {{0xfe000000, 0x18000000, OP_FDIV}, 0},
        {{0xfff00000, 0x58000000, OP_FSQRT}, ONE},
        {{0xfe007000, 0x20000000, OP_FSGNJ}, 0},
        {{0xfe007000, 0x20001000, OP_FSGNJN}, 0},
        {{0xfe007000, 0x20002000, OP_FSGNJX}, 0},
        {{0xfe007000, 0x28000000, OP_FMIN}, 0},
        {{0xfe007000, 0x28001000, OP_FMAX}, 0},
        {{0xfe007000, 0xa0000000, OP_FLE}, RESULT},
        {{0xfe007000, 0xa0001000, OP_FLT}, RESULT},
        {{0xfe007000, 0xa0002000, OP_FEQ}, RESULT},
        {{0xfff00000, 0xc0000000, OP_FCVT_W}, RESULT | ONE},
        {{0xfff00000, 0xc0100000, OP_FCVT_WU}, RESULT | ONE},
        {{0xfff00000, 0xd0000000, OP_FCVT_S_W}, FIRST | ONE},
        {{0xfff00000, 0xd0100000, OP_FCVT_S_WU}, FIRST | ONE},
        {{0xfff07000, 0xe0000000, OP_FMV_X}, RESULT | ONE},
        {{0xfff07000, 0xe0001000, OP_FCLASS}, RESULT | ONE},
        {{0xfff07000, 0xf0000000, OP_FMV_F}, FIRST | ONE},
    };
    unsigned rd = field(bits, 7, 5), rs1 = field(bits, 15, 5), rs2 = field(bits, 20, 5);
    unsigned how = field(bits, 12, 3);

    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        unsigned x = all[i].x;
        if ((bits & all[i].pattern.mask) != all[i].pattern.bits) continue;
        if (!(all[i].pattern.mask & 0x7000) && !rounds(how)) break;
        return make(all[i].pattern.code, x & RESULT ? rd : F_0 + rd,
                    x & FIRST ? rs1 : F_0 + rs1, x & ONE ? 0 : F_0 + rs2, (int32_t)how);
    }
    return illegal(bits);
}

static struct op system(uint32_t bits)
{
    static const uint8_t csr[] = {OP_ILLEGAL, OP_CSRRW,  OP_CSRRS,  OP_CSRRC,
                                  OP_ILLEGAL, OP_CSRRWI, OP_CSRRSI, OP_CSRRCI};
    unsigned f3 = field(bits, 12, 3);

    switch (bits) {
    case 0x00000073: return make(OP_ECALL, 0, 0, 0, 0);
    case 0x00100073: return make(OP_EBREAK, 0, 0, 0, 0);
    case 0x30200073: return make(OP_MRET, 0, 0, 0, 0);
    case 0x10500073: return make(OP_WFI, 0, 0, 0, 0);
    }
    if (csr[f3] == OP_ILLEGAL) return illegal(bits);
    return make(csr[f3], field(bits, 7, 5), field(bits, 15, 5), 0, (int32_t)field(bits, 20, 12));
}

static struct op decode32(uint32_t bits, unsigned isa)
{
    static const uint8_t branch[] = {OP_BEQ, OP_BNE, OP_ILLEGAL, OP_ILLEGAL,
                                     OP_BLT, OP_BGE, OP_BLTU,    OP_BGEU};
    static const uint8_t load[] = {OP_LB,  OP_LH,  OP_LW,      OP_ILLEGAL,
                                   OP_LBU, OP_LHU, OP_ILLEGAL, OP_ILLEGAL};
    unsigned rd = field(bits, 7, 5), f3 = field(bits, 12, 3), rs1 = field(bits, 15, 5);
    unsigned rs2 = field(bits, 20, 5);

    switch (field(bits, 0, 7)) {
    case 0x37: return make(OP_LUI, rd, 0, 0, (int32_t)(bits & 0xfffff000));
    case 0x17: return make(OP_AUIPC, rd, 0, 0, (int32_t)(bits & 0xfffff000));
    case 0x6f: return make(OP_JAL, rd, 0, 0, imm_j(bits));
    case 0x67: return f3 ? illegal(bits) : make(OP_JALR, rd, rs1, 0, imm_i(bits));
    case 0x63:
        if (branch[f3] == OP_ILLEGAL) return illegal(bits);
        return make(branch[f3], 0, rs1, rs2, imm_b(bits));
    case 0x03:
        if (load[f3] == OP_ILLEGAL) return illegal(bits);
        return make(load[f3], rd, rs1, 0, imm_i(bits));
    case 0x23: return f3 > 2 ? illegal(bits) : make(OP_SB + f3, 0, rs1, rs2, imm_s(bits));
    case 0x13: return arithmetic_immediate(bits, isa);
    case 0x33: return arithmetic(bits, isa);
    case 0x0f:
        if (f3 > 1) return illegal(bits);
        return make(f3 ? OP_FENCE_I : OP_FENCE, 0, 0, 0, 0);
    case 0x73: return system(bits);
    case 0x2f: return isa & ISA_A ? atomic(bits) : illegal(bits);
    case 0x07:
    case 0x27: return isa & ISA_F ? float_memory(bits) : illegal(bits);
    case 0x43:
    case 0x47:
    case 0x4b:
    case 0x4f: return isa & ISA_F ? float_fused(bits) : illegal(bits);
    case 0x53: return isa & ISA_F ? float_arithmetic(bits) : illegal(bits);
    }
    return illegal(bits);
}

/* Quadrant 0: loads and stores by three-bit registers. */
static struct op compressed0(uint32_t bits, unsigned isa)
{
    unsigned rd = 8 + field(bits, 2, 3), rs1 = 8 + field(bits, 7, 3);
    uint32_t word = field(bits, 5, 1) << 6 | field(bits, 10, 3) << 3 | field(bits, 6, 1) << 2;
    uint32_t room = field(bits, 7, 4) << 6 | field(bits, 11, 2) << 4 | field(bits, 5, 1) << 3 |
                    field(bits, 6, 1) << 2;

    switch (field(bits, 13, 3)) {
    case 0: return room ? make(OP_ADDI, rd, 2, 0, (int32_t)room) : illegal(bits);
    case 2: return make(OP_LW, rd, rs1, 0, (int32_t)word);
    case 3: return isa & ISA_F ? make(OP_FLW, F_0 + rd, rs1, 0, (int32_t)word) : illegal(bits);
    case 6: return make(OP_SW, 0, rs1, rd, (int32_t)word);
    case 7: return isa & ISA_F ? make(OP_FSW, 0, rs1, F_0 + rd, (int32_t)word) : illegal(bits);
    }
    return illegal(bits);
}

static int32_t compressed_jump(uint32_t bits)
{
    return extend(field(bits, 12, 1) << 11 | field(bits, 8, 1) << 10 | field(bits, 9, 2) << 8 |
                  field(bits, 6, 1) << 7 | field(bits, 7, 1) << 6 | field(bits, 2, 1) << 5 |
                  field(bits, 11, 1) << 4 | field(bits, 3, 3) << 1, 12);
}

static struct op compressed_arithmetic(uint32_t bits, int32_t imm)
{
    static const uint8_t base[] = {OP_SUB, OP_XOR, OP_OR, OP_AND};
    unsigned rd = 8 + field(bits, 7, 3), rs2 = 8 + field(bits, 2, 3);

    switch (field(bits, 10, 2)) {
    case 0: return imm < 0 ? illegal(bits) : make(OP_SRLI, rd, rd, 0, imm);
    case 1: return imm < 0 ? illegal(bits) : make(OP_SRAI, rd, rd, 0, imm);
    case 2: return make(OP_ANDI, rd, rd, 0, imm);
    }
    return field(bits, 12, 1) ? illegal(bits) : make(base[field(bits, 5, 2)], rd, rd, rs2, 0);
}

/* Quadrant 1: constants, jumps, branches, arithmetic. */
static struct op compressed1(uint32_t bits)
{
    unsigned rd = field(bits, 7, 5), rs1 = 8 + field(bits, 7, 3);
    int32_t imm = extend(field(bits, 12, 1) << 5 | field(bits, 2, 5), 6);
    int32_t room = extend(field(bits, 12, 1) << 9 | field(bits, 3, 2) << 7 |
                          field(bits, 5, 1) << 6 | field(bits, 2, 1) << 5 | field(bits, 6, 1) << 4,
                          10);
    int32_t branch = extend(field(bits, 12, 1) << 8 | field(bits, 5, 2) << 6 |
                            field(bits, 2, 1) << 5 | field(bits, 10, 2) << 3 |
                            field(bits, 3, 2) << 1, 9);

    switch (field(bits, 13, 3)) {
    case 0: return make(OP_ADDI, rd, rd, 0, imm);
    case 1: return make(OP_JAL, 1, 0, 0, compressed_jump(bits));
    case 2: return make(OP_ADDI, rd, 0, 0, imm);
    case 3:
        if (rd == 2) return room ? make(OP_ADDI, 2, 2, 0, room) : illegal(bits);
        return imm ? make(OP_LUI, rd, 0, 0, (int32_t)((uint32_t)imm << 12)) : illegal(bits);
    case 4: return compressed_arithmetic(bits, imm);
    case 5: return make(OP_JAL, 0, 0, 0, compressed_jump(bits));
    case 6: return make(OP_BEQ, 0, rs1, 0, branch);
    }
    return make(OP_BNE, 0, rs1, 0, branch);
}

/* Quadrant 2: the stack, and whole registers. */
static struct op compressed2(uint32_t bits, unsigned isa)
{
    unsigned rd = field(bits, 7, 5), rs2 = field(bits, 2, 5);
    uint32_t load = field(bits, 2, 2) << 6 | field(bits, 12, 1) << 5 | field(bits, 4, 3) << 2;
    uint32_t store = field(bits, 7, 2) << 6 | field(bits, 9, 4) << 2;

    switch (field(bits, 13, 3)) {
    case 0: return field(bits, 12, 1) ? illegal(bits) : make(OP_SLLI, rd, rd, 0, (int32_t)rs2);
    case 2: return rd ? make(OP_LW, rd, 2, 0, (int32_t)load) : illegal(bits);
    case 3: return isa & ISA_F ? make(OP_FLW, F_0 + rd, 2, 0, (int32_t)load) : illegal(bits);
    case 4:
        if (rs2) return make(OP_ADD, rd, field(bits, 12, 1) ? rd : 0, rs2, 0);
        if (rd) return make(OP_JALR, field(bits, 12, 1), rd, 0, 0);
        return field(bits, 12, 1) ? make(OP_EBREAK, 0, 0, 0, 0) : illegal(bits);
    case 6: return make(OP_SW, 0, 2, rs2, (int32_t)store);
    case 7: return isa & ISA_F ? make(OP_FSW, 0, 2, F_0 + rs2, (int32_t)store) : illegal(bits);
    }
    return illegal(bits);
}

static unsigned largest(const struct op *op)
{
    bool constant = op->code >= OP_CSRRWI && op->code <= OP_CSRRCI;
    unsigned rs1 = constant ? 0 : op->rs1;
    unsigned rd = op->rd == X_NOWHERE ? 0 : op->rd;
    unsigned most = rd > rs1 ? rd : rs1;
    return most > op->rs2 ? most : op->rs2;
}

static struct op decode_all(uint32_t bits, unsigned isa)
{
    struct op op;
    if ((bits & 3) == 3) return decode32(bits, isa);
    bits &= 0xffff;
    if (!(isa & ISA_C)) {
        op = illegal(bits);
        op.length = 2;
        return op;
    }
    op = (bits & 3) == 0 ? compressed0(bits, isa)
       : (bits & 3) == 1 ? compressed1(bits) : compressed2(bits, isa);
    op.length = 2;
    return op;
}

struct op decode(uint32_t bits, unsigned isa)
{
    struct op op = decode_all(bits, isa);
    if (isa & ISA_E && op.code != OP_ILLEGAL && largest(&op) > 15) {
        uint8_t length = op.length;
        op = illegal(length == 2 ? bits & 0xffff : bits);
        op.length = length;
    }
    return op;
}

unsigned decode_missing_register(uint32_t bits, unsigned isa)
{
    struct op op = decode_all(bits, isa);
    if (!(isa & ISA_E) || op.code == OP_ILLEGAL || largest(&op) < 16) return 0;
    return largest(&op);
}
