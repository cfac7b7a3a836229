/* SD cards on an SPI bus. Here every byte is ours: commands, the tokens before blocks, and all
 * checksums, which the card is told to check as well.
 *
 * The blocks of a read arrive by DMA. Between two of them there are a few bytes that nobody can
 * know the number of in advance, so a poll stays with a card that keeps sending, for up to
 * SLICE_MICROS; while a block arrives it checks the one before. */
#include <stddef.h>

#include "drivers/crc_sd.h"
#include "drivers/sd_bus.h"
#include "whim/port.h"

enum { IDLE = 1, ILLEGAL = 4, NO_ANSWER = 0x80 }; /* bits of R1 */
enum { TOKEN = 0xfe, TOKEN_MANY = 0xfc, TOKEN_STOP = 0xfd, NOTHING = 0xff };
enum { TAKEN = 5, TAKEN_MASK = 0x1f }; /* a card's word on a block that it was sent */
enum { WAKE_BYTES = 10, WAKE_TRIES = 10, ANSWER_BYTES = 10 };
enum { SLICE_MICROS = 1000, LOOKS = 64 }; /* bytes looked at for a token, in one turn of a poll */
enum { CSD_BYTES = 16 };

static struct {
    enum { WAITING, ARRIVING, OVER } state;
    uint8_t *to;       /* where the next block goes */
    uint32_t left;     /* blocks that have not all arrived */
    bool many;
    uint8_t *unproven; /* a block that arrived and was not checked yet, or NULL */
    uint16_t proof;    /* its checksum */
} bus;

static uint8_t take(void)
{
    uint8_t byte;
    port_spi_exchange(NULL, &byte, 1);
    return byte;
}

/* Let go of the card; it needs a clock to notice. */
static void release(void)
{
    port_spi_select(false);
    (void)take();
}

/* Wait while the card holds its line low. */
static bool ready(void)
{
    uint32_t began = port_millis();
    while (take() != NOTHING) {
        uint32_t waited = port_millis() - began;
        if (waited > SD_WRITE_MS) return false;
        if (waited > 1) port_sleep(1);
    }
    return true;
}

/* Send a command and answer its R1, or NO_ANSWER. The card stays selected. */
static uint8_t command(uint32_t index, uint32_t argument)
{
    uint8_t frame[6] = {(uint8_t)(0x40 | index), (uint8_t)(argument >> 24),
                        (uint8_t)(argument >> 16), (uint8_t)(argument >> 8), (uint8_t)argument};
    uint8_t answer = NO_ANSWER;
    frame[5] = sd_crc7(frame, 5);
    port_spi_select(true);
    (void)take(); /* eight clocks lie between an answer and the next command */
    port_spi_exchange(frame, NULL, sizeof frame);
    if (index == SD_STOP) (void)take(); /* the byte that was on its way */
    for (uint32_t i = 0; i < ANSWER_BYTES && answer & NO_ANSWER; i++) answer = take();
    return answer & NO_ANSWER ? NO_ANSWER : answer;
}

/* The same for a card that may have to be waited for. */
static uint8_t ask_ready(uint32_t index, uint32_t argument)
{
    port_spi_select(true);
    return ready() ? command(index, argument) : NO_ANSWER;
}

/* The four bytes behind some answers. */
static uint32_t word(void)
{
    uint8_t bytes[4];
    port_spi_exchange(NULL, bytes, sizeof bytes);
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint8_t application(uint32_t index, uint32_t argument)
{
    uint8_t answer = command(SD_APPLICATION, 0);
    release();
    return answer & ~IDLE ? answer : command(index, argument);
}

/* Wait for the token before a block. */
static bool token(void)
{
    uint8_t byte;
    for (uint32_t began = port_millis(); (byte = take()) == NOTHING;) {
        if (port_millis() - began > SD_READ_MS) break;
    }
    return byte == TOKEN;
}

static bool read_csd(uint32_t csd[4])
{
    uint8_t bytes[CSD_BYTES], sum[2];
    if (command(SD_SEND_CSD, 0) || !token()) return false;
    port_spi_exchange(NULL, bytes, sizeof bytes);
    port_spi_exchange(NULL, sum, sizeof sum);
    for (uint32_t i = 0; i < 4; i++) {
        const uint8_t *from = bytes + 4 * i;
        csd[i] = (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 |
                 from[3];
    }
    return sd_crc16(bytes, sizeof bytes) == (sum[0] << 8 | sum[1]);
}

/* Bring the card into SPI mode. One that was interrupted in the middle of a block may not listen
 * until that is over. */
static bool wake(void)
{
    port_spi_select(false);
    port_spi_exchange(NULL, NULL, WAKE_BYTES);
    for (uint32_t i = 0; i < WAKE_TRIES; i++) {
        uint8_t answer = command(SD_GO_IDLE, 0);
        if (answer == IDLE) return true;
        if (answer != NO_ANSWER) port_spi_exchange(NULL, NULL, SD_BLOCK);
        release();
    }
    return false;
}

static enum whim_status start_up(void)
{
    uint32_t argument = 0, began = port_millis();
    if (!wake()) return WHIM_ERR_CARD_MISSING;
    release();
    uint8_t answer = command(SD_SEND_CONDITION, SD_CONDITION);
    if (answer == IDLE) {
        if ((word() & 0xfff) != SD_CONDITION) return WHIM_ERR_CARD_READ;
        argument = SD_HIGH_CAPACITY;
    } else if (!(answer & ILLEGAL)) {
        return WHIM_ERR_CARD_READ;
    } /* cards of the first version do not know that command, nor of high capacity */
    release();
    if (command(SD_CRC_ON, 1) & ~IDLE) return WHIM_ERR_CARD_READ;
    release();
    while ((answer = application(SD_START_UP, argument)) == IDLE) {
        release();
        if (port_millis() - began > SD_START_UP_MS) return WHIM_ERR_CARD_READ;
        port_sleep(1);
    }
    release();
    if (answer || command(SD_READ_OCR, 0) & ~IDLE) return WHIM_ERR_CARD_READ;
    sd_card.by_block = word() & SD_HIGH_CAPACITY;
    release();
    return WHIM_OK;
}

static void set_clock(uint32_t hertz)
{
    (void)port_spi_start(hertz);
}

static enum whim_status start(void)
{
    uint32_t csd[4];
    bus.state = OVER;
    if (!port_spi_start(SD_SLOW)) return WHIM_ERR_CARD_MISSING;
    enum whim_status status = start_up();
    if (!status && !sd_card.by_block && command(SD_SET_BLOCK_LENGTH, SD_BLOCK)) {
        status = WHIM_ERR_CARD_READ;
    }
    release();
    if (status) return status;
    bool read = read_csd(csd) && sd_parse_csd(csd);
    release();
    if (!read) return WHIM_ERR_CARD_READ;
    set_clock(SD_DEFAULT);
    sd_card.hertz = SD_DEFAULT;
    sd_card.wires = 1;
    return WHIM_OK;
}

/* The answer to SD_SEND_STATUS is a second byte, of errors: 0 for none. One that started afresh is
 * idle, and a slot without a card answers ones. */
static enum whim_status ask(void)
{
    uint8_t answer = NO_ANSWER;
    for (uint32_t i = 0; i < 3 && answer; i++) {
        answer = ask_ready(SD_SEND_STATUS, 0);
        if (answer != NO_ANSWER) (void)take();
        release();
        if (answer & IDLE) break;
    }
    return answer ? WHIM_ERR_CARD_MISSING : WHIM_OK;
}

static enum whim_status finish(void)
{
    enum whim_status status = WHIM_OK;
    bus.state = OVER;
    bus.unproven = NULL;
    if (bus.many) {
        uint8_t answer = command(SD_STOP, 0);
        if (answer & ~ILLEGAL || !ready()) status = WHIM_ERR_CARD_READ;
    }
    release();
    return status;
}

/* Check the block that arrived last. */
static bool prove(void)
{
    const uint8_t *block = bus.unproven;
    bus.unproven = NULL;
    return !block || sd_crc16(block, SD_BLOCK) == bus.proof;
}

static void arrived(void)
{
    uint8_t sum[2];
    port_spi_exchange(NULL, sum, sizeof sum);
    bus.proof = (uint16_t)(sum[0] << 8 | sum[1]);
    bus.unproven = bus.to;
    bus.to += SD_BLOCK;
    bus.left--;
    bus.state = WAITING;
}

static enum whim_status stop(void)
{
    if (bus.state == ARRIVING) {
        while (port_spi_busy()) {} /* a block is over in less than a millisecond */
        arrived();
    }
    if (bus.state == WAITING && !bus.many && bus.left) { /* a single block cannot be stopped */
        if (token()) port_spi_exchange(NULL, NULL, SD_BLOCK + 2);
    }
    return finish();
}

static enum whim_status read(uint32_t address, void *to, uint32_t blocks)
{
    bus.to = to;
    bus.left = blocks;
    bus.many = blocks > 1;
    bus.unproven = NULL;
    bus.state = WAITING;
    if (ask_ready(bus.many ? SD_READ_MANY : SD_READ_ONE, address)) {
        bus.state = OVER;
        release();
        return WHIM_ERR_CARD_READ;
    }
    return WHIM_OK;
}

/* Do what can be done at once. WHIM_BUSY: the card is at it. */
static enum whim_status step(void)
{
    uint8_t byte = NOTHING;
    if (bus.state == ARRIVING) {
        if (!prove()) return WHIM_ERR_CARD_READ;
        if (port_spi_busy()) return WHIM_BUSY;
        arrived();
        return WHIM_OK;
    }
    if (!bus.left) return prove() ? WHIM_DONE : WHIM_ERR_CARD_READ;
    for (uint32_t i = 0; i < LOOKS && byte == NOTHING; i++) byte = take();
    if (byte == NOTHING) return WHIM_BUSY;
    if (byte != TOKEN) { /* the card cannot read it: nothing comes any more */
        bus.left = 0;
        return WHIM_ERR_CARD_READ;
    }
    port_spi_receive(bus.to, SD_BLOCK);
    bus.state = ARRIVING;
    return WHIM_OK;
}

static enum whim_status poll(void)
{
    enum whim_status status;
    uint32_t began = port_micros();
    do {
        status = step();
        if (status < 0) {
            (void)stop();
            return status;
        }
        if (status == WHIM_DONE) return finish();
    } while (port_micros() - began < SLICE_MICROS);
    return WHIM_BUSY;
}

/* Send a block and wait until the card has dealt with it. */
static bool send(uint8_t first, const uint8_t *block)
{
    uint16_t crc = sd_crc16(block, SD_BLOCK);
    const uint8_t sum[2] = {(uint8_t)(crc >> 8), (uint8_t)crc};
    port_spi_exchange(&first, NULL, 1);
    port_spi_exchange(block, NULL, SD_BLOCK);
    port_spi_exchange(sum, NULL, sizeof sum);
    return (take() & TAKEN_MASK) == TAKEN && ready();
}

static enum whim_status write(uint32_t address, const void *from, uint32_t blocks)
{
    static const uint8_t last[2] = {TOKEN_STOP, NOTHING};
    const uint8_t *block = from;
    bool good = !ask_ready(blocks > 1 ? SD_WRITE_MANY : SD_WRITE_ONE, address);
    if (good) {
        (void)take(); /* a card may want a byte between its answer and the block */
        for (uint32_t i = 0; i < blocks && good; i++, block += SD_BLOCK) {
            good = send(blocks > 1 ? TOKEN_MANY : TOKEN, block);
        }
        if (blocks > 1 && good) {
            port_spi_exchange(last, NULL, sizeof last);
            good = ready();
        } else if (blocks > 1) {
            (void)command(SD_STOP, 0);
            (void)ready();
        }
    }
    release();
    /* Whether the blocks were really written, the card says only now. */
    if (good) good = !command(SD_SEND_STATUS, 0) && !take();
    release();
    return good ? WHIM_OK : WHIM_ERR_CARD_WRITE;
}

const struct sd_bus sd_spi = {"spi", start, ask, read, poll, stop, write, set_clock};
