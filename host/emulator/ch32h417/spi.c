/* SPI1 as the master of a card: bytes both ways, by software or by the DMA. PB3 SCK, PB4 MISO, PB5
 * MOSI, and PB2, which software drives, as CS.
 *
 * Where the DMA serves both directions, bytes go in bursts, for the emulator's sake: all of a burst
 * arrive when its last would. Strict: eight bits, mode 0 or 3, the pins as they must be, and no
 * byte written over one that waits. */
#include "../api.h"
#include "../board.h"
#include "dma.h"
#include "slot.h"

enum { CPHA = 1, CPOL = 2, MSTR = 4, SPE = 0x40, SSI = 0x100, SSM = 0x200,
       REFUSED = 0xfc80 /* LSB first, RXONLY, 16 bits, CRC, one wire */ };
enum { RXDMAEN = 1, TXDMAEN = 2, ERRIE = 0x20, RXNEIE = 0x40, TXEIE = 0x80 };
enum { RXNE = 1, TXE = 2, OVR = 0x40, BSY = 0x80 };
enum { BURST = 32, AF = 5 };

static uint64_t byte_ticks(const struct board *board)
{
    return (uint64_t)8 * h417_hclk(board) * (2u << (board->value[H417_SPI1_CTLR1] >> 3 & 7));
}

static void set(struct board *board, uint32_t bits, uint32_t cleared)
{
    uint32_t *status = &board->value[H417_SPI1_STATR], control = board->value[H417_SPI1_CTLR2];
    *status = (*status & ~cleared) | bits;
    h417_irq(board, H417_IRQ_SPI1,
             (control & TXEIE && *status & TXE) || (control & RXNEIE && *status & RXNE) ||
                 (control & ERRIE && *status & OVR));
}

static bool pins_are_right(struct board *board)
{
    return h417_pin(board, "SPI1", 'B', 3, H417_AF_PP, AF) &&
           h417_pin(board, "SPI1", 'B', 5, H417_AF_PP, AF) &&
           h417_pin(board, "SPI1", 'B', 4, H417_INPUT, AF) &&
           h417_pin(board, "the card's CS", 'B', 2, H417_OUT_PP, -1);
}

/* A byte begins, or, if not 0, so many of the DMA's. */
static void start(struct board *board, uint32_t bytes)
{
    struct h417_spi *spi = &board->h417.blocks.spi;
    uint32_t control = board->value[H417_SPI1_CTLR1];

    if ((control & (SPE | MSTR | SSI | SSM)) != (SPE | MSTR | SSI | SSM)) {
        board_fault(board, 0, "SPI1: a byte to send, but CTLR1 = 0x%04x lacks SPE, MSTR, SSM or "
                    "SSI", (unsigned)control);
    } else if (pins_are_right(board)) {
        spi->shifting = true;
        spi->burst = bytes;
        set(board, BSY, 0);
        chip_schedule(board, EVENT_SPI,
                      board_ticks(board) + (bytes ? bytes : 1) * byte_ticks(board));
    }
}

/* Whether both directions are the DMA's, and how many bytes it can move at once. */
static uint32_t burst(const struct board *board)
{
    uint32_t control = board->value[H417_SPI1_CTLR2], out, in;

    if ((control & (RXDMAEN | TXDMAEN)) != (RXDMAEN | TXDMAEN)) return 0;
    out = dma_left(board, REQUEST_SPI1_TX);
    in = dma_left(board, REQUEST_SPI1_RX);
    out = out < in ? out : in;
    return out < BURST ? out : BURST;
}

void spi_pump(struct board *board)
{
    struct h417_spi *spi = &board->h417.blocks.spi;
    uint32_t control = board->value[H417_SPI1_CTLR2], bytes = burst(board);

    if (!(board->value[H417_SPI1_CTLR1] & SPE) || !(control & TXDMAEN)) return;
    if (bytes) {
        if (!spi->shifting) start(board, bytes);
        return;
    }
    if (control & RXDMAEN && dma_left(board, REQUEST_SPI1_TX)) {
        return; /* the other channel is to come; if not, nothing overruns */
    }
    while (!spi->loaded && !board->stop) {
        if (!h417_dma_request(board, REQUEST_SPI1_TX)) break;
    }
}

static uint8_t exchange(struct board *board, uint64_t ticks, uint8_t out)
{
    struct sd *card = slot_card(board, SD_SPI);
    bool selected = !h417_pin_high(board, 'B', 2);

    if (!card) return 0xff;
    card->hertz = (uint32_t)(UINT64_C(8) * H417_TICKS_PER_US * 1000000 / byte_ticks(board));
    if (card->bytes.selected != selected) sd_select(card, selected);
    return sd_exchange(card, &board->record.contents, ticks, out);
}

static void end_burst(struct board *board, uint64_t due, uint32_t most)
{
    uint8_t out[BURST], in[BURST];
    uint32_t count = burst(board);

    if (count > most) count = most;
    dma_move(board, REQUEST_SPI1_TX, out, count);
    for (uint32_t i = 0; i < count; i++) {
        in[i] = exchange(board, due - (count - 1 - i) * byte_ticks(board), out[i]);
    }
    dma_move(board, REQUEST_SPI1_RX, in, count);
}

void h417_spi_event(struct board *board, unsigned event, uint64_t due)
{
    struct h417_spi *spi = &board->h417.blocks.spi;
    uint32_t bytes = spi->burst;

    (void)event;
    spi->shifting = false;
    spi->burst = 0;
    set(board, 0, BSY);
    if (bytes) {
        end_burst(board, due, bytes);
    } else {
        uint8_t in = exchange(board, due, spi->shift);
        if (board->value[H417_SPI1_STATR] & RXNE) {
            set(board, OVR, 0); /* it is lost */
        } else {
            board->value[H417_SPI1_DATAR] = in;
            set(board, RXNE, 0);
            if (board->value[H417_SPI1_CTLR2] & RXDMAEN) {
                h417_dma_request(board, REQUEST_SPI1_RX);
            }
        }
        if (spi->loaded) {
            spi->loaded = false;
            spi->shift = spi->next;
            start(board, 0);
            set(board, TXE, 0);
        }
    }
    slot_dealt(board);
    spi_pump(board);
}

uint32_t h417_spi_read(struct board *board, unsigned now)
{
    if (now == H417_SPI1_DATAR) set(board, 0, RXNE | OVR);
    return board->value[now];
}

static void send(struct board *board, uint8_t byte)
{
    struct h417_spi *spi = &board->h417.blocks.spi;

    if (spi->loaded || spi->burst) {
        board_fault(board, 0, "SPI1: DATAR written while TXE is 0; a byte is lost");
    } else if (spi->shifting) {
        spi->next = byte;
        spi->loaded = true;
        set(board, 0, TXE);
    } else {
        spi->shift = byte;
        start(board, 0);
    }
}

void h417_spi_write(struct board *board, unsigned now, uint32_t value)
{
    struct h417_spi *spi = &board->h417.blocks.spi;

    switch (now) {
    case H417_SPI1_CTLR1:
        if (value & REFUSED || ((value & CPOL) != 0) != ((value & CPHA) != 0)) {
            board_fault(board, 0, "SPI1: CTLR1 = 0x%04x: not all of this is modelled",
                        (unsigned)value);
        } else if (spi->shifting && value != board->value[now]) {
            board_fault(board, 0, "SPI1: CTLR1 changed in the middle of a byte");
        }
        board->value[now] = value;
        spi_pump(board);
        break;
    case H417_SPI1_CTLR2:
        board->value[now] = value;
        set(board, 0, 0);
        spi_pump(board);
        break;
    case H417_SPI1_STATR: board_fault(board, 0, "SPI1: store to STATR"); break;
    case H417_SPI1_DATAR: send(board, (uint8_t)value); break;
    case H417_SPI1_HSCR:
    case H417_SPI1_CRCR: board->value[now] = value; break;
    default: board_fault(board, 0, "SPI1: its CRC and I2S are not modelled");
    }
}

void h417_spi_reset(struct board *board, unsigned first)
{
    struct h417_spi *spi = &board->h417.blocks.spi;

    (void)first;
    spi->shifting = spi->loaded = false;
    spi->burst = 0;
    chip_schedule(board, EVENT_SPI, NEVER);
    set(board, 0, 0);
}
