/* Layers of an open model: unpacking an entry, and what its numbers mean. */
#include <stddef.h>

#include "engine/bytes.h"
#include "engine/layer.h"
#include "engine/layout.h"

typedef char entry_is_a_prefix[offsetof(struct layer, in_channels) == LAYER_BYTES ? 1 : -1];
typedef char entry_fields_match[offsetof(struct layer, arena) == LAYER_ARENA ? 1 : -1];

void layer_entry(struct layer *layer, const struct whim_model *model, unsigned index)
{
    const uint8_t *entry = __builtin_assume_aligned(entry_at(model->file, index), 4);
    const uint8_t *before = entry - LAYER_BYTES; /* the header's end is as good as an entry */
    uint8_t *to = __builtin_assume_aligned(layer, 4);
    unsigned i;

    for (i = 0; i < LAYER_BYTES; i += 4) __builtin_memcpy(to + i, entry + i, 4);
    layer->in_channels = load16(before + LAYER_CHANNELS);
    layer->in_height = load16(before + LAYER_HEIGHT);
    layer->in_width = load16(before + LAYER_WIDTH);
}

void layer_shape(struct layer *layer, const struct whim_model *model, unsigned index)
{
    uint32_t weights;

    layer_entry(layer, model, index);
    layer->fan_in = layer->in_channels;
    if (is(layer, OP_DENSE)) layer->fan_in *= (uint32_t)layer->in_height * layer->in_width;
    else layer->fan_in *= (uint32_t)layer->kernel * layer->kernel;
    if (is_triples(layer)) return;
    weights = layer->fan_in;
    if (is_columns(layer)) weights = layer_units(layer);
    if (is_tiled(layer)) weights = TILE;
    layer->unit_bytes = weights;
    if (encoded(layer, ENCODING_INT4) || encoded(layer, ENCODING_POWER))
        layer->unit_bytes = (weights + 1) / 2;
    if (encoded(layer, ENCODING_INT2)) layer->unit_bytes = (weights + 3) / 4;
    if (encoded(layer, ENCODING_TERNARY)) layer->unit_bytes = (weights + 4) / 5;
}

void layer_load(struct layer *layer, const struct whim_model *model, unsigned index)
{
    const uint8_t *payload = model->file + first_chunk(model->file);

    layer_shape(layer, model, index);
    layer->table = NULL;
    if (layer->table_number)
        layer->table = (const int8_t *)payload + TABLE_BYTES * (layer->table_number - 1u);
    layer->records = payload + layer->data;
    layer->weights = layer->records;
    if (!is_tiled(layer)) layer->weights += layer_records(layer) * record_bytes(layer);
    if (!is_triples(layer)) return;
    layer->pixel_step = layer->channels;
    layer->channel_step = 1;
    if (index + 1u == model->layers) return;
    if (entry_at(model->file, index + 1)[LAYER_LAYOUT] == LAYOUT_TRIPLES) {
        layer->pixel_step = 1;
        layer->channel_step = layer->width;
    }
}

bool layer_bytes(const struct layer *layer, uint32_t *bytes)
{
    uint32_t head = layer_records(layer) * record_bytes(layer); /* <= 4096 * 12 */
    uint32_t each = is_triples(layer) ? triple_bytes(layer) : layer->unit_bytes;
    uint32_t count = is_columns(layer) ? layer->fan_in : layer_units(layer);

    if (is_tiled(layer)) return multiply(tiles(layer), tile_bytes(layer), bytes);
    if (!multiply(count, each, bytes)) return false;
    if (*bytes > UINT32_MAX - head) return false;
    *bytes += head;
    return true;
}

uint16_t rows_held(const struct layer *consumer)
{
    uint32_t rows = 1;

    if (!consumer) return 1;
    if (is(consumer, OP_DENSE)) return consumer->in_height;
    if (is(consumer, OP_CONV)) rows = consumer->kernel;
    if (is_pooled(consumer)) rows += consumer->stride;
    if (is(consumer, OP_CONV_TRANSPOSE))
        rows = (consumer->kernel + consumer->stride - 1u) / consumer->stride;
    if (is(consumer, OP_BILINEAR)) rows = 2;
    return (uint16_t)(rows < consumer->in_height ? rows : consumer->in_height);
}

uint16_t layer_last_row(const struct layer *layer, uint16_t y)
{
    uint32_t row = layer->in_height, last = y; /* a dense layer reads all */

    if (is_pooled(layer)) last += last + 1;
    if (is(layer, OP_CONV)) row = last * layer->stride + layer->kernel - 1 - layer->pad;
    if (is(layer, OP_CONV_TRANSPOSE)) row = ((uint32_t)y + layer->pad) / layer->stride;
    if (is(layer, OP_NEAREST)) row = y / layer->stride;
    if (is(layer, OP_BILINEAR)) {
        uint32_t steps = layer->height > 1 ? layer->height - 1u : 1;
        row = ((uint32_t)y * (layer->in_height - 1u) + steps - 1) / steps;
    }
    return (uint16_t)(row < layer->in_height ? row : layer->in_height - 1u);
}

