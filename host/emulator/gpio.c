/* GPIO and EXTI, and the CH32V003's AFIO: pins, what is wired to them, and the edges that become
 * interrupts.
 *
 * Strict: there are no pins but the chip's, mode 0xC is reserved, and a pin that pushes against the
 * world is a short circuit. */
#include "board.h"

enum { CFGLR, INDR, OUTDR, BSHR, BCR, LCKR, CFGHR }; /* in this order in registers.def */
enum { INTENR, EVENR, RTENR, FTENR, SWIEVR, INTFR };

static const char names[] = "ABCDEF";

static unsigned port_base(const struct board *board, unsigned port)
{
    return board->type->gpio.first[port];
}

static unsigned pins_of(const struct board *board, unsigned port)
{
    return board->type->gpio.pins[port];
}

static unsigned port_of(const struct board *board, unsigned now)
{
    unsigned port = PORTS - 1;
    while (!pins_of(board, port) || port_base(board, port) > now) port--;
    return port;
}

unsigned gpio_mode(const struct board *board, unsigned port, unsigned pin)
{
    unsigned base = port_base(board, port);
    return board->value[base + (pin < 8 ? CFGLR : CFGHR)] >> 4 * (pin & 7) & 15;
}

bool gpio_out(const struct board *board, unsigned port, unsigned pin)
{
    return board->value[port_base(board, port) + OUTDR] >> pin & 1;
}

/* Whether the display holds this line down; its SCL is the other. */
static bool is_display(const struct board *board, unsigned port, unsigned pin, bool scl)
{
    return port == board->type->i2c.port &&
           pin == (scl ? board->type->i2c.scl : board->type->i2c.sda);
}

static bool level(struct board *board, unsigned port, unsigned pin)
{
    unsigned mode = gpio_mode(board, port, pin), drive = board->drive[port][pin];
    bool out = gpio_out(board, port, pin);

    if (mode & 3 && !(mode & 8)) { /* a general output */
        bool open_drain = mode & 4;
        if (!open_drain || !out) {
            if (drive == (out ? DRIVE_LOW : DRIVE_HIGH)) {
                board_fault(board, 0, "short circuit: P%c%u drives %s, the world %s", names[port],
                            pin, out ? "high" : "low", out ? "low" : "high");
            }
            return out;
        }
    }
    if (board->i2c_stuck && is_display(board, port, pin, false)) return false;
    if (drive != DRIVE_NONE) return drive != DRIVE_LOW;
    return mode == 8 ? out : false; /* a floating pin reads as low */
}

void gpio_update(struct board *board)
{
    for (unsigned port = 0; port < PORTS; port++) {
        unsigned now = 0, before = board->chip.levels[port], pins = pins_of(board, port);
        for (unsigned pin = 0; pins >> pin; pin++) {
            if (pins >> pin & 1) now |= (unsigned)level(board, port, pin) << pin;
        }
        board->chip.levels[port] = (uint16_t)now;
        /* A display that hangs in the middle of a byte shifts on with every clock. */
        if (port == board->type->i2c.port && before & ~now & 1u << board->type->i2c.scl &&
            board->i2c_stuck) {
            board->i2c_stuck -= board->i2c_stuck < FOREVER;
        }
        if (now != before) exti_edges(board, port, before, now);
    }
}

uint32_t gpio_read(struct board *board, unsigned now)
{
    unsigned port = port_of(board, now);
    switch (now - port_base(board, port)) {
    case INDR: return board->chip.levels[port];
    case BSHR:
    case BCR: board_fault(board, 0, "load from BSHR or BCR, which are write-only"); return 0;
    }
    return board->value[now];
}

static void write_modes(struct board *board, unsigned port, unsigned now, uint32_t value)
{
    bool high = now - port_base(board, port) == CFGHR;
    const char *name = high ? "CFGHR" : "CFGLR";

    for (unsigned i = 0; i < 8; i++) {
        unsigned mode = value >> 4 * i & 15, pin = i + (high ? 8 : 0);
        if (mode == 12) {
            board_fault(board, 0, "%s: mode 0xC of P%c%u is reserved", name, names[port], pin);
            return;
        }
        if (!(pins_of(board, port) >> pin & 1) && mode != 4) {
            board_fault(board, 0, "%s: P%c%u does not exist", name, names[port], pin);
            return;
        }
    }
    board->value[now] = value;
}

void gpio_write(struct board *board, unsigned now, uint32_t value)
{
    unsigned port = port_of(board, now), base = port_base(board, port), pins = pins_of(board, port);
    uint32_t *out = &board->value[base + OUTDR];
    unsigned missing = (value | value >> 16) & 0xffff & ~pins;

    if (now - base >= INDR && now - base <= BCR && missing) {
        board_fault(board, 0, "port %c has no pins 0x%02x", names[port], missing);
        return;
    }
    switch (now - base) {
    case CFGLR:
    case CFGHR: write_modes(board, port, now, value); break;
    case INDR: board_fault(board, 0, "store to INDR, which is read-only"); break;
    case OUTDR: *out = value; break;
    case BSHR: *out = (*out & ~(value >> 16)) | (value & 0xffff); break; /* setting wins */
    case BCR: *out &= ~value; break;
    case LCKR: board_fault(board, 0, "LCKR is not modelled"); break;
    default: board->value[now] = value; /* speeds */
    }
    gpio_update(board);
}

uint32_t afio_read(struct board *board, unsigned now) { return board->value[now]; }

void afio_write(struct board *board, unsigned now, uint32_t value)
{
    if (now == AFIO_PCFR1 && value) {
        board_fault(board, 0, "PCFR1 = 0x%08x: other pins than the usual are not modelled",
                    (unsigned)value);
        return;
    }
    for (unsigned line = 0; now == AFIO_EXTICR && line < 8; line++) {
        if ((value >> 2 * line & 3) == 1) {
            board_fault(board, 0, "EXTICR: line %u from port B, which does not exist", line);
            return;
        }
    }
    board->value[now] = value;
}

static void exti_lines(struct board *board)
{
    const uint32_t *exti = &board->value[board->type->exti.first];
    uint32_t asked = exti[INTFR] & exti[INTENR];
    pfic_line(board, board->type->exti.irq_low, asked & 0xff);
    if (board->type->exti.irq_high) pfic_line(board, board->type->exti.irq_high, asked >> 8);
}

void exti_edges(struct board *board, unsigned port, unsigned before, unsigned after)
{
    uint32_t *exti = &board->value[board->type->exti.first];
    unsigned rise = after & ~before, fall = before & ~after;

    for (unsigned line = 0; line < board->type->exti.lines; line++) {
        unsigned edges = (exti[RTENR] & rise) | (exti[FTENR] & fall);
        if (!(edges >> line & 1) || board->type->exti_port(board, line) != port) continue;
        if ((exti[INTENR] | exti[EVENR]) >> line & 1) exti[INTFR] |= (uint32_t)1 << line;
        for (unsigned i = 0; i < MAX_CORES; i++) {
            if (exti[EVENR] >> line & 1) board->pfic[i].event = true;
        }
    }
    exti_lines(board);
    board_attention(board);
}

uint32_t exti_read(struct board *board, unsigned now) { return board->value[now]; }

void exti_write(struct board *board, unsigned now, uint32_t value)
{
    uint32_t *exti = &board->value[board->type->exti.first];

    switch (now - board->type->exti.first) {
    case INTFR: /* ones clear */
        exti[INTFR] &= ~value;
        exti[SWIEVR] &= ~value;
        break;
    case SWIEVR:
        exti[INTFR] |= value & ~exti[SWIEVR] & exti[INTENR];
        exti[SWIEVR] |= value;
        break;
    default:
        if (value >> board->type->exti.lines) {
            board_fault(board, 0, "EXTI lines from %u on, which no pin has, are not modelled",
                        board->type->exti.lines);
            return;
        }
        board->value[now] = value;
    }
    exti_lines(board);
}
