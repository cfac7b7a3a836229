/* The firmware as a program: the device itself for host/whim/device.py, and parts of it run in bulk
 * for the tests and the host tools. Only here and in port.c are there files, a heap and printf. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/cat.h"
#include "app/crisp.h"
#include "app/die.h"
#include "app/flash_model.h"
#include "app/dither.h"
#include "app/tumble.h"
#include "ports/sim/sim.h"
#include "whim/audio.h"
#include "whim/generate.h"
#include "whim/model.h"
#include "whim/port.h"

static const char usage[] =
    "The Whim firmware as a program for this PC. For people there is: python host/sim.py demo\n"
    "\n"
    "  program device [--seed N | --entropy FILE] [--model FILE]\n"
    "                        be the device; stdin and stdout are its bus, button and clock\n"
    "  program decode FILE   run a model: inputs of int8 from stdin, pictures of int8 to stdout\n"
    "  program check         model files from stdin, each after its length (32 bits): a\n"
    "                        line for each with its status, and what an accepted one needs\n"
    "  program rolls SEED N  the pips of N rolls, a byte each\n"
    "  program verdicts SEED N  the verdicts of N draws, 32 bits each, nothing else drawn\n"
    "  program grey SEED N   N rolls: the pips, a byte, and the picture, 32x32 bytes of grey\n"
    "  program inputs        dice from stdin (pips, turn, 4 latents: 6 bytes) to model inputs\n"
    "  program screen        dice from stdin to 64x64 pixels, 8 pages, as the display gets them\n"
    "  program dither        pictures of 64x64x3 int8 from stdin to 64x64 pixels, likewise\n"
    "  program speech FILE   a phrase bank: the samples of all its fragments, 16 bits each\n"
    "  program sizes         RAM in bytes: the model's arena, and the structs beside it\n"
    "\n"
    "SEED is a number, or \"system\" for the operating system's random bytes. Exit status: 0; 1\n"
    "for a bad model or an empty entropy source, named on stderr; 2 for a wrong call.\n";

/* End with exit status 1 and the name of what failed. */
static void stop_on(enum whim_status status)
{
    if (status >= 0) return;
    fprintf(stderr, "%s\n", whim_status_name(status));
    exit(1);
}

static uint64_t number(const char *text)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno) {
        sim_fail("%s is not a number below 2^64", text);
    }
    return value;
}

static void entropy(const char *seed)
{
    if (!strcmp(seed, "system")) sim_entropy_system();
    else sim_entropy_seed(number(seed));
}

/* A file in memory as a card gives it, but at once. */
struct memory_source {
    struct whim_source source;
    const uint8_t *bytes;
};

static enum whim_status memory_start(struct whim_source *source, uint32_t offset, void *to,
                                     uint32_t count)
{
    memcpy(to, ((struct memory_source *)source)->bytes + offset, count);
    return WHIM_OK;
}

static enum whim_status memory_poll(struct whim_source *source)
{
    (void)source;
    return WHIM_OK;
}

/* What a model file of either kind needs to make pictures. */
struct maker {
    const uint8_t *file;
    uint32_t length;
    struct whim_model model;
    struct memory_source source;
    struct whim_generator generator;
    uint32_t buffer_bytes;
    void *buffers, *arena; /* of exactly the size, so that a sanitizer sees what is beyond */
};

static bool is_streamed(const struct maker *maker)
{
    return maker->length >= 28 && (maker->file[18] | maker->file[19]); /* docs/FORMAT.md: chunk */
}

static enum whim_status open_streamed(struct maker *maker)
{
    struct memory_source source = {{maker->length, memory_start, memory_poll}, maker->file};
    enum whim_status status = WHIM_OK;
    maker->source = source;
    whim_generate_open(&maker->generator, &maker->source.source, maker->buffers,
                       maker->buffer_bytes);
    while (status == WHIM_OK || status == WHIM_BUSY) {
        status = whim_generate_step(&maker->generator);
    }
    return status;
}

static enum whim_status open_maker(struct maker *maker, const uint8_t *file, uint32_t length)
{
    memset(maker, 0, sizeof *maker);
    maker->file = file;
    maker->length = length;
    if (!is_streamed(maker)) {
        enum whim_status status = whim_open(&maker->model, file, length);
        if (!status) maker->arena = sim_room(maker->model.arena_bytes);
        return status;
    }
    uint32_t chunk = 16u * (file[18] | (uint32_t)file[19] << 8);
    maker->buffer_bytes = 2 * ((chunk + 8 + 511) & ~511u);
    maker->buffers = sim_room(maker->buffer_bytes);
    enum whim_status status = open_streamed(maker);
    if (status != WHIM_DONE) return status;
    maker->model = maker->generator.model;
    maker->model.file = (const uint8_t *)maker->generator.head;
    maker->arena = sim_room(maker->model.arena_bytes);
    return WHIM_OK;
}

static void close_maker(struct maker *maker)
{
    free(maker->arena);
    free(maker->buffers);
}

/* Make one picture, to stdout if `shown`. */
static enum whim_status make(struct maker *maker, const int8_t *input, bool shown)
{
    const struct whim_model *model = &maker->model;
    size_t row_bytes = (size_t)model->width * model->channels;
    enum whim_status status;
    if (is_streamed(maker)) {
        struct whim_generator *generator = &maker->generator;
        status = open_streamed(maker);
        if (status == WHIM_DONE) {
            status = whim_generate_start(generator, input, maker->arena, model->arena_bytes);
        }
        while (status == WHIM_OK || status == WHIM_BUSY) status = whim_generate_step(generator);
        if (status == WHIM_DONE && shown) sim_out(generator->picture, row_bytes * model->height);
    } else {
        struct whim_run run;
        const int8_t *row;
        status = whim_start(&run, model, input, maker->arena, model->arena_bytes);
        while (!status && !(status = whim_next_row(&run, &row))) {
            if (shown) sim_out(row, row_bytes);
        }
    }
    return status;
}

static void decode(const char *path)
{
    uint32_t length;
    uint8_t *file = sim_load(path, &length);
    struct maker maker;
    stop_on(open_maker(&maker, file, length));
    int8_t *input = sim_room(maker.model.inputs);
    while (sim_in(input, maker.model.inputs)) stop_on(make(&maker, input, true));
    free(input);
    close_maker(&maker);
    free(file);
}

/* Open every model on stdin and make a picture with those that are accepted, all of it if that is
 * quick. */
static void check(void)
{
    enum { QUICK = 1000000 };
    uint8_t size[4];
    while (sim_in(size, sizeof size)) {
        uint32_t length = size[0] | size[1] << 8 | size[2] << 16 | (uint32_t)size[3] << 24;
        uint8_t *file = sim_room(length);
        if (fread(file, 1, length, stdin) != length) sim_fail("stdin ends within a file");
        struct maker maker;
        enum whim_status status = open_maker(&maker, file, length);
        const struct whim_model *model = &maker.model;
        if (!status && model->macs <= QUICK) {
            int8_t *input = sim_room(model->inputs);
            memset(input, 1, model->inputs);
            status = make(&maker, input, false);
            free(input);
            if (status == WHIM_DONE) status = WHIM_OK;
        }
        printf("%s", whim_status_name(status));
        if (!status) {
            size_t state = sizeof *model + sizeof(struct whim_run);
            if (is_streamed(&maker)) state = sizeof maker.generator;
            printf(" inputs=%u shape=%u,%u,%u arena_bytes=%u state_bytes=%zu macs=%u",
                   (unsigned)model->inputs, (unsigned)model->channels, (unsigned)model->height,
                   (unsigned)model->width, (unsigned)model->arena_bytes, state,
                   (unsigned)model->macs);
        }
        puts("");
        close_maker(&maker);
        free(file);
    }
}

static void rolls(uint64_t count)
{
    struct die die;
    for (; count; count--) {
        stop_on(die_roll(&die, port_entropy));
        sim_out(&die.pips, 1);
    }
}

static void verdicts(uint64_t count)
{
    uint32_t verdict;
    for (; count; count--) {
        stop_on(cat_verdict(port_entropy, &verdict));
        sim_out(&verdict, sizeof verdict);
    }
}

static void grey(uint64_t count)
{
    struct whim_model model;
    stop_on(whim_open(&model, whim_flash_model, whim_flash_model_size));
    if (model.inputs != DIE_INPUTS) stop_on(WHIM_ERR_SHAPE);
    void *arena = sim_room(model.arena_bytes);
    for (; count; count--) {
        struct die die;
        struct whim_run run;
        int8_t inputs[DIE_INPUTS];
        const int8_t *row;
        stop_on(die_roll(&die, port_entropy));
        sim_out(&die.pips, 1);
        die_inputs(&die, inputs);
        enum whim_status status = whim_start(&run, &model, inputs, arena, model.arena_bytes);
        while (!status && !(status = whim_next_row(&run, &row))) {
            for (uint32_t x = 0; x < (uint32_t)model.width * model.channels; x++) {
                uint8_t value = (uint8_t)(row[x] + 128);
                sim_out(&value, 1);
            }
        }
        stop_on(status);
    }
    free(arena);
}

/* One die from stdin; false at the end. */
static bool in_die(struct die *die)
{
    uint8_t record[2 + DIE_LATENT];
    if (!sim_in(record, sizeof record)) return false;
    die->pips = record[0];
    die->turn = record[1];
    memcpy(die->latent, record + 2, DIE_LATENT);
    return true;
}

static void inputs(void)
{
    struct die die;
    while (in_die(&die)) {
        int8_t values[DIE_INPUTS];
        die_inputs(&die, values);
        sim_out(values, sizeof values);
    }
}

static void screen(void)
{
    struct whim_model model;
    struct die die;
    stop_on(whim_open(&model, whim_flash_model, whim_flash_model_size));
    void *arena = sim_room(model.arena_bytes);
    while (in_die(&die)) {
        struct crisp crisp;
        int8_t values[DIE_INPUTS];
        die_inputs(&die, values);
        stop_on(crisp_start(&crisp, &model, values, arena, model.arena_bytes,
                            die.latent[DIE_SHADE]));
        for (uint32_t page = 0; page < CRISP_PAGES; page++) {
            stop_on(crisp_page(&crisp));
            sim_out(crisp.page, sizeof crisp.page);
        }
    }
    free(arena);
}

static void dither(void)
{
    static int8_t rgb[3 * DITHER_SIZE * DITHER_SIZE];
    static uint8_t tones[DITHER_ROOM];
    struct dither state;
    while (sim_in(rgb, sizeof rgb)) {
        dither_start(&state, rgb, tones);
        for (uint32_t page = 0; page < DITHER_PAGES; page++) {
            dither_page(&state);
            sim_out(state.page, sizeof state.page);
        }
    }
}

static void speech(const char *path)
{
    struct whim_bank bank;
    uint32_t length;
    uint8_t *file = sim_load(path, &length);
    stop_on(length < WHIM_BANK_SECTOR ? WHIM_ERR_TRUNCATED : whim_bank_open(&bank, file, length));
    for (uint32_t number = 0; number < WHIM_FRAGMENTS; number++) {
        int16_t samples[1024];
        struct whim_fragment fragment;
        struct whim_sound sound;
        uint32_t got;
        stop_on(whim_bank_fragment(&fragment, &bank, number, file + whim_bank_entry(number)));
        whim_sound_start(&sound, &fragment);
        const uint8_t *bytes = file + fragment.offset;
        uint32_t count = fragment.bytes;
        while ((got = whim_sound_decode(&sound, &bytes, &count, samples, 1024))) {
            sim_out(samples, got * sizeof *samples);
        }
        stop_on(whim_sound_status(&sound));
    }
    free(file);
}

static void sizes(void)
{
    struct whim_model model;
    stop_on(whim_open(&model, whim_flash_model, whim_flash_model_size));
    printf("sizes arena_bytes=%lu model=%zu stage=%zu\n", (unsigned long)model.arena_bytes,
           sizeof model, sizeof(struct stage));
}

static void device(int count, char **options)
{
    const uint8_t *model = whim_flash_model;
    uint32_t length = whim_flash_model_size;
    sim_entropy_system();
    for (int i = 0; i < count; i += 2) {
        if (i + 1 == count) sim_fail("%s needs a value", options[i]);
        if (!strcmp(options[i], "--seed")) sim_entropy_seed(number(options[i + 1]));
        else if (!strcmp(options[i], "--entropy")) sim_entropy_file(options[i + 1]);
        else if (!strcmp(options[i], "--model")) model = sim_load(options[i + 1], &length);
        else sim_fail("unknown option %s", options[i]);
    }
    if (isatty(STDIN_FILENO) || isatty(STDOUT_FILENO)) {
        sim_fail("the device alone has neither display nor button: python host/sim.py demo");
    }
    app_run(model, length);
}

int main(int count, char **words)
{
    const char *mode = count > 1 ? words[1] : "";
    if (!strcmp(mode, "device")) {
        device(count - 2, words + 2);
    } else if (!strcmp(mode, "decode") && count == 3) {
        decode(words[2]);
    } else if (!strcmp(mode, "check") && count == 2) {
        check();
    } else if (!strcmp(mode, "rolls") && count == 4) {
        entropy(words[2]);
        rolls(number(words[3]));
    } else if (!strcmp(mode, "verdicts") && count == 4) {
        entropy(words[2]);
        verdicts(number(words[3]));
    } else if (!strcmp(mode, "grey") && count == 4) {
        entropy(words[2]);
        grey(number(words[3]));
    } else if (!strcmp(mode, "inputs") && count == 2) {
        inputs();
    } else if (!strcmp(mode, "speech") && count == 3) {
        speech(words[2]);
    } else if (!strcmp(mode, "sizes") && count == 2) {
        sizes();
    } else if (!strcmp(mode, "screen") && count == 2) {
        screen();
    } else if (!strcmp(mode, "dither") && count == 2) {
        dither();
    } else {
        bool help = !strcmp(mode, "--help") || !strcmp(mode, "-h");
        fputs(usage, help ? stdout : stderr);
        return help ? 0 : 2;
    }
    if (fflush(stdout)) return 2;
    return 0;
}
