/* For whoever puts a board together: is its card quick, does its loudspeaker sound, does it compute
 * what every other computes? For boards with a card; the shell runs these. They use the room
 * (room.h), so the last picture is lost.
 *
 * What goes wrong is told (trouble.h) and answered. `stopped` is asked every few milliseconds, and
 * ends a trial early. */
#ifndef APP_TRIALS_H
#define APP_TRIALS_H

#include <stdbool.h>

#include "whim/status.h"

/* Read all of a file of the card in long reads, and tell how long it took:
 *
 *     card file=cat4.whim bytes=6368768 ms=320 kb_per_s=19902 reads=130 slowest_us=2950
 *
 * and, of a bare card, " bus=sdmmc wires=4 hertz=50000000". */
enum whim_status trial_card(const char *file, bool (*stopped)(void));

/* Make a picture of a model on the card, whose inputs are those of the self-test (selftest.h), and
 * tell the CRC-32 of what each layer makes, in the same lines. */
enum whim_status trial_layers(const char *file, bool (*stopped)(void));

/* Sound a tone of 1 kHz for three seconds: "tone hertz=1000 ms=3000". For boards with a DAC. */
void trial_tone(bool (*stopped)(void));

#endif
