/* GPIO, AFIO and EXTI: pins, what is wired to them, and the edges that become interrupts.
 *
 * Strict: PA has pins 1 and 2 only, mode 0xC is reserved, and a pin that pushes against the world
 * is a short circuit. */
#include "board.h"

enum { SDA = 1, SCL = 2 }; /* of port C, where the display is */
enum { CFGLR, INDR, OUTDR, BSHR, BCR, LCKR }; /* in this order in registers.def */

static unsigned port_base(unsigned port)
{
    return port == PORT_A ? GPIOA_CFGLR : port == PORT_C ? GPIOC_CFGLR : GPIOD_CFGLR;
}

static unsigned port_of(unsigned now)
{
    return now < GPIOC_CFGLR ? PORT_A : now < GPIOD_CFGLR ? PORT_C : PORT_D;
}

static unsigned pins_of(unsigned port)
{
    return port == PORT_A ? 0x06 : 0xff;
}

unsigned gpio_mode(const struct board *board, unsigned port, unsigned pin)
{
    return board->chip.value[port_base(port) + CFGLR] >> 4 * pin & 15;
}

static bool level(struct board *board, unsigned port, unsigned pin)
{
    unsigned mode = gpio_mode(board, port, pin), drive = board->drive[port][pin];
    bool out = board->chip.value[port_base(port) + OUTDR] >> pin & 1;

    if (mode & 3 && !(mode & 8)) { /* a general output */
        bool open_drain = mode & 4;
        if (!open_drain || !out) {
            if (drive == (out ? DRIVE_LOW : DRIVE_HIGH)) {
                board_fault(board, 0, "short circuit: P%c%u drives %s, the world %s", "ABCD"[port],
                            pin, out ? "high" : "low", out ? "low" : "high");
            }
            return out;
        }
    }
    if (board->i2c_stuck && port == PORT_C && pin == SDA) return false;
    if (drive != DRIVE_NONE) return drive != DRIVE_LOW;
    return mode == 8 ? out : false; /* a floating pin reads as low */
}

void gpio_update(struct board *board)
{
    static const unsigned ports[] = {PORT_A, PORT_C, PORT_D};
    for (unsigned i = 0; i < 3; i++) {
        unsigned port = ports[i], now = 0, before = board->chip.levels[port];
        for (unsigned pin = 0; pin < 8; pin++) {
            if (pins_of(port) >> pin & 1) now |= (unsigned)level(board, port, pin) << pin;
        }
        board->chip.levels[port] = (uint8_t)now;
        /* A display that hangs in the middle of a byte shifts on with every clock. */
        if (port == PORT_C && before & ~now & 1 << SCL && board->i2c_stuck) {
            board->i2c_stuck -= board->i2c_stuck < FOREVER;
        }
        if (now != before) exti_edges(board, port, before, now);
    }
}

uint32_t gpio_read(struct board *board, unsigned now)
{
    unsigned port = port_of(now);
    switch (now - port_base(port)) {
    case INDR: return board->chip.levels[port];
    case BSHR:
    case BCR: board_fault(board, 0, "load from BSHR or BCR, which are write-only"); return 0;
    }
    return board->chip.value[now];
}

static void write_cfglr(struct board *board, unsigned port, unsigned now, uint32_t value)
{
    for (unsigned pin = 0; pin < 8; pin++) {
        unsigned mode = value >> 4 * pin & 15;
        if (mode == 12) {
            board_fault(board, 0, "CFGLR: mode 0xC of P%c%u is reserved", "ABCD"[port], pin);
            return;
        }
        if (!(pins_of(port) >> pin & 1) && mode != 4) {
            board_fault(board, 0, "CFGLR: P%c%u does not exist", "ABCD"[port], pin);
            return;
        }
    }
    board->chip.value[now] = value;
}

void gpio_write(struct board *board, unsigned now, uint32_t value)
{
    unsigned port = port_of(now), base = port_base(port);
    uint32_t *out = &board->chip.value[base + OUTDR];
    unsigned missing = (value | value >> 16) & 0xff & ~pins_of(port);

    if (now - base != CFGLR && now - base != LCKR && missing) {
        board_fault(board, 0, "port %c has no pins 0x%02x", "ABCD"[port], missing);
        return;
    }
    switch (now - base) {
    case CFGLR: write_cfglr(board, port, now, value); break;
    case INDR: board_fault(board, 0, "store to INDR, which is read-only"); break;
    case OUTDR: *out = value; break;
    case BSHR: *out = (*out & ~(value >> 16)) | (value & 0xff); break; /* setting wins */
    case BCR: *out &= ~value; break;
    case LCKR: board_fault(board, 0, "LCKR is not modelled"); break;
    }
    gpio_update(board);
}

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
    board->chip.value[now] = value;
}

static void exti_line(struct board *board)
{
    const uint32_t *value = board->chip.value;
    pfic_line(board, IRQ_EXTI, value[EXTI_INTFR] & value[EXTI_INTENR] & 0xff);
}

void exti_edges(struct board *board, unsigned port, unsigned before, unsigned after)
{
    uint32_t *value = board->chip.value;
    unsigned rise = after & ~before, fall = before & ~after;

    for (unsigned line = 0; line < 8; line++) {
        unsigned edges = (value[EXTI_RTENR] & rise) | (value[EXTI_FTENR] & fall);
        if ((value[AFIO_EXTICR] >> 2 * line & 3) != port || !(edges >> line & 1)) continue;
        if ((value[EXTI_INTENR] | value[EXTI_EVENR]) >> line & 1) {
            value[EXTI_INTFR] |= (uint32_t)1 << line;
        }
        if (value[EXTI_EVENR] >> line & 1) board->chip.event = true;
    }
    exti_line(board);
    board_attention(board);
}

void exti_write(struct board *board, unsigned now, uint32_t value)
{
    uint32_t *registers = board->chip.value;

    if (now == EXTI_INTFR) {
        registers[EXTI_INTFR] &= ~value; /* ones clear */
        registers[EXTI_SWIEVR] &= ~value;
    } else if (now == EXTI_SWIEVR) {
        registers[EXTI_INTFR] |= value & ~registers[now] & registers[EXTI_INTENR];
        registers[now] |= value;
    } else {
        if (value >> 8) {
            board_fault(board, 0, "EXTI lines 8 and 9 (PVD, AWU) are not modelled");
            return;
        }
        registers[now] = value;
    }
    exti_line(board);
}
