/* The button, from PA0 to ground. Each edge interrupts, which ends a sleep and leaves its time, to
 * 10 nanoseconds, for the entropy pool; whether it counts as a press, drivers/button decides. */
#include "ports/ch32h417/chip.h"
#include "whim/port.h"

static volatile struct edges edges;

void button_interrupt_start(void)
{
    pin_mode(&GPIOA_CFGLR, PIN_BUTTON, GPIO_PULL);
    GPIOA_BSHR = 1u << PIN_BUTTON; /* up */
    AFIO_EXTICR1 &= ~AFIO_EXTICR1_EXTI0; /* port A */
    EXTI_RTENR = 1u << PIN_BUTTON;
    EXTI_FTENR = 1u << PIN_BUTTON;
    EXTI_INTFR = 1u << PIN_BUTTON;
    EXTI_INTENR = 1u << PIN_BUTTON;
    PFIC_IENR2 = 1u << (IRQ_EXTI7_0 - 32);
}

__attribute__((interrupt)) void button_interrupt(void)
{
    EXTI_INTFR = 1u << PIN_BUTTON; /* a one clears it */
    edges.times = (edges.times << 13 | edges.times >> 19) ^ ticks();
    edges.count++;
}

bool port_button(void)
{
    return !(GPIOA_INDR & 1u << PIN_BUTTON);
}

struct edges button_edges(void)
{
    struct edges copy = {edges.times, edges.count};
    return copy;
}
