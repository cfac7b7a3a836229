/* Classifying: see classify.h. */
#include "app/digits/classify.h"

#include "whim/port.h"

enum whim_status classifier_open(struct classifier *classifier, const uint8_t *file,
                                 uint32_t length)
{
    struct whim_model *model = &classifier->model;
    enum whim_status status = whim_open(model, file, length);
    if (!status && (model->inputs != DIGITS_PIXELS || model->height != 1 || model->width != 1 ||
                    model->channels != DIGITS)) {
        status = WHIM_ERR_SHAPE; /* a model, but not of digits */
    }
    if (!status && model->arena_bytes > classifier->arena_bytes) status = WHIM_ERR_ARENA;
    if (status) model->layers = 0;
    return status;
}

enum whim_status classify(struct classifier *classifier, struct answer *answer)
{
    uint32_t start = port_cycles();
    const int8_t *logits;
    enum whim_status status = whim_start(&classifier->run, &classifier->model, classifier->input,
                                         classifier->arena, classifier->arena_bytes);
    if (!status) status = whim_next_row(&classifier->run, &logits); /* the only one */
    if (status) return status;
    answer->cycles = port_cycles() - start;
    answer->logits = logits;
    answer->digit = 0;
    int32_t first = -128, second = -128;
    for (uint32_t i = 0; i < DIGITS; i++) {
        int32_t logit = logits[i];
        if (logit > first) {
            second = first;
            first = logit;
            answer->digit = i;
        } else if (logit > second) {
            second = logit;
        }
    }
    answer->margin = (uint32_t)(first - second);
    return WHIM_OK;
}
