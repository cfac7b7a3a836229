/* What to say of what went wrong with a card, a model or a bank. For boards with a card. */
#ifndef APP_TROUBLE_H
#define APP_TROUBLE_H

#include "whim/status.h"

/* Remember what is being done, in case that it fails: "opening " and "cat4.whim". */
void trouble_doing(const char *what, const char *file);

/* What a person may do about it. Valid until the next call. */
const char *trouble_advice(enum whim_status status);
const char *trouble_bank_advice(enum whim_status status);

/* Tell the console and the display what failed; `status` is answered. */
enum whim_status trouble_as(enum whim_status status, const char *name, const char *advice);
enum whim_status trouble(enum whim_status status);

/* Tell the console alone. */
void trouble_note(enum whim_status status);

#endif
