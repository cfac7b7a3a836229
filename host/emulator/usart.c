/* USART1: bytes to and from a terminal at 115200 baud, 8 bits, no parity, one stop bit.
 *
 * Strict: what the terminal would read as noise (another rate, a pin that is not an output of the
 * block) stops the run, as does a byte that overwrites one not sent yet. */
#include "board.h"

enum { ORE = 8, RXNE = 0x20, TC = 0x40, TXE = 0x80 };
enum { RE = 4, TE = 8, RXNEIE = 0x20, TCIE = 0x40, TXEIE = 0x80, UE = 0x2000 };
enum { BAUD = 115200, BITS = 10, TX = 5, RX = 6 };

static void set(struct board *board, uint32_t bits, uint32_t cleared)
{
    uint32_t *status = &board->chip.value[USART1_STATR], control;
    *status = (*status & ~cleared) | bits;
    control = board->chip.value[USART1_CTLR1];
    pfic_line(board, IRQ_USART,
              (control & TXEIE && *status & TXE) || (control & TCIE && *status & TC) ||
                  (control & RXNEIE && *status & (RXNE | ORE)));
}

static uint64_t byte_ticks(const struct board *board)
{
    return (uint64_t)BITS * board->chip.value[USART1_BRR] * board->ticks_per_cycle;
}

/* Whether the terminal understands this rate: within 2 %. */
static bool rate_is_right(const struct board *board)
{
    uint32_t divider = board->chip.value[USART1_BRR], rate;
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
    if (now == USART1_STATR) chip->usart.status_read = true;
    if (now == USART1_DATAR) {
        set(board, 0, RXNE | (chip->usart.status_read ? ORE : 0));
        chip->usart.status_read = false;
    }
    return chip->value[now];
}

static void send(struct board *board, uint32_t value)
{
    struct chip *chip = &board->chip;
    unsigned mode = gpio_mode(board, PORT_D, TX);

    if ((chip->value[USART1_CTLR1] & (UE | TE)) != (UE | TE)) {
        board_fault(board, 0, "USART1: a byte to send, but UE and TE are not both set");
    } else if (!rate_is_right(board)) {
        board_fault(board, 0, "USART1: %u Hz / BRR %u is not 115200 baud",
                    (unsigned)chip_hertz(board), (unsigned)chip->value[USART1_BRR]);
    } else if (mode < 9 || mode > 11) {
        board_fault(board, 0, "USART1: PD5 is not its push-pull output");
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
    uint32_t *registers = board->chip.value;

    switch (now) {
    case USART1_STATR: set(board, 0, ~value & (RXNE | TC)); break; /* zeros clear */
    case USART1_DATAR: send(board, value); break;
    case USART1_BRR: registers[now] = value; break;
    case USART1_CTLR1:
        if (value & 0x1f13) {
            board_fault(board, 0, "USART1: CTLR1 = 0x%04x: bits 0x1f13 are not modelled",
                        (unsigned)value);
            return;
        }
        registers[now] = value;
        set(board, 0, 0);
        break;
    default:
        if (value) board_fault(board, 0, "USART1: CTLR2, CTLR3 and GPR are not modelled");
    }
}

/* The terminal has sent a byte. */
void usart_received(struct board *board)
{
    struct chip *chip = &board->chip;
    uint8_t byte = board->typed[board->typed_first];

    board->typed_first = (board->typed_first + 1) % MAX_TYPED;
    board->typed_count--;
    usart_typed(board);
    if ((chip->value[USART1_CTLR1] & (UE | RE)) != (UE | RE)) return; /* nobody listens */
    if (!rate_is_right(board)) {
        board_fault(board, 0, "USART1: a byte came at 115200 baud, BRR %u is another rate",
                    (unsigned)chip->value[USART1_BRR]);
        return;
    }
    if (gpio_mode(board, PORT_D, RX) != 4 && gpio_mode(board, PORT_D, RX) != 8) {
        board_fault(board, 0, "USART1: a byte came, but PD6 is not an input");
        return;
    }
    if (chip->value[USART1_STATR] & RXNE) {
        set(board, ORE, 0);
        return;
    }
    chip->value[USART1_DATAR] = byte;
    set(board, RXNE, 0);
}

/* The next byte is on its way. */
void usart_typed(struct board *board)
{
    if (board->typed_count && board->chip.due[EVENT_USART_RX] == NEVER) {
        chip_schedule(board, EVENT_USART_RX,
                      board_ticks(board) + UINT64_C(48000000) * BITS / BAUD);
    }
}
