/* Installation mode: the device by itself, somewhere on a wall. Every so often it makes a cat,
 * shows the kept ones meanwhile, says what there is to say, and waits. An error is shown, and after
 * a while it tries again. The card's file install.txt says whether, and how often, so that it goes
 * straight on after a power cut: a number of seconds, or "off". For boards with a card. */
#ifndef APP_INSTALLATION_H
#define APP_INSTALLATION_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/status.h"

enum {
    INSTALLATION_SECONDS = 20,  /* from the end of a cat to the next, where nobody says */
    INSTALLATION_MOST = 86400,
    INSTALLATION_RETRY_MS = 10000 /* after an error */
};

#define INSTALLATION_FILE "install.txt"

/* Begin with the next cat at once, or end, for 0. The card is told by installation_save. */
void installation_set(uint32_t seconds);

/* Write the card's file, if it does not say yet what was set. Call it while the card is free. An
 * error is told. */
void installation_save(void);

/* Whether it is time for a cat. Call it while the card is free: it reads the card's file at first,
 * where the card is late again after 1, 3 and 10 seconds. */
bool installation_due(void);

/* A cat has ended, well or not, or somebody was here: the next one waits. */
void installation_rest(enum whim_status status);

/* Seconds, or 0 where it is off. */
uint32_t installation_seconds(void);

#endif
