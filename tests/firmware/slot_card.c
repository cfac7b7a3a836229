/* The card in the test's slot: see slot.h. */
#include "slot.h"

#include <string.h>

#include "drivers/sd.h"

struct card card;

void power_up(void)
{
    memset(&card, 0, sizeof card);
}

void insert(void)
{
    power_up();
    world.present = 1;
}

enum fault strike(uint32_t block)
{
    if (card.state == SENDING && sd_card.hertz > world.hertz_most) return DAMAGED;
    if (!world.fault || block != world.fault_block || !world.fault_times) return NO_FAULT;
    world.fault_times--;
    return (enum fault)world.fault;
}

void put_block(const uint8_t *from)
{
    uint32_t block = card.block++;
    enum fault fault = strike(block);
    if (!world.present) return;
    if (block >= world.blocks) {
        card.errors |= OUT_OF_RANGE;
        return;
    }
    if (fault == REFUSED || world.read_only) {
        card.errors |= WRITE_ERROR;
        return;
    }
    if (world.logged < LOG) {
        world.log_block[world.logged] = block;
        memcpy(world.log_bytes[world.logged++], from, BLOCK);
    }
    memcpy(world.image + (size_t)BLOCK * block, from, BLOCK);
    world.writes++;
    if (world.pull_after > 0 && --world.pull_after == 0) world.present = 0;
}

void make_csd(uint32_t csd[4])
{
    if (world.high_capacity) {
        uint32_t size = world.blocks / 1024 - 1;
        csd[0] = 0x400e0032;
        csd[1] = (world.high_speed ? 0x5b5u : 0x1b5u) << 20 | 9 << 16 | size >> 16;
        csd[2] = size << 16 | 0x7f80;
    } else {
        uint32_t length = 9, factor = 7; /* blocks of 512 bytes, in units of 512 */
        while (world.blocks >> (factor + 2 + length - 9) > 4096) length++;
        uint32_t size = (world.blocks >> (factor + 2 + length - 9)) - 1;
        csd[0] = 0x002e0032;
        csd[1] = (world.high_speed ? 0x5b5u : 0x1b5u) << 20 | length << 16 | size >> 2;
        csd[2] = size << 30 | factor << 15;
    }
    csd[3] = 0x0a400000;
}

bool obey(uint32_t index, uint32_t argument, uint32_t *out)
{
    bool application = card.application, addressed = argument >> 16 == ADDRESS >> 16;
    uint32_t unit = world.high_capacity ? 1 : BLOCK;
    world.commands++;
    card.application = false;
    if (index == 0) {
        bool in_spi = card.in_spi;
        power_up();
        card.in_spi = in_spi;
        return true;
    }
    if (application) {
        switch (index) {
        case 41:
            if (card.state != IDLE) break;
            card.told_capacity = argument >> 30 & 1;
            if (card.in_spi ? card.asked++ > 2 : card.asked++ > 2 && argument & 0x300000) {
                if (world.high_capacity && !card.told_capacity) return true; /* for ever busy */
                card.state = card.in_spi ? TRANSFER : READY;
            }
            *out = 0x00ff8000 | (card.state != IDLE ? 1u << 31 : 0) |
                   (card.state != IDLE && world.high_capacity ? 1 << 30 : 0);
            return true;
        case 6:
            if (card.state != TRANSFER || argument != 2 || card.in_spi) break;
            return true;
        }
        return false;
    }
    switch (index) {
    case 2:
        if (card.state != READY || card.in_spi) break;
        card.state = IDENTIFIED;
        return true;
    case 3:
        if (card.state != IDENTIFIED || card.in_spi) break;
        card.state = STANDBY;
        *out = ADDRESS;
        return true;
    case 6: /* the other one, with 64 bytes to follow */
        if (card.state != TRANSFER || !world.high_speed || card.in_spi) break;
        if (argument >> 31) card.fast = true;
        card.state = SENDING;
        card.many = false;
        return true;
    case 7:
        if (card.state != STANDBY || !addressed || card.in_spi) break;
        card.state = TRANSFER;
        return true;
    case 8:
        if (world.first_version || card.state != IDLE) break;
        *out = argument & 0xfff;
        return true;
    case 9:
        if (card.in_spi ? card.state != TRANSFER : card.state != STANDBY || !addressed) break;
        return true;
    case 12:
        if (card.state != SENDING && card.state != RECEIVING) break;
        card.state = TRANSFER;
        return true;
    case 13:
        if (card.in_spi ? card.state < TRANSFER : card.state < STANDBY || !addressed) break;
        return true;
    case 16:
        if (card.state != TRANSFER || argument != BLOCK) break;
        return true;
    case 17: case 18: case 24: case 25:
        if (card.state != TRANSFER) break;
        if (argument % unit) complain("an address within a block:", argument);
        card.block = argument / unit;
        if (card.block >= world.blocks) {
            card.errors |= OUT_OF_RANGE;
            return true;
        }
        card.many = index == 18 || index == 25;
        card.state = index < 20 ? SENDING : RECEIVING;
        if (index < 20) world.reads++;
        if (index == 17) world.single_reads++;
        return true;
    case 55:
        card.application = true;
        return card.in_spi || card.state < STANDBY || addressed;
    case 58:
        *out = 0x00ff8000 | (card.state != IDLE ? 1u << 31 : 0) |
               (card.state != IDLE && world.high_capacity ? 1 << 30 : 0);
        return card.in_spi;
    case 59:
        card.crc_on = argument;
        return card.in_spi;
    }
    card.errors |= ILLEGAL;
    return false;
}
