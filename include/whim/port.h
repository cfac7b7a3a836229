/* What a board gives to the drivers and the application. A port implements every function here,
 * once per image; nothing above this line knows a chip. docs/PORTING.md says how to write one. */
#ifndef WHIM_PORT_H
#define WHIM_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/generate.h" /* struct whim_source */
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

/* The rest is only for boards that can hold a card; they are built with WHIM_CARD=1.
 *
 * Names of files: letters, digits, '-' and '_', with at most one '.' between them and one folder
 * before them: "cat8.whim", "cats/00001.bmp". */

enum { PORT_CARD_FILES = 4 };

/* Microseconds since start; wraps after 71 minutes, so compare differences only. */
uint32_t port_micros(void);

/* Open a file of the card and fill in `source`; the board knows the file by that address from now
 * on. PORT_CARD_FILES stay open, and one more closes the one that was opened first. A file whose
 * card was pulled out since is dead until it is opened again.
 *
 * The card reads for one source at a time: a start, an open or a write ends the read under way,
 * whose poll then answers WHIM_ERR_CARD_READ, and of which nothing arrives any more. A start of 0
 * bytes does only that. Offsets, counts and destinations are best multiples of 512; behind the
 * file's end zeros are read. While a card hangs, poll may answer WHIM_BUSY for ever: the time limit
 * is the driver's (drivers/card.h).
 * Errors: WHIM_ERR_CARD_MISSING, WHIM_ERR_NO_FILE, WHIM_ERR_CARD_READ; of start and poll the first
 * and the last. */
enum whim_status port_card_open(struct whim_source *source, const char *name);

/* How long the card took for the read that arrived last, however late somebody polled. */
uint32_t port_card_micros(void);

/* Write `count` bytes into a file from `offset` on, which is at most its length; file and folder
 * are made where there are none. What was written is durable when this returns, after up to 250 ms,
 * with the device kept alive. After an error, or if power fails meanwhile, the file's bytes there
 * are old, new or neither.
 * Errors: WHIM_ERR_CARD_MISSING, WHIM_ERR_CARD_WRITE. */
enum whim_status port_card_write(const char *name, uint32_t offset, const void *bytes,
                                 uint32_t count);

/* The rest is only for boards with a DAC, which have a card, too; they are built with
 * WHIM_AUDIO=1. */

enum { PORT_DAC_HERTZ = 64000, PORT_DAC_TOP = 4095 };

/* Give the DAC a value of 0 to PORT_DAC_TOP every 1 / PORT_DAC_HERTZ seconds: those of `values`,
 * from the first to the last and again from the first, until port_dac_stop. DMA takes each one when
 * it is due, so what has been played may be written over meanwhile, and what is not written anew in
 * time is played again. `count`: even, 2 to 65,534; the memory is one that the board's DMA reaches.
 * The DAC rests at 0 before its first start. Nothing here fails or waits. */
void port_dac_start(const uint16_t *values, uint32_t count);

/* How many values the DAC was given since it was started; exact, and wraps after 18 hours, so
 * compare differences only. It stands still once the DAC was stopped. */
uint32_t port_dac_played(void);

/* Give it no more values: it keeps the last one. */
void port_dac_stop(void);

#endif
