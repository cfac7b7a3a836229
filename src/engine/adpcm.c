/* Decode IMA ADPCM as it comes in: blocks of 512 bytes, each a first sample and the index of the
 * first step in 4 bytes, and then 4 bits for each further sample, low ones first. */
#include "engine/crc.h"
#include "whim/audio.h"

enum { HEAD = 4, LAST_STEP = 88 };

/* The step sizes: each about 1.1 times the one before. */
static const uint16_t steps[LAST_STEP + 1] = {
    7,     8,     9,     10,    11,    12,    13,    14,    16,    17,    19,    21,    23,
    25,    28,    31,    34,    37,    41,    45,    50,    55,    60,    66,    73,    80,
    88,    97,    107,   118,   130,   143,   157,   173,   190,   209,   230,   253,   279,
    307,   337,   371,   408,   449,   494,   544,   598,   658,   724,   796,   876,   963,
    1060,  1166,  1282,  1411,  1552,  1707,  1878,  2066,  2272,  2499,  2749,  3024,  3327,
    3660,  4026,  4428,  4871,  5358,  5894,  6484,  7132,  7845,  8630,  9493,  10442, 11487,
    12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
};

static const int8_t moves[8] = {-1, -1, -1, -1, 2, 4, 6, 8};

void whim_sound_start(struct whim_sound *sound, const struct whim_fragment *fragment)
{
    *sound = (struct whim_sound){
        .bytes_left = fragment->bytes,
        .samples_left = fragment->samples,
        .expected = fragment->crc,
    };
}

/* The next sample, from a code of 4 bits. */
static int16_t next(struct whim_sound *sound, unsigned code)
{
    int32_t step = steps[sound->index], value = sound->value, size = step >> 3;
    int32_t index = sound->index + moves[code & 7];

    if (code & 1) size += step >> 2;
    if (code & 2) size += step >> 1;
    if (code & 4) size += step; /* <= 2 * 32767 */
    value += code & 8 ? -size : size;
    if (value > INT16_MAX) value = INT16_MAX;
    if (value < INT16_MIN) value = INT16_MIN;
    if (index < 0) index = 0;
    if (index > LAST_STEP) index = LAST_STEP;
    sound->index = (uint8_t)index;
    sound->value = (int16_t)value;
    return sound->value;
}

/* Take in a byte. Answers how many samples it gives, at most two; none of those that only fill the
 * last block up. */
static uint32_t take(struct whim_sound *sound, uint8_t byte, int16_t *samples)
{
    uint32_t place = sound->place, made = 0;

    sound->place = (uint16_t)((place + 1) % WHIM_BANK_SECTOR);
    sound->bytes_left--;
    if (place == 0) sound->value = byte;
    if (place == 1) sound->value = (int16_t)(sound->value | byte << 8);
    if (place == 2) sound->index = byte < LAST_STEP ? byte : LAST_STEP;
    if (place == HEAD - 1 && sound->samples_left) samples[made++] = sound->value;
    if (place >= HEAD && sound->samples_left) samples[made++] = next(sound, byte & 15u);
    if (place >= HEAD && sound->samples_left > made) samples[made++] = next(sound, byte >> 4u);
    sound->samples_left -= made;
    return made;
}

uint32_t whim_sound_decode(struct whim_sound *sound, const uint8_t **bytes, uint32_t *count,
                           int16_t *samples, uint32_t room)
{
    const uint8_t *from = *bytes, *end = from + *count;
    uint32_t made = 0;

    while (from < end && sound->bytes_left && room - made >= 2)
        made += take(sound, *from++, samples + made);
    sound->crc = whim_crc32_more(sound->crc, *bytes, (uint32_t)(from - *bytes));
    *bytes = from;
    *count = (uint32_t)(end - from);
    return made;
}

enum whim_status whim_sound_status(const struct whim_sound *sound)
{
    if (sound->bytes_left || sound->samples_left) return WHIM_ERR_TRUNCATED;
    return sound->crc == sound->expected ? WHIM_OK : WHIM_ERR_CRC;
}
