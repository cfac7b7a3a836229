/* The cat: see cat.h. */
#include "app/cat.h"

#include <stddef.h>

#include "app/chance.h"
#include "app/console.h"
#include "app/gallery.h"
#include "app/maker.h"
#include "app/monitor.h"
#include "app/portrait.h"
#include "app/progress.h"
#include "app/room.h"
#include "app/screen.h"
#include "app/text.h"
#include "app/trials.h"
#include "app/trouble.h"
#include "drivers/card.h"
#include "drivers/ssd1306.h"
#include "engine/crc.h"
#include "whim/port.h"
#include "whim/random.h"

enum { POLL_MS = 5 };

static const char *const file_names[] = {"cat4.whim", "cat8.whim"};
static const char *const weights[] = {"int4", "int8"};

static struct {
    struct portrait portrait;
    struct progress progress;
    struct latent latent;
    const int8_t *picture;     /* the last one; NULL while there is none */
    uint32_t number;           /* under which it is kept, or 0 */
    uint32_t all;              /* microseconds that the last one took */
    uint32_t looked;           /* port_millis when the port has looked after itself last */
    struct card_counts card;   /* its reads */
    uint32_t say;              /* the last verdict */
    struct button *button;
    bool (*meanwhile)(void);
    uint8_t opened, use; /* indices of the names above */
    bool keep_none, gallery;
} cat = {.say = NO_VERDICT, .portrait = {.tones = room.bytes}};

union room room __attribute__((aligned(16)));

#define STATE (sizeof cat + sizeof(struct work) + WORKER_STATE)
typedef char state_fits[STATE <= CAT_STATE ? 1 : -1];
typedef char room_fits[sizeof room == ROOM_BYTES ? 1 : -1];
typedef char file_fits[KEPT_BYTES <= ROOM_PICTURE ? 1 : -1];
#if WHIM_AUDIO
typedef char speech_fits[sizeof(struct speech) <= ROOM_PICTURE ? 1 : -1];
#endif

void cat_start(struct button *button, bool (*meanwhile)(void))
{
    cat.button = button;
    cat.meanwhile = meanwhile;
}

/* Whether somebody wants it to end: asked every few milliseconds, whatever is going on. */
static bool stopped(void)
{
    bool pressed = button_pressed(cat.button), asked = cat.meanwhile();
    (void)monitor_poll();
    return pressed || asked;
}

/* Go on with the work: WHIM_BUSY until it has ended. Sets *looked, every now and then, when the
 * port has looked after itself. Nobody sleeps here: the card would have to wait for us. */
static enum whim_status step(bool *looked)
{
    enum whim_status status = maker_poll();
    *looked = port_millis() - cat.looked >= POLL_MS;
    if (*looked) {
        port_sleep(0);
        cat.looked = port_millis();
    }
    return status;
}

/* Open one of the models, and see that it makes cats. */
static enum whim_status open_model(uint8_t which)
{
    bool looked;
    cat.opened = which;
    cat.picture = NULL; /* its place is about to be used */
    trouble_doing("opening ", file_names[which]);
    enum whim_status status = maker_open(file_names[which], room.bytes, sizeof room.bytes);
    if (status) return status;
    while ((status = step(&looked)) == WHIM_BUSY) {}
    if (status != WHIM_DONE) return status;
    if (work.inputs != CAT_LATENT || work.width != CAT_SIZE || work.height != CAT_SIZE ||
        work.channels != CAT_CHANNELS) {
        return WHIM_ERR_SHAPE;
    }
    return work.arena_bytes > work.arena_room ? WHIM_ERR_ARENA : WHIM_OK;
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
    trouble_doing("drawing by chance", "");
    enum whim_status status = whim_latent(chance_bytes, latent->z, CAT_LATENT);
    if (!status) status = cat_verdict(chance_bytes, &latent->verdict);
    if (status) return status;
    latent->mood = latent->verdict >> 16 ? MOTIVATED : DEMOTIVATED;
    latent->model = work.model_crc;
    for (uint32_t i = 0; i < KEPT_ENTROPY; i++) latent->entropy[i] = '\0';
    text_add(latent->entropy, chance_source());
    return WHIM_OK;
}

/* Show how far it is: kept cats, or a bar. */
static enum whim_status show_progress(bool gallery)
{
    if (gallery) return gallery_show(work.percent);
    return progress_show(&cat.progress, work.percent, work.layer + 1, work.layers);
}

/* Make the picture of cat.latent by the model that is open. WHIM_DONE, or WHIM_OK where somebody
 * cancelled it, or what went wrong. *shown: how the display fares, without which a cat can be made,
 * too. */
static enum whim_status make(enum whim_status *shown)
{
    bool gallery = false, looked;
    enum whim_status status;
    if (cat.gallery) *shown = gallery_start(&gallery);
    trouble_doing("generating by ", file_names[cat.opened]);
    card_counts = (struct card_counts){0};
    uint32_t began = port_micros(), percent = 0;
    if (!gallery) *shown = progress_start(&cat.progress, "making a cat");
    maker_make(cat.latent.z, CAT_LATENT, ROOM_PICTURE, false);
    while ((status = step(&looked)) == WHIM_BUSY) {
        uint32_t before = percent;
        if (looked && stopped()) break;
        percent = work.percent;
        if (*shown || (percent == before && !gallery)) continue;
        *shown = show_progress(gallery);
    }
    maker_stop();
    if (status == WHIM_BUSY) return WHIM_OK;
    if (status != WHIM_DONE) return status;
    cat.all = port_micros() - began;
    cat.card = card_counts;
    cat.picture = (const int8_t *)room.bytes + ROOM_PICTURE;
    if (!*shown && !gallery) {
        *shown = progress_show(&cat.progress, 100, work.layers, work.layers);
    }
    return WHIM_DONE;
}

/* The cat in the left half of the display, in the right what there is to say of it. */
static enum whim_status show(const char *note)
{
    return portrait_show(&cat.portrait, cat.picture, &cat.latent, note, cat.latent.entropy);
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
    console_text(portrait_moods[cat.latent.mood]);
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
    trouble_doing("keeping the cat", "");
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
/* Say what there is to say of the cat, beside it. Where that fails, the cat is still there. */
static void say(const char *note, enum whim_status *shown)
{
    if (cat.latent.verdict == NO_VERDICT) return;
    cat.say = cat.latent.verdict;
    enum whim_status status = speak(&room.speech, stopped, cat.say, PORTRAIT_WIDTH, shown);
    if (!*shown) *shown = portrait_foot(note, cat.latent.entropy);
    if (!status) return;
    const char *const texts[] = {"silent: ", speak_error(status), ", while reading ", VOICE_BANK,
                                 "\n  ", trouble_bank_advice(status), "\n"};
    for (uint32_t i = 0; i < sizeof texts / sizeof *texts; i++) console_text(texts[i]);
}
#endif

/* Tell of the picture that was made, and of how keeping it went, show it, and say the verdict. */
static enum whim_status finish(enum whim_status shown, enum whim_status kept)
{
    const char *note = kept ? whim_status_name(kept) : kept_note();
    tell();
    if (kept) trouble_note(kept);
    monitor_start(cat.picture);
    if (!shown) shown = show(note);
#if WHIM_AUDIO
    say(note, &shown);
#endif
    while (monitor_poll()) port_sleep(0);
    if (!shown) return kept;
    trouble_doing("showing the cat", "");
    return trouble(shown);
}

static enum whim_status cancelled(enum whim_status shown)
{
    console_text("cat cancelled\n");
    if (!shown) shown = ssd1306_start();
    if (!shown) shown = screen_line("cancelled", 0, SSD1306_WIDTH, 3);
    return shown ? trouble(shown) : WHIM_OK;
}

enum whim_status cat_generate(bool gallery)
{
    enum whim_status shown, status = open_model(cat.use);
    cat.gallery = gallery;
    if (!status) status = draw();
    if (!status) {
        cat.number = 0;
        status = make(&shown);
        if (!status) return cancelled(shown);
    }
    if (status < 0) return trouble(status);

    return finish(shown, cat.keep_none ? WHIM_OK : keep());
}

/* Open the one of the card's models that made cat.latent; *other if none of them did. */
static enum whim_status open_its_model(bool *other)
{
    enum whim_status status = WHIM_OK, failed = WHIM_OK;
    *other = false;
    for (uint8_t i = 0; i < 2; i++) {
        status = open_model(cat.use ^ i);
        if (!status && work.model_crc == cat.latent.model) return WHIM_OK;
        if (status && !(failed && status == WHIM_ERR_NO_FILE)) failed = status;
    }
    *other = !failed || failed == WHIM_ERR_NO_FILE;
    return failed;
}

enum whim_status cat_redraw(uint32_t number)
{
    static const char unfinished[] = "it was not written to its end, or by something else";
    static const char stranger[] = "the model that made it is not on this card";
    char name[KEPT_NAME];
    bool whole, other;
    kept_name(name, number);
    trouble_doing("reading ", name);
    cat.picture = NULL;
    cat.gallery = false;
    enum whim_status shown, status = kept_read(&cat.latent, number, room.bytes, &whole);
    if (status) return trouble(status);
    if (!whole) return trouble_as(WHIM_ERR_NO_FILE, "not a kept cat", unfinished);
    status = open_its_model(&other);
    if (other) trouble_doing("reading ", name);
    if (other) return trouble_as(WHIM_ERR_NO_FILE, "other model", stranger);
    if (!status) status = make(&shown);
    if (!status) return cancelled(shown);
    if (status < 0) return trouble(status);
    cat.number = number;
    return finish(shown, WHIM_OK);
}

enum whim_status cat_keep(void)
{
    if (!cat.picture) {
        console_text("keep: no cat has been made yet\n");
        return WHIM_OK;
    }
    enum whim_status status = cat.number ? WHIM_OK : keep();
    if (status) return trouble(status);
    tell();
    return WHIM_OK;
}

#if WHIM_AUDIO
enum whim_status cat_say(uint32_t verdict)
{
    enum { MIDDLE = (SSD1306_WIDTH - PORTRAIT_WIDTH) / 2 };
    enum whim_status shown, status;
    if (verdict == NO_VERDICT) verdict = cat.say;
    if (verdict == NO_VERDICT) {
        console_text("say: nothing has been said yet; a number from 0 to 131071 is a verdict\n");
        return WHIM_OK;
    }
    bool beside = cat.picture && cat.latent.verdict == verdict;
    shown = beside ? show(kept_note()) : ssd1306_start();
    if (!shown && !beside) shown = portrait_verdict(verdict, verdict >> 16, MIDDLE);
    cat.say = verdict;
    status = speak(&room.speech, stopped, verdict, beside ? PORTRAIT_WIDTH : MIDDLE, &shown);
    if (!shown && beside) shown = portrait_foot(kept_note(), cat.latent.entropy);
    trouble_doing("reading ", VOICE_BANK);
    if (status) return trouble_as(status, speak_error(status), trouble_bank_advice(status));
    trouble_doing("showing the verdict", "");
    return shown ? trouble(shown) : WHIM_OK;
}

void cat_tone(void)
{
    trial_tone(stopped); /* ends before the picture */
}
#endif

enum whim_status cat_card(void)
{
    cat.picture = NULL;
    return trial_card(file_names[cat.use], stopped);
}

enum whim_status cat_layers(void)
{
    cat.picture = NULL;
    return trial_layers(file_names[cat.use], stopped);
}

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
    console_number("picture ms=", (int32_t)(cat.all / 1000));
    console_number(" compute_ms=", (int32_t)(work.compute / 1000));
    console_number(" wait_ms=", (int32_t)(work.wait / 1000));
    console_number(" card_ms=", (int32_t)(cat.card.micros / 1000));
    console_number(" card_bytes=", (int32_t)work.bytes_read);
    console_number(" retries=", (int32_t)work.retries);
    console_text("\n");
    console_number("memory arena_bytes=", (int32_t)work.arena_bytes);
    console_number(" of=", (int32_t)work.arena_room);
    console_number(" buffer_bytes=", ROOM_BYTES);
    console_number(" state_bytes=", (int32_t)STATE);
    console_number(" gallery_bytes=", (int32_t)gallery_bytes());
    console_text("\n");
#if WHIM_AUDIO
    speak_stats();
#endif
}
