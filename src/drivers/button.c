/* The button driver: see button.h. */
#include "drivers/button.h"

#include "whim/port.h"

void button_start(struct button *button)
{
    button->since = port_millis();
    button->contact = port_button();
    button->down = button->contact;
}

bool button_pressed(struct button *button)
{
    bool contact = port_button();
    uint32_t now = port_millis();
    if (contact != button->contact) {
        button->contact = contact;
        button->since = now;
        return false;
    }
    if (contact == button->down || now - button->since < BUTTON_STEADY_MS) return false;
    button->down = contact;
    return contact;
}

enum button_event button_event(struct button *button)
{
    if (button_pressed(button)) button->waiting = true;
    if (!button->waiting) return BUTTON_NOTHING;
    bool longer = port_millis() - button->since >= BUTTON_LONG_MS;
    if (button->contact && !longer) return BUTTON_NOTHING;
    if (!button->contact && button->down) return BUTTON_NOTHING; /* perhaps it only bounces */
    button->waiting = false;
    return button->contact ? BUTTON_LONG : BUTTON_SHORT;
}
