/* The board as a whole: start of all its parts, and what the last reset was for. */
#include "whim/port.h"

#include "ports/ch32v003/chip.h"

const char port_name[] = PORT_NAME;

extern uint32_t port_stack_limit[], port_stack_top[]; /* link.ld */

#ifndef WHIM_SMALL
/* Why the chip was reset: the flags from bit 26 of RCC_RSTSCKR on. Those of earlier resets stay
 * until they are cleared here, and a power-on sets the pin's too, so the highest counts. */
static const char *reset_cause(void)
{
    static const char cause[6][13] = {"the pin",      "power-on",   "software",
                                      "the watchdog", "the window", "standby"};
    uint32_t flags = RCC_RSTSCKR, i = 5;
    RCC_RSTSCKR = flags | RCC_RSTSCKR_RMVF;
    while (i && !(flags & RCC_RSTSCKR_PINRSTF << i)) i--;
    return cause[i];
}
#endif

void port_start(void)
{
    clock_start();
    time_start();
    console_start();
    watchdog_start();
#ifndef WHIM_SMALL /* an image without a byte to spare, and so without a button and a few words */
    button_interrupt_start();
#endif
#ifndef WHIM_NO_I2C /* one without a display */
    i2c_start();
#endif
#ifndef WHIM_NO_ENTROPY /* an application that draws no random bytes */
    noise_start();
    entropy_start();
#endif
#ifndef WHIM_SMALL
    port_console("\nreset by ");
    port_console(reset_cause());
    port_console("\n");
#endif
}

void port_restart(void)
{
    while (!(USART1_STATR & USART1_STATR_TC)) {} /* let the last words out */
    PFIC_CFGR = PFIC_CFGR_RESTART;
    for (;;) {}
}

uint32_t stack_used(void)
{
    uint32_t *word = port_stack_limit;
    while (word < port_stack_top && *word == PORT_STACK_PAINT) word++;
    return (uint32_t)(port_stack_top - word) * sizeof *word;
}
