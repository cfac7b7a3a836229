/* Speak a verdict, while its sentence scrolls by. For boards with a DAC. */
#ifndef APP_SPEAK_H
#define APP_SPEAK_H

#include <stdint.h>

#include "app/caption.h"
#include "app/voice.h"

/* The memory for it, free again afterwards. */
struct speech {
    struct voice voice;
    struct caption caption;
};

/* Say `verdict`, below WHIM_VERDICTS, and tell the console what it is; returns when all is silent
 * again. `stopped` is asked every few milliseconds, and ends it early. The sentence scrolls through
 * the caption's pages from `column` on, unless *shown tells that the display has failed; it is set
 * to how that fared. Errors of the voice: nothing is heard any more, and the caller tells. */
enum whim_status speak(struct speech *speech, bool (*stopped)(void), uint32_t verdict,
                       uint32_t column, enum whim_status *shown);

/* How loud from the next verdict on, 0 to VOICE_LOUDEST, which it is at first; the console says it.
 */
void speak_volume(uint32_t volume);

/* What that is for whim_dac_volume. */
uint32_t speak_gain(void);

/* The name of an error of `speak`: of the card or of the bank. It is valid until the next. */
const char *speak_error(enum whim_status status);

/* Tell the console how sounds fared since start. */
void speak_stats(void);

#endif
