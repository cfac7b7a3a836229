/* The cat: see cat.h. */
#include "app/cat.h"

#include <stddef.h>

#include "app/chance.h"
#include "app/console.h"
#include "app/dither.h"
#include "app/kept.h"
#include "app/progress.h"
#include "app/screen.h"
#if WHIM_AUDIO
#include "app/speak.h"
#endif
#include "app/text.h"
#include "drivers/card.h"
#include "drivers/ssd1306.h"
#include "engine/bytes.h"
#include "engine/crc.h"
#include "engine/format.h"
#include "whim/generate.h"
#include "whim/port.h"
#include "whim/random.h"

enum { POLL_MS = 5, VERDICT_PAGE = 0, MOOD_PAGE = 1, FOOT_PAGE = 4, NOTE_PAGE = 5 };

static const char *const file_names[] = {"cat4.whim", "cat8.whim"};
static const char *const weights[] = {"int4", "int8"};
static const char *const moods[] = {"demotivated", "motivated", "none"};

static struct {
    struct whim_generator generator;
    struct card_file file;
    struct dither dither;
    struct progress progress;
    struct latent latent;
    const int8_t *picture;       /* the last one; NULL while there is none */
    uint32_t number;             /* under which it is kept, or 0 */
    uint32_t all, compute, wait; /* microseconds of the last one */
    uint32_t looked;             /* port_millis when the port has looked after itself last */
    struct card_counts card;     /* its reads */
    uint32_t say;                /* the last verdict */
    char doing[32], advice[80];
    uint8_t opened, use; /* indices of the names above */
    bool keep_none;
} cat = {.say = NO_VERDICT};

static uint32_t arena[CAT_ARENA / 4] __attribute__((aligned(16)));
typedef char state_fits[sizeof cat <= CAT_STATE ? 1 : -1];

/* One after the other: chunks of the model, tones of the picture, a file to be kept, speech. */
static union {
    uint8_t bytes[CAT_BUFFERS];
#if WHIM_AUDIO
    struct speech speech;
#endif
} room __attribute__((aligned(16)));
typedef char room_fits[sizeof room == CAT_BUFFERS ? 1 : -1];

/* Remember what is being done, in case that it fails. */
static void doing(const char *what, const char *file)
{
    text_add(text_add(cat.doing, what), file);
}

static const char *advice(enum whim_status status)
{
    char *end;
    switch (status) {
    case WHIM_ERR_CARD_MISSING: return "put in a card with the models on it, and try again";
    case WHIM_ERR_NO_FILE: return "copy it onto the card; `python host/pack.py` makes the models";
    case WHIM_ERR_CARD_READ: return "wipe the card's contacts and try again, or try another card";
    case WHIM_ERR_CARD_WRITE: return "is the card full, or write-protected?";
    case WHIM_ERR_ARENA:
        end = text_add_number(cat.advice, cat.generator.model.arena_bytes);
        text_add_number(text_add(end, " bytes of memory are needed, this board has "), CAT_ARENA);
        return cat.advice;
    case WHIM_ERR_BUFFERS: return "the file's chunks are too long for this board: pack it anew";
    case WHIM_ERR_VERSION: return "pack the model with the tools of this firmware's version";
    case WHIM_ERR_SHAPE: return "not a model of cats, 64x64 pixels of 3 colours from 100 values";
    case WHIM_ERR_ENTROPY: return "no fair random bytes to be had: nothing was generated";
    case WHIM_ERR_I2C: return "no answer from the display: check its wiring and power";
    default: return "the file on the card is damaged: copy it again";
    }
}

/* Tell the console and the display what failed; `status` is answered. */
static enum whim_status fail_as(enum whim_status status, const char *name, const char *advice)
{
    console_error(name, cat.doing, advice);
    if (screen_error(name)) console_text("  the display shows nothing\n");
    return status;
}

static enum whim_status fail(enum whim_status status)
{
    return fail_as(status, whim_status_name(status), advice(status));
}

/* Do a step of the work, and book the time that it takes. Sets *looked, every now and then, when
 * the port has looked after itself and the button. Nobody sleeps here: the card would have to wait
 * for us. */
static enum whim_status step(bool *looked)
{
    uint32_t began = port_micros();
    enum whim_status status = whim_generate_step(&cat.generator);
    uint32_t took = port_micros() - began;
    if (status == WHIM_BUSY) cat.wait += took;
    else cat.compute += took;
    *looked = port_millis() - cat.looked >= POLL_MS;
    if (*looked) {
        port_sleep(0);
        cat.looked = port_millis();
    }
    return status == WHIM_BUSY ? WHIM_OK : status;
}

/* End the work early, and have the buffers back. */
static void stop(void)
{
    while (whim_generate_stop(&cat.generator) == WHIM_BUSY) port_sleep(1);
}

/* Open one of the models, and see that it makes cats. */
static enum whim_status open_model(uint8_t which)
{
    const struct whim_model *model = &cat.generator.model;
    bool looked;
    cat.opened = which;
    cat.picture = NULL; /* its place is about to be used */
    doing("opening ", file_names[which]);
    enum whim_status status = card_open(&cat.file, file_names[which]);
    if (status) return status;
    whim_generate_open(&cat.generator, &cat.file.source, room.bytes, sizeof room.bytes);
    while (!(status = step(&looked))) {}
    if (status != WHIM_DONE) {
        stop();
        return status;
    }
    if (model->inputs != CAT_LATENT || model->width != CAT_SIZE || model->height != CAT_SIZE ||
        model->channels != CAT_CHANNELS) {
        return WHIM_ERR_SHAPE;
    }
    return model->arena_bytes > sizeof arena ? WHIM_ERR_ARENA : WHIM_OK;
}

static uint32_t model_crc(void)
{
    return load32(cat.generator.model.file + HEADER_CRC);
}

enum whim_status cat_verdict(whim_entropy *entropy, uint32_t *verdict)
{
    uint8_t drawn[3];
    enum whim_status status = entropy(drawn, sizeof drawn);
    *verdict = (drawn[0] & 1u) << 16 | (uint32_t)drawn[1] << 8 | drawn[2];
    return status;
}

/* A latent and a verdict, by chance. */
static enum whim_status draw(void)
{
    struct latent *latent = &cat.latent;
    doing("drawing by chance", "");
    enum whim_status status = whim_latent(chance_bytes, latent->z, CAT_LATENT);
    if (!status) status = cat_verdict(chance_bytes, &latent->verdict);
    if (status) return status;
    latent->mood = latent->verdict >> 16 ? MOTIVATED : DEMOTIVATED;
    latent->model = model_crc();
    for (uint32_t i = 0; i < KEPT_ENTROPY; i++) latent->entropy[i] = '\0';
    text_add(latent->entropy, chance_source());
    return WHIM_OK;
}

/* Make the picture of cat.latent by the model that is open. WHIM_DONE, or WHIM_OK where a press of
 * `button` cancelled it, or what went wrong. *shown: how the display fares, without which a cat can
 * be made, too. */
static enum whim_status make(struct button *button, enum whim_status *shown)
{
    const struct whim_generator *generator = &cat.generator;
    uint32_t began = port_micros(), percent = 0;
    bool looked;
    doing("generating by ", file_names[cat.opened]);
    cat.compute = cat.wait = 0;
    card_counts = (struct card_counts){0};
    *shown = progress_start(&cat.progress, "making a cat");
    enum whim_status status =
        whim_generate_start(&cat.generator, cat.latent.z, arena, sizeof arena);
    while (!status && !(status = step(&looked))) {
        uint32_t before = percent;
        if (looked && button_pressed(button)) break;
        percent = whim_generate_percent(generator);
        if (percent == before || *shown) continue;
        *shown = progress_show(&cat.progress, percent, generator->layer + 1u,
                               generator->model.layers);
    }
    if (status != WHIM_DONE) {
        stop();
        return status;
    }
    cat.all = port_micros() - began;
    cat.card = card_counts;
    cat.picture = generator->picture;
    if (!*shown) {
        const uint32_t layers = generator->model.layers;
        *shown = progress_show(&cat.progress, 100, layers, layers);
    }
    return WHIM_DONE;
}

/* What of a verdict stands in the 64 columns from `column` on: its number and its mood. */
static enum whim_status show_verdict(uint32_t verdict, uint32_t mood, uint32_t column)
{
    char says[] = "says 131071";
    enum whim_status status = WHIM_OK;
    text_add_number(says + 5, verdict);
    if (verdict != NO_VERDICT) status = screen_line(says, column, DITHER_SIZE, VERDICT_PAGE);
    if (!status && mood != NO_MOOD) status = screen_word(moods[mood], column, MOOD_PAGE);
    return status;
}

/* What stands below it when nothing is said: the note, and where the cat came from. */
static enum whim_status show_foot(const char *note)
{
    enum whim_status status =
        ssd1306_window(DITHER_SIZE, DITHER_SIZE, FOOT_PAGE, SSD1306_PAGES - FOOT_PAGE);
    if (!status) status = ssd1306_blank(DITHER_SIZE * (SSD1306_PAGES - FOOT_PAGE));
    if (!status) status = screen_line(note, DITHER_SIZE, DITHER_SIZE, NOTE_PAGE);
    return status ? status : screen_caption(cat.latent.entropy);
}

/* The cat in the left half of the display, in the right what there is to say of it. */
static enum whim_status show(const char *note)
{
    dither_start(&cat.dither, cat.picture, room.bytes);
    enum whim_status status = ssd1306_start();
    if (!status) status = ssd1306_window(0, DITHER_SIZE, 0, DITHER_PAGES);
    for (uint32_t page = 0; page < DITHER_PAGES && !status; page++) {
        dither_page(&cat.dither);
        status = ssd1306_data(cat.dither.page, DITHER_SIZE);
    }
    if (!status) status = show_verdict(cat.latent.verdict, cat.latent.mood, DITHER_SIZE);
    return status ? status : show_foot(note);
}

/* The CRC-32 of the picture's red, green and blue bytes, 0 to 255, row by row. */
static uint32_t picture_crc(void)
{
    uint32_t crc = 0;
    for (uint32_t i = 0; i < CAT_PIXEL_BYTES; i++) {
        uint8_t value = (uint8_t)(cat.picture[i] + 128);
        crc = whim_crc32_more(crc, &value, 1);
    }
    return crc;
}

static void tell(void)
{
    console_text("cat mood=");
    console_text(moods[cat.latent.mood]);
    if (cat.latent.verdict != NO_VERDICT) {
        console_number(" verdict=", (int32_t)cat.latent.verdict);
    }
    console_word(" crc=", picture_crc());
    console_text(" weights=");
    console_text(weights[cat.opened]);
    console_number(" kept=", (int32_t)cat.number);
    console_text(" entropy=");
    console_text(cat.latent.entropy);
    console_text("\n");
}

static enum whim_status keep(void)
{
    doing("keeping the cat", "");
    enum whim_status status =
        kept_write(&cat.latent, cat.picture, room.bytes, &cat.number);
    if (status) cat.number = 0;
    return status;
}

/* Where the cat is kept. */
static const char *kept_note(void)
{
    static char note[] = "no 12345";
    text_add_number(note + 3, cat.number);
    return cat.number ? note : "not kept";
}

#if WHIM_AUDIO
static const char *bank_advice(enum whim_status status)
{
    switch (status) {
    case WHIM_ERR_CARD_MISSING: return "put in a card with the bank on it, and try again";
    case WHIM_ERR_CARD_READ: return advice(status);
    case WHIM_ERR_NO_FILE: return "`python host/pack.py` copies it onto the card";
    case WHIM_ERR_VERSION: return "copy the one that came with this firmware's version";
    default: return "the file on the card is damaged: copy it again";
    }
}

/* Say what there is to say of the cat, beside it. Where that fails, the cat is still there. */
static void say(struct button *button, const char *note, enum whim_status *shown)
{
    if (cat.latent.verdict == NO_VERDICT) return;
    cat.say = cat.latent.verdict;
    enum whim_status status = speak(&room.speech, button, cat.say, DITHER_SIZE, shown);
    if (!*shown) *shown = show_foot(note);
    if (!status) return;
    const char *const texts[] = {"silent: ", speak_error(status), ", while reading ", VOICE_BANK,
                                 "\n  ", bank_advice(status), "\n"};
    for (uint32_t i = 0; i < sizeof texts / sizeof *texts; i++) console_text(texts[i]);
}
#endif

/* Tell of the picture that was made, and of how keeping it went, show it, and say the verdict. */
static enum whim_status finish(struct button *button, enum whim_status shown,
                               enum whim_status kept)
{
    const char *note = kept ? whim_status_name(kept) : kept_note();
    tell();
    if (kept) console_error(whim_status_name(kept), cat.doing, advice(kept));
    if (!shown) shown = show(note);
#if WHIM_AUDIO
    say(button, note, &shown);
#else
    (void)button;
#endif
    if (!shown) return kept;
    doing("showing the cat", "");
    return fail(shown);
}

static enum whim_status cancelled(enum whim_status shown)
{
    console_text("cat cancelled\n");
    if (!shown) shown = ssd1306_start();
    if (!shown) shown = screen_line("cancelled", 0, SSD1306_WIDTH, 3);
    return shown ? fail(shown) : WHIM_OK;
}

enum whim_status cat_generate(struct button *button)
{
    enum whim_status shown, status = open_model(cat.use);
    if (!status) status = draw();
    if (!status) {
        cat.number = 0;
        status = make(button, &shown);
        if (!status) return cancelled(shown);
    }
    if (status < 0) return fail(status);

    return finish(button, shown, cat.keep_none ? WHIM_OK : keep());
}

/* Open the one of the card's models that made cat.latent; *other if none of them did. */
static enum whim_status open_its_model(bool *other)
{
    enum whim_status status = WHIM_OK, failed = WHIM_OK;
    *other = false;
    for (uint8_t i = 0; i < 2; i++) {
        status = open_model(cat.use ^ i);
        if (!status && model_crc() == cat.latent.model) return WHIM_OK;
        if (status && !(failed && status == WHIM_ERR_NO_FILE)) failed = status;
    }
    *other = !failed || failed == WHIM_ERR_NO_FILE;
    return failed;
}

enum whim_status cat_redraw(struct button *button, uint32_t number)
{
    static const char unfinished[] = "it was not written to its end, or by something else";
    static const char stranger[] = "the model that made it is not on this card";
    char name[KEPT_NAME];
    bool whole, other;
    kept_name(name, number);
    doing("reading ", name);
    cat.picture = NULL;
    enum whim_status shown, status = kept_read(&cat.latent, number, room.bytes, &whole);
    if (status) return fail(status);
    if (!whole) return fail_as(WHIM_ERR_NO_FILE, "not a kept cat", unfinished);
    status = open_its_model(&other);
    if (other) doing("reading ", name);
    if (other) return fail_as(WHIM_ERR_NO_FILE, "other model", stranger);
    if (!status) status = make(button, &shown);
    if (!status) return cancelled(shown);
    if (status < 0) return fail(status);
    cat.number = number;
    return finish(button, shown, WHIM_OK);
}

enum whim_status cat_keep(void)
{
    if (!cat.picture) {
        console_text("keep: no cat has been made yet\n");
        return WHIM_OK;
    }
    enum whim_status status = cat.number ? WHIM_OK : keep();
    if (status) return fail(status);
    tell();
    return WHIM_OK;
}

#if WHIM_AUDIO
enum whim_status cat_say(struct button *button, uint32_t verdict)
{
    enum { MIDDLE = (SSD1306_WIDTH - DITHER_SIZE) / 2 };
    enum whim_status shown, status;
    if (verdict == NO_VERDICT) verdict = cat.say;
    if (verdict == NO_VERDICT) {
        console_text("say: nothing has been said yet; a number from 0 to 131071 is a verdict\n");
        return WHIM_OK;
    }
    bool beside = cat.picture && cat.latent.verdict == verdict;
    shown = beside ? show(kept_note()) : ssd1306_start();
    if (!shown && !beside) shown = show_verdict(verdict, verdict >> 16, MIDDLE);
    cat.say = verdict;
    status = speak(&room.speech, button, verdict, beside ? DITHER_SIZE : MIDDLE, &shown);
    if (!shown && beside) shown = show_foot(kept_note());
    doing("reading ", VOICE_BANK);
    if (status) return fail_as(status, speak_error(status), bank_advice(status));
    doing("showing the verdict", "");
    return shown ? fail(shown) : WHIM_OK;
}
#endif

void cat_keep_all(bool all)
{
    cat.keep_none = !all;
    console_text(all ? "keep on\n" : "keep off\n");
}

void cat_use(bool int8)
{
    cat.use = int8;
    console_text("weights ");
    console_text(weights[cat.use]);
    console_text("\n");
}

void cat_stats(void)
{
    const struct whim_generator *generator = &cat.generator;
    console_number("picture ms=", (int32_t)(cat.all / 1000));
    console_number(" compute_ms=", (int32_t)(cat.compute / 1000));
    console_number(" wait_ms=", (int32_t)(cat.wait / 1000));
    console_number(" card_ms=", (int32_t)(cat.card.micros / 1000));
    console_number(" card_bytes=", (int32_t)generator->loader.bytes_read);
    console_number(" retries=", generator->loader.retries);
    console_text("\n");
    console_number("memory arena_bytes=", (int32_t)generator->model.arena_bytes);
    console_number(" of=", CAT_ARENA);
    console_number(" buffer_bytes=", CAT_BUFFERS);
    console_number(" state_bytes=", (int32_t)sizeof cat);
    console_text("\n");
#if WHIM_AUDIO
    speak_stats();
#endif
}
