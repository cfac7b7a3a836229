/* The voice: a verdict from the phrase bank on the card, decoded while it is read, to the DAC.
 *
 * First the verdict is read once to check it, so that nobody ever hears a damaged bank; then it is
 * read again and played. Nothing here waits: voice_poll does what there is to do.
 *
 * What is played ahead of the card lies in VOICE_SLOTS slots, one for each read, which are all full
 * when the sound begins. The sound of a full slot takes 508 ms, only the last slot of a fragment
 * may have less. A read begins as soon as a slot is free, so when it ends the other slots have been
 * at hand: while L reads follow each other, the sound of at least L + 3 slots can be played, of
 * which at most 3 are the ends of fragments and L are full. So if no read takes longer than 400 ms
 * no sample is late, even if every read takes that long and whatever the bank: the other 100 ms are
 * for the filling of the DAC's buffer and for the 1,024 samples that have to be there in order to
 * go on (voice.c). Pauses of a card last up to 250 ms.
 *
 * Where a read takes longer than all of that, the sound fades out before the samples are used up,
 * and in again where it was, once the slots are full again. */
#ifndef APP_VOICE_H
#define APP_VOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/audio.h"
#include "drivers/card.h"
#include "whim/audio.h"

enum { VOICE_SLOTS = 5, VOICE_SLOT = 8 * WHIM_BANK_SECTOR };
enum { VOICE_HALF = AUDIO_HALF / WHIM_DAC_FACTOR }; /* samples of one filling: 32 ms */
enum { VOICE_PIECE = 128 };                         /* samples that are decoded at once */
enum { VOICE_LOUDEST = 10 };

#define VOICE_BANK "phrases.bank"

/* A verdict being spoken, and all the memory for it: 30 KB, of which a card's and a DAC's DMA reach
 * the first two arrays. For the caller is what comes after them, until `read`. */
struct voice {
    uint8_t slots[VOICE_SLOTS][VOICE_SLOT] __attribute__((aligned(16)));
    struct audio audio;

    struct whim_fragment fragments[WHIM_VERDICT_SLOTS]; /* their texts, lengths */
    bool ready;         /* the fragments are known, and right */

    struct {            /* the card's side: what is read next */
        struct card_file file;
        uint32_t offset;                  /* in the fragment's sound */
        uint32_t counts[VOICE_SLOTS];     /* bytes in each slot */
        uint32_t written;                 /* slots, since the begin */
        uint32_t samples;                 /* that have arrived */
        uint8_t fragment, tries;
        bool busy;
    } read;

    struct {            /* the DAC's side */
        struct whim_sound sound;
        struct whim_dac dac;
        uint32_t taken, at;               /* slots, and bytes of the next one */
        uint32_t samples;                 /* that were played */
        int16_t piece[VOICE_PIECE];       /* decoded: from `next` to `end` not yet played */
        uint32_t next, end;
        uint32_t settling;                /* samples until the DAC stands still */
        uint32_t begin[2], length[2];     /* of the two fillings: which samples they are */
        uint8_t fragment;
        bool holding;                     /* for the card, or for ever */
    } play;

    struct whim_bank bank;
    uint32_t verdict;
    uint16_t volume;
    uint8_t stage, entry;
    bool stopping;
    enum whim_status error;               /* that ended it */
};

/* How often the card was so late that the sound had to fade out. */
extern uint32_t voice_fades;

/* What whim_dac_volume is for a `volume` of 0 to VOICE_LOUDEST, 3 dB a step; 0 is silence. */
uint32_t voice_gain(uint32_t volume);

/* Begin to speak `verdict`, below WHIM_VERDICTS, with `volume`, 0 to VOICE_LOUDEST. The bank is
 * opened, for which the board may wait; from then on nobody does. */
void voice_start(struct voice *voice, uint32_t verdict, uint32_t volume);

/* Do what there is to do; call it at least every AUDIO_HALF_MS / 2. WHIM_OK while it goes on, else
 * it has ended and the memory is the caller's again: WHIM_DONE, or an error, after which nothing is
 * played any more. Errors: the card's, those of whim_bank_open and whim_bank_fragment, and
 * WHIM_ERR_CRC for a damaged sound. What fails is tried WHIM_READ_TRIES times. */
enum whim_status voice_poll(struct voice *voice);

/* Fade out and end, within 400 ms: voice_poll says when. */
void voice_stop(struct voice *voice);

/* How many samples of the sound have been heard; never goes back. */
uint32_t voice_heard(const struct voice *voice);

#endif
