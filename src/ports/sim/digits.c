/* The program for a PC, as src/ports/sim/main.c, of the firmware that reads digits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/app.h"
#include "app/digits/classify.h"
#include "app/flash_model.h"
#include "ports/sim/sim.h"

static const char usage[] =
    "The firmware that reads digits, as a program for this PC. For people there is:\n"
    "python host/digits.py\n"
    "\n"
    "  program device [--model FILE]\n"
    "                        be the device; stdin and stdout are its bus, button and clock\n"
    "  program classify [--model FILE]\n"
    "                        pictures from stdin, 256 bytes of 0 to 15 each; to stdout for each\n"
    "                        ten logits of int8\n"
    "\n"
    "Exit status: 0; 1 for a bad model, named on stderr; 2 for a wrong call.\n";

/* All pictures on stdin. */
static void classify_all(const uint8_t *file, uint32_t length)
{
    struct classifier classifier = {.arena_bytes = UINT32_MAX};
    struct answer answer;
    enum whim_status status = classifier_open(&classifier, file, length);
    classifier.arena_bytes = status ? 0 : classifier.model.arena_bytes;
    classifier.arena = sim_room(classifier.arena_bytes);
    classifier.input = sim_room(DIGITS_PIXELS);
    while (!status && sim_in(classifier.input, DIGITS_PIXELS)) {
        status = classify(&classifier, &answer);
        if (!status) sim_out(answer.logits, DIGITS);
    }
    free(classifier.input);
    free(classifier.arena);
    if (!status) return;
    fprintf(stderr, "%s\n", whim_status_name(status));
    exit(1);
}

int main(int count, char **words)
{
    const char *mode = count > 1 ? words[1] : "";
    const uint8_t *model = whim_flash_model;
    uint32_t length = whim_flash_model_size;
    uint8_t *loaded = NULL;
    for (int i = 2; i < count; i += 2) {
        if (i + 1 == count) sim_fail("%s needs a value", words[i]);
        if (!strcmp(words[i], "--model")) model = loaded = sim_load(words[i + 1], &length);
        else sim_fail("unknown option %s", words[i]);
    }
    if (!strcmp(mode, "device")) {
        if (isatty(STDIN_FILENO) || isatty(STDOUT_FILENO)) {
            sim_fail("the device alone has neither display nor button: python host/digits.py");
        }
        app_run(model, length);
    } else if (!strcmp(mode, "classify")) {
        classify_all(model, length);
    } else {
        bool help = !strcmp(mode, "--help") || !strcmp(mode, "-h");
        fputs(usage, help ? stdout : stderr);
        return help ? 0 : 2;
    }
    free(loaded);
    return fflush(stdout) ? 2 : 0;
}
