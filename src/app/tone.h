/* A test tone, to hear whether DAC, amplifier and loudspeaker work. For boards with a DAC. */
#ifndef APP_TONE_H
#define APP_TONE_H

#include <stdbool.h>

#include "drivers/audio.h"
#include "whim/audio.h"

enum { TONE_HERTZ = 1000, TONE_MS = 3000 };

/* The memory for it, where the board's DMA reaches it; free again afterwards. */
struct tone {
    struct audio audio;
    struct whim_dac dac;
    uint32_t made; /* fillings */
    uint16_t gain;
};

/* Begin, with a gain of 0 to WHIM_DAC_LOUD; at most half of what the DAC can do. */
void tone_start(struct tone *tone, uint32_t gain);

/* Do what there is to do; call it at least every AUDIO_HALF_MS / 2. False when all is silent. */
bool tone_poll(struct tone *tone);

/* Fade out, and end within half a second. */
void tone_stop(struct tone *tone);

#endif
