/* The memory that a cat's chunks stream through, and that others use between two cats. All of it
 * lies where a card's and a DAC's DMA reach. For boards with a card. */
#ifndef APP_ROOM_H
#define APP_ROOM_H

#include <stdint.h>

#include "app/kept.h"
#if WHIM_AUDIO
#include "app/speak.h"
#include "app/tone.h"
#endif

enum { ROOM_BYTES = 48 * 1024 };

/* The last picture lies at the end, from when it is made until chunks take its place. What shares
 * the room with it ends before. */
#define ROOM_PICTURE ((uint32_t)ROOM_BYTES - CAT_PIXEL_BYTES)

union room {
    uint8_t bytes[ROOM_BYTES]; /* chunks, tones of a picture, a file to be kept */
#if WHIM_AUDIO
    struct speech speech;
    struct tone tone;
#endif
};

extern union room room;

#endif
