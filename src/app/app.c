/* The application: idle screen, throw, result, errors, the serial shell's commands. Its RAM lies in
 * the struct below, in the model's arena and, 16 bytes, in chance.c, so its size can be read off
 * before anything is flashed. */
#include "app/app.h"

#include <stddef.h>

#include "app/cat.h"
#include "app/chance.h"
#include "app/console.h"
#include "app/crisp.h"
#include "app/die.h"
#include "app/flash_model.h"
#include "app/installation.h"
#include "app/monitor.h"
#include "app/screen.h"
#include "app/selftest.h"
#include "app/shell.h"
#if WHIM_AUDIO
#include "app/speak.h"
#endif
#include "app/text.h"
#include "app/tumble.h"
#include "drivers/button.h"
#include "drivers/ssd1306.h"
#include "whim/model.h"
#include "whim/port.h"
#include "whim/version.h"

enum { POLL_MS = 5 }; /* between looks at the button: a few, while a contact bounces */

static struct {
    struct whim_model model; /* usable if it has layers */
    struct stage stage;
    struct button button;
    struct shell shell;
    const uint8_t *file;
    uint32_t length;
    uint16_t rolls, i2c_errors; /* since start */
} app;

#if WHIM_CARD
/* What was typed while a cat was made, to be run after it; or NULL. */
static const struct shell_command *held;
static char held_argument[SHELL_LINE + 1];
#endif

/* Tell what failed and while doing what. The display is started afresh: after an error on the bus
 * nobody knows its state. Where it is the display that fails, the console has to do. */
static void report(enum whim_status status, const char *doing)
{
    const char *advice = "\n  the model in flash is not usable: flash the firmware again\n";
    if (status == WHIM_ERR_I2C) {
        app.i2c_errors++;
        advice = "\n  no answer from the display: check its wiring and power\n";
    }
    if (status == WHIM_ERR_ENTROPY) {
        advice = "\n  no fair random bytes to be had: nothing was rolled\n";
    }
    console_text("error: ");
    console_text(whim_status_name(status));
    console_text(", while ");
    console_text(doing);
    console_text(advice);
    if (screen_error(whim_status_name(status))) console_text("  the display shows nothing\n");
}

/* Check all of the model. Where it cannot be used, tell so, and answer false. */
static bool open_model(void)
{
    struct whim_model *model = &app.model;
    enum whim_status status = whim_open(model, app.file, app.length);
    if (!status && (model->inputs != DIE_INPUTS || model->width != DIE_SIZE ||
                    model->height != DIE_SIZE || model->channels != 1)) {
        status = WHIM_ERR_SHAPE; /* a model, but not of a die */
    }
    if (!status && model->arena_bytes > whim_flash_arena_size) status = WHIM_ERR_ARENA;
    if (!status) return true;
    model->layers = 0;
    report(status, "opening the model");
    return false;
}

/* The screen before the first roll: a die that waits, and a question. */
static enum whim_status show_idle(void)
{
    static const struct die waiting = {.pips = 5, .turn = 10, .latent = {90, 60, -70, -70}};
    enum whim_status status = ssd1306_start();
    if (!status) status = stage_die(&app.stage, &app.model, &waiting, 0, 0);
    if (!status) status = screen_number(0);
    if (!status) status = screen_caption("press");
    return status;
}

/* Say so where there is a pool on the card, but chance had to do without it. */
static void tell_pool(void)
{
#if WHIM_CARD
    enum whim_status pool = chance_pool();
    if (pool >= 0 || pool == WHIM_ERR_CARD_MISSING || pool == WHIM_ERR_NO_FILE) return;
    if (!text_same(chance_source(), port_entropy_source())) return;
    console_text("pool: ");
    console_text(whim_status_name(pool));
    console_text(", so chance is by ");
    console_text(chance_source());
    console_text("; host/entropy.py fills it\n");
#endif
}

/* The result, on the console. */
static void tell(const struct die *die)
{
    console_number("roll pips=", die->pips);
    console_number(" turn=", die->turn);
    for (uint32_t i = 0; i < DIE_LATENT; i++) console_number(i ? "," : " latent=", die->latent[i]);
    console_text(" entropy=");
    console_text(chance_source());
    console_text("\n");
    tell_pool();
}

/* One press, or one "roll". A roll counts once it is drawn from the entropy source, also where the
 * display cannot show it, so it is told in any case. */
static void roll(const char *none)
{
    (void)none;
    struct die die;
    if (!app.model.layers && !open_model()) return;
    enum whim_status status = die_roll(&die, chance_bytes);
    if (status) {
        report(status, "rolling");
        return;
    }
    status = ssd1306_start(); /* also wakes a display that was plugged in, or lost power, since */
    if (!status) status = tumble(&app.stage, &app.model, &die, &app.button);
    if (!status) status = screen_number(die.pips);
    if (!status) status = screen_caption(chance_source());
    app.rolls++;
    tell(&die);
    if (status) report(status, "drawing the die");
#if WHIM_CARD
    installation_rest(WHIM_OK); /* somebody wants to see it */
#endif
}

static void seed_command(const char *number)
{
    if (*number && !chance_seed(number)) {
        console_text("seed: a number from 0 to 18446744073709551615\n");
        return;
    }
    console_text("seed entropy=");
    console_text(chance_source());
    console_text("\n");
}

#if WHIM_CARD
/* The cat's errors are told where they happen; here those of the bus are counted. */
static void count(enum whim_status status)
{
    if (status == WHIM_ERR_I2C) app.i2c_errors++;
}
#endif

static void selftest_command(const char *word)
{
#if WHIM_CARD
    if (*word) {
        if (text_same(word, "cat")) count(cat_layers());
        else console_text("selftest: cat, for the model on the card, or nothing\n");
        return;
    }
#endif
    (void)word;
    if (!open_model()) return; /* which checks its CRCs, too */
    selftest(&app.stage.crisp.run, &app.model, app.stage.inputs, 255, app.stage.arena,
             app.stage.arena_bytes);
}

static void model_command(const char *none)
{
    (void)none;
    if (open_model()) tell_model(&app.model);
}

static void stats_command(const char *none)
{
    (void)none;
    console_number("stats uptime_s=", (int32_t)(port_millis() / 1000));
    console_number(" rolls=", app.rolls);
    console_number(" i2c_errors=", app.i2c_errors);
    console_number(" arena_bytes=", (int32_t)whim_flash_arena_size);
    console_number(" state_bytes=", (int32_t)sizeof app);
    console_text("\n");
#if WHIM_CARD
    cat_stats();
    console_number("installation seconds=", (int32_t)installation_seconds());
    console_text("\n");
#endif
}

#if WHIM_CARD
static void make_cat(bool gallery)
{
    enum whim_status status = cat_generate(gallery);
    if (!status) tell_pool();
    count(status);
    installation_rest(status);
}

/* A long press, or one "generate". */
static void generate(const char *none)
{
    (void)none;
    make_cat(false);
}

/* Nobody is here. */
static void unattended(const char *none)
{
    (void)none;
    make_cat(true);
}

static void keep_command(const char *word)
{
    if (!*word) count(cat_keep());
    else if (text_same(word, "on") || text_same(word, "off")) cat_keep_all(word[1] == 'n');
    else console_text("keep: on, off, or nothing for the last cat\n");
}

/* Whether `digits` is a number up to `most`, which is below 10^6. */
static bool is_number(const char *digits, uint32_t most, uint32_t *number)
{
    bool any = *digits;
    *number = 0;
    while (*digits >= '0' && *digits <= '9' && *number <= most) {
        *number = 10 * *number + (uint32_t)(*digits++ - '0');
    }
    return any && !*digits && *number <= most;
}

static void redraw_command(const char *digits)
{
    uint32_t number;
    bool right = is_number(digits, KEPT_MOST, &number) && number;
    if (!right) console_text("redraw: the number of a kept cat, such as 12\n");
    else count(cat_redraw(number));
}

static void weights_command(const char *word)
{
    if (text_same(word, "int8") || text_same(word, "int4")) cat_use(word[3] == '8');
    else console_text("weights: int8 or int4\n");
}

static void card_command(const char *none)
{
    (void)none;
    count(cat_card());
}

static void monitor_command(const char *word)
{
    if (text_same(word, "on") || text_same(word, "off")) monitor_switch(word[1] == 'n');
    else console_text("monitor: on or off\n");
}

static void install_command(const char *word)
{
    uint32_t seconds = INSTALLATION_SECONDS;
    if (text_same(word, "off")) installation_set(0);
    else if (!*word) installation_set(seconds);
    else if (is_number(word, INSTALLATION_MOST, &seconds) && seconds) installation_set(seconds);
    else console_text("install: off, or seconds between two cats, 1 to 86400\n");
}
#endif

#if WHIM_AUDIO
static void say_command(const char *digits)
{
    uint32_t verdict = NO_VERDICT;
    bool right = !*digits || is_number(digits, WHIM_VERDICTS - 1, &verdict);
    if (!right) console_text("say: a verdict's number, 0 to 131071, or nothing for the last\n");
    else count(cat_say(verdict));
}

static void volume_command(const char *digits)
{
    uint32_t volume;
    if (is_number(digits, VOICE_LOUDEST, &volume)) speak_volume(volume);
    else console_text("volume: 0 to 10\n");
}

static void tone_command(const char *none)
{
    (void)none;
    cat_tone();
}
#endif

static const struct shell_command commands[] = {
    {"help      this list", NULL},
    {"roll      as the button does", roll},
#if WHIM_CARD
    {"generate  a cat, as a long press does", generate},
    {"keep [on|off]  the last cat, or all", keep_command},
    {"redraw [N]  a kept cat", redraw_command},
    {"weights [int8|int4]  to generate by", weights_command},
    {"install [SECONDS|off]  a cat every so often", install_command},
    {"monitor [on|off]  pictures on this line", monitor_command},
    {"card      how quick it is", card_command},
#endif
#if WHIM_AUDIO
    {"say [N]   a verdict, or the last one", say_command},
    {"volume [N]  0 to 10", volume_command},
    {"tone      1 kHz, for three seconds", tone_command},
#endif
    {"seed [N]  roll by this number, or tell what by", seed_command},
#if WHIM_CARD
    {"selftest [cat]  a CRC for each layer", selftest_command},
#else
    {"selftest  a CRC for each layer", selftest_command},
#endif
    {"model     check and describe it", model_command},
    {"stats     what happened since start", stats_command},
    {"Ctrl-C    forget the line", NULL},
    {"Ctrl-D    restart, on an empty line", NULL},
    {NULL, NULL},
};

#if WHIM_CARD
/* Commands that need neither card nor display: they are run even while a cat is made. */
static bool at_once(void (*run)(const char *), const char *argument)
{
#if WHIM_AUDIO
    if (run == volume_command) return true;
#endif
    return run == stats_command || run == weights_command || run == monitor_command ||
           run == install_command || run == seed_command || (run == keep_command && *argument);
}

/* While a cat is made, or speaks: true for Ctrl-C, which ends it. One other command may wait. */
static bool meanwhile(void)
{
    const char *line = shell_poll(&app.shell);
    if (!line) return false;
    if (shell_interrupted(&app.shell)) {
        held = NULL;
        return true;
    }
    const struct shell_command *command = shell_find(commands, &line);
    if (!command) return false;
    if (at_once(command->run, line)) {
        command->run(line);
    } else if (held) {
        console_text("busy: another command waits already\n");
    } else {
        held = command;
        text_add(held_argument, line);
    }
    return false;
}
#endif

/* What the button asks for, or the time, or NULL. Boards with a card tell short presses from long
 * ones; others roll at once. */
static void (*asked(void))(const char *none)
{
#if WHIM_CARD
    enum button_event event = button_event(&app.button);
    if (event != BUTTON_NOTHING) return event == BUTTON_LONG ? generate : roll;
    return installation_due() ? unattended : NULL;
#else
    return button_pressed(&app.button) ? roll : NULL;
#endif
}

void app_run(const uint8_t *file, uint32_t length)
{
    console_text("whim " WHIM_VERSION " on ");
    console_text(port_name);
    console_text("; type help\n");
    button_start(&app.button);
    app.stage.arena = whim_flash_arena;
    app.stage.arena_bytes = whim_flash_arena_size;
    app.file = file;
    app.length = length;

    if (open_model()) {
        tell_model(&app.model);
        enum whim_status status = show_idle();
        if (status) report(status, "drawing the first screen");
    }
#if WHIM_CARD
    cat_start(&app.button, meanwhile);
    (void)installation_due(); /* looks at the card */
#endif
    shell_show(&app.shell);
    for (;;) {
        port_sleep(POLL_MS);
#if WHIM_CARD
        if (held) {
            const struct shell_command *command = held;
            held = NULL;
            command->run(held_argument);
            installation_save();
            shell_show(&app.shell);
        }
#endif
        const char *line = shell_poll(&app.shell);
        void (*ask)(const char *);
        if (line) {
            const struct shell_command *command = shell_find(commands, &line);
            if (command) command->run(line);
        } else if ((ask = asked())) {
            console_text("\n");
            ask(NULL);
        } else {
            continue;
        }
#if WHIM_CARD
        installation_save();
#endif
        shell_show(&app.shell);
    }
}
