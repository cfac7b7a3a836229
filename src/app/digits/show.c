/* One picture: see show.h. */
#include "app/digits/show.h"

#include <stddef.h>

#include "app/console.h"
#include "app/digits/view.h"

static void tell(const struct answer *answer)
{
    console_number("digit value=", (int32_t)answer->digit);
    console_number(" margin=", (int32_t)answer->margin);
    console_number(" cycles=", (int32_t)answer->cycles);
    for (uint32_t i = 0; i < DIGITS; i++) {
        console_number(i ? "," : " logits=", answer->logits[i]);
    }
    console_text("\n");
}

enum whim_status show(struct classifier *classifier, enum whim_status *shown)
{
    struct answer answer;
    struct view view = {.picture = classifier->input};
    *shown = view_draw(&view, VIEW_PICTURE);
    enum whim_status status = classify(classifier, &answer);
    if (status) return status;
    tell(&answer);
    view.digit = answer.digit;
    view.margin = answer.margin;
    if (!*shown) *shown = view_draw(&view, VIEW_DIGIT);
    return WHIM_OK;
}

void show_nothing(void)
{
    struct view view = {NULL, DIGITS, 0};
    if (!view_draw(&view, VIEW_PICTURE)) (void)view_draw(&view, VIEW_DIGIT);
}
