/* SD cards on their native bus: one or four wires of data and one for commands. The port sends the
 * commands and moves the blocks; which ones, and what the card's answers mean, stands here. */
#include <stddef.h>

#include "drivers/sd_bus.h"
#include "whim/port.h"

/* Of the card status that an R1 brings: errors, but those of a stopped read, which a card that has
 * read ahead beyond its end also reports. */
static const uint32_t ERRORS = 0xfdf90008;
static const uint32_t STOP_ERRORS = 0x00380000; /* ECC failed, controller error, general error */

enum { READY_FOR_DATA = 1 << 8, STATE = 9, TRANSFER = 4, SENDING = 5, RECEIVING = 6 };
enum { ASKS = 3 };
enum { SWITCH_BYTES = 64, SWITCHED = 16 }; /* what SD_SWITCH answers with, and where it says so */

static const uint32_t SWITCH_TO_HIGH_SPEED = 0x80fffff1; /* group 1, function 1; others stay */

static struct {
    uint32_t blocks; /* of the read under way */
    uint8_t answer[SWITCH_BYTES] __attribute__((aligned(SD_ALIGNMENT)));
} bus;

/* A command that answers with the card status. */
static enum whim_status command(uint32_t index, uint32_t argument, enum port_sd_answer answer)
{
    uint32_t response[4];
    enum whim_status status = port_sd_command(index, argument, answer, response);
    if (status) return status;
    return response[0] & (index == SD_STOP ? STOP_ERRORS : ERRORS) ? WHIM_ERR_CARD_READ : WHIM_OK;
}

/* An application command. The card status of the first answer may still tell of a command before,
 * such as the one that old cards do not know. */
static enum whim_status application(uint32_t index, uint32_t argument, enum port_sd_answer answer,
                                    uint32_t *response)
{
    enum whim_status status = port_sd_command(SD_APPLICATION, sd_card.rca, PORT_SD_R1, response);
    if (status) return status;
    return port_sd_command(index, argument, answer, response);
}

/* Tell the card what we are, and wait until it is ready. */
static enum whim_status start_up(void)
{
    uint32_t response[4], argument = SD_VOLTAGES, began = port_millis();
    (void)port_sd_command(SD_GO_IDLE, 0, PORT_SD_NONE, NULL);
    enum whim_status status =
        port_sd_command(SD_SEND_CONDITION, SD_CONDITION, PORT_SD_R1, response);
    if (!status) {
        if ((response[0] & 0xfff) != SD_CONDITION) return WHIM_ERR_CARD_READ;
        argument |= SD_HIGH_CAPACITY;
    } else if (status != WHIM_ERR_CARD_MISSING) {
        return status;
    } /* cards of the first version do not know that command, nor of high capacity */
    for (;;) {
        status = application(SD_START_UP, argument, PORT_SD_R3, response);
        if (status) return status;
        if (response[0] & SD_STARTED) break;
        if (port_millis() - began > SD_START_UP_MS) return WHIM_ERR_CARD_READ;
        port_sleep(1);
    }
    sd_card.by_block = response[0] & SD_HIGH_CAPACITY;
    return WHIM_OK;
}

static void speed(uint32_t hertz, uint32_t wires)
{
    port_sd_speed(hertz, wires);
    sd_card.hertz = hertz;
    sd_card.wires = wires;
}

/* Twice the clock, for cards that can. One that cannot, or does not answer, stays as it is. */
static void switch_to_high_speed(void)
{
    uint32_t began = port_millis();
    enum whim_status status = WHIM_BUSY;
    bus.answer[SWITCHED] = 0;
    port_sd_receive(bus.answer, 1, SWITCH_BYTES);
    if (!command(SD_SWITCH, SWITCH_TO_HIGH_SPEED, PORT_SD_R1)) {
        while (port_millis() - began <= SD_READ_MS && (status = port_sd_received()) == WHIM_BUSY) {
            port_sleep(0);
        }
    }
    if (status) port_sd_abandon();
    else if ((bus.answer[SWITCHED] & 15) == 1) speed(SD_HIGH_SPEED, 4);
}

static enum whim_status start(void)
{
    uint32_t response[4], classes;
    if (!port_sd_start()) return WHIM_ERR_CARD_MISSING;
    speed(SD_SLOW, 1);
    enum whim_status status = start_up();
    if (!status) status = port_sd_command(SD_ALL_SEND_CID, 0, PORT_SD_R2, response);
    if (!status) status = port_sd_command(SD_SEND_ADDRESS, 0, PORT_SD_R1, response);
    if (status) return status;
    sd_card.rca = response[0] & 0xffff0000;
    status = port_sd_command(SD_SEND_CSD, sd_card.rca, PORT_SD_R2, response);
    if (status) return status;
    classes = sd_parse_csd(response);
    if (!classes) return WHIM_ERR_CARD_READ;
    speed(SD_DEFAULT, 1);
    status = command(SD_SELECT, sd_card.rca, PORT_SD_R1B);
    if (!status && !sd_card.by_block) status = command(SD_SET_BLOCK_LENGTH, SD_BLOCK, PORT_SD_R1);
    if (!status) status = application(SD_SET_BUS_WIDTH, 2, PORT_SD_R1, response);
    if (status) return status;
    speed(SD_DEFAULT, 4);
    if (classes & SD_CLASS_SWITCH) switch_to_high_speed();
    return WHIM_OK;
}

/* Ask for the card's state, and end what it may still be doing. */
static enum whim_status ask(void)
{
    for (uint32_t i = 0, began = port_millis(); i < ASKS;) {
        uint32_t response[4] = {0};
        enum whim_status status =
            port_sd_command(SD_SEND_STATUS, sd_card.rca, PORT_SD_R1, response);
        uint32_t state = response[0] >> STATE & 15;
        if (status) {
            i++;
        } else if (state == TRANSFER && response[0] & READY_FOR_DATA) {
            return WHIM_OK;
        } else if (state == SENDING || state == RECEIVING) {
            (void)command(SD_STOP, 0, PORT_SD_R1B);
            i++;
        } else if (state < TRANSFER || port_millis() - began > SD_WRITE_MS) {
            break; /* it started afresh, or never ends */
        } else {
            port_sleep(1);
        }
    }
    return WHIM_ERR_CARD_MISSING;
}

static enum whim_status stop(void)
{
    port_sd_abandon();
    return ask();
}

static enum whim_status read(uint32_t address, void *to, uint32_t blocks)
{
    bus.blocks = blocks;
    port_sd_receive(to, blocks, SD_BLOCK);
    enum whim_status status =
        command(blocks > 1 ? SD_READ_MANY : SD_READ_ONE, address, PORT_SD_R1);
    if (status) port_sd_abandon();
    return status;
}

static enum whim_status poll(void)
{
    enum whim_status status = port_sd_received();
    if (status == WHIM_BUSY) return WHIM_BUSY;
    if (status) port_sd_abandon();
    else if (bus.blocks > 1) status = command(SD_STOP, 0, PORT_SD_R1B);
    return status;
}

static enum whim_status write(uint32_t address, const void *from, uint32_t blocks)
{
    uint32_t began = port_millis();
    enum whim_status status =
        command(blocks > 1 ? SD_WRITE_MANY : SD_WRITE_ONE, address, PORT_SD_R1);
    if (status) return status;
    port_sd_send(from, blocks);
    while ((status = port_sd_sent()) == WHIM_BUSY) {
        if (port_millis() - began > SD_WRITE_MS) break;
        port_sleep(0);
    }
    if (status) {
        port_sd_abandon();
        return WHIM_ERR_CARD_WRITE;
    }
    if (blocks > 1) status = command(SD_STOP, 0, PORT_SD_R1B);
    /* Whether the blocks were really written, the card says only now. */
    return status ? status : command(SD_SEND_STATUS, sd_card.rca, PORT_SD_R1);
}

static void set_clock(uint32_t hertz)
{
    port_sd_speed(hertz, sd_card.wires);
}

const struct sd_bus sd_native = {"sdmmc", start, ask, read, poll, stop, write, set_clock};
