/* A few things to do with texts, for boards whose compiler comes without a C library. */
#ifndef APP_TEXT_H
#define APP_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* Write `more`, or a number in decimal digits, where the text ends, at `end`; the new end. */
char *text_add(char *end, const char *more);
char *text_add_number(char *end, uint32_t number);

bool text_same(const char *one, const char *other);

#endif
