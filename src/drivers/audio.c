/* Sound to the DAC: see audio.h. */
#include "drivers/audio.h"

#include <stddef.h>

uint32_t audio_late;

void audio_start(struct audio *audio)
{
    audio->filled = 0;
    audio->playing = false;
}

uint32_t audio_played(const struct audio *audio)
{
    return audio->playing ? port_dac_played() : 0;
}

uint16_t *audio_free(struct audio *audio)
{
    uint32_t begun = audio_played(audio) / AUDIO_HALF; /* the half that is being played */
    if (audio->playing && begun >= audio->filled) {
        audio_late += begun + 1 - audio->filled;
        audio->filled = begun + 1; /* it is too late for those: go on with the next */
    }
    if (audio->filled - begun >= 2) return NULL;
    return audio->values + audio->filled % 2 * AUDIO_HALF;
}

void audio_filled(struct audio *audio)
{
    audio->filled++;
    if (audio->playing || audio->filled < 2) return;
    audio->playing = true;
    port_dac_start(audio->values, 2 * AUDIO_HALF);
}

void audio_stop(struct audio *audio)
{
    if (audio->playing) port_dac_stop();
    audio->playing = false;
}
