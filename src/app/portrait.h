/* A cat on the display: its picture in the left half, in the right what there is to say of it.
 *
 * Errors: those of the display's driver. */
#ifndef APP_PORTRAIT_H
#define APP_PORTRAIT_H

#include "app/dither.h"
#include "app/kept.h"

enum { PORTRAIT_WIDTH = DITHER_SIZE };

extern const char *const portrait_moods[]; /* by enum mood */

/* A picture on its way to the display; `tones` are of use only while it is shown. */
struct portrait {
    struct dither dither;
    uint8_t *tones; /* DITHER_ROOM bytes */
};

/* Show the cat in `rgb`, CAT_PIXEL_BYTES, of this latent, and below its mood two lines. */
enum whim_status portrait_show(struct portrait *portrait, const int8_t *rgb,
                               const struct latent *latent, const char *note, const char *caption);

/* What of a verdict stands in the PORTRAIT_WIDTH columns from `column` on: its number, its mood.
 * They must be dark. */
enum whim_status portrait_verdict(uint32_t verdict, uint32_t mood, uint32_t column);

/* The two lines again, over whatever stood there. */
enum whim_status portrait_foot(const char *note, const char *caption);

/* Only the lower one. */
enum whim_status portrait_caption(const char *caption);

#endif
