/* The serial console: USART1, 115200 baud, 8 bits, no parity. Sending waits for the line and for
 * nobody else (87 microseconds a character); what comes in waits in a small ring. */
#include "ports/ch32v003/chip.h"
#include "whim/port.h"

enum { BAUD = 115200, RING = 32 };

/* One character arrives in 87 microseconds and the shell looks every 5 milliseconds, so a line of
 * it may come at full speed; people type slowly. What does not fit is dropped. */
static volatile uint8_t ring[RING];
static volatile uint8_t written, taken;

void console_start(void)
{
    pin_mode(&GPIOD_CFGLR, PIN_TX, GPIO_PERIPHERAL);
    pin_mode(&GPIOD_CFGLR, PIN_RX, GPIO_PULL);
    GPIOD_BSHR = 1u << PIN_RX; /* up: an open pin reads as an idle line */
    USART1_BRR = (HCLK_HERTZ + BAUD / 2) / BAUD;
    USART1_CTLR1 = USART1_CTLR1_UE | USART1_CTLR1_TE | USART1_CTLR1_RE | USART1_CTLR1_RXNEIE;
    PFIC_IENR2 = 1u << (IRQ_USART1 - 32);
}

__attribute__((interrupt)) void console_interrupt(void)
{
    /* Reading the status and then the data clears the flags, an overrun's too. */
    uint16_t status = USART1_STATR;
    uint8_t byte = (uint8_t)USART1_DATAR;
    if (status & USART1_STATR_RXNE && (uint8_t)(written - taken) < RING) {
        ring[written % RING] = byte;
        written++;
    }
}

int port_console_read(void)
{
    if (written == taken) return -1;
    uint8_t byte = ring[taken % RING];
    taken++;
    return byte;
}

static void put(char character)
{
    while (!(USART1_STATR & USART1_STATR_TXE)) {}
    USART1_DATAR = (uint8_t)character;
}

void port_console(const char *text)
{
    for (; *text; text++) {
        if (*text == '\n') put('\r'); /* terminals want both */
        put(*text);
    }
}

void console_hex(const char *text, uint32_t number)
{
    port_console(text);
    for (int32_t shift = 28; shift >= 0; shift -= 4) {
        put("0123456789abcdef"[number >> shift & 15]);
    }
}
