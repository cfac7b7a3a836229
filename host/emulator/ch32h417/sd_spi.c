/* An SD card in SPI mode: frames, tokens and blocks, byte by byte. CMD0 with CS low brings a card
 * here, and only power brings it back.
 *
 * Nothing says when the card answers: a response comes after one to eight bytes, which a driver
 * must not count on. After CMD12 comes a byte that is part of nothing and looks like a response. */
#include <string.h>

#include "sd.h"
#include "../api.h"

enum { R1_IDLE = 1, R1_ILLEGAL = 4, R1_CRC = 8, R1_ADDRESS = 0x20, R1_PARAMETER = 0x40 };
enum { TOKEN_BLOCK = 0xfe, TOKEN_MANY = 0xfc, TOKEN_STOP = 0xfd, NOTHING = 0xff };

void sd_select(struct sd *sd, bool selected)
{
    sd->bytes.selected = selected;
    sd->bytes.frame_count = 0;
}

static void say(struct sd *sd, uint8_t byte)
{
    if (sd->bytes.out_count < sizeof sd->bytes.out) {
        sd->bytes.out[(sd->bytes.out_first + sd->bytes.out_count++) % sizeof sd->bytes.out] = byte;
    }
}

/* What remains of the native status: the errors of this command, taken. */
static uint8_t r1(struct sd *sd, uint8_t more)
{
    uint32_t status = sd->status;
    uint8_t byte = more;
    if (sd->state == STATE_IDLE) byte |= R1_IDLE;
    if (status & ADDRESS_ERROR) byte |= R1_ADDRESS;
    if (status & (BLOCK_LEN_ERROR | (uint32_t)OUT_OF_RANGE)) byte |= R1_PARAMETER;
    sd->status &= ~(ADDRESS_ERROR | BLOCK_LEN_ERROR | (uint32_t)OUT_OF_RANGE);
    return byte;
}

static void say_status(struct sd *sd)
{
    uint32_t status = sd->status;
    say(sd, (uint8_t)(sd->state == STATE_IDLE ? R1_IDLE : 0));
    say(sd, (uint8_t)((status & GENERAL_ERROR ? 4 : 0) | (status & CARD_ECC_FAILED ? 16 : 0) |
                      (status & (uint32_t)OUT_OF_RANGE ? 128 : 0)));
    sd->status = 0;
}

/* Commands that SPI mode has for itself; false: it is one of the others. */
static bool spi_command(struct sd *sd, const struct sd_contents *contents, uint64_t now,
                        unsigned index, uint32_t argument, bool application)
{
    bool free = sd->state == STATE_TRANSFER;

    if (index == 13 && !application && (free || sd->state == STATE_IDLE)) {
        say_status(sd);
    } else if ((index == 9 || index == 10) && free) {
        if (index == 9) sd_csd(sd, contents, sd->buffer);
        else sd_cid(sd->buffer);
        say(sd, r1(sd, 0));
        sd_send_register(sd, now, 16);
    } else if (index == 58) {
        uint8_t ocr[4];
        sd_put32(ocr, sd_ocr(sd));
        say(sd, r1(sd, 0));
        for (int i = 0; i < 4; i++) say(sd, ocr[i]);
    } else if (index == 59) {
        sd->checks_crc = argument & 1;
        say(sd, r1(sd, 0));
    } else {
        return false;
    }
    return true;
}

static void carry_out(struct sd *sd, const struct sd_contents *contents, uint64_t now,
                      unsigned index, uint32_t argument)
{
    bool application = sd->application;
    enum sd_answer answer;

    sd->application = false;
    if (spi_command(sd, contents, now, index, argument, application)) return;
    answer = sd_carry_out(sd, contents, now, index, argument, application);
    switch (answer) {
    case ANSWER_R1:
    case ANSWER_OCR:
        if (index == 55) sd->application = true;
        say(sd, r1(sd, 0));
        break;
    case ANSWER_R1B:
        sd->status &= ~(uint32_t)OUT_OF_RANGE; /* of a block that nobody wanted any more */
        say(sd, r1(sd, 0));
        sd->bytes.sends = false;
        break;
    case ANSWER_CHECK:
        say(sd, r1(sd, 0));
        say(sd, 0);
        say(sd, 0);
        say(sd, (uint8_t)(argument >> 8 & 15));
        say(sd, (uint8_t)argument);
        break;
    default: say(sd, r1(sd, R1_ILLEGAL));
    }
    if (sd->state == STATE_RECEIVE) {
        sd->bytes.receives = false;
        sd->bytes.token = index == 25 ? TOKEN_MANY : TOKEN_BLOCK;
    }
}

static void command(struct sd *sd, const struct sd_contents *contents, uint64_t now)
{
    const uint8_t *frame = sd->bytes.frame;
    unsigned index = frame[0] & 0x3f;
    uint32_t argument = (uint32_t)frame[1] << 24 | (uint32_t)frame[2] << 16 |
                        (uint32_t)frame[3] << 8 | frame[4];
    bool right = frame[5] == (uint8_t)(sd_crc7(frame, 5) << 1 | 1);

    sd_check_command(sd, index);
    if (!sd->spi && !(index == 0 && right)) return; /* it still speaks the native language */
    sd->counted.commands++;
    if (index == 12) {
        say(sd, (uint8_t)(sd_noise(sd) & 0x7f));
    } else {
        sd->bytes.out_count = 0;
        if (sd_noise(sd) % 4 == 0) say(sd, NOTHING);
    }
    for (uint32_t i = sd_noise(sd) % 4; i; i--) say(sd, NOTHING);
    if (!right && (sd->checks_crc || index == 0 || index == 8)) {
        sd->application = false;
        say(sd, r1(sd, R1_CRC));
    } else if (index == 0) {
        sd_go_idle(sd);
        sd->spi = true;
        say(sd, r1(sd, 0));
    } else {
        carry_out(sd, contents, now, index, argument);
    }
}

/* The byte that the card sends while it is not busy and has no response to give. */
static uint8_t block_byte(struct sd *sd, const struct sd_contents *contents, uint64_t now)
{
    uint8_t byte;

    if (sd->state != STATE_DATA || !sd->sending) return NOTHING;
    if (!sd->bytes.sends) {
        if (sd->sending != SEND_REGISTER && sd->ready == UINT64_MAX) { /* it cannot: why not? */
            bool range = sd->status & (uint32_t)OUT_OF_RANGE;
            bool one = sd->sending == SEND_ONE;
            if (!range && !(sd->status & CARD_ECC_FAILED)) return NOTHING;
            sd->status &= ~(uint32_t)(CARD_ECC_FAILED | OUT_OF_RANGE);
            if (one) sd->state = STATE_TRANSFER;
            if (one) sd->sending = SEND_NOTHING;
            return range ? 8 : 4; /* an error token */
        }
        if (now < sd->ready) return NOTHING;
        sd_send(sd, contents, now);
        sd->bytes.sends = true;
        sd->bytes.at = 0;
        return TOKEN_BLOCK;
    }
    byte = sd->buffer[sd->bytes.at++];
    if (sd->bytes.at == sd->count + 2) {
        sd->bytes.sends = false;
        sd_sent(sd, now);
    }
    return byte;
}

/* A byte of a block to write, or of what stands between two. */
static void take(struct sd *sd, const struct sd_contents *contents, uint64_t now, uint8_t byte)
{
    if (!sd->bytes.receives) {
        if (byte == sd->bytes.token) {
            sd->bytes.receives = true;
            sd->bytes.at = 0;
        } else if (byte == TOKEN_STOP && sd->bytes.token == TOKEN_MANY) {
            say(sd, NOTHING);
            sd_end_write(sd, now);
        }
        return;
    }
    sd->buffer[sd->bytes.at++] = byte;
    if (sd->bytes.at < SD_SECTOR + 2) return;
    uint16_t crc = (uint16_t)(sd->buffer[SD_SECTOR] << 8 | sd->buffer[SD_SECTOR + 1]);
    if (!sd->checks_crc) crc = sd_crc16(sd->buffer, SD_SECTOR);
    unsigned answer = sd_receive(sd, contents, now, sd->buffer, SD_SECTOR, crc);
    sd->bytes.receives = false;
    say(sd, (uint8_t)(0xe0 | answer << 1 | 1));
}

static bool is_token(uint8_t byte)
{
    return byte == TOKEN_BLOCK || byte == TOKEN_MANY || byte == TOKEN_STOP;
}

uint8_t sd_exchange(struct sd *sd, const struct sd_contents *contents, uint64_t now, uint8_t out)
{
    uint8_t in = NOTHING;
    bool busy, answering = sd->bytes.out_count;

    if (!sd->present) return NOTHING;
    if (!sd->bytes.selected) {
        sd_clock(sd, sd->hertz, 8);
        return NOTHING;
    }
    busy = sd_busy(sd, contents, now) && sd->spi;
    if (answering) {
        in = sd->bytes.out[sd->bytes.out_first];
        sd->bytes.out_first = (uint8_t)((sd->bytes.out_first + 1) % sizeof sd->bytes.out);
        sd->bytes.out_count--;
    } else if (busy) {
        in = 0;
    } else if (sd->spi) {
        in = block_byte(sd, contents, now);
    }
    if (sd->bytes.receives ||
        (sd->state == STATE_RECEIVE && !sd->bytes.frame_count && is_token(out))) {
        if (!answering && !busy) take(sd, contents, now, out);
    } else if (sd->bytes.frame_count || (out & 0xc0) == 0x40) {
        sd->bytes.frame[sd->bytes.frame_count++] = out;
        if (sd->bytes.frame_count == 6) {
            sd->bytes.frame_count = 0;
            if (!busy || (sd->bytes.frame[0] & 0x3f) == 0) command(sd, contents, now);
        }
    }
    return in;
}
