/* What a board gives to the drivers and the application. A port implements every function here,
 * once per image; nothing above this line knows a chip. docs/PORTING.md says how to write one. */
#ifndef WHIM_PORT_H
#define WHIM_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/status.h"

/* Name of the board, for banners: "sim", "ch32v003". */
extern const char port_name[];

/* Milliseconds since start; wraps after 49 days, so compare differences only. */
uint32_t port_millis(void);

/* Wait, at the lowest power that keeps the button and the clock alive. */
void port_sleep(uint32_t milliseconds);

/* True while the button is held down, as the pin says: not debounced. */
bool port_button(void);

/* One I2C write transaction: start, `address` (7 bits), `control`, `count` bytes, stop.
 * Errors: WHIM_ERR_I2C when nobody acknowledges or the bus stays busy for more than 10 ms. */
enum whim_status port_i2c_write(uint8_t address, uint8_t control, const uint8_t *bytes,
                                uint32_t count);

/* Random bytes from the best source that the board has; a whim_entropy.
 * Errors: WHIM_ERR_ENTROPY when that source is empty or failed its health test. */
enum whim_status port_entropy(uint8_t *bytes, uint32_t count);

/* What port_entropy draws from, for the screen, at most 10 characters: "seed", "jitter". */
const char *port_entropy_source(void);

/* Text to the serial console, without waiting for a reader. */
void port_console(const char *text);

/* The next byte that somebody typed on the serial console, 0 to 255, or -1: never waits. A board
 * keeps at least 32 bytes, a line of the shell, until they are asked for; what comes beyond that is
 * lost. */
int port_console_read(void);

/* Start the board afresh, as its reset pin does. Does not return. */
void port_restart(void);

#endif
