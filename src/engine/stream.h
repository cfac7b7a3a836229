/* What the head of a streamed model says, before any of its chunks is read: layers, the order of
 * the payload, where everything lies in the arena. */
#ifndef WHIM_ENGINE_STREAM_H
#define WHIM_ENGINE_STREAM_H

#include "whim/generate.h"

/* Check g->head, describe it in g->model, and let the loader begin with the chunks. Errors: any of
 * the model file's, and WHIM_ERR_BUFFERS. */
enum whim_status stream_check(struct whim_generator *g);

/* Where in the arena the sums of layer `index` lie: right above its source and its output, up to
 * *end. False if these, or the sums, lie askew or outside. */
bool stream_sums(const struct whim_model *model, unsigned index, uint32_t *sums, uint32_t *end);

#endif
