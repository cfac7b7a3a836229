/* port.h on a PC. The program is the device and nothing else; the world around it (display, button,
 * time) is whoever started it, usually host/whim/device.py, at the other end of its stdin and
 * stdout. The two take turns, so a run is the same every time. Time is virtual: it passes while the
 * device sleeps and while bytes cross the I2C bus, and computing takes none.
 *
 * The device writes records, little-endian, each with its time in microseconds:
 *
 *     'C' time:u64 count:u32 text...                         console
 *     'I' time:u64 address:u8 control:u8 count:u32 bytes...  I2C write; answered by 'A' or 'N'
 *     'S' time:u64 milliseconds:u32                          sleep; answered by '1' or '0'
 *     'R' time:u64                                           the device restarts: it ends here
 *
 * 'A' acknowledges, 'N' does not. '1' says that the button is down when the sleep ends, '0' that it
 * is up; before it stands, for each byte that was typed on the console meanwhile, 'T' and the byte.
 * When the world closes the pipe, the device ends with exit status 0. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ports/sim/sim.h"
#include "whim/port.h"
#include "whim/random.h"

enum { I2C_HERTZ = 400000, TYPED = 256 };

const char port_name[] = "sim";

static uint64_t now; /* microseconds */
static bool button;

/* What was typed and not read yet: a ring. As on a chip, what does not fit is lost. */
static struct {
    uint8_t bytes[TYPED];
    uint32_t written, taken;
} typed;

static struct {
    const char *name;
    int file; /* where `name` is not "seed" */
    struct whim_chacha chacha;
} source;

static void put(const void *bytes, size_t count)
{
    if (fwrite(bytes, 1, count, stdout) != count) exit(0); /* the world has gone */
}

static void put_number(uint64_t number, uint32_t bytes)
{
    uint8_t little[8];
    for (uint32_t i = 0; i < bytes; i++) little[i] = (uint8_t)(number >> 8 * i);
    put(little, bytes);
}

static void put_tag(char tag)
{
    put(&tag, 1);
    put_number(now, 8);
}

static int get(void)
{
    int byte = getchar();
    if (byte == EOF) exit(0);
    return byte;
}

/* Ask the world; it answers `yes` or `no`, perhaps after bytes from the console. */
static bool ask(int yes, int no)
{
    if (fflush(stdout)) exit(0);
    int answer = get();
    for (; answer == 'T'; answer = get()) {
        uint8_t byte = (uint8_t)get();
        if (typed.written - typed.taken < TYPED) typed.bytes[typed.written++ % TYPED] = byte;
    }
    if (answer != yes && answer != no) sim_fail("the world answered byte %d", answer);
    return answer == yes;
}

uint32_t port_millis(void)
{
    return (uint32_t)(now / 1000);
}

void port_sleep(uint32_t milliseconds)
{
    put_tag('S');
    put_number(milliseconds, 4);
    button = ask('1', '0');
    now += 1000 * (uint64_t)milliseconds;
}

bool port_button(void)
{
    return button;
}

enum whim_status port_i2c_write(uint8_t address, uint8_t control, const uint8_t *bytes,
                                uint32_t count)
{
    put_tag('I');
    put_number(address, 1);
    put_number(control, 1);
    put_number(count, 4);
    put(bytes, count);
    bool acknowledged = ask('A', 'N');
    /* Start, 9 bits a byte, stop; without an acknowledgement the address is all that crossed the
     * bus. */
    uint64_t bits = acknowledged ? 2 + 9 * (2 + (uint64_t)count) : 2 + 9;
    now += bits * 1000000 / I2C_HERTZ;
    return acknowledged ? WHIM_OK : WHIM_ERR_I2C;
}

void sim_entropy_seed(uint64_t seed)
{
    source.name = "seed";
    whim_chacha_seed(&source.chacha, seed);
}

void sim_entropy_system(void)
{
    sim_entropy_file("/dev/urandom");
    source.name = "system";
}

void sim_entropy_file(const char *path)
{
    source.name = "file";
    source.file = open(path, O_RDONLY);
    if (source.file < 0) sim_fail("%s: %s", path, strerror(errno));
}

enum whim_status port_entropy(uint8_t *bytes, uint32_t count)
{
    if (!strcmp(source.name, "seed")) {
        whim_chacha_bytes(&source.chacha, bytes, count);
        return WHIM_OK;
    }
    while (count) {
        ssize_t got = read(source.file, bytes, count);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return WHIM_ERR_ENTROPY;
        bytes += got;
        count -= (uint32_t)got;
    }
    return WHIM_OK;
}

const char *port_entropy_source(void)
{
    return source.name;
}

void port_console(const char *text)
{
    put_tag('C');
    put_number(strlen(text), 4);
    put(text, strlen(text));
}

int port_console_read(void)
{
    if (typed.written == typed.taken) return -1;
    return typed.bytes[typed.taken++ % TYPED];
}

void port_restart(void)
{
    put_tag('R'); /* the world starts this program again */
    exit(fflush(stdout) ? 2 : 0);
}

void sim_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("whim: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}
