/* Opening a model that lies in memory, in one chunk. */
#include <stddef.h>

#include "engine/bytes.h"
#include "engine/check.h"
#include "engine/crc.h"
#include "engine/layout.h"

/* Header and the one chunk's trailer: length, tag, CRCs. */
static enum whim_status check_crcs(const uint8_t *file, uint32_t length)
{
    uint32_t first = first_chunk(file), crc = load32(file + HEADER_CRC), count;

    if (first > length) return WHIM_ERR_TRUNCATED;
    if (whim_crc32(file + CRC_FROM, first - CRC_FROM) != crc) return WHIM_ERR_CRC;
    if (length - first < TRAILER_BYTES || length & 3) return WHIM_ERR_BOUNDS;
    count = length - first - TRAILER_BYTES + TAG_BYTES; /* payload and tag */
    if (load32(file + length - TRAILER_BYTES) != crc) return WHIM_ERR_CRC;
    if (whim_crc32(file + first, count) != load32(file + length - 4)) return WHIM_ERR_CRC;
    if (!WHIM_TRUSTED && TABLE_BYTES * (uint32_t)file[HEADER_TABLES] > count - TAG_BYTES)
        return WHIM_ERR_BOUNDS;
    return WHIM_OK;
}

/* Records and weights within the payload, which the `length` bytes of the file end with. */
static enum whim_status check_data(const struct whim_model *model, const struct layer *layer,
                                   uint32_t length)
{
    uint32_t payload = length - first_chunk(model->file) - TRAILER_BYTES, bytes;

    if (layer->data & 3 || layer->data > payload) return WHIM_ERR_BOUNDS;
    if (!layer_bytes(layer, &bytes) || bytes > payload - layer->data) return WHIM_ERR_BOUNDS;
    return WHIM_OK;
}

/* The records of all tiles, or those of a plain layer. */
static enum whim_status check_all_records(const struct layer *layer, uint32_t bound)
{
    const uint8_t *records = layer->records;
    uint32_t tile;
    enum whim_status status = WHIM_OK;

    if (!is_tiled(layer)) return check_records(layer, records, layer_records(layer), bound);
    for (tile = 0; tile < tiles(layer) && !status; tile++, records += tile_bytes(layer))
        status = check_records(layer, records, TILE, bound);
    return status;
}

/* The codes of a layer in triples, by which its kernels jump, and the mark of each kernel row's
 * last word. 13 is the code of three zeros, for channels that there are not. */
static enum whim_status check_codes(const struct layer *layer)
{
    const uint8_t *at = layer->weights;
    uint32_t rows, channel, word = 0, code;

    for (rows = 3 * (uint32_t)layer->channels; rows; rows--) {
        for (channel = 0; channel < 3 * triple_words(layer); channel++, word >>= 5) {
            if (channel % 3 == 0) {
                word = load16(at);
                at += 2;
                if (word >> 15 != (channel + 3 >= layer->in_channels)) return WHIM_ERR_ENCODING;
            }
            code = word & 31;
            if (code > 26 || (channel >= layer->in_channels && code != 13))
                return WHIM_ERR_ENCODING;
        }
    }
    return WHIM_OK;
}

/* Layer `index`, and with it whether the arena holds the rows of the layer before it. */
static enum whim_status check(const struct whim_model *model, unsigned index, uint32_t length)
{
    struct layer layer, before;
    uint32_t bound;
    enum whim_status status = check_layer(model, index, &bound);

    if (status) return status;
    layer_load(&layer, model, index);
    status = check_data(model, &layer, length);
    if (!status) status = check_all_records(&layer, bound);
    if (!status && is_triples(&layer)) status = check_codes(&layer);
    if (status || !index) return status;
    layer_shape(&before, model, index - 1);
    return check_arena(model, &before, &layer);
}

enum whim_status whim_open(struct whim_model *model, const uint8_t *file, uint32_t length)
{
    struct layer layer;
    unsigned index;
    enum whim_status status;

    if ((uintptr_t)file & 3) return WHIM_ERR_UNALIGNED;
    status = check_header(file, length);
    if (status) return status;
    if (!WHIM_TRUSTED && load16(file + HEADER_CHUNK)) return WHIM_ERR_HEADER; /* streamed */
    status = check_crcs(file, length);
    if (status) return status;
    describe_model(model, file);
    if (WHIM_TRUSTED) return WHIM_OK;
    for (index = 0; index < model->layers; index++) {
        status = check(model, index, length);
        if (status) return status;
    }
    layer_shape(&layer, model, model->layers - 1u);
    return check_arena(model, &layer, NULL);
}

/* Nominal multiply-accumulates of a layer; UINT32_MAX for a number too large. */
static uint32_t layer_macs(const struct layer *layer)
{
    uint32_t macs, sites = (uint32_t)layer->height * layer->width;

    if (is(layer, OP_NEAREST)) return 0;
    if (is(layer, OP_DENSE)) sites = 1;
    if (is(layer, OP_CONV_TRANSPOSE)) sites = (uint32_t)layer->in_height * layer->in_width;
    if (is(layer, OP_BILINEAR)) macs = 4 * (uint32_t)layer->channels;
    else if (!multiply(layer->fan_in, layer_units(layer), &macs)) return UINT32_MAX;
    if (is_pooled(layer)) sites *= 4; /* <= 2^26 */
    return multiply(macs, sites, &macs) ? macs : UINT32_MAX;
}

void describe_model(struct whim_model *model, const uint8_t *file)
{
    struct layer layer;
    unsigned index;

    model->file = file;
    model->arena_bytes = load32(file + HEADER_ARENA);
    model->inputs = (uint16_t)(load16(file + HEADER_CHANNELS) * load16(file + HEADER_HEIGHT) *
                               load16(file + HEADER_WIDTH)); /* <= MAX_SIDE */
    model->macs = 0;
    for (index = 0; index < file[HEADER_LAYERS]; index++) {
        uint32_t macs;
        if (WHIM_SMALL) continue; /* nobody asks */
        layer_shape(&layer, model, index);
        macs = layer_macs(&layer);
        model->macs = macs > UINT32_MAX - model->macs ? UINT32_MAX : model->macs + macs;
    }
    whim_cut(model, index);
}

void whim_cut(struct whim_model *model, unsigned layers)
{
    struct layer layer;

    layer_shape(&layer, model, layers - 1);
    model->layers = (uint8_t)layers;
    model->channels = layer.channels;
    model->height = layer.height;
    model->width = layer.width;
}
