/* A screen for work that takes a while: a bar, a percentage, which layer it is. Only what has
 * changed is sent, and not too often: the display's bus is slow, and the work waits for it.
 *
 * Errors: those of the display's driver. */
#ifndef APP_PROGRESS_H
#define APP_PROGRESS_H

#include <stdint.h>

#include "whim/status.h"

enum { PROGRESS_MS = 100 }; /* between two changes of the screen, at least */

struct progress {
    uint32_t drawn; /* port_millis at the last change */
    uint8_t percent, layer;
};

/* Draw the empty bar below `title`. */
enum whim_status progress_start(struct progress *progress, const char *title);

/* Show `percent`, 0 to 100, which never goes back, and `layer` of `layers`, counted from 1. */
enum whim_status progress_show(struct progress *progress, uint32_t percent, uint32_t layer,
                               uint32_t layers);

#endif
