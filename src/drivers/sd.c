/* SD cards, whichever bus they are on: see sd.h. */
#include "drivers/sd.h"

#include <stddef.h>

#include "drivers/sd_bus.h"
#include "whim/port.h"

enum { FAILURES = 2 }; /* in a row, before the bus is made slower */
enum { REST_MS = 100 };

struct sd_card sd_card;

static struct {
    const struct sd_bus *bus; /* NULL: no card */
    bool reading;
    uint32_t failures; /* reads, one after the other */
    uint8_t block[SD_BLOCK] __attribute__((aligned(SD_ALIGNMENT)));
} sd;

/* Bits `low` to `low` + `count` - 1 of a register, at most 32 of them. */
static uint32_t bits(const uint32_t reg[4], uint32_t low, uint32_t count)
{
    uint32_t word = 3 - low / 32, shift = low % 32, value = reg[word] >> shift;
    if (shift + count > 32) value |= reg[word - 1] << (32 - shift);
    return value & (count < 32 ? (1u << count) - 1 : UINT32_MAX);
}

uint32_t sd_parse_csd(const uint32_t csd[4])
{
    uint32_t structure = bits(csd, 126, 2), length = bits(csd, 80, 4);
    if (structure == 1) {
        sd_card.blocks = (bits(csd, 48, 22) + 1) * 1024;
    } else if (structure == 0 && length >= 9 && length <= 11) {
        sd_card.blocks = (bits(csd, 62, 12) + 1) << (bits(csd, 47, 3) + 2 + length - 9);
    } else {
        return 0;
    }
    return bits(csd, 84, 12);
}

uint32_t sd_address(uint32_t block)
{
    return sd_card.by_block ? block : block * SD_BLOCK;
}

bool sd_ready(void)
{
    return sd.bus != NULL;
}

enum whim_status sd_start(void)
{
    static const struct sd_bus *const buses[] = {&sd_native, &sd_spi};
    enum whim_status worst = WHIM_ERR_CARD_MISSING;
    sd.bus = NULL;
    sd.reading = false;
    sd.failures = 0;
    for (uint32_t i = 0; i < 2; i++) {
        sd_card = (struct sd_card){.bus = buses[i]->name};
        enum whim_status status = buses[i]->start();
        if (!status) {
            sd.bus = buses[i];
            return WHIM_OK;
        }
        if (status != WHIM_ERR_CARD_MISSING) worst = status;
    }
    return worst;
}

/* After an error: one that the card does not survive is that it is missing. */
static enum whim_status failed(enum whim_status status)
{
    sd.reading = false;
    if (sd.bus && sd.bus->ask() != WHIM_OK) sd.bus = NULL;
    return sd.bus ? status : WHIM_ERR_CARD_MISSING;
}

bool sd_check(void)
{
    sd_read_stop();
    if (sd.bus) (void)failed(WHIM_OK);
    return sd.bus != NULL;
}

static bool has(uint32_t block, uint32_t blocks)
{
    return block <= sd_card.blocks && blocks <= sd_card.blocks - block;
}

enum whim_status sd_read_start(uint32_t block, void *to, uint32_t blocks)
{
    sd_read_stop();
    if (!sd.bus) return WHIM_ERR_CARD_MISSING;
    if (!has(block, blocks)) return WHIM_ERR_CARD_READ;
    enum whim_status status = sd.bus->read(sd_address(block), to, blocks);
    if (status) return failed(WHIM_ERR_CARD_READ);
    sd.reading = true;
    return WHIM_OK;
}

enum whim_status sd_read_poll(void)
{
    if (!sd.reading) return sd.bus ? WHIM_ERR_CARD_READ : WHIM_ERR_CARD_MISSING;
    enum whim_status status = sd.bus->poll();
    if (status == WHIM_BUSY) return WHIM_BUSY;
    sd.reading = false;
    if (!status) {
        sd.failures = 0;
        return WHIM_OK;
    }
    status = failed(WHIM_ERR_CARD_READ);
    if (sd.bus && ++sd.failures == FAILURES && sd_card.hertz / 2 >= SD_LEAST) {
        sd.failures = 0;
        sd_card.hertz /= 2;
        sd.bus->set_clock(sd_card.hertz);
    }
    return status;
}

void sd_read_stop(void)
{
    if (!sd.reading) return;
    sd.reading = false;
    if (sd.bus->stop()) (void)failed(WHIM_ERR_CARD_READ);
}

/* Let the port look after itself, now and then. What waits here mostly waits for less than it takes
 * to fall asleep and wake up, but may do so thousands of times in a row. */
static void rest(uint32_t waited)
{
    static uint32_t rested;
    if (waited <= 1 && port_millis() - rested < REST_MS) return;
    port_sleep(0);
    rested = port_millis();
}

/* Read blocks to a place that is aligned, and wait for them. */
static enum whim_status read_aligned(uint32_t block, void *to, uint32_t blocks)
{
    uint32_t began = port_millis();
    enum whim_status status = sd_read_start(block, to, blocks);
    while (!status && (status = sd_read_poll()) == WHIM_BUSY) {
        uint32_t waited = port_millis() - began;
        if (waited >= SD_READ_MS) {
            sd_read_stop();
            return sd.bus ? WHIM_ERR_CARD_READ : WHIM_ERR_CARD_MISSING;
        }
        rest(waited);
        status = WHIM_OK;
    }
    return status;
}

static void copy(uint8_t *to, const uint8_t *from)
{
    for (uint32_t i = 0; i < SD_BLOCK; i++) to[i] = from[i];
}

static bool is_aligned(const void *place)
{
    return (uintptr_t)place % SD_ALIGNMENT == 0;
}

enum whim_status sd_read(uint32_t block, void *to, uint32_t blocks)
{
    if (is_aligned(to)) return read_aligned(block, to, blocks);
    uint8_t *out = to;
    for (; blocks; blocks--, block++, out += SD_BLOCK) {
        enum whim_status status = read_aligned(block, sd.block, 1);
        if (status) return status;
        copy(out, sd.block);
    }
    return WHIM_OK;
}

static enum whim_status write_aligned(uint32_t block, const void *from, uint32_t blocks)
{
    if (!sd.bus) return WHIM_ERR_CARD_MISSING;
    if (!has(block, blocks)) return WHIM_ERR_CARD_WRITE;
    enum whim_status status = sd.bus->write(sd_address(block), from, blocks);
    return status ? failed(WHIM_ERR_CARD_WRITE) : WHIM_OK;
}

enum whim_status sd_write(uint32_t block, const void *from, uint32_t blocks)
{
    sd_read_stop();
    if (is_aligned(from)) return write_aligned(block, from, blocks);
    const uint8_t *in = from;
    for (; blocks; blocks--, block++, in += SD_BLOCK) {
        copy(sd.block, in);
        enum whim_status status = write_aligned(block, sd.block, 1);
        if (status) return status;
    }
    return WHIM_OK;
}
