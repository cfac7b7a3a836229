/* The slot's native bus: see slot.h. */
#include <string.h>

#include "slot.h"
#include "whim/port.h"

static struct {
    uint8_t *to;
    const uint8_t *from;
    uint32_t blocks, bytes, wires, hertz;
    uint64_t due;
} transfer;

bool port_sd_start(void)
{
    world.starts++;
    memset(&transfer, 0, sizeof transfer);
    if (!world.native) return false;
    power_up(); /* it can switch the card's power off and on */
    return true;
}

void port_sd_speed(uint32_t hertz, uint32_t wires)
{
    if (hertz > 25000000 && !card.fast) complain("too fast for this card:", hertz);
    transfer.hertz = hertz;
    transfer.wires = wires;
}

enum whim_status port_sd_command(uint32_t index, uint32_t argument, enum port_sd_answer answer,
                                 uint32_t response[4])
{
    uint32_t out = 0, words[4] = {0};
    enum state before = card.state;
    now += 10;
    if (transfer.from) complain("a command while blocks are sent:", index);
    if (transfer.to && index != 6 && index != 17 && index != 18) {
        complain("a command while blocks are received:", index);
    }
    if (!world.present || card.in_spi) return WHIM_ERR_CARD_MISSING;
    if (!obey(index, argument, &out)) return WHIM_ERR_CARD_MISSING;
    if (answer == PORT_SD_NONE) return WHIM_OK;
    words[0] = (uint32_t)before << 9 | 1 << 8 | card.errors;
    if (index == 55) words[0] |= 1 << 5;
    if (index != 8) card.errors = 0;
    if (index == 3) words[0] = out | 0x500;
    if (index == 8 || index == 41) words[0] = out;
    if (index == 9) make_csd(words);
    if (response) memcpy(response, words, answer == PORT_SD_R2 ? sizeof words : 4);
    transfer.due = now + world.latency;
    return WHIM_OK;
}

void port_sd_receive(void *to, uint32_t blocks, uint32_t block_bytes)
{
    if ((uintptr_t)to % 16) complain("receiving to an odd place", (uint32_t)((uintptr_t)to % 16));
    if (transfer.to || transfer.from) complain("a second transfer", blocks);
    transfer.to = to;
    transfer.blocks = blocks;
    transfer.bytes = block_bytes;
}

enum whim_status port_sd_received(void)
{
    now += 5;
    if (!transfer.to || !world.present || card.state != SENDING || now < transfer.due) {
        return WHIM_BUSY;
    }
    if (transfer.bytes == 64) {
        memset(transfer.to, 0, 64);
        transfer.to[16] = 1; /* high speed it is */
        card.state = TRANSFER;
        transfer.to = NULL;
        return WHIM_OK;
    }
    for (; transfer.blocks; transfer.blocks--, transfer.to += BLOCK, card.block++) {
        enum fault fault = strike(card.block);
        if (card.block >= world.blocks || fault == SILENT) {
            transfer.due = UINT64_MAX;
            return WHIM_BUSY;
        }
        memcpy(transfer.to, world.image + (size_t)BLOCK * card.block, BLOCK);
        world.read_blocks++;
        now += 20;
        if (fault) {
            transfer.to[100] ^= 4;
            transfer.to = NULL;
            if (!card.many) card.state = TRANSFER;
            return WHIM_ERR_CARD_READ;
        }
    }
    if (!card.many) card.state = TRANSFER;
    transfer.to = NULL;
    return WHIM_OK;
}

void port_sd_send(const void *from, uint32_t blocks)
{
    if ((uintptr_t)from % 16) complain("sending from an odd place", blocks);
    transfer.from = from;
    transfer.blocks = blocks;
    transfer.due = now + world.busy;
}

enum whim_status port_sd_sent(void)
{
    now += 5;
    if (!world.present || now < transfer.due) return WHIM_BUSY;
    for (; transfer.blocks; transfer.blocks--, transfer.from += BLOCK) {
        if (world.fault == DAMAGED && strike(card.block)) {
            transfer.from = NULL;
            card.state = card.many ? RECEIVING : TRANSFER;
            return WHIM_ERR_CARD_WRITE;
        }
        put_block(transfer.from);
        if (!world.present) return WHIM_BUSY;
    }
    if (!card.many) card.state = TRANSFER;
    transfer.from = NULL;
    return WHIM_OK;
}

bool port_sd_busy(void)
{
    return false;
}

void port_sd_abandon(void)
{
    transfer.to = NULL;
    transfer.from = NULL;
}

uint32_t native_wires(void)
{
    return transfer.wires;
}
