/* The SD card of sd.h: states, commands, blocks. What is common to both languages, and the native
 * one. */
#include "sd.h"

#include <string.h>

#include "../api.h"

static const uint64_t never = UINT64_MAX;
enum { NO_LIMIT = -1, INITIALISATION = 20000 /* us after the first ACMD41 */ };

const char *sd_complaint(struct sd *sd)
{
    const char *complaint = sd->complaint;
    sd->complaint = NULL;
    return complaint;
}

static void complain(struct sd *sd, const char *words)
{
    if (!sd->complaint) sd->complaint = words;
}

/* xorshift64*, as the board's; of its own, so that a card behaves the same in any board. */
uint32_t sd_noise(struct sd *sd)
{
    uint64_t x = sd->noise ? sd->noise : 1;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    sd->noise = x;
    return (uint32_t)(x * UINT64_C(2685821657736338717) >> 32);
}

static uint64_t ticks(uint32_t microseconds)
{
    return (uint64_t)microseconds * SD_TICKS_PER_US;
}

/* CMD0, or power. */
void sd_go_idle(struct sd *sd)
{
    sd->state = STATE_IDLE;
    sd->sending = SEND_NOTHING;
    sd->application = sd->asked = sd->wide = sd->fast = sd->checks_crc = false;
    sd->switching = 0;
    sd->status = 0;
    sd->rca = 0;
    sd->initialised = 0;
    sd->announced = 0;
    sd->ready = never;
    sd->bytes.sends = sd->bytes.receives = false;
}

/* The first `count` bytes of the block that is being programmed become contents. */
static void program(struct sd *sd, const struct sd_contents *contents, uint32_t count)
{
    if (contents->image && sd->pending_sector < contents->sectors) {
        memcpy(contents->image + (uint64_t)SD_SECTOR * sd->pending_sector, sd->programming, count);
    }
}

void sd_settle(struct sd *sd, const struct sd_contents *contents, uint64_t now)
{
    if (!sd->pending || now < sd->busy) return;
    program(sd, contents, SD_SECTOR);
    sd->pending = false;
}

void sd_power(struct sd *sd, const struct sd_contents *contents, bool on, uint64_t now)
{
    sd_settle(sd, contents, now);
    if (sd->pending && sd->options.torn) {
        program(sd, contents, sd_noise(sd) % (SD_SECTOR + 1));
    }
    sd->pending = false;
    sd->busy = 0;
    sd->spi = false;
    sd->clocks = 0;
    sd->powered = now;
    sd->present = on && contents->image;
    memset(&sd->bytes, 0, sizeof sd->bytes);
    sd_go_idle(sd);
}

void sd_clock(struct sd *sd, uint32_t hertz, uint64_t clocks)
{
    sd->hertz = hertz;
    clocks += sd->clocks;
    sd->clocks = clocks < 255 ? (uint32_t)clocks : 255;
}

static void check_speed(struct sd *sd)
{
    if (sd->hertz > (sd->fast ? 50000000u : 25000000u)) {
        complain(sd, sd->fast ? "a clock above 50 MHz"
                              : "a clock above 25 MHz without high speed (CMD6)");
    }
}

/* A card that has just been put in may hear the fast commands of a host that knew another one; only
 * one who identifies it must keep to the rules. */
void sd_check_command(struct sd *sd, unsigned index)
{
    bool identified = sd->spi ? sd->state != STATE_IDLE : sd->state >= STATE_STANDBY;

    if (identified) {
        check_speed(sd);
    } else if (index == 0 || index == 2 || index == 3 || index == 8 || index == 41) {
        if (sd->clocks < 74) complain(sd, "fewer than 74 clocks before the first command");
        if (sd->hertz > 400000) complain(sd, "a clock above 400 kHz before it is identified");
    }
}

bool sd_busy(struct sd *sd, const struct sd_contents *contents, uint64_t now)
{
    sd_settle(sd, contents, now);
    if (!sd->present || now >= sd->busy) {
        if (sd->state == STATE_PROGRAM) sd->state = STATE_TRANSFER;
        if (sd->state == STATE_DISCONNECT) sd->state = STATE_STANDBY;
        return false;
    }
    return true;
}

uint32_t sd_ocr(const struct sd *sd)
{
    uint32_t high = sd->options.kind == SD_KIND_SDHC ? 0x40000000 : 0;
    return 0x00ff8000 | (sd->state == STATE_IDLE ? 0 : 0x80000000 | high);
}

/* The next block is fetched from the flash: from when the one before it was, or `from`. */
static void fetch(struct sd *sd, const struct sd_contents *contents, uint64_t from)
{
    const struct sd_options *options = &sd->options;
    uint64_t start = from > sd->fetched ? from : sd->fetched;

    sd->fate = SD_GOOD;
    if (!sd->limit) {
        sd->ready = never;
        return;
    }
    if (sd->sector >= sd_sectors(sd, contents)) {
        sd->status |= (uint32_t)OUT_OF_RANGE; /* also after the last block of a good CMD18 */
        sd->ready = never;
        return;
    }
    if (contents->fate && sd->sector < contents->sectors) {
        sd->fate = (uint8_t)contents->fate(0, sd->sector);
    }
    if (sd_noise(sd) < options->pause_chance) {
        sd->counted.paused_ticks += ticks(options->pause);
        start += ticks(options->pause);
    }
    if (options->bandwidth) {
        start += (uint64_t)SD_SECTOR * 1000000 * SD_TICKS_PER_US / options->bandwidth;
    }
    sd->fetched = start;
    sd->ready = sd->fate == SD_ERROR ? never : start;
    if (sd->fate == SD_ERROR) sd->status |= CARD_ECC_FAILED;
}

void sd_send_register(struct sd *sd, uint64_t now, uint32_t count)
{
    sd->state = STATE_DATA;
    sd->sending = SEND_REGISTER;
    sd->count = count;
    sd->fate = SD_GOOD;
    sd->ready = now;
    sd->mark = now;
}

uint64_t sd_ready(const struct sd *sd)
{
    return sd->present && sd->state == STATE_DATA && sd->sending ? sd->ready : never;
}

void sd_send(struct sd *sd, const struct sd_contents *contents, uint64_t now)
{
    uint16_t crc;

    check_speed(sd);
    if (sd->sending != SEND_REGISTER) {
        sd->count = SD_SECTOR;
        if (sd->sector < contents->sectors) {
            memcpy(sd->buffer, contents->image + (uint64_t)SD_SECTOR * sd->sector, SD_SECTOR);
        } else {
            memset(sd->buffer, 0, SD_SECTOR);
        }
        sd->counted.blocks_read++;
    }
    crc = sd_crc16(sd->buffer, sd->count);
    sd->buffer[sd->count] = (uint8_t)(crc >> 8);
    sd->buffer[sd->count + 1] = (uint8_t)crc;
    if (sd->fate == SD_CORRUPT) {
        uint32_t where = sd_noise(sd);
        sd->buffer[where % sd->count] ^= (uint8_t)(1 << (where >> 16) % 8);
    }
    sd->ready = never;
    if (sd->sending == SEND_MANY) {
        sd->sector++;
        if (sd->limit != (uint32_t)NO_LIMIT) sd->limit--;
        fetch(sd, contents, now);
    }
}

void sd_sent(struct sd *sd, uint64_t now)
{
    sd->counted.read_ticks += now - sd->mark;
    sd->mark = now;
    if (sd->sending == SEND_MANY && sd->limit) return;
    sd->sending = SEND_NOTHING;
    sd->state = STATE_TRANSFER;
    if (sd->switching) sd->fast = sd->switching == 1;
    sd->switching = 0;
}

/* What becomes of a block that came: SD_TAKEN ... */
static unsigned judge(struct sd *sd, const struct sd_contents *contents, const uint8_t *bytes,
                      uint32_t count, uint16_t crc)
{
    int fate = SD_GOOD;

    if (count != SD_SECTOR || sd_crc16(bytes, count) != crc) return SD_DAMAGED;
    if (sd->sector >= sd_sectors(sd, contents)) {
        sd->status |= (uint32_t)OUT_OF_RANGE;
        return SD_REFUSED;
    }
    if (contents->fate && sd->sector < contents->sectors) fate = contents->fate(1, sd->sector);
    if (fate == SD_ERROR) sd->status |= GENERAL_ERROR;
    return fate == SD_ERROR ? SD_REFUSED : fate == SD_CORRUPT ? SD_DAMAGED : SD_TAKEN;
}

unsigned sd_receive(struct sd *sd, const struct sd_contents *contents, uint64_t now,
                    const uint8_t *bytes, uint32_t count, uint16_t crc)
{
    unsigned answer = judge(sd, contents, bytes, count, crc);

    check_speed(sd);
    if (answer != SD_TAKEN) {
        if (sd->limit == 1) sd->state = STATE_TRANSFER;
        return answer;
    }
    memcpy(sd->programming, bytes, SD_SECTOR);
    sd->pending = true;
    sd->pending_sector = sd->sector++;
    sd->busy = now + ticks(sd->options.write) + 1; /* at least a moment */
    sd->counted.blocks_written++;
    sd->well_written++;
    if (sd->limit != (uint32_t)NO_LIMIT) sd->limit--;
    if (!sd->limit) sd->state = STATE_PROGRAM;
    return answer;
}

/* Where a read or a write begins; false: the address is none. */
static bool locate(struct sd *sd, const struct sd_contents *contents, uint32_t argument)
{
    if (sd->options.kind != SD_KIND_SDHC) {
        if (argument % SD_SECTOR) {
            sd->status |= ADDRESS_ERROR;
            return false;
        }
        argument /= SD_SECTOR;
    }
    if (argument >= sd_sectors(sd, contents)) {
        sd->status |= (uint32_t)OUT_OF_RANGE;
        return false;
    }
    sd->sector = argument;
    return true;
}

static enum sd_answer begin_transfer(struct sd *sd, const struct sd_contents *contents,
                                     uint64_t now, unsigned index, uint32_t argument)
{
    bool many = index == 18 || index == 25;
    uint32_t announced = sd->announced;

    sd->announced = 0;
    if (!locate(sd, contents, argument)) return ANSWER_R1;
    sd->limit = !many ? 1 : announced ? announced : (uint32_t)NO_LIMIT;
    if (index <= 18) {
        sd->state = STATE_DATA;
        sd->sending = many ? SEND_MANY : SEND_ONE;
        sd->counted.read_commands++;
        sd->mark = now;
        sd->fetched = 0;
        fetch(sd, contents, now + ticks(sd->options.latency));
    } else {
        sd->state = STATE_RECEIVE;
        sd->well_written = 0;
    }
    return ANSWER_R1;
}

/* It is busy for a while after the last block, too. */
void sd_end_write(struct sd *sd, uint64_t now)
{
    sd->state = STATE_PROGRAM;
    if (sd->busy < now + ticks(8)) sd->busy = now + ticks(8);
}

static enum sd_answer stop_transfer(struct sd *sd, uint64_t now)
{
    if (sd->state == STATE_DATA && sd->sending != SEND_REGISTER) {
        sd->state = STATE_TRANSFER;
        sd->sending = SEND_NOTHING;
        return ANSWER_R1B;
    }
    if (sd->state == STATE_RECEIVE) {
        sd_end_write(sd, now);
        return ANSWER_R1B;
    }
    return ANSWER_ILLEGAL;
}

static enum sd_answer initialise(struct sd *sd, uint64_t now, uint32_t argument)
{
    bool high = argument & 0x40000000 && sd->asked;

    if (sd->state != STATE_IDLE) return ANSWER_ILLEGAL;
    if (!sd->spi && !(argument & 0x00ff8000)) return ANSWER_OCR; /* it only asks */
    if (sd->options.kind == SD_KIND_SDHC && !high) return ANSWER_OCR; /* busy for ever */
    if (!sd->initialised) sd->initialised = now + ticks(INITIALISATION);
    if (now >= sd->initialised) sd->state = sd->spi ? STATE_TRANSFER : STATE_READY;
    return ANSWER_OCR;
}

static enum sd_answer application_command(struct sd *sd, uint64_t now, unsigned index,
                                          uint32_t argument)
{
    if (index == 41) return initialise(sd, now, argument);
    if (sd->state != STATE_TRANSFER) return ANSWER_ILLEGAL;
    switch (index) {
    case 6:
        if (sd->spi || (argument != 0 && argument != 2)) return ANSWER_ILLEGAL;
        sd->wide = argument == 2;
        return ANSWER_R1;
    case 13:
        sd_status(sd, sd->buffer);
        sd_send_register(sd, now, 64);
        return ANSWER_R1;
    case 22:
        sd_put32(sd->buffer, sd->well_written);
        sd_send_register(sd, now, 4);
        return ANSWER_R1;
    case 23:
    case 42: return ANSWER_R1;
    case 51:
        sd_scr(sd, sd->buffer);
        sd_send_register(sd, now, 8);
        return ANSWER_R1;
    }
    return ANSWER_ILLEGAL;
}

static enum sd_answer switch_function(struct sd *sd, uint64_t now, uint32_t argument)
{
    if (sd->state != STATE_TRANSFER || sd->options.kind == SD_KIND_SDSC_1) return ANSWER_ILLEGAL;
    sd_functions(sd, argument, sd->buffer);
    if (argument & 0x80000000 && (sd->buffer[16] & 15) != 15) {
        sd->switching = sd->buffer[16] & 15 ? 1 : 2;
    }
    sd_send_register(sd, now, 64);
    return ANSWER_R1;
}

/* Commands that have the same meaning in both languages. */
static enum sd_answer common_command(struct sd *sd, const struct sd_contents *contents,
                                     uint64_t now, unsigned index, uint32_t argument)
{
    switch (index) {
    case 6: return switch_function(sd, now, argument);
    case 8:
        if (sd->state != STATE_IDLE || sd->options.kind == SD_KIND_SDSC_1) return ANSWER_ILLEGAL;
        if ((argument >> 8 & 15) != 1) return ANSWER_ILLEGAL; /* not our voltage */
        sd->asked = true;
        return ANSWER_CHECK;
    case 12: return stop_transfer(sd, now);
    case 16:
        if (sd->state != STATE_TRANSFER) return ANSWER_ILLEGAL;
        if (argument != SD_SECTOR) sd->status |= BLOCK_LEN_ERROR;
        return ANSWER_R1;
    case 23:
        if (sd->state != STATE_TRANSFER) return ANSWER_ILLEGAL;
        sd->announced = argument;
        return ANSWER_R1;
    case 17:
    case 18:
    case 24:
    case 25:
        if (sd->state != STATE_TRANSFER) return ANSWER_ILLEGAL;
        return begin_transfer(sd, contents, now, index, argument);
    case 55: return ANSWER_R1;
    }
    return ANSWER_ILLEGAL;
}

enum sd_answer sd_carry_out(struct sd *sd, const struct sd_contents *contents, uint64_t now,
                            unsigned index, uint32_t argument, bool application)
{
    if (index != 18 && index != 25 && index != 23) sd->announced = 0;
    if (application) {
        enum sd_answer answer = application_command(sd, now, index, argument);
        if (answer != ANSWER_ILLEGAL) return answer; /* others mean the same without CMD55 */
    }
    return common_command(sd, contents, now, index, argument);
}

/* Commands that only the native language has. */
static enum sd_answer native_command(struct sd *sd, const struct sd_contents *contents,
                                     uint64_t now, unsigned index, uint32_t argument,
                                     bool application)
{
    bool mine = argument >> 16 == sd->rca;

    switch (index) {
    case 0:
        sd_go_idle(sd);
        return ANSWER_NONE;
    case 2:
        if (sd->state != STATE_READY) return ANSWER_ILLEGAL;
        sd->state = STATE_IDENT;
        return ANSWER_CID;
    case 3:
        if (sd->state != STATE_IDENT && sd->state != STATE_STANDBY) return ANSWER_ILLEGAL;
        sd->rca = (uint16_t)(sd_noise(sd) | 1);
        sd->state = STATE_STANDBY;
        return ANSWER_RCA;
    case 7:
        if (!mine) {
            if (sd->state == STATE_TRANSFER || sd->state == STATE_DATA) sd->state = STATE_STANDBY;
            else if (sd->state == STATE_PROGRAM) sd->state = STATE_DISCONNECT;
            sd->sending = SEND_NOTHING;
            return ANSWER_NONE;
        }
        if (sd->state == STATE_DISCONNECT) sd->state = STATE_PROGRAM;
        else if (sd->state == STATE_STANDBY) sd->state = STATE_TRANSFER;
        else return ANSWER_ILLEGAL;
        return ANSWER_R1B;
    case 9:
    case 10:
        if (sd->state != STATE_STANDBY) return ANSWER_ILLEGAL;
        return !mine ? ANSWER_NONE : index == 9 ? ANSWER_CSD : ANSWER_CID;
    case 13:
        if (application) break;
        if (sd->state < STATE_STANDBY) return ANSWER_ILLEGAL;
        return mine ? ANSWER_R1 : ANSWER_NONE;
    case 15:
        if (sd->state < STATE_STANDBY) return ANSWER_ILLEGAL;
        if (mine) sd->state = STATE_INACTIVE;
        return ANSWER_NONE;
    case 55:
        if (sd->state == STATE_READY || sd->state == STATE_IDENT) return ANSWER_ILLEGAL;
        return mine ? ANSWER_R1 : ANSWER_NONE;
    }
    /* While it programs, a card takes none of the others; STATE_PROGRAM has them illegal. */
    return sd_carry_out(sd, contents, now, index, argument, application);
}

static unsigned short_response(uint8_t response[SD_LONGEST], unsigned index, uint32_t value)
{
    response[0] = (uint8_t)index;
    sd_put32(response + 1, value);
    response[5] = (uint8_t)(sd_crc7(response, 5) << 1 | 1);
    return 6;
}

unsigned sd_command(struct sd *sd, const struct sd_contents *contents, uint64_t now,
                    const uint8_t frame[6], uint8_t response[SD_LONGEST])
{
    unsigned index = frame[0] & 0x3f, before;
    uint32_t argument = (uint32_t)frame[1] << 24 | (uint32_t)frame[2] << 16 |
                        (uint32_t)frame[3] << 8 | frame[4];
    bool application = sd->application, busy;
    enum sd_answer answer;
    uint32_t status;

    if (!sd->present || sd->state == STATE_INACTIVE) return 0;
    busy = sd_busy(sd, contents, now);
    sd_check_command(sd, index);
    sd->counted.commands++;
    sd->application = false;
    if ((frame[0] & 0xc0) != 0x40 || frame[5] != (uint8_t)(sd_crc7(frame, 5) << 1 | 1)) {
        sd->status |= COM_CRC_ERROR;
        return 0;
    }
    before = sd->state;
    answer = native_command(sd, contents, now, index, argument, application);
    if (answer == ANSWER_ILLEGAL) {
        sd->status |= ILLEGAL_COMMAND;
        return 0;
    }
    if (index == 55 && answer == ANSWER_R1) sd->application = true;
    status = sd->status | (uint32_t)before << 9 | (busy ? 0 : READY_FOR_DATA) |
             (sd->application || application ? APP_CMD : 0);
    switch (answer) {
    case ANSWER_ILLEGAL:
    case ANSWER_NONE: return 0;
    case ANSWER_R1:
    case ANSWER_R1B:
        sd->status = 0;
        return short_response(response, index, status);
    case ANSWER_CID:
    case ANSWER_CSD:
        response[0] = 0x3f;
        if (answer == ANSWER_CID) sd_cid(response + 1);
        else sd_csd(sd, contents, response + 1);
        return 17;
    case ANSWER_OCR:
        short_response(response, 0x3f, sd_ocr(sd));
        response[5] = 0xff;
        return 6;
    case ANSWER_RCA:
        sd->status = 0;
        return short_response(response, index, (uint32_t)sd->rca << 16 | (status >> 8 & 0xc000) |
                                                   (status >> 6 & 0x2000) | (status & 0x1fff));
    case ANSWER_CHECK: return short_response(response, index, argument & 0xfff);
    }
    return 0;
}
