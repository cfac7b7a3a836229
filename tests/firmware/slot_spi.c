/* The slot's SPI bus: see slot.h. */
#include <string.h>

#include "drivers/crc_sd.h"
#include "slot.h"
#include "whim/port.h"

static struct {
    bool selected;
    uint32_t woken;           /* clocks without being selected, divided by 8 */
    uint8_t out[1200];        /* what the card is about to say */
    uint32_t next, end;
    uint8_t frame[6];
    uint32_t framed;
    uint8_t block[BLOCK + 2]; /* that it is being sent */
    uint32_t arrived;         /* bytes of it, and its token; 0: it waits for a token */
    uint64_t due;             /* when its next block comes, or when it is no longer busy */
    bool busy;
    void *to;                 /* by DMA */
    uint8_t dma[BLOCK];
    uint32_t count;
    uint64_t dma_due;
} spi;

bool port_spi_start(uint32_t hertz)
{
    if (!world.spi) return false;
    if (hertz > 25000000) complain("too fast:", hertz);
    spi.woken = 0;
    spi.selected = false;
    return true;
}

void port_spi_select(bool selected)
{
    if (spi.to) complain("selected while blocks arrive", selected);
    if (!selected) spi.framed = spi.next = spi.end = 0;
    spi.selected = selected;
}

static void say(uint8_t byte)
{
    if (spi.next == spi.end) spi.next = spi.end = 0;
    if (spi.end < sizeof spi.out) spi.out[spi.end++] = byte;
}

static void say_block(const uint8_t *bytes, uint32_t count, uint8_t token, bool damaged)
{
    uint16_t crc = sd_crc16(bytes, count);
    say(token);
    for (uint32_t i = 0; i < count; i++) say(bytes[i] ^ (damaged && i == 100 ? 4 : 0));
    say((uint8_t)(crc >> 8));
    say((uint8_t)crc);
}

static void obey_frame(void)
{
    uint32_t index = spi.frame[0] & 63, out = 0;
    uint32_t argument = (uint32_t)spi.frame[1] << 24 | (uint32_t)spi.frame[2] << 16 |
                        (uint32_t)spi.frame[3] << 8 | spi.frame[4];
    bool sending = card.state == SENDING;
    spi.next = spi.end = 0;
    if (index == 0) {
        if (spi.woken < 10) complain("too few clocks before the first command:", spi.woken);
        card.in_spi = true;
    }
    if (!card.in_spi) return;
    say(index == 12 && sending ? 0x2a : 0xff); /* a byte that means nothing */
    say(0xff);
    if ((card.crc_on || index == 0 || index == 8) && sd_crc7(spi.frame, 5) != spi.frame[5]) {
        complain("a wrong checksum of command", index);
        say(0x08 | (card.state == IDLE));
        return;
    }
    bool done = obey(index, argument, &out);
    uint8_t r1 = (uint8_t)((card.state == IDLE) | (done ? 0 : 4) |
                           (card.errors & OUT_OF_RANGE ? 0x40 : 0));
    say(r1);
    if (index == 13) say(card.errors & WRITE_ERROR ? 4 : 0);
    if (done) card.errors = 0;
    card.errors &= ~(uint32_t)ILLEGAL;
    if (done && (index == 8 || index == 58)) {
        for (int32_t shift = 24; shift >= 0; shift -= 8) say((uint8_t)(out >> shift));
    }
    if (done && index == 9) {
        uint32_t csd[4];
        uint8_t bytes[16];
        make_csd(csd);
        for (uint32_t i = 0; i < 16; i++) bytes[i] = (uint8_t)(csd[i / 4] >> (24 - 8 * (i % 4)));
        say(0xff);
        say_block(bytes, sizeof bytes, 0xfe, false);
    }
    if (index == 12) spi.due = now + 50, spi.busy = true;
    else spi.due = now + world.latency;
    spi.arrived = 0;
}

/* A byte of a block that the card is sent, or the token before it. */
static void take_data(uint8_t in)
{
    if (!spi.arrived) {
        if (in == 0xfd && card.many) {
            card.state = TRANSFER;
            spi.busy = true;
            spi.due = now + world.busy;
            say(0xff);
        } else if (in == (card.many ? 0xfc : 0xfe)) {
            spi.arrived = 1;
        } else if (in != 0xff) {
            complain("a wrong token", in);
        }
        return;
    }
    spi.block[spi.arrived++ - 1] = in;
    if (spi.arrived <= BLOCK + 2) return;
    spi.arrived = 0;
    uint16_t crc = (uint16_t)(spi.block[BLOCK] << 8 | spi.block[BLOCK + 1]);
    bool right = sd_crc16(spi.block, BLOCK) == crc;
    if (!right) complain("a wrong checksum of block", card.block);
    if (world.fault == DAMAGED && strike(card.block)) right = false;
    say(right ? 0xe5 : 0xeb);
    if (right) put_block(spi.block);
    spi.busy = true;
    spi.due = now + world.busy;
    if (!card.many) card.state = TRANSFER;
}

static uint8_t exchange(uint8_t in)
{
    uint8_t out = 0xff;
    if (spi.count++ % 3 == 0) now++; /* 25 MHz */
    if (!spi.selected) {
        if (spi.woken < 1000) spi.woken++;
        return 0xff;
    }
    if (!world.present) return 0xff;
    if (spi.next < spi.end) {
        out = spi.out[spi.next++];
    } else if (spi.busy) {
        spi.busy = now < spi.due;
        out = spi.busy ? 0 : 0xff;
    } else if (card.state == SENDING && now >= spi.due && !spi.framed) {
        enum fault fault = strike(card.block);
        if (fault == SILENT) {
            spi.due = UINT64_MAX;
        } else if (card.block >= world.blocks || fault == REFUSED) {
            out = 0x08; /* a token that tells of an error */
            card.state = TRANSFER;
        } else {
            say_block(world.image + (size_t)BLOCK * card.block++, BLOCK, 0xfe, fault == DAMAGED);
            world.read_blocks++;
            if (!card.many) card.state = TRANSFER;
        }
    }
    if (card.state == RECEIVING && !spi.framed && (spi.arrived || (in & 0xc0) != 0x40)) {
        if (spi.next >= spi.end) take_data(in);
    } else if (spi.framed || (in & 0xc0) == 0x40) {
        spi.frame[spi.framed++] = in;
        if (spi.framed == sizeof spi.frame) {
            spi.framed = 0;
            obey_frame();
        }
    }
    return out;
}

static void end_dma(void)
{
    if (spi.to && now >= spi.dma_due) {
        memcpy(spi.to, spi.dma, BLOCK);
        spi.to = NULL;
    }
}

void port_spi_exchange(const uint8_t *out, uint8_t *in, uint32_t count)
{
    if (spi.to) complain("bytes exchanged while a block arrives:", count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t byte = exchange(out ? out[i] : 0xff);
        if (in) in[i] = byte;
    }
}

void port_spi_receive(void *to, uint32_t count)
{
    uint64_t began = now;
    if (count != BLOCK) complain("not a block:", count);
    for (uint32_t i = 0; i < count; i++) spi.dma[i] = exchange(0xff);
    spi.to = to;
    spi.dma_due = now;
    now = began;
}

bool port_spi_busy(void)
{
    now += 5;
    end_dma();
    return spi.to != NULL;
}
