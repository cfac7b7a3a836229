/* A push button that bounces. The caller polls; what counts is how long the contact has kept still,
 * so it does not matter how regularly. */
#ifndef DRIVERS_BUTTON_H
#define DRIVERS_BUTTON_H

#include <stdbool.h>
#include <stdint.h>

enum {
    BUTTON_STEADY_MS = 20, /* a contact that kept still this long has stopped bouncing */
    BUTTON_LONG_MS = 700   /* a press is long once the contact has been closed and still for this */
};

enum button_event { BUTTON_NOTHING, BUTTON_SHORT, BUTTON_LONG };

/* All zero at first. */
struct button {
    uint32_t since; /* port_millis when `contact` last changed */
    bool contact;   /* the pin at the last poll */
    bool down;      /* the button, without the bouncing */
    bool waiting;   /* button_event has yet to say whether it is a short press or a long one */
};

/* A button that is up. If it is held while the device starts, that is not a press: it counts once
 * it has been let go. */
void button_start(struct button *button);

/* Look at the pin. True exactly once for each press, when the contact has been closed and still for
 * BUTTON_STEADY_MS. Poll more often than that while waiting for a press. */
bool button_pressed(struct button *button);

/* For a device that tells presses apart: BUTTON_SHORT when the button is let go, or BUTTON_LONG as
 * soon as it is one, while it is still held. Each press is one event; a press that button_pressed
 * has told is none. */
enum button_event button_event(struct button *button);

#endif
