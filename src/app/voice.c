/* The voice: see voice.h. */
#include "app/voice.h"

#include <stddef.h>

/* Head, entries, the check of the sounds; then filling the slots, and the DAC's way up, the sound,
 * its way down, and the rest until all of that has been played. */
enum { HEAD, ENTRIES, CHECK, FILL, RISE, SPEAK, FALL, REST };

uint32_t voice_fades;

uint32_t voice_gain(uint32_t volume)
{
    static const uint16_t gains[1 + VOICE_LOUDEST] = {0,  11, 16,  23,  32, 45,
                                                      64, 91, 128, 181, WHIM_DAC_LOUD};
    return gains[volume < VOICE_LOUDEST ? volume : VOICE_LOUDEST];
}

void voice_start(struct voice *voice, uint32_t verdict, uint32_t volume)
{
    voice->ready = voice->stopping = false;
    voice->verdict = verdict;
    voice->volume = (uint16_t)voice_gain(volume);
    voice->stage = HEAD;
    voice->entry = 0;
    voice->error = WHIM_OK;
    voice->read.busy = false;
    voice->read.tries = 0;
    voice->play.samples = 0;
    voice->play.begin[0] = voice->play.begin[1] = 0;
    voice->play.length[0] = voice->play.length[1] = 0;
    audio_start(&voice->audio);
    voice->error = card_open(&voice->read.file, VOICE_BANK);
    voice->stopping = voice->error != WHIM_OK;
}

/* Both sides back to the begin of the first fragment. */
static void rewind(struct voice *voice)
{
    voice->read.offset = voice->read.written = voice->read.samples = 0;
    voice->read.fragment = 0;
    voice->play.taken = voice->play.at = voice->play.samples = 0;
    voice->play.next = voice->play.end = 0;
    voice->play.fragment = 0;
    voice->play.holding = false;
    whim_sound_start(&voice->play.sound, &voice->fragments[0]);
}

/* What to do about an error of the card, or about what came from it: WHIM_BUSY if another try may
 * help. */
static enum whim_status again(struct voice *voice, enum whim_status error)
{
    bool hopeless = error == WHIM_ERR_CARD_MISSING;
    return !hopeless && ++voice->read.tries < WHIM_READ_TRIES ? WHIM_BUSY : error;
}

/* Begin to read, or go on with it: WHIM_BUSY until it has arrived. */
static enum whim_status read(struct voice *voice, uint32_t offset, void *to, uint32_t count)
{
    struct whim_source *source = &voice->read.file.source;
    enum whim_status status;
    if (voice->read.busy) {
        status = source->poll(source);
        voice->read.busy = status == WHIM_BUSY;
    } else {
        status = source->start(source, offset, to, count);
        voice->read.busy = !status;
        if (!status) return WHIM_BUSY;
    }
    return status < 0 ? again(voice, status) : status;
}

/* Read the bank's header. */
static enum whim_status open(struct voice *voice)
{
    const uint32_t length = voice->read.file.source.length;
    enum whim_status status = WHIM_ERR_TRUNCATED;
    if (length >= WHIM_BANK_SECTOR) status = read(voice, 0, voice->slots, WHIM_BANK_SECTOR);
    if (status) return status;
    status = whim_bank_open(&voice->bank, voice->slots[0], length);
    if (status) return again(voice, status);
    voice->stage = ENTRIES;
    voice->read.tries = 0;
    return WHIM_OK;
}

/* Read the next fragment's entry. */
static enum whim_status enter(struct voice *voice)
{
    uint8_t numbers[WHIM_VERDICT_SLOTS];
    whim_verdict_fragments(voice->verdict, numbers);
    uint32_t number = numbers[voice->entry], at = whim_bank_entry(number);
    uint32_t in_sector = at % WHIM_BANK_SECTOR;
    enum whim_status status = read(voice, at - in_sector, voice->slots, WHIM_BANK_SECTOR);
    if (status) return status;
    status = whim_bank_fragment(&voice->fragments[voice->entry], &voice->bank, number,
                                voice->slots[0] + in_sector);
    if (status) return again(voice, status);
    voice->read.tries = 0;
    if (++voice->entry < WHIM_VERDICT_SLOTS) return WHIM_OK;
    voice->stage = CHECK;
    rewind(voice);
    return WHIM_OK;
}

static bool all_read(const struct voice *voice)
{
    return voice->read.fragment == WHIM_VERDICT_SLOTS;
}

/* Read on, where a slot is free. */
static enum whim_status fetch(struct voice *voice)
{
    enum { BLOCK_SAMPLES = 1017, SECTORS = VOICE_SLOT / WHIM_BANK_SECTOR };
    if (all_read(voice) || voice->read.written - voice->play.taken == VOICE_SLOTS) return WHIM_OK;
    const struct whim_fragment *fragment = &voice->fragments[voice->read.fragment];
    uint32_t left = fragment->bytes - voice->read.offset;
    uint32_t count = left < VOICE_SLOT ? left : VOICE_SLOT;
    uint32_t slot = voice->read.written % VOICE_SLOTS;
    enum whim_status status =
        read(voice, fragment->offset + voice->read.offset, voice->slots[slot], count);
    if (status) return status == WHIM_BUSY ? WHIM_OK : status;
    voice->read.counts[slot] = count;
    voice->read.written++;
    voice->read.offset += count;
    if (voice->stage != CHECK) voice->read.tries = 0;
    if (count < left) {
        voice->read.samples += SECTORS * BLOCK_SAMPLES;
    } else {
        uint32_t before = (voice->read.offset - count) / WHIM_BANK_SECTOR * BLOCK_SAMPLES;
        voice->read.samples += fragment->samples - before;
        voice->read.fragment++;
        voice->read.offset = 0;
    }
    return WHIM_OK;
}

static bool all_played(const struct voice *voice)
{
    return voice->play.fragment == WHIM_VERDICT_SLOTS;
}

/* Decode the next piece, as much of it as there is in the slots. Answers WHIM_ERR_CRC at the end of
 * a fragment that was damaged. */
static enum whim_status decode(struct voice *voice)
{
    struct whim_sound *sound = &voice->play.sound;
    enum whim_status status = WHIM_OK;
    uint32_t made = 0;
    while (VOICE_PIECE - made >= 2 && voice->play.taken != voice->read.written && !status) {
        uint32_t slot = voice->play.taken % VOICE_SLOTS, end = voice->read.counts[slot];
        const uint8_t *bytes = voice->slots[slot] + voice->play.at;
        uint32_t count = end - voice->play.at;
        made += whim_sound_decode(sound, &bytes, &count, voice->play.piece + made,
                                  VOICE_PIECE - made);
        voice->play.at = end - count;
        if (!count) {
            voice->play.taken++;
            voice->play.at = 0;
        }
        if (sound->bytes_left) continue;
        status = whim_sound_status(sound);
        if (++voice->play.fragment < WHIM_VERDICT_SLOTS) {
            whim_sound_start(sound, &voice->fragments[voice->play.fragment]);
        }
    }
    voice->play.next = 0;
    voice->play.end = made;
    return status;
}

/* Decode what has arrived, only to see whether it is right. */
static enum whim_status check(struct voice *voice)
{
    enum whim_status status = WHIM_OK;
    while (!status && voice->play.taken != voice->read.written) status = decode(voice);
    if (status) {
        rewind(voice);
        voice->read.busy = false; /* the next start ends what is under way */
        return again(voice, status);
    }
    if (!all_played(voice)) return WHIM_OK;
    rewind(voice);
    voice->read.tries = 0;
    voice->ready = true;
    voice->stage = FILL;
    return WHIM_OK;
}

/* Whether there is enough to begin with, or to go on after a pause. */
static bool full(const struct voice *voice)
{
    return all_read(voice) || voice->read.written - voice->play.taken == VOICE_SLOTS;
}

static void settle(struct voice *voice, uint8_t stage)
{
    voice->stage = stage;
    voice->play.settling = WHIM_DAC_SETTLE;
    whim_dac_switch(&voice->play.dac, stage == RISE);
}

/* Before each filling: fade out while there is enough for it, or in again. The way to silence takes
 * 512 samples, one filling, and the next chance to begin it is one filling later. */
static void look_ahead(struct voice *voice)
{
    const uint32_t enough = 2 * VOICE_HALF, there = voice->read.samples - voice->play.samples;
    bool low = !all_read(voice) && there < enough;
    if (!voice->play.holding && (low || voice->stopping)) {
        voice->play.holding = true;
        if (!voice->stopping) voice_fades++;
        whim_dac_volume(&voice->play.dac, 0);
    } else if (voice->play.holding && voice->stopping && !voice->play.dac.gain) {
        settle(voice, FALL);
    } else if (voice->play.holding && !voice->stopping && full(voice)) {
        voice->play.holding = false;
        whim_dac_volume(&voice->play.dac, voice->volume);
    }
}

/* How many samples come next, at most `room`, and where they lie; *from is NULL for silence. */
static uint32_t next(struct voice *voice, uint32_t room, const int16_t **from)
{
    bool moves = voice->stage == RISE || voice->stage == FALL;
    uint32_t count = room;
    *from = NULL;
    if (moves && count > voice->play.settling) count = voice->play.settling;
    if (moves) voice->play.settling -= count;
    if (moves && !voice->play.settling) voice->stage++;
    if (moves || voice->stage == REST) return count;
    if (voice->play.holding && !voice->play.dac.gain) return count;

    if (voice->play.next == voice->play.end) {
        enum whim_status status = decode(voice);
        if (status) voice->error = status;
        if (status) voice->stopping = true;
    }
    if (count > voice->play.end - voice->play.next) count = voice->play.end - voice->play.next;
    if (!count && !all_played(voice)) return room; /* cannot be: look_ahead sees to it */
    if (!count) settle(voice, FALL);
    *from = voice->play.piece + voice->play.next;
    voice->play.next += count;
    voice->play.samples += count;
    return count;
}

/* Fill a half of the DAC's buffer. */
static void fill(struct voice *voice, uint16_t *values)
{
    uint32_t half = voice->audio.filled % 2, began = voice->play.samples;
    const int16_t *from;
    if (voice->stage == SPEAK) look_ahead(voice);
    for (uint32_t done = 0, count; done < VOICE_HALF; done += count) {
        count = next(voice, VOICE_HALF - done, &from);
        whim_dac_convert(&voice->play.dac, from, count, values + WHIM_DAC_FACTOR * done);
    }
    voice->play.begin[half] = began;
    voice->play.length[half] = voice->play.samples - began;
}

/* Keep the DAC busy; WHIM_DONE when it has come to rest. */
static enum whim_status sound(struct voice *voice)
{
    uint16_t *values;
    if (voice->stopping && voice->stage == RISE) settle(voice, FALL);
    while ((values = audio_free(&voice->audio))) {
        if (voice->stage == REST && voice->play.settling) return WHIM_DONE;
        if (voice->stage == REST) voice->play.settling++;
        fill(voice, values);
        audio_filled(&voice->audio);
    }
    return WHIM_OK;
}

/* Nothing may arrive in this memory any more. */
static enum whim_status end(struct voice *voice, enum whim_status status)
{
    struct whim_source *source = &voice->read.file.source;
    if (voice->read.busy) (void)source->start(source, 0, NULL, 0);
    voice->read.busy = false;
    audio_stop(&voice->audio);
    return status;
}

enum whim_status voice_poll(struct voice *voice)
{
    enum whim_status status = WHIM_OK;
    if (voice->stopping && voice->stage <= FILL) {
        return end(voice, voice->error ? voice->error : WHIM_DONE);
    }
    if (voice->stage == HEAD) status = open(voice);
    else if (voice->stage == ENTRIES) status = enter(voice);
    else if (!voice->stopping) status = fetch(voice);
    if (!status && voice->stage == CHECK) status = check(voice);
    if (!status && voice->stage == FILL && full(voice)) {
        whim_dac_open(&voice->play.dac);
        whim_dac_volume(&voice->play.dac, voice->volume);
        settle(voice, RISE);
    }
    if (status < 0) {
        voice->error = status;
        voice->stopping = true;
    }
    if (voice->stage <= FILL) return WHIM_OK;
    status = sound(voice);
    return status ? end(voice, voice->error ? voice->error : WHIM_DONE) : WHIM_OK;
}

void voice_stop(struct voice *voice)
{
    voice->stopping = true;
}

uint32_t voice_heard(const struct voice *voice)
{
    uint32_t played = audio_played(&voice->audio), half = played / AUDIO_HALF % 2;
    uint32_t samples = played % AUDIO_HALF / WHIM_DAC_FACTOR;
    uint32_t length = voice->play.length[half];
    return voice->play.begin[half] + (samples < length ? samples : length);
}
