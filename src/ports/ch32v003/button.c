/* The button, from PC4 to ground. Each edge interrupts, which ends a sleep and leaves its time, to
 * 21 nanoseconds, for the entropy pool; whether it counts as a press, drivers/button decides. */
#include "ports/ch32v003/chip.h"
#include "whim/port.h"

#ifndef WHIM_NO_ENTROPY
static volatile struct edges edges;
#endif

void button_interrupt_start(void)
{
    pin_mode(&GPIOC_CFGLR, PIN_BUTTON, GPIO_PULL);
    GPIOC_BSHR = 1u << PIN_BUTTON; /* up */
    AFIO_EXTICR = AFIO_EXTICR_EXTI4_PC;
    EXTI_RTENR = 1u << PIN_BUTTON;
    EXTI_FTENR = 1u << PIN_BUTTON;
    EXTI_INTFR = 1u << PIN_BUTTON;
    EXTI_INTENR = 1u << PIN_BUTTON;
    PFIC_IENR1 = 1u << IRQ_EXTI7_0;
}

__attribute__((interrupt)) void button_interrupt(void)
{
    EXTI_INTFR = 1u << PIN_BUTTON; /* a one clears it */
#ifndef WHIM_NO_ENTROPY
    edges.times = (edges.times << 13 | edges.times >> 19) ^ ticks();
    edges.count++;
#endif
}

bool port_button(void)
{
    return !(GPIOC_INDR & 1u << PIN_BUTTON);
}

#ifndef WHIM_NO_ENTROPY
struct edges button_edges(void)
{
    struct edges copy = {edges.times, edges.count};
    return copy;
}
#endif
