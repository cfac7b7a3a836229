/* DMA1 and DMA2 with DMAMUX: a block asks, the channel that DMAMUX leads the request to moves one
 * item between the block's data register and memory.
 *
 * Strict: a channel's registers are not touched while it is enabled, and it is enabled only with a
 * request, an address and a size that make sense together. A bus cycle takes no time here; the
 * cores are not held up. */
#include "dma.h"

#include "../board.h"

enum { EN = 1, TCIE = 2, HTIE = 4, TEIE = 8, DIR = 0x10, CIRC = 0x20, PINC = 0x40, MINC = 0x80,
       REFUSED = 0xc000 | PINC };
enum { GIF = 1, TC = 2, HT = 4, TE = 8 };
enum { INTFR, INTFCR, CHANNELS }; /* the registers of a DMA, in this order in registers.def */
enum { CFGR, CNTR, PADDR, MADDR, M1ADDR, EACH };

static unsigned first_of(unsigned channel)
{
    return channel < 8 ? H417_FIRST_DMA1 : H417_FIRST_DMA2;
}

static unsigned place(unsigned channel, unsigned what)
{
    return first_of(channel) + CHANNELS + EACH * (channel % 8) + what;
}

static unsigned request_of(const struct board *board, unsigned channel)
{
    return (board->value[H417_FIRST_DMAMUX + channel / 4] >> 8 * (channel % 4) & 0x7f) + 1;
}

static uint32_t memory_bytes(const struct board *board, unsigned channel)
{
    return (uint32_t)1 << (board->value[place(channel, CFGR)] >> 10 & 3);
}

static uint32_t peripheral_bytes(const struct board *board, unsigned channel)
{
    return (uint32_t)1 << (board->value[place(channel, CFGR)] >> 8 & 3);
}

static void lines(struct board *board, unsigned channel)
{
    uint32_t flags = board->value[first_of(channel) + INTFR] >> 4 * (channel % 8) & 15;
    unsigned irq = channel == 0 ? H417_IRQ_DMA1_CH1
                   : channel < 8 ? H417_IRQ_DMA1_CH2 + channel - 1
                                 : H417_IRQ_DMA2_CH1 + channel - 8;
    h417_irq(board, irq, flags & board->value[place(channel, CFGR)] & (TCIE | HTIE | TEIE));
}

static void flag(struct board *board, unsigned channel, uint32_t bits)
{
    board->value[first_of(channel) + INTFR] |= (bits | GIF) << 4 * (channel % 8);
    lines(board, channel);
}

/* The enabled channel that serves a request, and has something left; or -1. */
static int find(const struct board *board, unsigned request)
{
    for (unsigned channel = 0; channel < DMA_CHANNELS; channel++) {
        if (board->value[place(channel, CFGR)] & EN && board->value[place(channel, CNTR)] &&
            request_of(board, channel) == request) {
            return (int)channel;
        }
    }
    return -1;
}

/* An item has been moved. */
static void count(struct board *board, unsigned channel)
{
    uint32_t config = board->value[place(channel, CFGR)];
    uint32_t *left = &board->value[place(channel, CNTR)];
    uint32_t total = board->h417.blocks.dma[channel].total;

    if (config & MINC) board->h417.blocks.dma[channel].address += memory_bytes(board, channel);
    --*left;
    if (*left == total - total / 2) flag(board, channel, HT);
    if (*left) return;
    if (config & CIRC) {
        *left = total;
        board->h417.blocks.dma[channel].address = board->value[place(channel, MADDR)];
    }
    flag(board, channel, TC);
}

static uint32_t load(struct board *board, unsigned channel)
{
    uint8_t bytes[4] = {0};
    h417_dma_load(board, H417_BY_DMA, board->h417.blocks.dma[channel].address, bytes,
                  memory_bytes(board, channel));
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void store(struct board *board, unsigned channel, uint32_t value)
{
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> 8 * i);
    h417_dma_store(board, H417_BY_DMA, board->h417.blocks.dma[channel].address, bytes,
                   memory_bytes(board, channel));
}

bool h417_dma_request(struct board *board, unsigned request)
{
    int found = find(board, request);
    unsigned channel = (unsigned)found;
    uint32_t bytes, address;

    if (found < 0) return false;
    bytes = peripheral_bytes(board, channel);
    address = board->value[place(channel, PADDR)];
    if (board->value[place(channel, CFGR)] & DIR) {
        uint32_t value = load(board, channel);
        if (bytes < 4) value &= ((uint32_t)1 << 8 * bytes) - 1;
        count(board, channel);
        bus_write(board, address, bytes, value);
    } else {
        store(board, channel, bus_read(board, address, bytes));
        count(board, channel);
    }
    return true;
}

uint32_t dma_left(const struct board *board, unsigned request)
{
    int channel = find(board, request);
    return channel < 0 ? 0 : board->value[place((unsigned)channel, CNTR)];
}

void dma_move(struct board *board, unsigned request, uint8_t *bytes, uint32_t count_)
{
    for (uint32_t i = 0; i < count_; i++) {
        int channel = find(board, request);
        if (channel < 0) return;
        if (board->value[place((unsigned)channel, CFGR)] & DIR) {
            bytes[i] = (uint8_t)load(board, (unsigned)channel);
        } else {
            store(board, (unsigned)channel, bytes[i]);
        }
        count(board, (unsigned)channel);
    }
}

/* What a request needs: the data register, whether it goes there, and the widths that it takes. */
static bool fits(struct board *board, unsigned channel, uint32_t config)
{
    static const struct {
        unsigned request;
        uint32_t registers[2];
        bool to;
        unsigned sizes; /* a bit for each PSIZE */
    } requests[] = {
        {REQUEST_SPI1_TX, {0x4001300c, 0x4001300c}, true, 1},
        {REQUEST_SPI1_RX, {0x4001300c, 0x4001300c}, false, 1},
        {REQUEST_DAC1, {0x40007408, 0x40007420}, true, 6},
    };
    unsigned request = request_of(board, channel), i = 0, size = config >> 8 & 3;
    uint32_t address = board->value[place(channel, PADDR)];

    while (i < 3 && requests[i].request != request) i++;
    if (i == 3) {
        board_fault(board, 0, "DMA: DMAMUX leads request %u to channel %u of DMA%u; that one is "
                    "not modelled", request, channel % 8 + 1, channel / 8 + 1);
    } else if (address != requests[i].registers[0] && address != requests[i].registers[1]) {
        board_fault(board, address, "DMA: PADDR = 0x%08x does not belong to request %u",
                    (unsigned)address, request);
    } else if (requests[i].to != !!(config & DIR)) {
        board_fault(board, 0, "DMA: request %u goes the other way", request);
    } else if (!(requests[i].sizes >> size & 1)) {
        board_fault(board, 0, "DMA: PSIZE %u is not what request %u takes", size, request);
    } else {
        return true;
    }
    return false;
}

static void enable(struct board *board, unsigned channel, uint32_t config)
{
    uint32_t items = board->value[place(channel, CNTR)], size = config >> 10 & 3;
    uint32_t address = board->value[place(channel, MADDR)], bytes;

    if (config & REFUSED || size == 3) {
        board_fault(board, 0, "DMA: CFGR = 0x%04x: not all of this is modelled", (unsigned)config);
        return;
    }
    bytes = (config & MINC ? items : 1) << size;
    if (!items) {
        board_fault(board, 0, "DMA: a channel enabled with CNTR = 0");
    } else if (address & ((1u << size) - 1)) {
        board_fault(board, address, "DMA: MADDR = 0x%08x is not aligned", (unsigned)address);
    } else if (h417_reaches(board, H417_BY_DMA, address, bytes) && fits(board, channel, config)) {
        board->value[place(channel, CFGR)] = config;
        board->h417.blocks.dma[channel].address = address;
        board->h417.blocks.dma[channel].total = items;
        spi_pump(board);
    }
}

static void write_channel(struct board *board, unsigned channel, unsigned what, uint32_t value)
{
    uint32_t config = board->value[place(channel, CFGR)];

    if (config & EN && !(what == CFGR && (value == config || !(value & EN)))) {
        board_fault(board, 0, "DMA: a register of channel %u of DMA%u written while EN is set",
                    channel % 8 + 1, channel / 8 + 1);
    } else if (what == CFGR && value & EN && !(config & EN)) {
        enable(board, channel, value);
    } else {
        board->value[place(channel, what)] = value;
    }
    lines(board, channel);
}

uint32_t h417_dma_read(struct board *board, unsigned now)
{
    if (now == H417_FIRST_DMA1 + INTFCR || now == H417_FIRST_DMA2 + INTFCR) {
        board_fault(board, 0, "DMA: load from INTFCR, which is write-only");
    }
    return board->value[now];
}

void h417_dma_write(struct board *board, unsigned now, uint32_t value)
{
    bool second = now >= H417_FIRST_DMA2;
    unsigned first = second ? H417_FIRST_DMA2 : H417_FIRST_DMA1, index = now - first;

    if (index == INTFR) {
        board_fault(board, 0, "DMA: store to INTFR, which is read-only");
    } else if (index == INTFCR) {
        for (unsigned i = 0; i < 8; i++) {
            uint32_t bits = value >> 4 * i & 15, *flags = &board->value[first + INTFR], left;
            if (bits & GIF) bits = 15;
            *flags &= ~(bits << 4 * i);
            left = *flags >> 4 * i & (TC | HT | TE);
            if (!left) *flags &= ~((uint32_t)GIF << 4 * i);
            lines(board, i + 8 * second);
        }
    } else {
        index -= CHANNELS;
        write_channel(board, index / EACH + 8 * second, index % EACH, value);
    }
}

void h417_dma_reset(struct board *board, unsigned first)
{
    for (unsigned i = 0; i < 8; i++) lines(board, i + (first == H417_FIRST_DMA2 ? 8 : 0));
}

uint32_t h417_dmamux_read(struct board *board, unsigned now)
{
    return board->value[now];
}

void h417_dmamux_write(struct board *board, unsigned now, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        unsigned channel = 4 * (now - H417_FIRST_DMAMUX) + i;
        if ((value ^ board->value[now]) >> 8 * i & 0x7f &&
            board->value[place(channel, CFGR)] & EN) {
            board_fault(board, 0, "DMAMUX: the request of an enabled channel changed");
        }
    }
    board->value[now] = value;
}

void h417_dmamux_reset(struct board *board, unsigned first)
{
    (void)board;
    (void)first;
}
