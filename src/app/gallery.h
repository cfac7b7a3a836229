/* The gallery: kept cats, one after the other, on the display while the next one is made. What it
 * needs of RAM, 17 KB, is its own, since chunks stream through the room. For boards with a card. */
#ifndef APP_GALLERY_H
#define APP_GALLERY_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/status.h"

enum { GALLERY_MS = 4000 }; /* that each is shown, at least */

/* Show the first, before maker_make. *any: whether there is one; a card that fails has none.
 * Errors: those of the display. */
enum whim_status gallery_start(bool *any);

/* Go on, and show how far the next one is, 0 to 100 per cent; call it often. The worker's reads
 * stand back while a picture is read. Errors: those of the display. */
enum whim_status gallery_show(uint32_t percent);

/* Bytes of RAM. */
uint32_t gallery_bytes(void);

#endif
