/* I2C1 as a master that writes, in the time that its clock register sets.
 *
 * A transfer goes START, SB, address, ADDR, bytes with TXE and BTF, STOP, as the reference manual's
 * event diagram has it; SB and ADDR are cleared by the two accesses that it asks for. Strict: the
 * pins must be open-drain outputs of the block, CTLR2 must tell the true clock, the bus must not be
 * faster than the display's 400 kHz, and no byte may be lost. Reading is not modelled. */
#include "board.h"

enum { PE = 1, START = 0x100, STOP = 0x200, SWRST = 0x8000 };
enum { SB = 1, ADDR = 2, BTF = 4, TXE = 0x80, ERRORS = 0x1f00, AF = 0x400 };
enum { MSL = 1, BUSY = 2, TRA = 4 };
enum { ITERREN = 0x100, ITEVTEN = 0x200, ITBUFEN = 0x400 };
enum { IDLE, STARTING, STARTED, ADDRESSING, ADDRESSED, READY, SENDING, REFUSED, STOPPING };
enum { FASTEST = 400000 };
enum { CTLR1, CTLR2, OADDR1, OADDR2, DATAR, STAR1, STAR2, CKCFGR, RTR }; /* as in registers.def */

static uint32_t *own(struct board *board)
{
    return &board->value[board->type->i2c.first];
}

static void lines(struct board *board)
{
    uint32_t status = own(board)[STAR1], control = own(board)[CTLR2];
    uint32_t events = SB | ADDR | BTF | (control & ITBUFEN ? TXE : 0);
    pfic_line(board, board->type->i2c.irq, control & ITEVTEN && status & events);
    pfic_line(board, board->type->i2c.irq_error, control & ITERREN && status & ERRORS);
}

static void set(struct board *board, uint32_t bits, uint32_t cleared)
{
    uint32_t *status = &own(board)[STAR1];
    *status = (*status & ~cleared) | bits;
    lines(board);
}

/* HCLK cycles of one bit. */
static uint32_t bit_cycles(struct board *board)
{
    uint32_t clock = own(board)[CKCFGR], ccr = clock & 0xfff;
    return clock & 0x8000 ? (clock & 0x4000 ? 25 : 3) * ccr : 2 * ccr;
}

static void after_bits(struct board *board, uint32_t bits, uint8_t phase)
{
    board->chip.i2c.phase = phase;
    chip_schedule(board, EVENT_I2C, board_ticks(board) + (uint64_t)bits * bit_cycles(board) *
                                                             board->bus.ticks_per_cycle);
}

void i2c_reset(struct board *board)
{
    unsigned first = board->type->i2c.first;
    bus_reset(board, first, first + (board->type->i2c.rtr ? RTR : CKCFGR));
    board->chip.i2c.phase = IDLE;
    board->chip.i2c.loaded = board->chip.i2c.status_read = board->chip.i2c.stopping = false;
    board->due[EVENT_I2C] = NEVER;
    lines(board);
}

static bool is_wired(struct board *board, unsigned pin)
{
    unsigned port = board->type->i2c.port;
    if (gpio_mode(board, port, pin) < 13) return false;
    return !board->type->routed || board->type->routed(board, "I2C1", port, pin);
}

/* A start condition is asked for: is the block set up for it? */
static void start(struct board *board)
{
    uint32_t megahertz = chip_hertz(board) / 1000000, cycles = bit_cycles(board);
    uint32_t most = board->type->i2c.most; /* that CTLR2 can tell */

    if ((own(board)[CTLR2] & 0x3f) != (megahertz < most ? megahertz : most)) {
        board_fault(board, 0, "I2C1: CTLR2 says %u MHz, the clock is %u MHz",
                    (unsigned)own(board)[CTLR2] & 0x3f, (unsigned)megahertz);
    } else if (board->type->i2c.rtr && !own(board)[RTR]) {
        board_fault(board, 0, "I2C1: RTR, the rise time, is not set");
    } else if (!cycles || chip_hertz(board) / cycles > FASTEST) {
        board_fault(board, 0, "I2C1: CKCFGR 0x%04x is faster than the display's 400 kHz",
                    (unsigned)own(board)[CKCFGR]);
    } else if (!is_wired(board, board->type->i2c.sda) || !is_wired(board, board->type->i2c.scl)) {
        char port = "ABCDEF"[board->type->i2c.port];
        board_fault(board, 0, "I2C1: P%c%u and P%c%u are not its open-drain outputs", port,
                    board->type->i2c.sda, port, board->type->i2c.scl);
    } else {
        after_bits(board, 1, STARTING);
    }
}

static void stop(struct board *board)
{
    switch (board->chip.i2c.phase) {
    case IDLE:
    case STARTING:
    case STOPPING: break;
    case SENDING:
        if (board->chip.i2c.loaded) {
            board_fault(board, 0, "I2C1: STOP while a byte waits in DATAR; it would be lost");
        }
        board->chip.i2c.stopping = true;
        break;
    case READY:
    case REFUSED: after_bits(board, 1, STOPPING); break;
    default: board_fault(board, 0, "I2C1: STOP before the address was answered");
    }
}

uint32_t i2c_read(struct board *board, unsigned now)
{
    struct chip *chip = &board->chip;
    uint32_t value = board->value[now];
    unsigned place = now - board->type->i2c.first;

    if (place == STAR1) {
        chip->i2c.status_read = true;
    } else if (place == STAR2) {
        if (board->i2c_stuck) value |= BUSY;
        if (own(board)[STAR1] & ADDR && chip->i2c.status_read) {
            chip->i2c.phase = READY;
            set(board, TXE, ADDR);
        }
    } else if (place == DATAR) {
        board_fault(board, 0, "I2C1: receiving is not modelled");
    }
    return value;
}

static void send(struct board *board, uint8_t byte)
{
    struct chip *chip = &board->chip;

    switch (chip->i2c.phase) {
    case STARTED:
        if (!chip->i2c.status_read) {
            board_fault(board, 0, "I2C1: the address before STAR1 was read leaves SB set");
        } else if (byte & 1) {
            board_fault(board, 0, "I2C1: reading from 0x%02x is not modelled", byte >> 1);
        } else {
            set(board, 0, SB);
            chip->i2c.shift = byte;
            after_bits(board, 9, ADDRESSING);
        }
        break;
    case READY:
        set(board, TXE, BTF);
        chip->i2c.shift = byte;
        after_bits(board, 9, SENDING);
        break;
    case SENDING:
        if (chip->i2c.loaded) {
            board_fault(board, 0, "I2C1: DATAR written while TXE is 0; a byte is lost");
        }
        chip->i2c.data = byte;
        chip->i2c.loaded = true;
        set(board, 0, TXE);
        break;
    case REFUSED: break; /* on its way when the display refused the one before */
    default: board_fault(board, 0, "I2C1: DATAR written where no byte can be sent");
    }
}

void i2c_write(struct board *board, unsigned now, uint32_t value)
{
    uint32_t *registers = board->value;

    switch (now - board->type->i2c.first) {
    case CTLR1:
        if (value & SWRST) {
            i2c_reset(board);
            registers[now] = SWRST;
            return;
        }
        if (value & 0x18e0) {
            board_fault(board, 0, "I2C1: CTLR1 = 0x%04x: bits 0x18e0 are not modelled",
                        (unsigned)value);
            return;
        }
        if (!(value & PE)) {
            if (value & (START | STOP)) board_fault(board, 0, "I2C1: START or STOP without PE");
            if (board->chip.i2c.phase != IDLE) i2c_reset(board);
        }
        if (value & START && !(registers[now] & START)) {
            registers[now] = value;
            start(board);
        } else {
            registers[now] = value;
        }
        if (value & STOP) stop(board);
        if (board->chip.i2c.phase == IDLE) registers[now] &= ~(uint32_t)STOP;
        break;
    case DATAR:
        send(board, (uint8_t)value);
        board->chip.i2c.status_read = false;
        break;
    case STAR1: set(board, 0, ~value & ERRORS); break; /* zeros clear the errors */
    case STAR2: board_fault(board, 0, "store to STAR2, which is read-only"); break;
    case CTLR2:
        if (value & 0x1800) {
            board_fault(board, 0, "I2C1's DMA is not modelled");
            return;
        }
        registers[now] = value;
        lines(board);
        break;
    case CKCFGR:
    case RTR:
        if (own(board)[CTLR1] & PE) {
            board_fault(board, 0, "I2C1: CKCFGR and RTR must be set before PE");
            return;
        }
        registers[now] = value;
        break;
    default: registers[now] = value;
    }
}

static int tell(struct board *board, int event, int byte)
{
    return board->world.i2c ? board->world.i2c(event, byte) : 0;
}

static void sent(struct board *board)
{
    struct chip *chip = &board->chip;
    if (!tell(board, I2C_BYTE, chip->i2c.shift)) {
        chip->i2c.phase = REFUSED;
        chip->i2c.loaded = false;
        set(board, AF, 0);
        if (chip->i2c.stopping) after_bits(board, 1, STOPPING);
    } else if (chip->i2c.loaded) {
        chip->i2c.loaded = false;
        chip->i2c.shift = chip->i2c.data;
        after_bits(board, 9, SENDING);
        set(board, TXE, 0);
    } else if (chip->i2c.stopping) {
        after_bits(board, 1, STOPPING);
    } else {
        chip->i2c.phase = READY;
        set(board, BTF | TXE, 0);
    }
}

void i2c_event(struct board *board)
{
    struct chip *chip = &board->chip;

    switch (chip->i2c.phase) {
    case STARTING:
        if (board->i2c_stuck) return; /* the bus does not become free */
        tell(board, I2C_START, 0);
        own(board)[CTLR1] &= ~(uint32_t)START;
        own(board)[STAR2] = MSL | BUSY;
        chip->i2c.phase = STARTED;
        chip->i2c.status_read = false;
        set(board, SB, TXE | BTF);
        break;
    case ADDRESSING:
        chip->i2c.status_read = false;
        if (tell(board, I2C_BYTE, chip->i2c.shift)) {
            chip->i2c.phase = ADDRESSED;
            own(board)[STAR2] |= TRA;
            set(board, ADDR, 0);
        } else {
            chip->i2c.phase = REFUSED;
            set(board, AF, 0);
        }
        break;
    case SENDING: sent(board); break;
    case STOPPING:
        tell(board, I2C_STOP, 0);
        own(board)[CTLR1] &= ~(uint32_t)STOP;
        own(board)[STAR2] = 0;
        chip->i2c.phase = IDLE;
        chip->i2c.stopping = false;
        set(board, 0, TXE | BTF);
        break;
    }
}
