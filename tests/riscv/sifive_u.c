/* The drivers of a card on SPI, for QEMU's `sifive_u`, a machine whose card nobody here wrote: it
 * reads the files that `names` lists, writes over one and makes another, tells of it on the serial
 * line, and ends. QEMU's SPI controller has no DMA; what would be one happens at once. */
#include <stdbool.h>
#include <stdint.h>

#include "drivers/fat.h"
#include "drivers/sd.h"
#include "engine/crc.h"
#include "whim/port.h"

static volatile uint32_t *const uart = (volatile uint32_t *)0x10010000;
static volatile uint32_t *const spi = (volatile uint32_t *)0x10050000;
static volatile uint64_t *const mtime = (volatile uint64_t *)0x0200bff8;

enum { UART_TX = 0, UART_TX_ON = 2 };                                    /* words */
enum { SPI_DIVIDER = 0, SPI_CS_MODE = 6, SPI_OUT = 18, SPI_IN = 19 };    /* words */
enum { CS_AUTO = 0, CS_HOLD = 2, CLOCK = 500000000 };                    /* hertz */
enum { LINE = 1 << 16, PART = 1 << 15 };
static const uint32_t EMPTY = 0x80000000;

char names[256] __attribute__((section(".data"))) = "@"; /* one behind the other, each with a 0 */
static uint8_t room[LINE] __attribute__((aligned(16)));
static struct whim_source source;

void finish(void);

/* --- The port ------------------------------------------------------------------------------- */

uint32_t port_micros(void)
{
    return (uint32_t)*mtime; /* it counts a megahertz */
}

uint32_t port_millis(void)
{
    return (uint32_t)(*mtime / 1000);
}

void port_sleep(uint32_t milliseconds)
{
    uint32_t began = port_micros();
    while (port_micros() - began < 1000 * milliseconds) {}
}

bool port_sd_start(void)
{
    return false;
}

void port_sd_speed(uint32_t hertz, uint32_t wires)
{
    (void)hertz;
    (void)wires;
}

enum whim_status port_sd_command(uint32_t index, uint32_t argument, enum port_sd_answer answer,
                                 uint32_t response[4])
{
    (void)index;
    (void)argument;
    (void)answer;
    (void)response;
    return WHIM_ERR_CARD_MISSING;
}

void port_sd_receive(void *to, uint32_t blocks, uint32_t block_bytes)
{
    (void)to;
    (void)blocks;
    (void)block_bytes;
}

enum whim_status port_sd_received(void)
{
    return WHIM_ERR_CARD_READ;
}

void port_sd_send(const void *from, uint32_t blocks)
{
    (void)from;
    (void)blocks;
}

enum whim_status port_sd_sent(void)
{
    return WHIM_ERR_CARD_WRITE;
}

bool port_sd_busy(void)
{
    return false;
}

void port_sd_abandon(void) {}

bool port_spi_start(uint32_t hertz)
{
    spi[SPI_CS_MODE] = CS_AUTO;
    spi[SPI_DIVIDER] = (CLOCK / 2 + hertz - 1) / hertz - 1;
    return true;
}

void port_spi_select(bool selected)
{
    spi[SPI_CS_MODE] = selected ? CS_HOLD : CS_AUTO;
}

void port_spi_exchange(const uint8_t *out, uint8_t *in, uint32_t count)
{
    for (uint32_t i = 0, byte; i < count; i++) {
        spi[SPI_OUT] = out ? out[i] : 0xff;
        while ((byte = spi[SPI_IN]) & EMPTY) {}
        if (in) in[i] = (uint8_t)byte;
    }
}

void port_spi_receive(void *to, uint32_t count)
{
    port_spi_exchange(0, to, count);
}

bool port_spi_busy(void)
{
    return false;
}

/* --- The program ---------------------------------------------------------------------------- */

static void say(const char *text)
{
    for (uart[UART_TX_ON] = 1; *text; text++) {
        while (uart[UART_TX] & EMPTY) {}
        uart[UART_TX] = (uint8_t)*text;
    }
}

static void say_number(const char *name, uint32_t number)
{
    char digits[12], *at = digits + sizeof digits;
    *--at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    say(" ");
    say(name);
    say("=");
    say(at);
}

static void say_status(enum whim_status status)
{
    say_number(status < 0 ? "error" : "status", (uint32_t)(status < 0 ? -status : status));
}

static enum whim_status read(uint32_t offset, uint32_t count)
{
    enum whim_status status = source.start(&source, offset, room, count);
    while (!status && (status = source.poll(&source)) == WHIM_BUSY) status = WHIM_OK;
    return status;
}

static void tell_file(const char *name)
{
    uint32_t crc = 0;
    enum whim_status status = fat_open(&source, name);
    uint32_t length = status ? 0 : source.length;
    for (uint32_t at = 0; at < length && !status; at += PART) {
        uint32_t count = length - at < PART ? length - at : PART;
        status = read(at, count);
        crc = whim_crc32_more(crc, room, count);
    }
    say(name);
    say_status(status);
    say_number("length", length);
    say_number("crc", crc);
    say("\n");
}

int main(void)
{
    for (const char *name = names; *name; name++) {
        tell_file(name);
        while (*name) name++;
    }
    say(sd_card.bus);
    say_number("blocks", sd_card.blocks);
    say("\n");
    for (uint32_t i = 0; i < sizeof room; i++) room[i] = (uint8_t)(i * 7 + i / 251);
    say("over");
    say_status(fat_write(names, 1000, room, 5000));
    say("\nnew");
    say_status(fat_write("made/here.bin", 0, room, 50000));
    say("\n");
    return 0;
}

/* Semihosting's way to end QEMU. */
void finish(void)
{
    register uint32_t a0 __asm__("a0") = 0x18;
    register uint32_t a1 __asm__("a1") = 0x20026;
    __asm__ volatile(".balign 16\n.option push\n.option norvc\n"
                     "slli x0, x0, 0x1f\nebreak\nsrai x0, x0, 7\n.option pop"
                     : : "r"(a0), "r"(a1));
    for (;;) {}
}
