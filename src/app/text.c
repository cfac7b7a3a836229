/* Texts: see text.h. */
#include "app/text.h"

char *text_add(char *end, const char *more)
{
    while ((*end = *more++)) end++;
    return end;
}

char *text_add_number(char *end, uint32_t number)
{
    if (number >= 10) end = text_add_number(end, number / 10);
    *end++ = (char)('0' + number % 10);
    *end = '\0';
    return end;
}

bool text_same(const char *one, const char *other)
{
    while (*one && *one == *other) one++, other++;
    return *one == *other;
}
