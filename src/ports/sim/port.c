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
 * When the world closes the pipe, the device ends with exit status 0.
 *
 * The card's records; `file` is a number of the device's choice:
 *
 *     'O' time:u64 file:u32 count:u32 name...                open
 *     'G' time:u64 file:u32 offset:u32 count:u32             begin to read
 *     'P' time:u64 file:u32                                  take over what was read
 *     'W' time:u64 offset:u32 count:u32 name... 0 bytes...   write; `count` is that of all
 *
 * Each is answered by a byte ('A' done, 'M' no card, 'F' no such file, 'E' the card failed) and the
 * microseconds that it takes, u32; behind an 'A' to 'O' stands the file's length, u32, and to 'P'
 * count:u32 and the bytes. A read goes on by itself; for the others the device waits.
 *
 * The DAC's records, not answered:
 *
 *     'B' time:u64                                           it begins to play
 *     'D' time:u64 count:u32 values...                       it was given these, 16 bits each
 *     'E' time:u64                                           it has stopped
 *
 * Values are sent when time passes, as they lie in memory when they are due. */
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

enum { I2C_HERTZ = 400000, TYPED = 256, LOOK_MICROS = 1, SECOND = 1000000 };

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

static struct {
    struct whim_source *files[PORT_CARD_FILES];
    uint32_t opened;            /* so often */
    struct whim_source *reader; /* of the read under way, if there is one */
    uint8_t *to;
    uint32_t count, there; /* bytes asked for, and those of them that the file has */
    uint32_t micros, last_micros;
    uint64_t due; /* when all has arrived */
} card;

#if WHIM_AUDIO
static struct {
    const uint16_t *values; /* NULL while it is stopped */
    uint32_t count;
    uint64_t began, played; /* microseconds; values since then */
} dac;
#endif

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

#if WHIM_AUDIO
/* Send what the DAC is given until `now`. */
static void play(void)
{
    uint64_t due = (now - dac.began) * PORT_DAC_HERTZ / SECOND;
    if (!dac.values || due == dac.played) return;
    put_tag('D');
    put_number(2 * (due - dac.played), 4);
    for (; dac.played < due; dac.played++) put_number(dac.values[dac.played % dac.count], 2);
}
#endif

/* Let time pass. */
static void pass(uint64_t microseconds)
{
    now += microseconds;
#if WHIM_AUDIO
    play();
#endif
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
    pass(1000 * (uint64_t)milliseconds);
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
    pass(bits * SECOND / I2C_HERTZ);
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

uint32_t port_micros(void)
{
    return (uint32_t)now;
}

uint32_t port_cycles(void)
{
    return 0;
}

static uint32_t get_number(void)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < 4; i++) number |= (uint32_t)get() << 8 * i;
    return number;
}

/* The world's answer to a record of the card. */
static enum whim_status card_answer(enum whim_status failed, uint32_t *micros)
{
    if (fflush(stdout)) exit(0);
    int answer = get();
    *micros = get_number();
    switch (answer) {
    case 'A': return WHIM_OK;
    case 'M': return WHIM_ERR_CARD_MISSING;
    case 'F': return WHIM_ERR_NO_FILE;
    case 'E': return failed;
    default: sim_fail("the world answered byte %d", answer);
    }
}

/* The place of `source` among those that are open, or PORT_CARD_FILES. */
static uint32_t card_file(const struct whim_source *source)
{
    uint32_t file = 0;
    while (file < PORT_CARD_FILES && card.files[file] != source) file++;
    return file;
}

static enum whim_status card_start(struct whim_source *source, uint32_t offset, void *to,
                                   uint32_t count)
{
    uint32_t file = card_file(source);
    card.reader = NULL;
    if (!count) return WHIM_OK;
    if (file == PORT_CARD_FILES) return WHIM_ERR_CARD_READ;
    put_tag('G');
    put_number(file, 4);
    put_number(offset, 4);
    put_number(count, 4);
    enum whim_status status = card_answer(WHIM_ERR_CARD_READ, &card.micros);
    if (status) return status;
    card.reader = source;
    card.to = to;
    card.count = count;
    card.there = offset < source->length ? source->length - offset : 0;
    if (card.there > count) card.there = count;
    card.due = now + card.micros;
    return WHIM_OK;
}

static enum whim_status card_poll(struct whim_source *source)
{
    if (card.reader != source) return WHIM_ERR_CARD_READ;
    if (now < card.due) {
        pass(LOOK_MICROS); /* so that who looks again and again comes to an end */
        return WHIM_BUSY;
    }
    card.reader = NULL;
    put_tag('P');
    put_number(card_file(source), 4);
    uint32_t micros;
    enum whim_status status = card_answer(WHIM_ERR_CARD_READ, &micros);
    if (status) return status;
    uint32_t count = get_number();
    if (count > card.there) sim_fail("the world delivers %u bytes", (unsigned)count);
    if (fread(card.to, 1, count, stdin) != count) exit(0);
    if (count < card.there) return WHIM_ERR_CARD_READ;
    memset(card.to + count, 0, card.count - count);
    card.last_micros = card.micros;
    return WHIM_OK;
}

enum whim_status port_card_open(struct whim_source *source, const char *name)
{
    uint32_t file = card_file(source);
    if (file == PORT_CARD_FILES) file = card_file(NULL); /* a place that an error has left free */
    if (file == PORT_CARD_FILES) file = card.opened++ % PORT_CARD_FILES;
    card.reader = NULL;
    card.files[file] = NULL;
    put_tag('O');
    put_number(file, 4);
    put_number(strlen(name), 4);
    put(name, strlen(name));
    uint32_t micros;
    enum whim_status status = card_answer(WHIM_ERR_CARD_READ, &micros);
    pass(micros);
    if (status) return status;
    card.files[file] = source;
    *source = (struct whim_source){get_number(), card_start, card_poll};
    return WHIM_OK;
}

uint32_t port_card_micros(void)
{
    return card.last_micros;
}

enum whim_status port_card_write(const char *name, uint32_t offset, const void *bytes,
                                 uint32_t count)
{
    card.reader = NULL;
    put_tag('W');
    put_number(offset, 4);
    put_number(strlen(name) + 1 + count, 4);
    put(name, strlen(name) + 1);
    put(bytes, count);
    uint32_t micros;
    enum whim_status status = card_answer(WHIM_ERR_CARD_WRITE, &micros);
    pass(micros);
    return status;
}

#if WHIM_AUDIO
void port_dac_start(const uint16_t *values, uint32_t count)
{
    put_tag('B');
    dac.values = values;
    dac.count = count;
    dac.began = now;
    dac.played = 0;
}

uint32_t port_dac_played(void)
{
    return (uint32_t)dac.played;
}

void port_dac_stop(void)
{
    if (dac.values) put_tag('E');
    dac.values = NULL;
}
#endif

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
