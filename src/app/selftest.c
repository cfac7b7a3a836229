/* The self-test: see selftest.h. For what layer n makes, the model is cut off behind it, so that
 * its rows are the picture: all layers before it run again, and nothing in the engine has to watch
 * for us. */
#include "app/selftest.h"

#include "app/console.h"
#include "engine/crc.h"
#include "whim/port.h"

enum { PICTURES = 6, STEP = 89 };

void selftest(struct whim_run *run, struct whim_model *model, int8_t *input, uint32_t mask,
              void *arena, uint32_t arena_bytes)
{
    uint32_t layers = model->layers;
    for (uint32_t layer = 1; layer <= layers; layer++) {
        uint32_t crc = 0;
        uint8_t value = 0;
        whim_cut(model, layer); /* in the end, behind its last layer: it is whole again */
        for (uint32_t picture = 0; picture < PICTURES; picture++) {
            const int8_t *row;
            for (uint32_t i = 0; i < model->inputs; i++) {
                value += STEP;
                input[i] = (int8_t)(value & mask);
            }
            enum whim_status status = whim_start(run, model, input, arena, arena_bytes);
            while (!status && !(status = whim_next_row(run, &row))) {
                crc = whim_crc32_more(crc, (const uint8_t *)row,
                                      (uint32_t)model->width * model->channels);
            }
            port_sleep(1); /* a board's watchdog wants to see that we live */
        }
        console_number("selftest layer=", (int32_t)layer - 1);
        console_word(" crc=", crc);
        console_text("\n");
    }
    console_text("selftest done\n");
}

void tell_model(const struct whim_model *model)
{
    console_number("model inputs=", model->inputs);
    console_number(" arena_bytes=", (int32_t)model->arena_bytes);
    console_number(" macs=", (int32_t)model->macs);
    console_number(" layers=", model->layers);
    console_text("\n");
}
