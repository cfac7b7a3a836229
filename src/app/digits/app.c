/* The application that reads handwritten digits: pictures from flash and from the serial line, the
 * net, the display, the shell's commands. It is linked in place of the die's, app/app.c. */
#ifndef WHIM_DIGITS_TINY
#define WHIM_DIGITS_TINY 0 /* 1: tiny.c has the application */
#endif
#if !WHIM_DIGITS_TINY
#include "app/app.h"

#include <stddef.h>

#include "app/console.h"
#include "app/digits/classify.h"
#include "app/digits/image.h"
#include "app/digits/pictures.h"
#include "app/digits/show.h"
#include "app/flash_model.h"
#include "app/selftest.h"
#include "app/shell.h"
#include "drivers/button.h"
#include "whim/model.h"
#include "whim/port.h"
#include "whim/version.h"

/* Between looks at line and button: less than the time in which a line at full speed fills the 32
 * bytes that a board keeps. */
enum { POLL_MS = 2 };

static struct {
    struct classifier classifier;
    struct button button;
    struct shell shell;
    const uint8_t *file;
    uint32_t length;
    uint16_t classified, i2c_errors; /* since start */
    uint8_t picture;                 /* the built-in one that came last */
} app;

/* Tell what failed and while doing what. The display has no room for words: it shows a "?", unless
 * it is what failed. */
static void report(enum whim_status status, const char *doing)
{
    const char *advice = "the model in flash is not usable: flash the firmware again";
    if (status == WHIM_ERR_I2C) {
        app.i2c_errors++;
        advice = "no answer from the display: check its wiring and power";
    }
    console_error(whim_status_name(status), doing, advice);
    if (status != WHIM_ERR_I2C) show_nothing();
}

static bool open_model(void)
{
    enum whim_status status = classifier_open(&app.classifier, app.file, app.length);
    if (!status) return true;
    report(status, "opening the model");
    return false;
}

/* What is in the classifier's input. */
static void show_input(void)
{
    enum whim_status shown;
    if (!app.classifier.model.layers && !open_model()) return;
    enum whim_status status = show(&app.classifier, &shown);
    if (!status) app.classified++;
    if (status) report(status, "classifying");
    else if (shown) report(shown, "drawing the digit");
}

static uint32_t half_byte(uint32_t place)
{
    uint32_t both = digits_pictures[place / 2];
    return place % 2 ? both & 15 : both >> 4;
}

/* A built-in picture: those before it are unpacked, too, and overwritten. */
static void show_picture(uint32_t number)
{
    uint32_t next = 0, zeros = 0;
    for (uint32_t place = 0; place < (number + 1) * DIGITS_PIXELS; place++) {
        uint32_t pixel = 0;
        if (zeros) zeros--;
        else if (!(pixel = half_byte(next++))) zeros = half_byte(next++);
        app.classifier.input[place % DIGITS_PIXELS] = (int8_t)pixel;
    }
    app.picture = (uint8_t)number;
    show_input();
}

/* A press. */
static void show_next(void)
{
    show_picture(app.picture == DIGITS - 1 ? 0 : app.picture + 1u);
}

/* A picture that is so short that its line came all at once, and so is none. */
static void image_command(const char *line)
{
    (void)image_read(line, true, app.classifier.input);
}

static void digit_command(const char *number)
{
    uint32_t digit = (uint32_t)(*number - '0');
    if (!*number) show_next();
    else if (digit < DIGITS && !number[1]) show_picture(digit);
    else console_text("digit: 0 to 9, or nothing for the next\n");
}

static void selftest_command(const char *none)
{
    (void)none;
    struct classifier *classifier = &app.classifier;
    if (!open_model()) return; /* which checks its CRCs, too */
    selftest(&classifier->run, &classifier->model, classifier->input, DIGITS_LEVELS - 1,
             classifier->arena, classifier->arena_bytes);
}

static void model_command(const char *none)
{
    (void)none;
    if (open_model()) tell_model(&app.classifier.model);
}

static void stats_command(const char *none)
{
    (void)none;
    console_number("stats uptime_s=", (int32_t)(port_millis() / 1000));
    console_number(" classified=", app.classified);
    console_number(" i2c_errors=", app.i2c_errors);
    console_number(" arena_bytes=", (int32_t)app.classifier.arena_bytes);
    console_number(" state_bytes=", (int32_t)sizeof app);
    console_text("\n");
}

static const struct shell_command commands[] = {
    {"help      this list", NULL},
    {"image [PIXELS]  classify 256 hex digits, 0 is paper", image_command},
    {"digit [N]  classify the built-in picture of it, or the next", digit_command},
    {"selftest  a CRC for each layer", selftest_command},
    {"model     check and describe it", model_command},
    {"stats     what happened since start", stats_command},
    {"Ctrl-C    forget the line", NULL},
    {"Ctrl-D    restart, on an empty line", NULL},
    {NULL, NULL},
};

/* What has been typed of a picture, or NULL: the line from its first digit on. */
static const char *image_begun(void)
{
    const char *word = "image ", *line = app.shell.line;
    if (!app.shell.length) return NULL;
    while (*line == ' ') line++;
    while (*word && *word == *line) word++, line++;
    return *word ? NULL : line;
}

void app_run(const uint8_t *file, uint32_t length)
{
    console_text("whim " WHIM_VERSION " on ");
    console_text(port_name);
    console_text("; type help\n");
    button_start(&app.button);
    app.classifier.input = whim_flash_arena + whim_flash_input_offset;
    app.classifier.arena = whim_flash_arena;
    app.classifier.arena_bytes = whim_flash_arena_size;
    app.file = file;
    app.length = length;
    if (open_model()) {
        tell_model(&app.classifier.model);
        show_picture(0);
    }
    shell_show(&app.shell);
    for (;;) {
        port_sleep(POLL_MS);
        const char *line = shell_poll(&app.shell), *begun;
        if (line) {
            const struct shell_command *command = shell_find(commands, &line);
            if (command) command->run(line);
        } else if ((begun = image_begun())) {
            if (image_read(begun, false, app.classifier.input)) show_input();
            app.shell.length = app.shell.line[0] = '\0';
            app.shell.before = '\r'; /* a line feed behind it is none of its own */
        } else if (button_pressed(&app.button)) {
            console_text("\n");
            show_next();
        } else {
            continue;
        }
        shell_show(&app.shell);
    }
}
#else
typedef int digits_are_tiny; /* ISO C wants something in every file */
#endif
