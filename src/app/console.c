/* The console: see console.h. */
#include "app/console.h"

#include "whim/port.h"

void console_text(const char *text)
{
    port_console(text);
}

void console_number(const char *text, int32_t number)
{
    char digits[12]; /* "-2147483648" */
    uint32_t rest = number < 0 ? 0 - (uint32_t)number : (uint32_t)number;
    char *first = digits + sizeof digits - 1;
    *first = '\0';
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0) *--first = '-';
    port_console(text);
    port_console(first);
}

void console_word(const char *text, uint32_t word)
{
    char digits[9];
    digits[8] = '\0';
    for (uint32_t i = 8; i--; word >>= 4) digits[i] = "0123456789abcdef"[word & 15];
    port_console(text);
    port_console(digits);
}

void console_error(const char *name, const char *doing, const char *advice)
{
    const char *const texts[] = {"error: ", name, ", while ", doing, "\n  ", advice, "\n"};
    for (uint32_t i = 0; i < sizeof texts / sizeof *texts; i++) port_console(texts[i]);
}
