/* Speech: see speak.h. */
#include "app/speak.h"

#include "app/console.h"
#include "app/text.h"

enum { POLL_MS = 5 };

static uint8_t volume = VOICE_LOUDEST;

static void tell(const struct speech *speech)
{
    uint32_t samples = 0;
    for (uint32_t i = 0; i < WHIM_VERDICT_SLOTS; i++) {
        samples += speech->voice.fragments[i].samples;
    }
    console_number("say verdict=", (int32_t)speech->voice.verdict);
    console_number(" ms=", (int32_t)(samples / (WHIM_SAMPLE_RATE / 1000)));
    console_number(" volume=", volume);
    console_text("\n  ");
    console_text(speech->caption.text);
    console_text("\n");
}

enum whim_status speak(struct speech *speech, bool (*stopped)(void), uint32_t verdict,
                       uint32_t column, enum whim_status *shown)
{
    struct voice *voice = &speech->voice;
    enum whim_status status;
    bool told = false;
    voice_start(voice, verdict, volume);
    while (!(status = voice_poll(voice))) {
        if (voice->ready && !told) {
            caption_start(&speech->caption, voice->fragments, column);
            tell(speech);
            told = true;
        }
        if (told && !*shown) *shown = caption_show(&speech->caption, voice_heard(voice));
        if (stopped()) voice_stop(voice);
        port_sleep(POLL_MS);
    }
    return status == WHIM_DONE ? WHIM_OK : status;
}

void speak_volume(uint32_t to)
{
    volume = (uint8_t)(to < VOICE_LOUDEST ? to : VOICE_LOUDEST);
    console_number("volume ", volume);
    console_text("\n");
}

uint32_t speak_gain(void)
{
    return voice_gain(volume);
}

const char *speak_error(enum whim_status status)
{
    static char name[24];
    const char *model = "model ", *rest = whim_status_name(status);
    while (*model && *rest == *model) model++, rest++;
    if (*model) return whim_status_name(status);
    text_add(text_add(name, "bank "), rest); /* what is wrong with a model's file, or a bank's */
    return name;
}

void speak_stats(void)
{
    console_number("sound volume=", volume);
    console_number(" fades=", (int32_t)voice_fades);
    console_number(" late=", (int32_t)audio_late);
    console_number(" memory_bytes=", (int32_t)sizeof(struct speech));
    console_text("\n");
}
