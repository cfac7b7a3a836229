/* The test tone: see tone.h. Everything lasts for whole fillings of the DAC's buffer. */
#include "app/tone.h"

#include <stddef.h>

enum { SAMPLES = AUDIO_HALF / WHIM_DAC_FACTOR, PERIOD = WHIM_SAMPLE_RATE / TONE_HERTZ };
enum { SETTLE = WHIM_DAC_SETTLE / SAMPLES };
enum {
    LOUD = SETTLE, /* fillings until then: the DAC's way up; the tone; its fading; the way down */
    FADING = LOUD + (TONE_MS * (WHIM_SAMPLE_RATE / 1000) + SAMPLES - 1) / SAMPLES,
    FALLING = FADING + 2,
    RESTING = FALLING + SETTLE,
    OVER = RESTING + 1
};

/* A period: 16384 * sin(2 pi i / 16). */
static const int16_t sine[PERIOD] = {0, 6270,  11585,  15137,  16384,  15137,  11585,  6270,
                                     0, -6270, -11585, -15137, -16384, -15137, -11585, -6270};

void tone_start(struct tone *tone, uint32_t gain)
{
    tone->gain = (uint16_t)gain;
    tone->made = 0;
    whim_dac_open(&tone->dac);
    audio_start(&tone->audio);
}

/* Fill a half of the DAC's buffer. */
static void fill(struct tone *tone, uint16_t *values)
{
    if (tone->made == 0) whim_dac_switch(&tone->dac, true);
    if (tone->made == LOUD) whim_dac_volume(&tone->dac, tone->gain);
    if (tone->made == FADING) whim_dac_volume(&tone->dac, 0);
    if (tone->made == FALLING) whim_dac_switch(&tone->dac, false);
    bool sounds = tone->made >= LOUD && tone->made < FALLING;
    for (uint32_t i = 0; i < SAMPLES; i += PERIOD) {
        whim_dac_convert(&tone->dac, sounds ? sine : NULL, PERIOD, values + WHIM_DAC_FACTOR * i);
    }
    tone->made++;
}

bool tone_poll(struct tone *tone)
{
    uint16_t *values;
    while ((values = audio_free(&tone->audio))) {
        if (tone->made >= OVER) {
            audio_stop(&tone->audio);
            return false;
        }
        fill(tone, values);
        audio_filled(&tone->audio);
    }
    return true;
}

void tone_stop(struct tone *tone)
{
    if (tone->made >= FADING) return;
    tone->made = tone->made > LOUD ? FADING : FALLING;
}
