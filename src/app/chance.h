/* Where the application's random bytes come from: the board's source, until a person gives a seed.
 * Seeds are kept here and not in the ports, so that they mean the same on every board. */
#ifndef APP_CHANCE_H
#define APP_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/status.h"

/* A whim_entropy. Errors: those of port_entropy; none once there is a seed. */
enum whim_status chance_bytes(uint8_t *bytes, uint32_t count);

/* From now on, the keystream of a seed from its first byte (struct whim_chacha). `text`: a number
 * from 0 to 2^64 - 1 in decimal digits. False, and nothing has changed, for any other text. */
bool chance_seed(const char *text);

/* What it draws from, at most 10 characters: "seed", or the board's word. */
const char *chance_source(void);

#endif
