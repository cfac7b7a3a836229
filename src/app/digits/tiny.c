/* The application where the net has left little room beside it (WHIM_DIGITS_TINY): pictures come
 * over the serial line, and the shell knows no other command. app.c is the whole of it. */
#ifndef WHIM_DIGITS_TINY
#define WHIM_DIGITS_TINY 0
#endif
#if WHIM_DIGITS_TINY
#include "app/app.h"
#include "app/console.h"
#include "app/digits/image.h"
#include "app/digits/show.h"
#include "app/flash_model.h"
#include "whim/port.h"

enum { POLL_MS = 2, CTRL_C = 3 }; /* as in app.c */

static struct classifier classifier;

static void show_picture(void)
{
    enum whim_status shown, status = show(&classifier, &shown);
    if (status || shown) console_text(status ? "error: model\n" : "error: i2c\n");
}

/* Whether `byte` ends "image ", of which `*matched` characters have come. */
static bool image_called(uint32_t byte, uint32_t *matched)
{
    static const char word[] = "image ";
    *matched = byte == (uint8_t)word[*matched] ? *matched + 1 : byte == (uint8_t)*word;
    if (word[*matched]) return false;
    *matched = 0;
    return true;
}

void app_run(const uint8_t *file, uint32_t length)
{
    uint32_t matched = 0;
    classifier.input = whim_flash_arena + whim_flash_input_offset;
    classifier.arena = whim_flash_arena;
    classifier.arena_bytes = whim_flash_arena_size;
    if (classifier_open(&classifier, file, length)) console_text("error: model\n");
    console_text("\n>>> ");
    for (;;) {
        int byte = port_console_read();
        if (byte < 0) {
            port_sleep(POLL_MS);
            continue;
        }
        if (byte == '\n') continue; /* it only goes with a carriage return */
        const char echo[2] = {(char)byte, '\0'};
        bool end = byte == '\r' || byte == CTRL_C;
        if (!end) console_text(echo);
        if (image_called((uint32_t)byte, &matched)) {
            if (image_read("", false, classifier.input)) show_picture();
        } else if (end) {
            console_text("\nimage PIXELS\n");
        } else {
            continue;
        }
        console_text(">>> ");
    }
}
#else
typedef int digits_are_not_tiny; /* ISO C wants something in every file */
#endif
