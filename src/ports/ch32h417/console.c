/* The serial console: USART1, 115200 baud, 8 bits, no parity. What is sent goes into a ring, from
 * which an interrupt sends it, so a line of text holds nobody up who feeds the other core or the
 * loudspeaker; what comes in waits in another. */
#include "ports/ch32h417/chip.h"
#include "whim/port.h"

enum { BAUD = 115200, IN = 256, OUT = 4096 };

static volatile uint8_t in[IN], out[OUT];
static volatile uint32_t in_written, in_taken, out_written, out_taken;
static bool alone; /* no interrupt sends any more */

enum {
    QUIET = USART1_CTLR1_UE | USART1_CTLR1_TE | USART1_CTLR1_RE | USART1_CTLR1_RXNEIE,
    SENDING = QUIET | USART1_CTLR1_TXEIE
};

void console_start(void)
{
    pin_mode(&AFIO_GPIOA_AFHR, PIN_TX, AF_USART);
    pin_mode(&AFIO_GPIOA_AFHR, PIN_RX, AF_USART);
    pin_mode(&GPIOA_CFGHR, PIN_TX, GPIO_PERIPHERAL);
    pin_mode(&GPIOA_CFGHR, PIN_RX, GPIO_PULL);
    GPIOA_BSHR = 1u << PIN_RX; /* up: an open pin reads as an idle line */
    USART1_BRR = (HCLK_HERTZ + BAUD / 2) / BAUD;
    USART1_CTLR1 = QUIET;
    PFIC_IENR2 = 1u << (IRQ_USART1 - 32);
}

static void send(void)
{
    if (out_written == out_taken) {
        USART1_CTLR1 = QUIET;
    } else {
        USART1_DATAR = out[out_taken++ % OUT];
    }
}

__attribute__((interrupt)) void console_interrupt(void)
{
    uint16_t status = USART1_STATR;
    if (status & USART1_STATR_RXNE) {
        uint8_t byte = (uint8_t)USART1_DATAR; /* read after the status, it clears an overrun, too */
        if (in_written - in_taken < IN) in[in_written++ % IN] = byte;
    }
    if (status & USART1_STATR_TXE) send();
}

int port_console_read(void)
{
    if (in_written == in_taken) return -1;
    return in[in_taken++ % IN];
}

/* To the line itself, behind what is still in the ring. */
static void put_alone(char character)
{
    while (!(USART1_STATR & USART1_STATR_TXE)) {}
    USART1_DATAR = (uint8_t)character;
}

static void put(char character)
{
    if (alone) {
        put_alone(character);
        return;
    }
    while (out_written - out_taken >= OUT) {} /* the interrupt makes room: 87 microseconds each */
    out[out_written % OUT] = (uint8_t)character;
    out_written++;
    /* Should the interrupt have sent this one already, it comes again and finds nothing to do. */
    USART1_CTLR1 = SENDING;
}

void console_alone(void)
{
    USART1_CTLR1 = QUIET & ~USART1_CTLR1_RXNEIE;
    alone = true;
    while (out_taken != out_written) put_alone((char)out[out_taken++ % OUT]);
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
    char digit[2] = {0, 0};
    port_console(text);
    for (int32_t shift = 28; shift >= 0; shift -= 4) {
        digit[0] = "0123456789abcdef"[number >> shift & 15];
        port_console(digit);
    }
}
