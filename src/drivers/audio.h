/* Sound to the DAC, from two halves of a buffer: one is played while the other is filled.
 *
 *     audio_start(&audio);
 *     while (...) {
 *         while ((half = audio_free(&audio))) { fill(half); audio_filled(&audio); }
 *         port_sleep(5);
 *     }
 *     audio_stop(&audio);
 */
#ifndef DRIVERS_AUDIO_H
#define DRIVERS_AUDIO_H

#include <stdint.h>

#include "whim/port.h"

enum {
    AUDIO_HALF = 2048,                                       /* values */
    AUDIO_HALF_MS = AUDIO_HALF / (PORT_DAC_HERTZ / 1000)     /* 32: look that often, or oftener */
};

struct audio {
    uint16_t values[2 * AUDIO_HALF];
    uint32_t filled; /* halves, since the start */
    bool playing;
};

/* Halves whose time had come before they were filled: the DAC has then played an old one again, or
 * a part of it. Whoever shows it may set it to zero. */
extern uint32_t audio_late;

/* Begin. The DAC starts once both halves are filled. `audio` lies where the board's DMA reaches it,
 * and stays there. */
void audio_start(struct audio *audio);

/* The half to be filled next, with AUDIO_HALF values of 0 to PORT_DAC_TOP, or NULL while both are
 * waiting to be played. Never waits. */
uint16_t *audio_free(struct audio *audio);

/* It is filled. */
void audio_filled(struct audio *audio);

/* How many values have been played since the start. */
uint32_t audio_played(const struct audio *audio);

/* Stop at once; the DAC keeps its last value, which had better be 0. */
void audio_stop(struct audio *audio);

#endif
