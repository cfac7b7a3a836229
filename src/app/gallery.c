/* The gallery: see gallery.h. From the newest cat it goes back to the first, and begins anew. */
#include "app/gallery.h"

#include "app/maker.h"
#include "app/portrait.h"
#include "app/text.h"
#include "whim/port.h"

enum { CAPTION_MS = 500, TRIES = 4 }; /* between two figures, at least; at files that are none */

static struct {
    uint8_t file[KEPT_BYTES] __attribute__((aligned(16)));
    uint8_t tones[DITHER_ROOM];
    struct portrait portrait;
    struct latent latent;
    const int8_t *rgb;
    uint32_t number, last;    /* that was shown last; of those that are kept */
    uint32_t shown, captioned; /* port_millis */
    uint32_t percent;
} gallery;

/* Read the next one that can be shown; false where there is none. */
static bool next(void)
{
    bool whole = false;
    for (uint32_t i = 0; i < TRIES && gallery.last && !whole; i++) {
        bool begin = gallery.number <= 1 || gallery.number > gallery.last;
        gallery.number = begin ? gallery.last : gallery.number - 1;
        enum whim_status status = kept_picture(&gallery.latent, gallery.number, gallery.file,
                                               &whole, &gallery.rgb);
        if (status && status != WHIM_ERR_NO_FILE) return false;
    }
    return whole;
}

static const char *caption(void)
{
    static char text[sizeof "next 100%"];
    text_add(text_add_number(text_add(text, "next "), gallery.percent), "%");
    return text;
}

static enum whim_status show(void)
{
    char note[sizeof "no 12345"] = "no ";
    text_add_number(note + 3, gallery.number);
    gallery.shown = gallery.captioned = port_millis();
    return portrait_show(&gallery.portrait, gallery.rgb, &gallery.latent, note, caption());
}

enum whim_status gallery_start(bool *any)
{
    gallery.portrait.tones = gallery.tones;
    gallery.percent = 0;
    *any = !kept_last(&gallery.last) && next();
    return *any ? show() : WHIM_OK;
}

enum whim_status gallery_show(uint32_t percent)
{
    uint32_t now = port_millis();
    bool changed = percent != gallery.percent;
    gallery.percent = percent;
    if (now - gallery.shown >= GALLERY_MS) {
        /* Nothing else until the read under way has ended: whoever stops calling us, for the
         * display has failed, must not leave the worker without its reads. */
        if (!maker_pause(true)) return WHIM_OK;
        bool any = next();
        maker_pause(false);
        if (any) return show();
        gallery.shown = now; /* what is shown stays */
    }
    if (!changed || now - gallery.captioned < CAPTION_MS) return WHIM_OK;
    gallery.captioned = now;
    return portrait_caption(caption());
}

uint32_t gallery_bytes(void)
{
    return sizeof gallery;
}
