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
