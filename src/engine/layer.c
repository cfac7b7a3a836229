/* Layers of an open model: unpacking an entry, and what its numbers mean. */
#include <stddef.h>

#include "engine/bytes.h"
#include "engine/layer.h"
#include "engine/layout.h"

typedef char entry_is_a_prefix[offsetof(struct layer, in_channels) == LAYER_BYTES ? 1 : -1];
typedef char entry_fields_match[offsetof(struct layer, arena) == LAYER_ARENA ? 1 : -1];

void layer_shape(struct layer *layer, const struct whim_model *model, unsigned index)
{
    const uint8_t *entry = __builtin_assume_aligned(entry_at(model->file, index), 4);
    const uint8_t *before = entry - LAYER_BYTES; /* layer 0 has none: unused there */
    uint8_t *to = __builtin_assume_aligned(layer, 4);
    unsigned i;

    for (i = 0; i < LAYER_BYTES; i += 4) __builtin_memcpy(to + i, entry + i, 4);
    layer->in_channels = index ? load16(before + LAYER_CHANNELS) : model->inputs;
    layer->in_height = index ? load16(before + LAYER_HEIGHT) : 1;
    layer->in_width = index ? load16(before + LAYER_WIDTH) : 1;

    layer->fan_in = layer->in_channels;
    if (is(layer, OP_DENSE)) layer->fan_in *= (uint32_t)layer->in_height * layer->in_width;
    else layer->fan_in *= (uint32_t)layer->kernel * layer->kernel;
    layer->unit_bytes = layer->fan_in;
    if (encoded(layer, ENCODING_INT4)) layer->unit_bytes = (layer->fan_in + 1) / 2;
    if (encoded(layer, ENCODING_INT2)) layer->unit_bytes = (layer->fan_in + 3) / 4;
    if (encoded(layer, ENCODING_TERNARY)) layer->unit_bytes = (layer->fan_in + 4) / 5;
    if (is_tiled(layer)) {
        layer->unit_bytes = TILE;
        if (encoded(layer, ENCODING_INT4)) layer->unit_bytes = TILE / 2;
        if (encoded(layer, ENCODING_INT2)) layer->unit_bytes = TILE / 4;
    }
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
}

bool layer_bytes(const struct layer *layer, uint32_t *bytes)
{
    uint32_t head = layer_records(layer) * record_bytes(layer); /* <= 4096 * 12 */

    if (is_tiled(layer)) return multiply(tiles(layer), tile_bytes(layer), bytes);
    if (!multiply(layer_units(layer), layer->unit_bytes, bytes)) return false;
    if (*bytes > UINT32_MAX - head) return false;
    *bytes += head;
    return true;
}

uint16_t layer_rows_held(const struct layer *layer, const struct layer *consumer)
{
    uint32_t rows = 1;

    if (consumer) {
        if (is(consumer, OP_DENSE)) return layer->height;
        if (is(consumer, OP_CONV)) rows = consumer->kernel;
        if (is(consumer, OP_CONV_TRANSPOSE))
            rows = (consumer->kernel + consumer->stride - 1u) / consumer->stride;
        if (is(consumer, OP_BILINEAR)) rows = 2;
    }
    return (uint16_t)(rows < layer->height ? rows : layer->height);
}

uint16_t layer_last_row(const struct layer *layer, uint16_t y)
{
    uint32_t row = layer->in_height; /* a dense layer reads all */

    if (is(layer, OP_CONV)) row = (uint32_t)y * layer->stride + layer->kernel - 1 - layer->pad;
    if (is(layer, OP_CONV_TRANSPOSE)) row = ((uint32_t)y + layer->pad) / layer->stride;
    if (is(layer, OP_NEAREST)) row = y / layer->stride;
    if (is(layer, OP_BILINEAR)) {
        uint32_t steps = layer->height > 1 ? layer->height - 1u : 1;
        row = ((uint32_t)y * (layer->in_height - 1u) + steps - 1) / steps;
    }
    return (uint16_t)(row < layer->in_height ? row : layer->in_height - 1u);
}

