/* The board as a whole: start of all its parts, and what the last reset was for. */
#include "whim/port.h"

#include "ports/ch32h417/chip.h"

const char port_name[] = "ch32h417";

/* Why the chip was reset: the flags from bit 26 of RCC_RSTSCKR on. Those of earlier resets stay
 * until they are cleared here, and a power-on sets the pin's too, so the highest counts. */
static const char *reset_cause(void)
{
    static const char cause[6][13] = {"the pin",      "power-on",   "software",
                                      "the watchdog", "the window", "a lockup"};
    uint32_t flags = RCC_RSTSCKR, i = 5;
    RCC_RSTSCKR = flags | RCC_RSTSCKR_RMVF;
    while (i && !(flags & RCC_RSTSCKR_PINRSTF << i)) i--;
    return cause[i];
}

void port_start(void)
{
    clock_start();
    time_start();
    console_start();
    watchdog_start();
    button_interrupt_start();
    i2c_start();
    entropy_start();
    dac_start();
    port_console("\nreset by ");
    port_console(reset_cause());
    port_console("\n");
}

void port_restart(void)
{
    console_alone();
    while (!(USART1_STATR & USART1_STATR_TC)) {} /* let the last words out */
    PFIC_CFGR = PFIC_CFGR_RESTART;
    for (;;) {}
}
