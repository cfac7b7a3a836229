/* Speech from a phrase bank: find a verdict's fragments, decode them, prepare them for a DAC.
 *
 * A verdict's four fragments are played one after the other. For each: read its entry, start its
 * sound, decode the bank's bytes as they come in, and pass the samples through a whim_dac. Nothing
 * here reads the bank itself, and no call needs more of it than the caller has at hand;
 * docs/BANK.md defines the file and the arithmetic.
 *
 *     whim_bank_open(&bank, sector, length);
 *     whim_bank_fragment(&fragment, &bank, number, entry);
 *     whim_sound_start(&sound, &fragment);
 *     while (sound.bytes_left) {
 *         bytes = ..., count = ...;      what the card has delivered
 *         while (count) {
 *             got = whim_sound_decode(&sound, &bytes, &count, samples, room);
 *             whim_dac_convert(&dac, samples, got, out);
 *         }
 *     }
 *     status = whim_sound_status(&sound);
 */
#ifndef WHIM_AUDIO_H
#define WHIM_AUDIO_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/status.h"

enum {
    WHIM_VERDICTS = 131072, /* 2 moods, 4 slots of 16 fragments */
    WHIM_VERDICT_SLOTS = 4,
    WHIM_FRAGMENTS = 128,
    WHIM_BANK_SECTOR = 512,
    WHIM_BANK_ENTRY = 128, /* bytes of a fragment's entry: four of them in a sector */
    WHIM_BANK_TEXT = 108,  /* bytes of a fragment's text, with a zero at the end */
    WHIM_SAMPLE_RATE = 16000,
    WHIM_DAC_FACTOR = 4,   /* the DAC gets so many values for a sample: 64 kHz */
    WHIM_DAC_TAPS = 32,    /* samples that make a value */
    WHIM_DAC_SETTLE = 4096, /* samples from a start or stop until the output stands still */
    WHIM_DAC_LOUD = 256    /* full volume */
};

/* The numbers of a verdict's fragments, 0 to 127, in the order in which they are spoken. `verdict`
 * below WHIM_VERDICTS: mood * 65536 + the choices in the slots as four hexadecimal digits. */
void whim_verdict_fragments(uint32_t verdict, uint8_t fragments[WHIM_VERDICT_SLOTS]);

/* A bank whose header has been checked. */
struct whim_bank {
    uint32_t length; /* of the file */
    uint32_t tag;    /* the header's CRC, which its entries repeat */
};

/* Check the header: `sector` is the file's first WHIM_BANK_SECTOR bytes, `length` the file's size.
 * Errors: WHIM_ERR_TRUNCATED, _OVERSIZED, _MAGIC, _VERSION, _CRC, _HEADER; _UNALIGNED when `sector`
 * is not aligned to 4 bytes. */
enum whim_status whim_bank_open(struct whim_bank *bank, const uint8_t *sector, uint32_t length);

/* The name of a status that is about a bank, such as "bank crc"; for others, whim_status_name's. */
const char *whim_bank_status_name(enum whim_status status);

/* Where in the file the entry of fragment `number` lies; it does not cross a sector's end. */
uint32_t whim_bank_entry(unsigned number);

/* A fragment whose entry has been checked. */
struct whim_fragment {
    uint32_t offset;  /* of its sound in the bank, in bytes: a multiple of WHIM_BANK_SECTOR */
    uint32_t bytes;   /* of its sound, whole sectors, all inside the bank */
    uint32_t samples; /* 16-bit, 16 kHz */
    uint32_t crc;
    char text[WHIM_BANK_TEXT]; /* printable ASCII, closed by a zero: part of a caption */
};

/* Check the entry of fragment `number`, whose WHIM_BANK_ENTRY bytes are at `entry`, aligned to 4.
 * Errors: WHIM_ERR_CRC (damaged, or of another bank or fragment), _HEADER, _BOUNDS, _UNALIGNED. */
enum whim_status whim_bank_fragment(struct whim_fragment *fragment, const struct whim_bank *bank,
                                    unsigned number, const uint8_t *entry);

/* A fragment's sound on its way. */
struct whim_sound {
    uint32_t bytes_left, samples_left; /* not yet taken in, not yet given out */
    uint32_t crc, expected;
    int16_t value;
    uint16_t place;  /* in the block, of the next byte */
    uint8_t index;   /* of the step */
};

void whim_sound_start(struct whim_sound *sound, const struct whim_fragment *fragment);

/* Take in bytes of the sound, as long as there are any and two more samples find room, and move
 * *bytes and *count on. `room`: at least 2. Answers the samples written, at most 2 * *count.
 * It takes nothing beyond the sound's end, where bytes_left is zero. */
uint32_t whim_sound_decode(struct whim_sound *sound, const uint8_t **bytes, uint32_t *count,
                           int16_t *samples, uint32_t room);

/* Of a sound: WHIM_OK when all of it has come and was right. Errors: WHIM_ERR_TRUNCATED, _CRC. */
enum whim_status whim_sound_status(const struct whim_sound *sound);

/* The way to a 12-bit DAC: volume, four values for each sample, rounding whose error goes where it
 * is not heard, and a slow way between 0, where a DAC rests, and its middle, where sound begins. */
struct whim_dac {
    int16_t past[WHIM_DAC_TAPS]; /* the latest samples, newest first */
    int32_t error[2];            /* of the latest two values, in 2^-18 of the DAC's last bit */
    uint16_t gain, volume;       /* now, and where it is going: 0 to 32768 */
    uint16_t height;             /* of the way to the middle: 0 to WHIM_DAC_SETTLE */
    bool on;
};

/* At rest, with its output at 0, switched off. */
void whim_dac_open(struct whim_dac *dac);

/* From the next sample on, rise to the middle, or fall to 0. It takes WHIM_DAC_SETTLE samples,
 * which should be silence: sound is best begun when it is over, and ended before. */
void whim_dac_switch(struct whim_dac *dac, bool on);

/* Set the volume, 0 to WHIM_DAC_LOUD, linear. The way from silence to the full volume takes 512
 * samples, so that nobody hears a step; it begins at silence. */
void whim_dac_volume(struct whim_dac *dac, unsigned volume);

/* Turn `count` samples into WHIM_DAC_FACTOR * count values from 0 to 4095, which are 16 samples
 * late. `samples` NULL is silence. */
void whim_dac_convert(struct whim_dac *dac, const int16_t *samples, uint32_t count, uint16_t *out);

#endif
