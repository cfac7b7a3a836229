/* The device: a press rolls the die; where there is a card, a long one makes a cat. */
#ifndef APP_APP_H
#define APP_APP_H

#include <stdint.h>

/* Run for ever with the die model in `file`, which must be aligned to 4 bytes and stay in place.
 * Whatever fails (the model, the display, the entropy source) is named on the display, where that
 * works, and told on the console; the device goes on and tries again with the next press. */
void app_run(const uint8_t *file, uint32_t length);

#endif
