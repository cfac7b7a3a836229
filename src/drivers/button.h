/* A push button that bounces. The caller polls; what counts is how long the contact has kept still,
 * so it does not matter how regularly. */
#ifndef DRIVERS_BUTTON_H
#define DRIVERS_BUTTON_H

#include <stdbool.h>
#include <stdint.h>

enum { BUTTON_STEADY_MS = 20 }; /* a contact that kept still this long has stopped bouncing */

struct button {
    uint32_t since; /* port_millis when `contact` last changed */
    bool contact;   /* the pin at the last poll */
    bool down;      /* the button, without the bouncing */
};

/* A button that is up. If it is held while the device starts, that is not a press: it counts once
 * it has been let go. */
void button_start(struct button *button);

/* Look at the pin. True exactly once for each press, when the contact has been closed and still for
 * BUTTON_STEADY_MS. Poll more often than that while waiting for a press. */
bool button_pressed(struct button *button);

#endif
