/* Words and numbers for the serial console, without printf. */
#ifndef APP_CONSOLE_H
#define APP_CONSOLE_H

#include <stdint.h>

void console_text(const char *text);

/* Text, then the number in decimals: " pips=" and 4 write " pips=4". */
void console_number(const char *text, int32_t number);

/* Text, then the word as 8 hexadecimal digits. */
void console_word(const char *text, uint32_t word);

/* A line for what failed, while doing what, and one for what to do about it. */
void console_error(const char *name, const char *doing, const char *advice);

#endif
