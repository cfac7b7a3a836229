/* The interpreter: one loop that fetches, times and executes decoded instructions. */
#include "core.h"

#include <string.h>

#include "board.h"

static const struct cycle_model
    ideal = {"ideal-1", false, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    qingke_v2a = {"qingke-v2a-2", true, 1, 1, 2, 4, 0, 0, 0, 0, 0},
    qingke_v5f = {"qingke-v5f-1", false, 0, 0, 0, 0, 2, 2, 33, 1, 8},
    qingke_v3f = {"qingke-v3f-1", true, 1, 1, 2, 4, 0, 0, 33, 0, 0},
    qingke_v2c = {"qingke-v2c-1", true, 1, 1, 2, 4, 0, 0, 0, 0, 0};

enum { CAUSE_FETCH_MISALIGNED = 0, CAUSE_FETCH = 1, CAUSE_ILLEGAL = 2, CAUSE_BREAKPOINT = 3,
       CAUSE_LOAD_MISALIGNED = 4, CAUSE_LOAD = 5, CAUSE_STORE_MISALIGNED = 6, CAUSE_STORE = 7,
       CAUSE_ECALL = 11 };

const struct cycle_model *core_model(const struct core *core)
{
    static const struct cycle_model *const models[] = {&ideal, &qingke_v2a, &qingke_v5f,
                                                        &qingke_v3f, &qingke_v2c};
    return models[core->model];
}

void core_reset(struct core *core, uint32_t pc)
{
    memset(core->x, 0, sizeof core->x);
    memset(core->ready, 0, sizeof core->ready);
    core->pc = pc;
    core->mstatus = core->bare ? 0 : MPP;
    core->mtvec = core->mepc = core->mcause = core->mtval = core->mscratch = core->intsyscr = 0;
    core->fcsr = 0;
    core->reserves = false;
    core->waiting = AWAKE;
    core->word_cycles = 1;
    core->fetched = core->cycles;
    core->first = pc >> 2;
    core->last = ~(uint32_t)0;
}

/* Fetching goes on at `pc`; see struct cycle_model. The new address is known `redirect` cycles from
 * now, and asked for when the slot under way is over. */
static void redirect(struct core *core, const struct cycle_model *model, uint32_t pc)
{
    uint64_t known = core->cycles + model->redirect;
    uint32_t slot = core->word_cycles, into;
    if (slot == 1 && pc >> 2 == core->last + 1) known++; /* that word is under way, and is lost */
    into = (uint32_t)(known - core->fetched) % slot;
    core->fetched = known + (into ? slot - into : 0);
    core->first = pc >> 2;
    core->last = ~(uint32_t)0;
}

/* Wait for the word with the end of the instruction, which is another one than the last. */
static inline void fetch_word(struct core *core, uint32_t word, uint32_t ahead)
{
    uint32_t slot = core->word_cycles;
    uint64_t ready = core->fetched + (uint64_t)slot * (word - core->first + 1);
    core->last = word;
    if (core->cycles < ready) {
        core->cycles = ready;
    } else {
        uint64_t idle = core->cycles - ready; /* nothing was fetched while the buffer was full */
        if (idle > ahead * slot) core->fetched += (idle - ahead * slot) / slot * slot;
    }
}

/* Data from flash take a slot; while code comes from there too, the one after that under way. */
static void read_flash(struct core *core, uint32_t slot)
{
    core->cycles += slot - 1;
    if (core->word_cycles == slot) {
        uint32_t into = (uint32_t)(core->cycles - core->fetched) % slot;
        core->cycles += into ? slot - into : 0;
        core->fetched += slot;
    }
}

void core_trap(struct board *board, uint32_t cause, uint32_t value, uint32_t entry)
{
    struct core *core = board->core;
    core->mepc = core->pc;
    core->mcause = cause;
    core->mtval = value;
    core->mstatus = (core->mstatus & ~(uint32_t)(MIE | MPIE)) |
                    (core->mstatus & MIE ? MPIE : 0) | MPP;
    core->pc = entry;
    core->waiting = AWAKE;
    if (core_model(core)->fetch) redirect(core, core_model(core), entry);
}

static struct memory *memory_at(struct board *board, uint32_t address)
{
    for (uint32_t i = 0; i < board->memory_count; i++) {
        if (address - board->memory[i].base < board->memory[i].size) return &board->memory[i];
    }
    return NULL;
}

uint32_t core_vector(struct board *board, unsigned irq)
{
    uint32_t table = board->core->mtvec & ~(uint32_t)3, entry = table;
    struct memory *memory = memory_at(board, table + 4 * irq);
    if ((board->core->mtvec & 3) == 3 && memory) {
        memcpy(&entry, memory->bytes + (table + 4 * irq - memory->base), 4);
    }
    return entry;
}

/* A fault of the program: told to the host, or to the program itself. */
static void fault(struct board *board, uint32_t cause, uint32_t value)
{
    if (!board->deliver_faults) return; /* stopped it stays */
    board->stop = STOP_NONE;
    core_trap(board, cause, value, core_vector(board, IRQ_FAULT));
}

static uint32_t load(struct board *board, uint32_t address, uint32_t bytes)
{
    static const char *const names[] = {0, "byte", "halfword", 0, "word"};
    struct memory *memory;
    uint32_t value = 0;

    if (address & (bytes - 1)) {
        board_fault(board, address, "misaligned load of a %s from 0x%08x", names[bytes],
                    (unsigned)address);
        return 0;
    }
    memory = memory_at(board, address);
    if (!memory) return bus_read(board, address, bytes);
    board->core->cycles += memory->wait;
    memcpy(&value, memory->bytes + (address - memory->base), bytes);
    if (memory->flash) read_flash(board->core, memory->word_cycles);
    return value;
}

static void store(struct board *board, uint32_t address, uint32_t bytes, uint32_t value)
{
    static const char *const names[] = {0, "byte", "halfword", 0, "word"};
    struct memory *memory;
    uint32_t offset;

    if (address & (bytes - 1)) {
        board_fault(board, address, "misaligned store of a %s to 0x%08x", names[bytes],
                    (unsigned)address);
        return;
    }
    memory = memory_at(board, address);
    if (!memory) {
        bus_write(board, address, bytes, value);
        return;
    }
    if (!memory->writable) {
        board_fault(board, address, "store to 0x%08x, which is %s", (unsigned)address,
                    memory->name);
        return;
    }
    offset = address - memory->base;
    memcpy(memory->bytes + offset, &value, bytes);
    memory_written(memory, offset, bytes);
    board->core->cycles += memory->wait;
}

static void illegal(struct board *board, const struct op *op)
{
    unsigned missing = decode_missing_register((uint32_t)op->imm, board->core->isa);
    if (missing) {
        board_fault(board, 0, "illegal instruction 0x%0*x: x%u does not exist on RV32E",
                    op->length * 2, (unsigned)op->imm, missing);
    } else {
        board_fault(board, 0, "illegal instruction 0x%0*x", op->length * 2, (unsigned)op->imm);
    }
}

/* The decoded instruction at pc, or NULL after a fault. */
static const struct op *fetch(struct board *board, struct memory **in)
{
    struct core *core = board->core;
    struct memory *memory = memory_at(board, core->pc);
    uint32_t offset, bits = 0, room;
    struct op *op;

    if (!memory) {
        board_fault(board, core->pc, "no code at 0x%08x", (unsigned)core->pc);
        return NULL;
    }
    offset = core->pc - memory->base;
    room = memory->size - offset;
    memcpy(&bits, memory->bytes + offset, room < 4 ? 2 : 4);
    op = &memory->code[offset >> 1];
    if (memory->word_cycles > 1 && !core_model(core)->fetch) {
        op = &board->uncached; /* nothing is kept, so that each instruction comes here */
        core->cycles += memory->word_cycles - 1;
    }
    *op = decode(bits, core->isa);
    if (op->length > room) {
        board_fault(board, core->pc, "an instruction goes on beyond the end of %s", memory->name);
        return NULL;
    }
    if (memory != *in) {
        core->word_cycles = memory->word_cycles;
        *in = memory;
    }
    return op;
}

static int32_t divide(int32_t a, int32_t b)
{
    if (!b) return -1;
    if (b == -1) return (int32_t)(0 - (uint32_t)a);
    return a / b;
}

static int32_t remainder_of(int32_t a, int32_t b)
{
    if (!b) return a;
    return b == -1 ? 0 : a % b;
}

static uint32_t swapped(unsigned code, uint32_t old, uint32_t b)
{
    switch (code) {
    case OP_AMOADD: return old + b;
    case OP_AMOXOR: return old ^ b;
    case OP_AMOAND: return old & b;
    case OP_AMOOR: return old | b;
    case OP_AMOMIN: return (int32_t)old < (int32_t)b ? old : b;
    case OP_AMOMAX: return (int32_t)old > (int32_t)b ? old : b;
    case OP_AMOMINU: return old < b ? old : b;
    case OP_AMOMAXU: return old > b ? old : b;
    default: return b;
    }
}

/* LR, SC and the AMOs, which memory has and registers have not. After a fault the answer means
 * nothing. */
static uint32_t atomic(struct board *board, const struct op *op, uint32_t address, uint32_t b)
{
    struct core *core = board->core;
    uint32_t old;

    if (!(address & 3) && !memory_at(board, address)) {
        board_fault(board, address, "atomic access to 0x%08x, where no memory is",
                    (unsigned)address);
        return 0;
    }
    old = load(board, address, 4);
    if (op->code == OP_LR) {
        core->reserved = address;
        core->reserves = true;
        return old;
    }
    if (op->code == OP_SC) {
        bool kept = core->reserves && core->reserved == address;
        core->reserves = false;
        if (kept && board->stop != STOP_FAULT) store(board, address, 4, b);
        return !kept;
    }
    if (board->stop != STOP_FAULT) store(board, address, 4, swapped(op->code, old, b));
    return old;
}

/* Carry out what the loop below leaves to others, since it is rare. False after a fault, which is
 * told then. */
static bool other(struct board *board, const struct op *op)
{
    struct core *core = board->core;
    const struct cycle_model *model = core_model(core);
    uint32_t *x = core->x, a = x[op->rs1], b = x[op->rs2], cause = CAUSE_ILLEGAL;
    uint32_t value = (uint32_t)op->imm, latency = 0;

    if (op->code <= OP_BSET) {
        x[op->rd] = core_bits(op->code, a, b + value);
        return true;
    }
    if (op->code <= OP_AMOMAXU) {
        b = atomic(board, op, a, b);
        cause = op->code == OP_LR ? CAUSE_LOAD : CAUSE_STORE;
        value = a;
    } else if (op->code <= OP_FSW) {
        if (core_float_ready(board)) {
            value = a + (uint32_t)op->imm;
            if (op->code == OP_FLW) {
                b = load(board, value, 4);
                cause = CAUSE_LOAD;
                core->mstatus |= FS; /* all of it: f registers have changed */
            } else {
                store(board, value, 4, b);
                cause = CAUSE_STORE;
            }
        }
    } else if (op->code <= OP_CSRRCI) {
        core_csr(board, op);
    } else {
        core_float(board, op);
        latency = op->code < OP_FADD || op->code >= OP_FDIV ? 0 : model->multiply;
        core->cycles += op->code >= OP_FDIV ? model->divide : 0;
    }
    if (board->stop == STOP_FAULT) {
        fault(board, cause, value);
        return false;
    }
    if (op->code <= OP_FSW) {
        core->cycles += model->memory;
        x[op->rd] = b; /* of FSW: nowhere */
        latency = model->load;
    }
    core->ready[op->rd] = core->cycles + latency;
    return true;
}

#define HIGH(a, b) ((uint32_t)((uint64_t)((int64_t)(a) * (int64_t)(b)) >> 32))

/* The loop is compiled for each model, which is constant there. */
#if defined(__GNUC__)
__attribute__((always_inline))
#endif
static inline void run(struct board *board, const struct cycle_model *model)
{
    struct core *core = board->core;
    uint32_t *x = core->x;
    struct memory *in = NULL;
    const uint32_t ram_base = board->memory[0].base, ram_size = board->memory[0].size;
    uint8_t *const ram = board->memory[0].bytes;
    uint32_t pc = core->pc;

    for (;;) {
        const struct op *op;
        uint32_t next, offset, address, bytes;
        uint32_t a, b;
        uint64_t began;

        if (core->cycles >= board->limit) {
            if (board->stop || !board_service(board)) return;
            in = NULL; /* wait states may have changed */
            pc = core->pc;
        }
        offset = in ? pc - in->base : 0;
        op = NULL;
        if (in && offset < in->size) op = &in->code[offset >> 1];
        if (!op || op->code == OP_NONE) {
            struct memory *found = in; /* so that `in` can stay in a register */
            op = fetch(board, &found);
            in = found;
            if (!op) goto faulty_fetch;
        }
        next = pc + op->length;
        offset = pc - in->base;
        began = core->cycles;
        if (model->fetch) {
            uint32_t word = (next - 2) >> 2;
            if (word != core->last) fetch_word(core, word, model->ahead);
        }
        if (model->load) {
            if (core->cycles < core->ready[op->rs1]) core->cycles = core->ready[op->rs1];
            if (core->cycles < core->ready[op->rs2]) core->cycles = core->ready[op->rs2];
        }
        core->cycles++;
        a = x[op->rs1];
        b = x[op->rs2];

        switch (op->code) {
        case OP_LUI: x[op->rd] = (uint32_t)op->imm; break;
        case OP_AUIPC: x[op->rd] = pc + (uint32_t)op->imm; break;
        case OP_JAL:
            x[op->rd] = next;
            next = pc + (uint32_t)op->imm;
            core->cycles += model->taken;
            goto jump;
        case OP_JALR:
            x[op->rd] = next;
            core->cycles += model->wrong;
            next = (a + (uint32_t)op->imm) & ~(uint32_t)1;
            goto jump;
        case OP_BEQ: if (a == b) goto branch; goto passed;
        case OP_BNE: if (a != b) goto branch; goto passed;
        case OP_BLT: if ((int32_t)a < (int32_t)b) goto branch; goto passed;
        case OP_BGE: if ((int32_t)a >= (int32_t)b) goto branch; goto passed;
        case OP_BLTU: if (a < b) goto branch; goto passed;
        case OP_BGEU: if (a >= b) goto branch; goto passed;

        case OP_LW:
            core->cycles += model->memory;
            address = a + (uint32_t)op->imm;
            if (!(address & 3) && address - ram_base < ram_size) {
                memcpy(&b, ram + (address - ram_base), 4);
            } else {
                b = load(board, address, 4);
                if (board->stop == STOP_FAULT) goto faulty_load;
            }
            x[op->rd] = b;
            goto loaded;
        case OP_LB:
        case OP_LBU:
            core->cycles += model->memory;
            address = a + (uint32_t)op->imm;
            if (address - ram_base < ram_size) {
                b = ram[address - ram_base];
            } else {
                b = load(board, address, 1);
                if (board->stop == STOP_FAULT) goto faulty_load;
            }
            x[op->rd] = op->code == OP_LB ? (uint32_t)(int32_t)(int8_t)b : b;
            goto loaded;
        case OP_LH:
        case OP_LHU:
            core->cycles += model->memory;
            address = a + (uint32_t)op->imm;
            b = load(board, address, 2);
            if (board->stop == STOP_FAULT) goto faulty_load;
            x[op->rd] = op->code == OP_LH ? (uint32_t)(int32_t)(int16_t)b : b;
            goto loaded;
        case OP_SB: bytes = 1; goto store;
        case OP_SH: bytes = 2; goto store;
        case OP_SW: bytes = 4; goto store;

        case OP_ADDI: x[op->rd] = a + (uint32_t)op->imm; break;
        case OP_SLTI: x[op->rd] = (int32_t)a < op->imm; break;
        case OP_SLTIU: x[op->rd] = a < (uint32_t)op->imm; break;
        case OP_XORI: x[op->rd] = a ^ (uint32_t)op->imm; break;
        case OP_ORI: x[op->rd] = a | (uint32_t)op->imm; break;
        case OP_ANDI: x[op->rd] = a & (uint32_t)op->imm; break;
        case OP_SLLI: x[op->rd] = a << op->imm; break;
        case OP_SRLI: x[op->rd] = a >> op->imm; break;
        case OP_SRAI: x[op->rd] = (uint32_t)((int32_t)a >> op->imm); break;
        case OP_ADD: x[op->rd] = a + b; break;
        case OP_SUB: x[op->rd] = a - b; break;
        case OP_SLL: x[op->rd] = a << (b & 31); break;
        case OP_SLT: x[op->rd] = (int32_t)a < (int32_t)b; break;
        case OP_SLTU: x[op->rd] = a < b; break;
        case OP_XOR: x[op->rd] = a ^ b; break;
        case OP_SRL: x[op->rd] = a >> (b & 31); break;
        case OP_SRA: x[op->rd] = (uint32_t)((int32_t)a >> (b & 31)); break;
        case OP_OR: x[op->rd] = a | b; break;
        case OP_AND: x[op->rd] = a & b; break;

        case OP_MUL: x[op->rd] = a * b; goto multiplied;
        case OP_MULH: x[op->rd] = HIGH((int32_t)a, (int32_t)b); goto multiplied;
        case OP_MULHSU: x[op->rd] = HIGH((int32_t)a, b); goto multiplied;
        case OP_MULHU: x[op->rd] = (uint32_t)((uint64_t)a * b >> 32); goto multiplied;
        case OP_DIV: x[op->rd] = (uint32_t)divide((int32_t)a, (int32_t)b); goto divided;
        case OP_DIVU: x[op->rd] = b ? a / b : ~(uint32_t)0; goto divided;
        case OP_REM: x[op->rd] = (uint32_t)remainder_of((int32_t)a, (int32_t)b); goto divided;
        case OP_REMU: x[op->rd] = b ? a % b : a; goto divided;

        case OP_SH1ADD: x[op->rd] = (a << 1) + b; break;
        case OP_SH2ADD: x[op->rd] = (a << 2) + b; break;
        case OP_SH3ADD: x[op->rd] = (a << 3) + b; break;

        case OP_FENCE:
        case OP_FENCE_I: break; /* stores undo what was decoded */
        case OP_ECALL:
            if (core->bare) {
                core->retired++;
                core->pc = next;
                board->stop = STOP_ECALL;
                return;
            }
            board_fault(board, 0, "ECALL: nobody is there to be called");
            goto faulty_ecall;
        case OP_EBREAK:
            board_fault(board, 0, "EBREAK: the program stopped itself");
            goto faulty_break;
        case OP_MRET:
            core->mstatus = (core->mstatus & ~(uint32_t)MIE) | MPIE |
                            (core->mstatus & MPIE ? MIE : 0);
            next = core->mepc;
            board_attention(board);
            goto jump;
        case OP_WFI:
            if (core->bare && !card_busy(board)) break;
            core->waiting = core->bare ? WAIT_CARD :
                            board->pfic[core->number].sctlr & 8 ? WAIT_EVENT : WAIT_INTERRUPT;
            board_attention(board);
            break;
        case OP_ILLEGAL:
            illegal(board, op);
            goto faulty_instruction;
        default:
            if (!other(board, op)) goto faulty;
            break;

        loaded: core->ready[op->rd] = core->cycles + model->load; break;
        multiplied: core->ready[op->rd] = core->cycles + model->multiply; break;
        divided: core->cycles += model->divide; break;

        store:
            core->cycles += model->memory;
            address = a + (uint32_t)op->imm;
            store(board, address, bytes, b);
            if (board->stop == STOP_FAULT) goto faulty_store;
            break;
        passed:
            if (op->imm < 0) core->cycles += model->wrong;
            break;
        branch:
            next = pc + (uint32_t)op->imm;
            core->cycles += op->imm < 0 ? model->taken : model->wrong;
        jump:
            if (next & 1) { /* MEPC's and JALR's lowest bit is never set; a branch's neither */
                board_fault(board, next, "jump to 0x%08x, an odd address", (unsigned)next);
                goto faulty_fetch;
            }
            if (next & 2 && !(core->isa & ISA_C)) {
                board_fault(board, next, "jump to 0x%08x, inside of a word", (unsigned)next);
                goto faulty_fetch;
            }
            if (model->fetch) redirect(core, model, next);
            break;
        }
        core->pc = next;
        core->retired++;
        if (in->profile) {
            struct profile *here = &in->profile[offset >> 1];
            here->instructions++;
            here->cycles += core->cycles - began;
        }
        /* The stack pointer moves; LUI and AUIPC only begin to set it. */
        if (op->rd == 2 && op->code > OP_AUIPC && x[2] - ram_base < ram_size) {
            if (x[2] - ram_base < core->lowest_sp) core->lowest_sp = x[2] - ram_base;
            if (x[2] < core->stack_limit) {
                core->pc = pc;
                board_fault(board, x[2], "stack overflow: sp = 0x%08x is below the program's data, "
                            "which end at 0x%08x", (unsigned)x[2], (unsigned)core->stack_limit);
                return;
            }
        }
        pc = next;
        continue;

    faulty_fetch: fault(board, CAUSE_FETCH, pc); goto faulty;
    faulty_load: fault(board, CAUSE_LOAD, address); goto faulty;
    faulty_store: fault(board, CAUSE_STORE, address); goto faulty;
    faulty_instruction: fault(board, CAUSE_ILLEGAL, (uint32_t)op->imm); goto faulty;
    faulty_ecall: fault(board, CAUSE_ECALL, 0); goto faulty;
    faulty_break: fault(board, CAUSE_BREAKPOINT, pc); goto faulty;
    faulty:
        if (board->stop) return;
        pc = core->pc;
    }
}

void core_run(struct board *board)
{
    switch (board->core->model) {
    case MODEL_QINGKE_V2A: run(board, &qingke_v2a); break;
    case MODEL_QINGKE_V5F: run(board, &qingke_v5f); break;
    case MODEL_QINGKE_V3F: run(board, &qingke_v3f); break;
    case MODEL_QINGKE_V2C: run(board, &qingke_v2c); break;
    default: run(board, &ideal);
    }
}
