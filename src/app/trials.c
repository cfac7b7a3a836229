/* The trials: see trials.h. */
#include "app/trials.h"

#include "app/console.h"
#include "app/maker.h"
#include "app/room.h"
#include "app/trouble.h"
#include "drivers/card.h"
#if WHIM_SD
#include "drivers/sd.h"
#endif
#include "whim/port.h"

enum { POLL_MS = 5, STEP = 89 }; /* STEP as in selftest.c */

/* Whether to go on, now and then; the port looks after itself meanwhile. */
static bool look(bool (*stopped)(void))
{
    static uint32_t looked;
    if (port_millis() - looked < POLL_MS) return false;
    port_sleep(0);
    looked = port_millis();
    return stopped();
}

/* Read so much. This does not wait asleep, as card_read does: the trial is of the card. */
static enum whim_status read(struct whim_source *source, uint32_t offset, uint32_t count,
                             bool (*stopped)(void), bool *stop)
{
    enum whim_status status = source->start(source, offset, room.bytes, count);
    if (status) return status;
    while ((status = source->poll(source)) == WHIM_BUSY) *stop |= look(stopped);
    return status;
}

enum whim_status trial_card(const char *file, bool (*stopped)(void))
{
    static struct card_file card;
    uint32_t at = 0, reads = 0, slowest = 0, took = 0;
    bool stop = false;
    trouble_doing("reading ", file);
    enum whim_status status = card_open(&card, file);
    /* The first read is not timed: the card may have to be found, and the file on it. */
    if (!status) status = card_read(&card.source, 0, room.bytes, WHIM_SECTOR);
    while (!status && at < card.source.length && !stop) {
        uint32_t left = card.source.length - at, count = left < ROOM_BYTES ? left : ROOM_BYTES;
        uint32_t began = port_micros();
        status = read(&card.source, at, count, stopped, &stop);
        uint32_t micros = port_micros() - began;
        if (micros > slowest) slowest = micros;
        took += micros;
        at += count;
        reads++;
        stop |= look(stopped);
    }
    if (status) return trouble(status);
    console_text("card file=");
    console_text(file);
    console_number(" bytes=", (int32_t)at);
    console_number(" ms=", (int32_t)(took / 1000));
    /* less than 2^22 ms in 71 minutes: no sum leaves 32 bits */
    console_number(" kb_per_s=", (int32_t)(took < 1000 ? 0 : at / (took / 1000)));
    console_number(" reads=", (int32_t)reads);
    console_number(" slowest_us=", (int32_t)slowest);
#if WHIM_SD
    console_text(" bus=");
    console_text(sd_card.bus);
    console_number(" wires=", (int32_t)sd_card.wires);
    console_number(" hertz=", (int32_t)sd_card.hertz);
#endif
    console_text("\n");
    return WHIM_OK;
}

enum whim_status trial_layers(const char *file, bool (*stopped)(void))
{
    int8_t input[WORK_INPUTS];
    uint8_t value = 0;
    trouble_doing("testing by ", file);
    enum whim_status status = maker_open(file, room.bytes, sizeof room.bytes);
    if (status) return trouble(status);
    while ((status = maker_poll()) == WHIM_BUSY && !look(stopped)) {}
    if (status == WHIM_DONE) {
        for (uint32_t i = 0; i < WORK_INPUTS; i++) {
            value += STEP;
            input[i] = (int8_t)value;
        }
        maker_make(input, work.inputs, 0, true);
        while ((status = maker_poll()) == WHIM_BUSY && !look(stopped)) {}
    }
    maker_stop();
    if (status < 0) return trouble(status);
    if (status == WHIM_BUSY) {
        console_text("selftest cancelled\n");
        return WHIM_OK;
    }
    for (uint32_t layer = 0; layer < work.layers; layer++) {
        console_number("selftest layer=", (int32_t)layer);
        console_word(" crc=", work.crcs[layer]);
        console_text("\n");
    }
    console_text("selftest done\n");
    return WHIM_OK;
}

#if WHIM_AUDIO
void trial_tone(bool (*stopped)(void))
{
    console_number("tone hertz=", TONE_HERTZ);
    console_number(" ms=", TONE_MS);
    console_text("\n");
    tone_start(&room.tone, speak_gain());
    while (tone_poll(&room.tone)) {
        if (stopped()) tone_stop(&room.tone);
        port_sleep(POLL_MS);
    }
}
#endif
