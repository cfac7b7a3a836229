/* Cats that are kept: pictures on the card that every viewer opens, cats/00001.bmp and so on, each
 * with what it takes to draw it again. docs/CATS.md has the bytes.
 *
 * The sector with the headers is written last, when the rest is on the card: a file whose writing
 * was cut short does not say that it is a picture. */
#ifndef APP_KEPT_H
#define APP_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "whim/audio.h"
#include "whim/status.h"

enum {
    CAT_SIZE = 64,     /* pixels, width and height */
    CAT_CHANNELS = 3,  /* red, green, blue */
    CAT_LATENT = 100,  /* values that make one */
    CAT_PIXEL_BYTES = CAT_SIZE * CAT_SIZE * CAT_CHANNELS,
    KEPT_BYTES = 512 + CAT_PIXEL_BYTES, /* of a file */
    KEPT_NAME = sizeof "cats/00001.bmp",
    KEPT_MOST = 99999,
    KEPT_ENTROPY = 12,
    NO_VERDICT = WHIM_VERDICTS,
};

enum mood { DEMOTIVATED, MOTIVATED, NO_MOOD };

/* What a cat was made of. */
struct latent {
    int8_t z[CAT_LATENT];
    uint8_t mood;                  /* enum mood; NO_MOOD for a latent that came without one */
    uint32_t verdict;              /* what to say of it, or NO_VERDICT */
    uint32_t model;                /* the CRC in its model's header */
    char entropy[KEPT_ENTROPY];    /* where z came from: a word, then zeros */
};

/* The name of cat `number`, 1 to KEPT_MOST. */
void kept_name(char name[KEPT_NAME], uint32_t number);

/* Write a cat as the next file that is not there yet, and answer its number. `rgb`: CAT_PIXEL_BYTES
 * values as the model made them; `room`: KEPT_BYTES, free again afterwards.
 * Errors: those of the card; WHIM_ERR_CARD_WRITE also when all numbers are taken. */
enum whim_status kept_write(const struct latent *latent, const int8_t *rgb, uint8_t *room,
                            uint32_t *number);

/* The number of the last one, or 0, as kept_write finds it.
 * Errors: those of the card. */
enum whim_status kept_last(uint32_t *number);

/* Read what cat `number` was made of. `room`: 512 bytes, free again afterwards. Sets *whole to
 * whether the file is one that kept_write has finished.
 * Errors: those of the card, WHIM_ERR_NO_FILE. */
enum whim_status kept_read(struct latent *latent, uint32_t number, uint8_t *room, bool *whole);

/* Likewise, and its picture, too, as the model made it: *rgb points into `room`, KEPT_BYTES. */
enum whim_status kept_picture(struct latent *latent, uint32_t number, uint8_t *room, bool *whole,
                              const int8_t **rgb);

#endif
