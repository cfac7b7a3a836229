/* Instruction words to struct op. The encodings are those of the RISC-V unprivileged ISA manual,
 * chapters "RV32I", "M", "Zicsr" and "C"; reserved ones are illegal. */
#include "isa.h"

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

static struct op arithmetic(uint32_t bits, unsigned isa)
{
    static const uint8_t base[] = {OP_ADD, OP_SLL, OP_SLT, OP_SLTU, OP_XOR, OP_SRL, OP_OR, OP_AND};
    unsigned rd = field(bits, 7, 5), f3 = field(bits, 12, 3), rs1 = field(bits, 15, 5);
    unsigned rs2 = field(bits, 20, 5), f7 = field(bits, 25, 7);

    if (f7 == 0) return make(base[f3], rd, rs1, rs2, 0);
    if (f7 == 0x20 && f3 == 0) return make(OP_SUB, rd, rs1, rs2, 0);
    if (f7 == 0x20 && f3 == 5) return make(OP_SRA, rd, rs1, rs2, 0);
    if (f7 == 1 && isa & ISA_M) return make(OP_MUL + f3, rd, rs1, rs2, 0);
    return illegal(bits);
}

static struct op arithmetic_immediate(uint32_t bits)
{
    static const uint8_t base[] = {OP_ADDI, OP_SLLI, OP_SLTI, OP_SLTIU,
                                   OP_XORI, OP_SRLI, OP_ORI,  OP_ANDI};
    unsigned rd = field(bits, 7, 5), f3 = field(bits, 12, 3), rs1 = field(bits, 15, 5);
    unsigned amount = field(bits, 20, 5), f7 = field(bits, 25, 7);

    if (f3 == 5 && f7 == 0x20) return make(OP_SRAI, rd, rs1, 0, (int32_t)amount);
    if (f3 == 1 || f3 == 5) {
        return f7 ? illegal(bits) : make(base[f3], rd, rs1, 0, (int32_t)amount);
    }
    return make(base[f3], rd, rs1, 0, imm_i(bits));
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
    case 0x13: return arithmetic_immediate(bits);
    case 0x33: return arithmetic(bits, isa);
    case 0x0f:
        if (f3 > 1) return illegal(bits);
        return make(f3 ? OP_FENCE_I : OP_FENCE, 0, 0, 0, 0);
    case 0x73: return system(bits);
    }
    return illegal(bits);
}

/* Quadrant 0: loads and stores by three-bit registers. */
static struct op compressed0(uint32_t bits)
{
    unsigned rd = 8 + field(bits, 2, 3), rs1 = 8 + field(bits, 7, 3);
    uint32_t word = field(bits, 5, 1) << 6 | field(bits, 10, 3) << 3 | field(bits, 6, 1) << 2;
    uint32_t room = field(bits, 7, 4) << 6 | field(bits, 11, 2) << 4 | field(bits, 5, 1) << 3 |
                    field(bits, 6, 1) << 2;

    switch (field(bits, 13, 3)) {
    case 0: return room ? make(OP_ADDI, rd, 2, 0, (int32_t)room) : illegal(bits);
    case 2: return make(OP_LW, rd, rs1, 0, (int32_t)word);
    case 6: return make(OP_SW, 0, rs1, rd, (int32_t)word);
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
static struct op compressed2(uint32_t bits)
{
    unsigned rd = field(bits, 7, 5), rs2 = field(bits, 2, 5);
    uint32_t load = field(bits, 2, 2) << 6 | field(bits, 12, 1) << 5 | field(bits, 4, 3) << 2;
    uint32_t store = field(bits, 7, 2) << 6 | field(bits, 9, 4) << 2;

    switch (field(bits, 13, 3)) {
    case 0: return field(bits, 12, 1) ? illegal(bits) : make(OP_SLLI, rd, rd, 0, (int32_t)rs2);
    case 2: return rd ? make(OP_LW, rd, 2, 0, (int32_t)load) : illegal(bits);
    case 4:
        if (rs2) return make(OP_ADD, rd, field(bits, 12, 1) ? rd : 0, rs2, 0);
        if (rd) return make(OP_JALR, field(bits, 12, 1), rd, 0, 0);
        return field(bits, 12, 1) ? make(OP_EBREAK, 0, 0, 0, 0) : illegal(bits);
    case 6: return make(OP_SW, 0, 2, rs2, (int32_t)store);
    }
    return illegal(bits);
}


static unsigned largest(const struct op *op)
{
    unsigned rs1 = op->code >= OP_CSRRWI ? 0 : op->rs1; /* there it is a constant */
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
    op = (bits & 3) == 0 ? compressed0(bits) : (bits & 3) == 1 ? compressed1(bits)
                                                               : compressed2(bits);
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
