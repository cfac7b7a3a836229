/* The audio driver before a DAC that does as it is told, for tests/test_voice.py: ends with exit
 * status 0 if all is as it should be, or says which line is not. */
#include <stdio.h>

#include "drivers/audio.h"

static const uint16_t *started;
static uint32_t played, stops;

void port_dac_start(const uint16_t *values, uint32_t count)
{
    started = count == 2 * AUDIO_HALF ? values : NULL;
    played = 0;
}

uint32_t port_dac_played(void)
{
    return played;
}

void port_dac_stop(void)
{
    stops++;
}

#define CHECK(is) if (!(is)) return printf("line %d: %s\n", __LINE__, #is), 1

int main(void)
{
    static struct audio audio;
    uint16_t *first = audio.values, *second = audio.values + AUDIO_HALF;

    audio_start(&audio);
    CHECK(audio_free(&audio) == first);
    audio_filled(&audio);
    CHECK(!started && audio_free(&audio) == second);
    audio_filled(&audio);
    CHECK(started == first && !audio_free(&audio));
    played = AUDIO_HALF - 1;
    CHECK(!audio_free(&audio) && audio_played(&audio) == AUDIO_HALF - 1);
    played = AUDIO_HALF; /* the first half is free as soon as its last value was taken */
    CHECK(audio_free(&audio) == first);
    audio_filled(&audio);
    CHECK(!audio_free(&audio));
    played = 3 * AUDIO_HALF - 1; /* just in time */
    CHECK(audio_free(&audio) == second && !audio_late);
    played = 3 * AUDIO_HALF; /* and now not: that half is given up, the next is to be filled */
    CHECK(audio_free(&audio) == first && audio_late == 1);
    audio_filled(&audio);
    CHECK(!audio_free(&audio));
    played = 8 * AUDIO_HALF + 5;
    CHECK(audio_free(&audio) == second && audio_late == 5);
    audio_stop(&audio);
    audio_stop(&audio);
    CHECK(stops == 1 && audio_played(&audio) == 0);
    return 0;
}
