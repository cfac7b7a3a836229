/* Checks of a model file, whoever reads it: in one piece from memory, or chunk by chunk. */
#ifndef WHIM_ENGINE_CHECK_H
#define WHIM_ENGINE_CHECK_H

#include "engine/layer.h"
#include "whim/model.h"

/* The header's fields, with `length` the file's. */
enum whim_status check_header(const uint8_t *file, uint32_t length);

/* Layer `index`, its records and weights excepted; the largest |sum| before its bias in *bound. */
enum whim_status check_layer(const struct whim_model *model, unsigned index, uint32_t *bound);

/* Bound |sum| by shapes, encoding and bias alone: 128 * (terms * largest weight) + |bias|. Fills in
 * *bound without the bias. */
enum whim_status check_sum(const struct layer *layer, uint32_t *bound);

/* Whether the arena has room for what `layer` holds for its consumer, NULL for the picture. */
enum whim_status check_arena(const struct whim_model *model, const struct layer *layer,
                             const struct layer *consumer);

/* `count` records at `records`: with each, |sum| <= bound + |bias| < 2^31; and when the layer is
 * narrow, |sum| * m + 2^(s-1) < 2^31. */
enum whim_status check_records(const struct layer *layer, const uint8_t *records, uint32_t count,
                               uint32_t bound);

/* Fill in what follows from a checked header and its layers. */
void describe_model(struct whim_model *model, const uint8_t *file);

#endif
