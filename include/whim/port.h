/* What a board gives to the drivers and the application. A port implements every function here,
 * once per image; nothing above this line knows a chip. docs/PORTING.md says how to write one. */
#ifndef WHIM_PORT_H
#define WHIM_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/generate.h" /* struct whim_source */
#include "whim/status.h"

/* Name of the board, for banners: "sim", "ch32v003", "ch32h417". */
extern const char port_name[];

/* Milliseconds since start; wraps after 49 days, so compare differences only. */
uint32_t port_millis(void);

/* Wait, at the lowest power that keeps the button and the clock alive; for 0 milliseconds: until
 * something has happened, such as the end of a transfer, and for 1 at most. */
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

/* Ticks of the core's clock; wraps, so compare differences only. On a PC, where computing takes no
 * time, always 0. Only for boards that read digits. */
uint32_t port_cycles(void);

/* The rest is only for boards that can hold a card; they are built with WHIM_CARD=1. */

/* Microseconds since start; wraps after 71 minutes, so compare differences only. */
uint32_t port_micros(void);

/* First, boards that know their card's files by name, as a PC does, built without WHIM_SD.
 *
 * Names of files: letters, digits, '-' and '_', with at most one '.' between them and one folder
 * before them: "cat8.whim", "cats/00001.bmp". */

enum { PORT_CARD_FILES = 4 };

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

/* Second, boards with a bare card slot, built with WHIM_SD=1, which know nothing of files:
 * drivers/sd.h makes sectors of the card and drivers/fat.h files of its sectors. A board has the
 * card's native bus, its SPI bus, or both. Nothing here is called while port_sd_received,
 * port_sd_sent or port_spi_busy answer that something is under way, but these three,
 * port_sd_command to stop it, and port_sd_abandon. */

/* What a card answers a command with, in the SD specification's words. */
enum port_sd_answer {
    PORT_SD_NONE, /* nothing */
    PORT_SD_R1,   /* R1, R6 or R7: 48 bits, whose index and CRC are checked */
    PORT_SD_R1B,  /* the same, and the card may hold D0 low for a while */
    PORT_SD_R2,   /* 136 bits: a register of the card */
    PORT_SD_R3    /* 48 bits without an index or CRC: the OCR */
};

/* Start the native bus afresh, on one wire and at no more than 400 kHz, with the 74 clocks that a
 * card wants first. False: this board has none. Ends whatever was under way. */
bool port_sd_start(void);

/* The fastest clock not above `hertz`, and 1 or 4 wires; after the card was told so. */
void port_sd_speed(uint32_t hertz, uint32_t wires);

/* Send command `index` and wait for its answer, up to 100 ms, and up to 500 ms more while the card
 * is busy after an R1b. `response`: [0] of a short answer, that is the 32 bits between its index
 * and CRC; all four of an R2, most significant word first, with the lowest byte 0; NULL: dropped.
 * Errors: WHIM_ERR_CARD_MISSING when nobody answers, WHIM_ERR_CARD_READ when the answer came
 * damaged or the card stays busy. */
enum whim_status port_sd_command(uint32_t index, uint32_t argument, enum port_sd_answer answer,
                                 uint32_t response[4]);

/* Be ready to receive `blocks` blocks of `block_bytes`, up to 512, by DMA: call it before the
 * command that makes the card send them. `to` is aligned to 16, in memory that the DMA reaches. At
 * most 65,535 blocks. */
void port_sd_receive(void *to, uint32_t blocks, uint32_t block_bytes);

/* WHIM_BUSY; WHIM_OK when all has arrived, with its right CRCs; WHIM_ERR_CARD_READ. Never waits,
 * and has no time limit of its own. */
enum whim_status port_sd_received(void);

/* Send `blocks` blocks of 512 bytes by DMA: call it after the write command. `from` as `to`. */
void port_sd_send(const void *from, uint32_t blocks);

/* WHIM_BUSY until the card has taken all and is no longer busy with it; WHIM_OK;
 * WHIM_ERR_CARD_WRITE. Never waits. */
enum whim_status port_sd_sent(void);

/* True while the card holds D0 low. */
bool port_sd_busy(void);

/* End the transfer under way: nothing arrives any more. The card does not hear of it. */
void port_sd_abandon(void);

/* Take the SPI bus of the card, mode 0, with the fastest clock not above `hertz`; call it again to
 * change that. The card is not selected afterwards. False: this board has none. */
bool port_spi_start(uint32_t hertz);

void port_spi_select(bool selected);

/* Exchange `count` bytes and wait for it. `out` NULL: 0xff is sent; `in` NULL: dropped. */
void port_spi_exchange(const uint8_t *out, uint8_t *in, uint32_t count);

/* Receive `count` bytes by DMA, up to 65,535, while 0xff is sent: it goes on while port_spi_busy.
 * `to` lies in memory that the DMA reaches. */
void port_spi_receive(void *to, uint32_t count);
bool port_spi_busy(void);

/* Now boards whose second core computes while the first does everything else, built with
 * WHIM_CORES=2. The second core runs an image of its own (app/worker.h) and calls only port_fence,
 * port_notify, port_idle and port_micros; whatever else is in this file belongs to the first. */

/* Start the second core with its image. Called once, by the first. */
void port_second_start(void);

/* What this core wrote to shared memory before is seen by the other before what it writes after;
 * likewise what it reads. */
void port_fence(void);

/* Wake the other core, if it sleeps. */
void port_notify(void);

/* Sleep until notified by the other core, or any interrupt, for 1 ms at most; a notification that
 * came before is not missed. Both call it: the first while it waits for the second. */
void port_idle(void);

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
