/* The application's side: see maker.h. */
#include "app/maker.h"

#include "app/console.h"
#include "app/handover.h"
#include "app/screen.h"
#include "drivers/card.h"

enum { NUMBER = WORK_KIND + 1, DEAF_MS = 1000, NOTICE_MS = 3000 };

#if WHIM_CORES > 1
struct work work __attribute__((section(".work")));
#else
struct work work;
#endif

static struct {
    struct card_file file;
    uint32_t beats, heard; /* of the worker, at the last look; port_millis when they went up */
    bool started, reading, paused;
} maker;

static void start(void)
{
    if (maker.started) return;
    maker.started = true;
#if WHIM_CORES > 1
    __builtin_memset(&work, 0, sizeof work);
    fence();
    port_second_start();
#endif
}

/* All that the order needs is written. */
static void order(enum work_kind kind)
{
    fence();
    work.order = (work.order & ~(uint32_t)WORK_KIND) + NUMBER + kind;
    notify();
    maker.heard = port_millis();
}

enum whim_status maker_open(const char *name, void *buffers, uint32_t buffer_bytes)
{
    start();
    maker.paused = false;
    enum whim_status status = card_open(&maker.file, name);
    if (status) return status;
    work.buffers = buffers;
    work.buffer_bytes = buffer_bytes;
    work.file_bytes = maker.file.source.length;
    order(WORK_OPEN);
    return WHIM_OK;
}

void maker_make(const int8_t *input, uint32_t count, uint32_t picture_at, bool checked)
{
    for (uint32_t i = 0; i < WORK_INPUTS; i++) work.input[i] = i < count ? input[i] : 0;
    work.picture_at = picture_at;
    work.checked = checked;
    order(WORK_MAKE);
}

static void answer(enum whim_status status)
{
    maker.reading = false;
    work.read_status = status;
    fence();
    work.served = work.asked;
    notify();
}

/* Begin what the worker wants to read. It is our own program; yet nothing that it asks for reaches
 * beyond the buffers. */
static enum whim_status begin(void)
{
    fence();
    struct whim_source *source = &maker.file.source;
    uint32_t at = work.read_at, count = work.read_count;
    if (at > work.buffer_bytes || count > work.buffer_bytes - at) return WHIM_ERR_BUFFERS;
    return source->start(source, work.read_offset, work.buffers + at, count);
}

/* Read for the worker. False where there was nothing to do about it. */
static bool serve(void)
{
    enum whim_status status;
    if (maker.reading) {
        status = maker.file.source.poll(&maker.file.source);
        if (status == WHIM_BUSY) return false;
        answer(status);
    } else {
        if (work.asked == work.served || maker.paused) return false;
        status = begin();
        maker.reading = !status;
        if (status) answer(status);
    }
    return true;
}

#if WHIM_CORES > 1
/* The worker has a core of its own: see that it lives. */
static void look_after(bool served)
{
    uint32_t now = port_millis();
    if (work.beats != maker.beats) {
        maker.beats = work.beats;
        maker.heard = now;
    }
    if (now - maker.heard >= DEAF_MS) {
        console_error("core stopped", "making a cat", "the second core is silent: restarting");
        if (screen_error("core stopped")) console_text("  the display shows nothing\n");
        port_sleep(NOTICE_MS);
        port_restart();
    }
    if (!served) port_idle();
}
#endif

enum whim_status maker_poll(void)
{
    uint32_t began = port_micros();
    bool served = serve();
#if WHIM_CORES > 1
    (void)began;
    if (work.ended != work.order) look_after(served);
#else
    (void)served;
    worker_step(began);
#endif
    if (work.ended != work.order) return WHIM_BUSY;
    fence();
    return (enum whim_status)work.status;
}

void maker_stop(void)
{
    if (!maker.started || work.ended == work.order) return;
    maker.paused = false;
    order(WORK_STOP);
    while (maker_poll() == WHIM_BUSY) port_sleep(1);
}

bool maker_pause(bool paused)
{
    maker.paused = paused;
    return !maker.reading;
}
