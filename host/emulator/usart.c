/* USART1: bytes to and from a terminal at 115200 baud, 8 bits, no parity, one stop bit.
 *
 * Strict: what the terminal would read as noise (another rate, a pin that is not an output of the
 * block) stops the run, as does a byte that overwrites one not sent yet. */
#include "board.h"

enum { ORE = 8, RXNE = 0x20, TC = 0x40, TXE = 0x80 };
enum { RE = 4, TE = 8, RXNEIE = 0x20, TCIE = 0x40, TXEIE = 0x80, UE = 0x2000 };
enum { BAUD = 115200, BITS = 10 };
enum { STATR, DATAR, BRR, CTLR1 }; /* in this order in registers.def */

static uint32_t *own(struct board *board)
{
    return &board->value[board->type->usart.first];
}

/* One of its pins: is it in a mode whose bit is set in `modes`? */
static bool is_wired(struct board *board, unsigned pin, unsigned modes)
{
    unsigned port = board->type->usart.port;
    if (!(modes >> gpio_mode(board, port, pin) & 1)) return false;
    return !board->type->routed || board->type->routed(board, "USART1", port, pin);
}

static void set(struct board *board, uint32_t bits, uint32_t cleared)
{
    uint32_t *status = &own(board)[STATR], control;
    *status = (*status & ~cleared) | bits;
    control = own(board)[CTLR1];
    pfic_line(board, board->type->usart.irq,
              (control & TXEIE && *status & TXE) || (control & TCIE && *status & TC) ||
                  (control & RXNEIE && *status & (RXNE | ORE)));
}

static uint64_t byte_ticks(struct board *board)
{
    return (uint64_t)BITS * own(board)[BRR] * board->bus.ticks_per_cycle;
}

/* Whether the terminal understands this rate: within 2 %. */
static bool rate_is_right(struct board *board)
{
    uint32_t divider = own(board)[BRR], rate;
    if (!divider) return false;
    rate = chip_hertz(board) / divider;
    return rate > BAUD - BAUD / 50 && rate < BAUD + BAUD / 50;
}

static void begin(struct board *board, uint16_t byte)
{
    board->chip.usart.shift = byte;
    board->chip.usart.shifting = true;
    set(board, TXE, TC);
    chip_schedule(board, EVENT_USART_TX, board_ticks(board) + byte_ticks(board));
}

void usart_sent(struct board *board)
{
    struct chip *chip = &board->chip;
    chip->usart.shifting = false;
    if (board->world.uart) board->world.uart(chip->usart.shift & 0xff);
    if (chip->usart.loaded) {
        chip->usart.loaded = false;
        begin(board, chip->usart.data);
    } else {
        set(board, TC, 0);
    }
}

uint32_t usart_read(struct board *board, unsigned now)
{
    struct chip *chip = &board->chip;
    unsigned place = now - board->type->usart.first;
    if (place == STATR) chip->usart.status_read = true;
    if (place == DATAR) {
        set(board, 0, RXNE | (chip->usart.status_read ? ORE : 0));
        chip->usart.status_read = false;
    }
    return board->value[now];
}

static void send(struct board *board, uint32_t value)
{
    struct chip *chip = &board->chip;
    unsigned outputs = 1u << 9 | 1u << 10 | 1u << 11;

    if ((own(board)[CTLR1] & (UE | TE)) != (UE | TE)) {
        board_fault(board, 0, "USART1: a byte to send, but UE and TE are not both set");
    } else if (!rate_is_right(board)) {
        board_fault(board, 0, "USART1: %u Hz / BRR %u is not 115200 baud",
                    (unsigned)chip_hertz(board), (unsigned)own(board)[BRR]);
    } else if (!is_wired(board, board->type->usart.tx, outputs)) {
        board_fault(board, 0, "USART1: P%c%u is not its push-pull output",
                    "ABCDEF"[board->type->usart.port], board->type->usart.tx);
    } else if (chip->usart.loaded) {
        board_fault(board, 0, "USART1: DATAR written while TXE is 0; a byte is lost");
    } else if (chip->usart.shifting) {
        chip->usart.data = (uint16_t)value;
        chip->usart.loaded = true;
        set(board, 0, TXE | TC);
    } else {
        begin(board, (uint16_t)value);
    }
}

void usart_write(struct board *board, unsigned now, uint32_t value)
{
    switch (now - board->type->usart.first) {
    case STATR: set(board, 0, ~value & (RXNE | TC)); break; /* zeros clear */
    case DATAR: send(board, value); break;
    case BRR: board->value[now] = value; break;
    case CTLR1:
        if (value & 0x1f13) {
            board_fault(board, 0, "USART1: CTLR1 = 0x%04x: bits 0x1f13 are not modelled",
                        (unsigned)value);
            return;
        }
        board->value[now] = value;
        set(board, 0, 0);
        break;
    default:
        if (value) board_fault(board, 0, "USART1: CTLR2, CTLR3 and GPR are not modelled");
    }
}

/* The terminal has sent a byte. */
void usart_received(struct board *board)
{
    uint8_t byte = board->typed[board->typed_first];

    board->typed_first = (board->typed_first + 1) % MAX_TYPED;
    board->typed_count--;
    usart_typed(board);
    if ((own(board)[CTLR1] & (UE | RE)) != (UE | RE)) return; /* nobody listens */
    if (!rate_is_right(board)) {
        board_fault(board, 0, "USART1: a byte came at 115200 baud, BRR %u is another rate",
                    (unsigned)own(board)[BRR]);
        return;
    }
    if (!is_wired(board, board->type->usart.rx, 1u << 4 | 1u << 8)) {
        board_fault(board, 0, "USART1: a byte came, but P%c%u is not an input",
                    "ABCDEF"[board->type->usart.port], board->type->usart.rx);
        return;
    }
    if (own(board)[STATR] & RXNE) {
        set(board, ORE, 0);
        return;
    }
    own(board)[DATAR] = byte;
    set(board, RXNE, 0);
}

/* The next byte is on its way. */
void usart_typed(struct board *board)
{
    if (board->typed_count && board->due[EVENT_USART_RX] == NEVER) {
        chip_schedule(board, EVENT_USART_RX,
                      board_ticks(board) + chip_ticks(board, 1000000) * BITS / BAUD);
    }
}

/* Of RCC. What the terminal sends goes on. */
void usart_reset(struct board *board)
{
    memset(&board->chip.usart, 0, sizeof board->chip.usart);
    board->due[EVENT_USART_TX] = NEVER;
    set(board, 0, 0);
}
