/* The computing side: see worker.h. Of the board it knows the clock and the other core alone. */
#include "app/worker.h"

#include "app/handover.h"
#include "engine/bytes.h"
#include "engine/crc.h"
#include "engine/layer.h"
#include "whim/generate.h"
#include "whim/port.h"

enum { IDLE, OPENING, MAKING, STOPPING };

static struct {
    struct whim_generator generator;
    struct whim_source source;
    int8_t input[WORK_INPUTS];
    uint32_t order; /* the last one that was taken */
    enum whim_status result;
    uint8_t state, layer;
} worker;
typedef char state_fits[sizeof worker <= WORKER_STATE ? 1 : -1];

#if WHIM_CORES > 1
struct work work __attribute__((section(".work"))); /* the other core's image has it there, too */
extern uint8_t worker_arena[], worker_arena_end[];   /* what this core has left: link.ld */
#else
static uint8_t worker_arena[WORKER_ARENA] __attribute__((aligned(16)));
#define worker_arena_end (worker_arena + sizeof worker_arena)
#endif

static void rest(void)
{
#if WHIM_CORES > 1
    port_idle();
#endif
}

/* The model's file, which the application reads for us. */
static enum whim_status start(struct whim_source *source, uint32_t offset, void *to,
                              uint32_t count)
{
    (void)source;
    work.read_offset = offset;
    work.read_count = count;
    work.read_at = (uint32_t)((uint8_t *)to - work.buffers);
    fence();
    work.asked++;
    notify();
    return WHIM_OK;
}

static enum whim_status poll(struct whim_source *source)
{
    (void)source;
    if (work.served != work.asked) return WHIM_BUSY;
    fence();
    return (enum whim_status)work.read_status;
}

/* No read is under way any more. */
static void end(enum whim_status status)
{
    worker.state = IDLE;
    work.status = status;
    fence();
    work.ended = worker.order;
    notify();
}

static void stop(enum whim_status result)
{
    worker.result = result;
    worker.state = STOPPING;
}

static void make(void)
{
    for (uint32_t i = 0; i < WORK_INPUTS; i++) worker.input[i] = work.input[i];
    worker.layer = 0;
    work.percent = work.layer = work.compute = work.wait = 0;
    enum whim_status status = whim_generate_start(
        &worker.generator, worker.input, worker_arena,
        (uint32_t)(worker_arena_end - worker_arena));
    if (status) stop(status);
    else worker.state = MAKING;
}

static void take(uint32_t order)
{
    fence();
    worker.order = order;
    switch (order & WORK_KIND) {
    case WORK_OPEN:
        worker.source = (struct whim_source){work.file_bytes, start, poll};
        worker.state = OPENING;
        whim_generate_open(&worker.generator, &worker.source, work.buffers, work.buffer_bytes);
        break;
    case WORK_MAKE: make(); break;
    default: stop(WHIM_OK);
    }
}

/* What there is to know of a model that was opened. */
static enum whim_status describe(void)
{
    const struct whim_model *model = &worker.generator.model;
    work.model_crc = load32(model->file + HEADER_CRC);
    work.arena_bytes = model->arena_bytes;
    work.arena_room = (uint32_t)(worker_arena_end - worker_arena);
    work.inputs = model->inputs;
    work.width = model->width;
    work.height = model->height;
    work.channels = model->channels;
    work.layers = model->layers;
    return model->inputs > WORK_INPUTS ? WHIM_ERR_SHAPE : WHIM_DONE;
}

static enum whim_status give_picture(void)
{
    const struct whim_model *model = &worker.generator.model;
    uint32_t bytes = (uint32_t)model->width * model->height * model->channels;
    uint32_t at = work.picture_at;
    if (at > work.buffer_bytes || bytes > work.buffer_bytes - at) return WHIM_ERR_BUFFERS;
    for (uint32_t i = 0; i < bytes; i++) {
        work.buffers[at + i] = (uint8_t)worker.generator.picture[i];
    }
    return WHIM_DONE;
}

/* Tell how far it has come; once a layer is made, its rows are in the arena until the next is. */
static void tell(void)
{
    const struct whim_generator *generator = &worker.generator;
    work.bytes_read = generator->loader.bytes_read;
    work.retries = generator->loader.retries;
    if (worker.state != MAKING) return;
    work.percent = whim_generate_percent(generator);
    work.layer = generator->layer;
    if (generator->layer == worker.layer) return;
    if (work.checked) {
        struct layer layer;
        layer_shape(&layer, &generator->model, worker.layer);
        work.crcs[worker.layer] =
            whim_crc32(worker_arena + layer.arena,
                       (uint32_t)layer.width * layer.height * layer.channels);
    }
    worker.layer = generator->layer;
}

void worker_step(uint32_t began)
{
    uint32_t order = work.order;
    work.beats++;
    if (order != worker.order) take(order);
    if (worker.state == IDLE) {
        rest();
        return;
    }
    bool stopping = worker.state == STOPPING, making = worker.state == MAKING;
    enum whim_status status = stopping ? whim_generate_stop(&worker.generator)
                                       : whim_generate_step(&worker.generator);
    tell();
    if (status == WHIM_BUSY) rest();
    if (making && status == WHIM_DONE) status = give_picture();
    if (worker.state == OPENING && status == WHIM_DONE) status = describe();
    if (making) {
        uint32_t took = port_micros() - began;
        if (status == WHIM_BUSY) work.wait += took;
        else work.compute += took;
    }
    if (stopping && !status) end(worker.result);
    else if (status == WHIM_DONE) end(WHIM_DONE);
    else if (status < 0) stop(status);
}

void worker_run(void)
{
    for (;;) worker_step(port_micros());
}
