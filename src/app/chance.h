/* Where the application's random bytes come from: a person's seed; else, on boards with a card, the
 * pool there; else the board's own source. Seeds are kept here and not in the ports, so that they
 * mean the same on every board. */
#ifndef APP_CHANCE_H
#define APP_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/status.h"

#ifndef WHIM_CARD
#define WHIM_CARD 0 /* the build of a board with a card says 1 */
#endif

/* A whim_entropy. Errors: those of port_entropy; none once there is a seed. Where the pool gives
 * nothing, it is asked again when nothing has been drawn for a second: so one roll, or one latent,
 * looks for a missing card once, and never begins with the board's source to end with the pool. */
enum whim_status chance_bytes(uint8_t *bytes, uint32_t count);

/* From now on, the keystream of a seed from its first byte (struct whim_chacha). `text`: a number
 * from 0 to 2^64 - 1 in decimal digits. False, and nothing has changed, for any other text. */
bool chance_seed(const char *text);

/* What the last bytes came from, at most 10 characters: "seed", "quantum" or "pool" (pool.h),
 * or the board's word; before there were any, "seed" or the board's word. */
const char *chance_source(void);

#if WHIM_CARD
/* What the pool answered when it was last asked: why the bytes did not come from it, or WHIM_OK. */
enum whim_status chance_pool(void);
#endif

#endif
