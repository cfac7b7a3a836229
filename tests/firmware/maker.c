/* The application's side and the worker in two threads, as on two cores, for test_maker.py:
 *
 *     program FILE COUNT        make COUNT pictures by the model FILE: latents from stdin, pictures
 *                               to stdout, and a line of figures for each to stderr
 *     program FILE COUNT stops  each is begun and stopped a few times before
 *     program FILE COUNT fails  each first meets a card whose reads fail
 *     program FILE COUNT deaf   the second core does not start
 *     program FILE COUNT dies   it stops in the middle of the second picture
 *
 * The card is a file in memory, whose reads take a random time. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/console.h"
#include "app/maker.h"
#include "app/screen.h"
#include "drivers/card.h"
#include "engine/crc.h"
#include "whim/port.h"

enum { LATENT = 100, PICTURE = 64 * 64 * 3, BUFFERS = 48 * 1024, AT = BUFFERS - PICTURE };

uint8_t worker_arena[WORKER_ARENA] __attribute__((aligned(16))); /* the linker says where it ends */

static uint8_t buffers[BUFFERS] __attribute__((aligned(16)));
static uint8_t *file_bytes;
static uint32_t file_length;
static uint64_t due;
static bool failing, deaf, dies;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;

static uint64_t nanos(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint32_t port_micros(void) { return (uint32_t)(nanos() / 1000); }
uint32_t port_millis(void) { return (uint32_t)(nanos() / 1000000); }
void port_fence(void) { __sync_synchronize(); }

void port_sleep(uint32_t milliseconds)
{
    struct timespec time = {0, 1000000l * (milliseconds < 10 ? (long)milliseconds : 10)};
    nanosleep(&time, NULL);
}

void port_notify(void)
{
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&news);
    pthread_mutex_unlock(&lock);
}

void port_idle(void)
{
    uint64_t until = nanos() + 1000000;
    struct timespec time = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    pthread_mutex_lock(&lock);
    pthread_cond_timedwait(&news, &lock, &time);
    pthread_mutex_unlock(&lock);
}

static void *second(void *none)
{
    (void)none;
    if (!dies) worker_run();
    while (work.order < 4 * (WORK_KIND + 1) || work.percent < 50) worker_step(port_micros());
    return NULL;
}

void port_second_start(void)
{
    pthread_t thread;
    if (!deaf && pthread_create(&thread, NULL, second, NULL)) exit(2);
}

void port_restart(void)
{
    fflush(stdout);
    exit(3);
}

void console_text(const char *text) { fputs(text, stderr); }

void console_error(const char *name, const char *doing, const char *advice)
{
    fprintf(stderr, "error: %s, while %s\n  %s\n", name, doing, advice);
}

enum whim_status screen_error(const char *name)
{
    (void)name;
    return WHIM_OK;
}

static enum whim_status start(struct whim_source *source, uint32_t offset, void *to,
                              uint32_t count)
{
    (void)source;
    uint32_t left = file_length - offset, there = count < left ? count : left;
    memset(to, 0, count);
    memcpy(to, file_bytes + offset, there);
    due = nanos() + (uint64_t)(rand() % 400) * 1000;
    return WHIM_OK;
}

static enum whim_status poll(struct whim_source *source)
{
    (void)source;
    if (nanos() < due) return WHIM_BUSY;
    return failing ? WHIM_ERR_CARD_READ : WHIM_OK;
}

enum whim_status card_open(struct card_file *file, const char *name)
{
    (void)name;
    file->source = (struct whim_source){file_length, start, poll};
    return WHIM_OK;
}

static enum whim_status wait(void)
{
    enum whim_status status;
    while ((status = maker_poll()) == WHIM_BUSY) {}
    return status;
}

static void expect(enum whim_status status, enum whim_status wanted)
{
    if (status == wanted) return;
    fprintf(stderr, "%s where %s was due\n", whim_status_name(status), whim_status_name(wanted));
    exit(1);
}

static void open_model(void)
{
    expect(maker_open("cat4.whim", buffers, sizeof buffers), WHIM_OK);
    expect(wait(), WHIM_DONE);
}

static void disturb(const int8_t *z, const char *how)
{
    if (!strcmp(how, "stops")) {
        for (int i = 0; i < 5; i++) {
            open_model();
            maker_make(z, LATENT, AT, false);
            for (int polls = rand() % 300; polls && maker_poll() == WHIM_BUSY; polls--) {}
            maker_stop();
            memset(buffers, 0xaa, sizeof buffers); /* they are ours again */
        }
    } else if (!strcmp(how, "fails")) {
        open_model();
        maker_make(z, LATENT, AT, false);
        failing = true;
        expect(wait(), WHIM_ERR_CARD_READ);
        failing = false;
    }
}

int main(int count, char **words)
{
    if (count < 3) return 2;
    const char *how = count > 3 ? words[3] : "";
    FILE *file = fopen(words[1], "rb");
    if (!file) return 2;
    fseek(file, 0, SEEK_END);
    file_length = (uint32_t)ftell(file);
    rewind(file);
    file_bytes = malloc(file_length);
    if (!file_bytes || fread(file_bytes, 1, file_length, file) != file_length) return 2;
    deaf = !strcmp(how, "deaf");
    dies = !strcmp(how, "dies");
    for (int left = atoi(words[2]); left; left--) {
        int8_t z[LATENT];
        if (fread(z, 1, LATENT, stdin) != LATENT) return 2;
        disturb(z, how);
        open_model();
        maker_make(z, LATENT, AT, true);
        memset(z, 0, sizeof z); /* it has its own copy */
        expect(wait(), WHIM_DONE);
        fwrite(buffers + AT, 1, PICTURE, stdout);
        fprintf(stderr, "made percent=%u layers=%u retries=%u read=%u model=%08x last=%08x\n",
                (unsigned)work.percent, (unsigned)work.layers, (unsigned)work.retries,
                (unsigned)work.bytes_read, (unsigned)work.model_crc,
                (unsigned)work.crcs[work.layers - 1]);
    }
    fflush(stdout);
    _Exit(0); /* the second core never ends */
}
