/* Kept cats: see kept.h. */
#include "app/kept.h"

#include "app/text.h"
#include "drivers/card.h"
#include "engine/crc.h"

enum {
    SECTOR = 512,
    ROW = CAT_SIZE * CAT_CHANNELS, /* bytes; a multiple of 4, so that rows need no filling up */
    FORMAT = 0x31544143,           /* "CAT1" */
};

/* Where ours lie in the first sector, in the gap between BMP's headers and the pixels. */
enum {
    AT_FORMAT = 56,
    AT_MODEL = 60,
    AT_MOOD = 64,
    AT_SPOKEN = 65, /* 1 where there is a verdict; its lower 16 bits follow, the mood is the rest */
    AT_VERDICT = 66,
    AT_Z = 68,
    AT_ENTROPY = 168,
    AT_CRC = 180
};

static struct card_file file;
static uint32_t last; /* that we know of on this card, or on one before it; or 0 */

static void put(uint8_t *to, uint32_t number)
{
    for (uint32_t i = 0; i < 4; i++) to[i] = (uint8_t)(number >> 8 * i);
}

static uint32_t get(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static void headers(uint8_t *sector)
{
    sector[0] = 'B';
    sector[1] = 'M';
    put(sector + 2, KEPT_BYTES);
    put(sector + 10, SECTOR); /* where the pixels lie */
    put(sector + 14, 40);     /* the second header's length */
    put(sector + 18, CAT_SIZE);
    put(sector + 22, CAT_SIZE);      /* positive: the lowest row comes first */
    put(sector + 26, 1 | 24 << 16);  /* planes, bits */
    put(sector + 34, CAT_PIXEL_BYTES);
    put(sector + 38, 2835); /* pixels a metre, across and up: 72 dpi */
    put(sector + 42, 2835);
}

void kept_name(char name[KEPT_NAME], uint32_t number)
{
    text_add(name, "cats/00000.bmp");
    for (uint32_t i = 9; number; i--, number /= 10) name[i] = (char)('0' + number % 10);
}

static enum whim_status look(uint32_t number, bool *there)
{
    char name[KEPT_NAME];
    kept_name(name, number);
    enum whim_status status = card_open(&file, name);
    *there = !status;
    return status == WHIM_ERR_NO_FILE ? WHIM_OK : status;
}

/* Find a number that is not taken, right behind one that is, without looking at every file. It is
 * mostly the one behind the last: a search in a full folder takes a card its time. */
static enum whim_status find_free(uint32_t *number)
{
    uint32_t taken = 0, vacant = 1;
    bool there = false;
    enum whim_status status = last ? look(last, &there) : WHIM_OK;
    if (status) return status;
    if (there && last < KEPT_MOST) {
        taken = last;
        vacant = last + 1;
    }
    while (!(status = look(vacant, &there)) && there) {
        if (vacant == KEPT_MOST) return WHIM_ERR_CARD_WRITE;
        taken = vacant;
        vacant = vacant > KEPT_MOST / 2 ? KEPT_MOST : 2 * vacant;
    }
    while (!status && vacant - taken > 1) {
        uint32_t middle = taken + (vacant - taken) / 2;
        status = look(middle, &there);
        if (there) taken = middle;
        else vacant = middle;
    }
    *number = vacant;
    return status;
}

enum whim_status kept_write(const struct latent *latent, const int8_t *rgb, uint8_t *room,
                            uint32_t *number)
{
    char name[KEPT_NAME];
    enum whim_status status = find_free(number);
    if (status) return status;
    kept_name(name, *number);
    for (uint32_t i = 0; i < SECTOR; i++) room[i] = 0;
    for (uint32_t y = 0; y < CAT_SIZE; y++) {
        const int8_t *from = rgb + ROW * y;
        uint8_t *to = room + SECTOR + ROW * (CAT_SIZE - 1 - y);
        for (uint32_t x = 0; x < ROW; x += CAT_CHANNELS) {
            for (uint32_t i = 0; i < CAT_CHANNELS; i++) {
                to[x + CAT_CHANNELS - 1 - i] = (uint8_t)(from[x + i] + 128);
            }
        }
    }
    status = card_write(name, 0, room, KEPT_BYTES);
    if (status) return status;
    headers(room);
    put(room + AT_FORMAT, FORMAT);
    put(room + AT_MODEL, latent->model);
    room[AT_MOOD] = latent->mood;
    if (latent->verdict != NO_VERDICT) {
        room[AT_SPOKEN] = 1;
        room[AT_VERDICT] = (uint8_t)latent->verdict;
        room[AT_VERDICT + 1] = (uint8_t)(latent->verdict >> 8);
    }
    for (uint32_t i = 0; i < CAT_LATENT; i++) room[AT_Z + i] = (uint8_t)latent->z[i];
    for (uint32_t i = 0; i < KEPT_ENTROPY; i++) room[AT_ENTROPY + i] = (uint8_t)latent->entropy[i];
    put(room + AT_CRC, whim_crc32(room, AT_CRC));
    status = card_write(name, 0, room, SECTOR);
    if (!status) last = *number;
    return status;
}

enum whim_status kept_last(uint32_t *number)
{
    enum whim_status status = find_free(number);
    if (status == WHIM_ERR_CARD_WRITE) *number = KEPT_MOST + 1; /* all are taken */
    else if (status) return status;
    last = --*number;
    return WHIM_OK;
}

/* What a file's first sector says. False if it is not one that kept_write has finished. */
static bool parse(struct latent *latent, const uint8_t *room)
{
    if (get(room + AT_FORMAT) != FORMAT || get(room + AT_CRC) != whim_crc32(room, AT_CRC) ||
        room[AT_MOOD] > NO_MOOD || room[AT_ENTROPY + KEPT_ENTROPY - 1]) {
        return false;
    }
    latent->model = get(room + AT_MODEL);
    latent->mood = room[AT_MOOD];
    latent->verdict = NO_VERDICT;
    if (room[AT_SPOKEN] == 1 && latent->mood != NO_MOOD) {
        uint32_t mood = latent->mood, high = room[AT_VERDICT + 1];
        latent->verdict = mood << 16 | high << 8 | room[AT_VERDICT];
    }
    for (uint32_t i = 0; i < CAT_LATENT; i++) latent->z[i] = (int8_t)room[AT_Z + i];
    for (uint32_t i = 0; i < KEPT_ENTROPY; i++) latent->entropy[i] = (char)room[AT_ENTROPY + i];
    return true;
}

/* Read the begin of a file, if it has so much. */
static enum whim_status read(struct latent *latent, uint32_t number, uint8_t *room, uint32_t count,
                             bool *whole)
{
    char name[KEPT_NAME];
    *whole = false;
    kept_name(name, number);
    enum whim_status status = card_open(&file, name);
    if (status || file.source.length < count) return status;
    status = card_read(&file.source, 0, room, count);
    if (!status) *whole = parse(latent, room);
    return status;
}

enum whim_status kept_read(struct latent *latent, uint32_t number, uint8_t *room, bool *whole)
{
    return read(latent, number, room, SECTOR, whole);
}

enum whim_status kept_picture(struct latent *latent, uint32_t number, uint8_t *room, bool *whole,
                              const int8_t **rgb)
{
    uint8_t *first = room + SECTOR, *end = first + CAT_PIXEL_BYTES;
    enum whim_status status = read(latent, number, room, KEPT_BYTES, whole);
    /* Rows the other way round, and in each pixel blue and red: that is all bytes backwards, and
     * then each row's pixels. */
    for (uint8_t *low = first, *high = end; low < high--; low++) {
        uint8_t byte = *low;
        *low = *high;
        *high = byte;
    }
    for (uint8_t *row = first; row < end; row += ROW) {
        for (uint32_t x = 0; x < ROW / 2; x += CAT_CHANNELS) {
            for (uint32_t i = 0; i < CAT_CHANNELS; i++) {
                uint8_t *left = row + x + i, *right = row + ROW - CAT_CHANNELS - x + i;
                uint8_t byte = *left;
                *left = *right;
                *right = byte;
            }
        }
    }
    for (uint8_t *byte = first; byte < end; byte++) *byte = (uint8_t)(*byte ^ 128);
    *rgb = (const int8_t *)first;
    return status;
}
