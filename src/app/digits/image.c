/* Pictures from the serial line: see image.h. */
#include "app/digits/image.h"

#include "app/console.h"
#include "app/digits/classify.h"
#include "whim/port.h"

enum { CTRL_C = 3, END = '\r' };

/* The next byte of the line, or CTRL_C when none comes. */
static uint32_t next(void)
{
    for (uint32_t i = 0; i < IMAGE_PATIENCE_MS; i++) {
        int byte = port_console_read();
        if (byte >= 0) return (uint32_t)byte;
        port_sleep(1); /* in which 12 bytes may come */
    }
    return CTRL_C;
}

/* The value of a hexadecimal digit, or 16 and more. */
static uint32_t value(uint32_t digit)
{
    digit -= '0';
    if (digit < 10) return digit;
    digit = (digit | 0x20) - ('a' - '0');
    return digit < 6 ? digit + 10 : 16;
}

bool image_read(const char *begun, bool whole, int8_t *picture)
{
    uint32_t count = 0, strange = 0;
    for (;;) {
        uint32_t byte = *begun ? (uint8_t)*begun++ : whole ? END : next();
        if (byte == END || byte == '\n' || byte == CTRL_C) break;
        if (byte == ' ') continue;
        uint32_t pixel = value(byte);
        if (pixel > 15 && !strange) strange = count + 1;
        if (count < DIGITS_PIXELS) picture[count] = (int8_t)pixel;
        count++;
    }
    if (!whole) console_text("\n");
    if (strange) {
        console_number("image: no hex digit at place ", (int32_t)strange);
    } else if (count != DIGITS_PIXELS) {
        console_number("image: needs 256 hex digits, and got ", (int32_t)count);
    } else {
        return true;
    }
    console_text("\n");
    return false;
}
