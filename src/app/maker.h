/* The application's side of making a picture: it opens the model's file, has the worker (worker.h)
 * run it, and reads from the card what that asks for. Where there is one core, both sides take
 * turns within maker_poll.
 *
 *     status = maker_open("cat4.whim", buffers, sizeof buffers);
 *     while (!status && (status = maker_poll()) == WHIM_BUSY) status = WHIM_OK;
 *     if (status == WHIM_DONE) maker_make(z, 100, 0, false);
 *     while ((status = maker_poll()) == WHIM_BUSY) {}
 *
 * A second core that stops is told, and the board started afresh: nothing else brings it back. */
#ifndef APP_MAKER_H
#define APP_MAKER_H

#include <stdbool.h>

#include "app/worker.h"

/* Begin to open a model of the card; maker_poll tells how it went, and `work` then describes it.
 * `buffers`, aligned to 16 bytes where the card's DMA reaches, belong to the worker until then.
 * Errors: those of card_open. */
enum whim_status maker_open(const char *name, void *buffers, uint32_t buffer_bytes);

/* Begin a picture of the model that was opened, by `count` values of int8, at most WORK_INPUTS.
 * The buffers belong to the worker; in the end it puts the picture there, at `picture_at`.
 * `checked`: take work.crcs, too. */
void maker_make(const int8_t *input, uint32_t count, uint32_t picture_at, bool checked);

/* Keep it going; call it often. WHIM_BUSY until what was begun has ended: WHIM_DONE, or what went
 * wrong, any of whim_generate_step's errors. The buffers are then the caller's again. */
enum whim_status maker_poll(void);

/* End what was begun, if anything; waits for a read under way, a second at most. */
void maker_stop(void);

/* Begin no more reads for the worker, or do again. True when the card is free for others; the
 * worker goes on with what it has meanwhile. */
bool maker_pause(bool paused);

#endif
