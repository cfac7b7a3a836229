/* The engine's speech as a program for tests/test_bank.py: banks and samples come on stdin. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "whim/audio.h"

enum { MOST = 4096 };

static uint32_t seed = 1;

/* A number from 1 to `most`, often a small one. */
static uint32_t some(uint32_t most)
{
    seed = seed * 1664525 + 1013904223;
    uint32_t limit = seed >> 31 ? most : 5;
    return 1 + (seed >> 8) % (limit < most ? limit : most);
}

static void *room(size_t bytes)
{
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) exit(2);
    return memory;
}

/* All of stdin, in memory of exactly its size, so that a sanitizer sees a read beyond it. */
static uint8_t *all(size_t *length)
{
    uint8_t *bytes = NULL;
    size_t used = 0, got;
    do {
        bytes = realloc(bytes, used + 65536);
        if (!bytes) exit(2);
        got = fread(bytes + used, 1, 65536, stdin);
        used += got;
    } while (got);
    uint8_t *exact = room(used);
    memcpy(exact, bytes, used);
    free(bytes);
    *length = used;
    return exact;
}

static void verdicts(void)
{
    for (uint32_t verdict = 0; verdict < WHIM_VERDICTS; verdict++) {
        uint8_t fragments[WHIM_VERDICT_SLOTS];
        whim_verdict_fragments(verdict, fragments);
        fwrite(fragments, 1, sizeof fragments, stdout);
    }
}

/* Decode a fragment from pieces of any size into others of any size; write the samples if asked. */
static enum whim_status play(const uint8_t *file, const struct whim_fragment *fragment, bool write)
{
    struct whim_sound sound;
    const uint8_t *from = file + fragment->offset;
    uint32_t total = 0;
    whim_sound_start(&sound, fragment);
    while (sound.bytes_left) {
        uint32_t count = some(1200);
        if (count > sound.bytes_left) count = sound.bytes_left;
        uint8_t *piece = room(count);
        memcpy(piece, from, count);
        from += count;
        const uint8_t *bytes = piece;
        while (count) {
            uint32_t most = 1 + some(900);
            int16_t *samples = room(most * sizeof *samples);
            uint32_t got = whim_sound_decode(&sound, &bytes, &count, samples, most);
            if (write) fwrite(samples, sizeof *samples, got, stdout);
            total += got;
            free(samples);
        }
        free(piece);
    }
    if (total != fragment->samples) exit(3);
    return whim_sound_status(&sound);
}

/* The status of a bank: of its header, or of the first fragment that is not right. */
static enum whim_status check(const uint8_t *file, uint32_t length, bool write)
{
    struct whim_bank bank;
    uint32_t head[WHIM_BANK_SECTOR / 4] = {0};
    memcpy(head, file, length < sizeof head ? length : sizeof head);
    enum whim_status status = whim_bank_open(&bank, (uint8_t *)head, length);
    for (unsigned number = 0; !status && number < WHIM_FRAGMENTS; number++) {
        struct whim_fragment fragment;
        uint32_t entry[WHIM_BANK_ENTRY / 4];
        memcpy(entry, file + whim_bank_entry(number), sizeof entry);
        status = whim_bank_fragment(&fragment, &bank, number, (uint8_t *)entry);
        if (!status) status = play(file, &fragment, write);
    }
    return status;
}

/* Banks, each after its length in 32 bits: a line for each with its status. */
static void banks(void)
{
    uint32_t length;
    while (fread(&length, sizeof length, 1, stdin)) {
        uint8_t *file = room(length);
        if (fread(file, 1, length, stdin) != length) exit(2);
        puts(whim_bank_status_name(check(file, length, false)));
        free(file);
    }
}

/* All samples of a bank, or its status. */
static void samples(void)
{
    size_t length;
    uint8_t *file = all(&length);
    enum whim_status status = check(file, (uint32_t)length, true);
    if (status) {
        fprintf(stderr, "%s\n", whim_bank_status_name(status));
        exit(1);
    }
    free(file);
}

/* Samples to values, in pieces of any size; silence before and after while the DAC moves. */
static void convert(unsigned volume)
{
    static uint16_t out[MOST * WHIM_DAC_FACTOR];
    struct whim_dac dac;
    size_t bytes;
    uint8_t *sound = all(&bytes);
    const int16_t *from = (const int16_t *)sound;
    whim_dac_open(&dac);
    whim_dac_volume(&dac, volume);
    whim_dac_switch(&dac, true);
    whim_dac_convert(&dac, NULL, WHIM_DAC_SETTLE, out);
    fwrite(out, sizeof *out, WHIM_DAC_SETTLE * WHIM_DAC_FACTOR, stdout);
    for (uint32_t left = (uint32_t)(bytes / 2), count; left; left -= count, from += count) {
        count = some(left < MOST ? left : MOST);
        whim_dac_convert(&dac, from, count, out);
        fwrite(out, sizeof *out, count * WHIM_DAC_FACTOR, stdout);
    }
    whim_dac_switch(&dac, false);
    whim_dac_convert(&dac, NULL, WHIM_DAC_SETTLE, out);
    fwrite(out, sizeof *out, WHIM_DAC_SETTLE * WHIM_DAC_FACTOR, stdout);
    free(sound);
}

int main(int count, char **words)
{
    const char *mode = count > 1 ? words[1] : "";
    if (!strcmp(mode, "verdicts")) verdicts();
    else if (!strcmp(mode, "banks")) banks();
    else if (!strcmp(mode, "samples")) samples();
    else if (!strcmp(mode, "convert") && count == 3) convert((unsigned)atoi(words[2]));
    else return 2;
    return 0;
}
