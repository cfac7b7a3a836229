/* The monitor: see monitor.h. */
#include "app/monitor.h"

#include <stddef.h>

#include "app/console.h"
#include "app/kept.h"
#include "engine/crc.h"

enum { BYTES = 48, CHARACTERS = BYTES / 3 * 4, LINES = CAT_PIXEL_BYTES / BYTES };

static struct {
    const int8_t *rgb;
    uint32_t line; /* the next */
    bool on;
} monitor = {.line = LINES};

void monitor_switch(bool on)
{
    monitor.on = on;
    console_text(on ? "monitor on\n" : "monitor off\n");
}

void monitor_start(const int8_t *rgb)
{
    monitor.rgb = rgb;
    monitor.line = monitor.on ? 0 : LINES;
}

bool monitor_poll(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char text[CHARACTERS + 1], *to = text;
    uint8_t bytes[BYTES];
    if (monitor.line == LINES) return false;
    for (uint32_t i = 0; i < BYTES; i++) {
        bytes[i] = (uint8_t)(monitor.rgb[monitor.line * BYTES + i] + 128);
    }
    for (uint32_t i = 0; i < BYTES; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
        for (uint32_t shift = 24; shift;) *to++ = digits[three >> (shift -= 6) & 63];
    }
    *to = '\0';
    console_number("pixels ", (int32_t)monitor.line);
    console_text(" ");
    console_text(text);
    console_word(" ", whim_crc32(bytes, BYTES));
    console_text("\n");
    monitor.line++;
    return true;
}
