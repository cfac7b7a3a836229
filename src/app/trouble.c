/* Troubles: see trouble.h. */
#include "app/trouble.h"

#include "app/console.h"
#include "app/screen.h"
#include "app/text.h"
#include "app/worker.h"

static char doing[32], needs[80];

void trouble_doing(const char *what, const char *file)
{
    text_add(text_add(doing, what), file);
}

const char *trouble_advice(enum whim_status status)
{
    char *end;
    switch (status) {
    case WHIM_ERR_CARD_MISSING: return "put in a card with the models on it, and try again";
    case WHIM_ERR_NO_FILE: return "copy it onto the card; `python host/pack.py` makes the models";
    case WHIM_ERR_CARD_READ: return "wipe the card's contacts and try again, or try another card";
    case WHIM_ERR_CARD_WRITE: return "is the card full, or write-protected?";
    case WHIM_ERR_ARENA:
        end = text_add_number(needs, work.arena_bytes);
        end = text_add(end, " bytes of memory are needed, this board has ");
        text_add_number(end, work.arena_room);
        return needs;
    case WHIM_ERR_BUFFERS: return "the file's chunks are too long for this board: pack it anew";
    case WHIM_ERR_VERSION: return "pack the model with the tools of this firmware's version";
    case WHIM_ERR_SHAPE: return "not a model of cats, 64x64 pixels of 3 colours from 100 values";
    case WHIM_ERR_ENTROPY: return "no fair random bytes to be had: nothing was generated";
    case WHIM_ERR_I2C: return "no answer from the display: check its wiring and power";
    default: return "the file on the card is damaged: copy it again";
    }
}

const char *trouble_bank_advice(enum whim_status status)
{
    switch (status) {
    case WHIM_ERR_CARD_MISSING: return "put in a card with the bank on it, and try again";
    case WHIM_ERR_CARD_READ: return trouble_advice(status);
    case WHIM_ERR_NO_FILE: return "`python host/pack.py` copies it onto the card";
    case WHIM_ERR_VERSION: return "copy the one that came with this firmware's version";
    default: return "the file on the card is damaged: copy it again";
    }
}

enum whim_status trouble_as(enum whim_status status, const char *name, const char *advice)
{
    console_error(name, doing, advice);
    if (screen_error(name)) console_text("  the display shows nothing\n");
    return status;
}

enum whim_status trouble(enum whim_status status)
{
    return trouble_as(status, whim_status_name(status), trouble_advice(status));
}

void trouble_note(enum whim_status status)
{
    console_error(whim_status_name(status), doing, trouble_advice(status));
}
