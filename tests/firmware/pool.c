/* Can a byte of the pool be given twice? src/app/pool.c on a card that dies at any operation, in
 * the middle of any write, and to which people do what people do.
 *
 *     program POOL POOL LIVES
 *
 * The pools hold counters in place of random bytes: words of 32 bits, 0, 1, 2, ... in the one and
 * from 2^24 on in the other. Prints what it has tried; exit status 1 if a word came twice, or if
 * the pool was not to be used up although it should be. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/app/pool.c" /* whose memory a failing power clears */

enum { WORDS = 127, MOST = 64, NEVER = 1u << 30 };
enum rest { OLD, NOISE, UNREADABLE, RESTS }; /* of a sector whose write broke off */

struct file {
    uint8_t bytes[MOST * SECTOR];
    uint32_t length;
    bool exists, unreadable[MOST];
};

static struct {
    struct file bin, pos;
    bool missing, forgets; /* the card is out; it takes writes and drops them */
    uint32_t good_reads, read_errors; /* after how many others how many reads fail */
} card;

static struct {
    uint32_t operations, at, tear;
    enum rest rest;
    jmp_buf end;
} power;

static uint8_t used[2][MOST * WORDS];
static struct file *reading;

static void fail(const char *what, uint32_t number)
{
    printf("%s %u\n", what, number);
    exit(1);
}

static uint32_t chance(uint32_t below)
{
    static uint32_t state = 1; /* xorshift; the same in every run */
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    return state % below;
}

static struct file *named(const char *name)
{
    if (!strcmp(name, POOL)) return &card.bin;
    if (!strcmp(name, POSITION)) return &card.pos;
    fail("an unknown file was opened", 0);
    return NULL;
}

static bool dies(void)
{
    return power.operations++ == power.at;
}

static enum whim_status start(struct whim_source *source, uint32_t offset, void *to,
                              uint32_t count)
{
    (void)source;
    if (!count) return WHIM_OK;
    if (offset % SECTOR || count != SECTOR || offset + count > reading->length) {
        fail("a read beyond the file, from", offset);
    }
    if (dies()) longjmp(power.end, 1);
    if (card.missing) return WHIM_ERR_CARD_MISSING;
    if (card.good_reads) card.good_reads--;
    else if (card.read_errors && card.read_errors--) return WHIM_ERR_CARD_READ;
    if (reading->unreadable[offset / SECTOR]) return WHIM_ERR_CARD_READ;
    memcpy(to, reading->bytes + offset, count);
    return WHIM_OK;
}

static enum whim_status poll(struct whim_source *source)
{
    (void)source;
    return WHIM_OK;
}

enum whim_status port_card_open(struct whim_source *source, const char *name)
{
    struct file *file = named(name);
    if (dies()) longjmp(power.end, 1);
    if (card.missing) return WHIM_ERR_CARD_MISSING;
    if (!file->exists) return WHIM_ERR_NO_FILE;
    *source = (struct whim_source){file->length, start, poll};
    reading = file;
    return WHIM_OK;
}

enum whim_status port_card_write(const char *name, uint32_t offset, const void *bytes,
                                 uint32_t count)
{
    struct file *file = named(name);
    bool last = dies();
    uint32_t whole = last ? power.tear : count;
    if (offset % SECTOR || count != SECTOR) fail("a write not of a sector, at", offset);
    if (card.missing) return WHIM_ERR_CARD_MISSING;
    if (offset > file->length) {
        if (card.forgets) return WHIM_ERR_CARD_WRITE;
        fail("a write beyond the end, at", offset);
    }
    if (card.forgets) return WHIM_OK;
    if (whole || !last) {
        file->exists = true;
        if (file->length < offset + count) file->length = offset + count;
        memcpy(file->bytes + offset, bytes, whole);
        file->unreadable[offset / SECTOR] = whole < count && power.rest == UNREADABLE;
        for (uint32_t i = whole; i < count && power.rest == NOISE; i++) {
            file->bytes[offset + i] = (uint8_t)chance(256);
        }
    }
    if (last) longjmp(power.end, 1);
    return WHIM_OK;
}

uint32_t port_card_micros(void)
{
    return 0;
}

uint32_t port_micros(void)
{
    return 0;
}

void port_sleep(uint32_t milliseconds)
{
    (void)milliseconds;
}

static void restart(void)
{
    memset(&pool, 0, sizeof pool);
    power.at = NEVER;
}

/* Draw up to `count` words; how many there were. */
static uint32_t draw(uint32_t count)
{
    static uint32_t drawn; /* survives the longjmp */
    for (drawn = 0; drawn < count; drawn++) {
        uint32_t word;
        if (pool_bytes((uint8_t *)&word, sizeof word)) break;
        if (word >> 25 || (word & 0xffffff) >= MOST * WORDS) fail("never in the pool: word", word);
        if (used[word >> 24][word & 0xffffff]++) fail("given twice: word", word);
    }
    return drawn;
}

/* The same, with the power failing at operation `at`, counted from 0: how many words came before,
 * or -1 if it did not get so far. */
static int32_t draw_until(uint32_t count, uint32_t at, uint32_t tear, enum rest rest)
{
    power.operations = 0, power.at = at, power.tear = tear, power.rest = rest;
    if (setjmp(power.end)) {
        restart();
        return 0;
    }
    draw(count);
    restart();
    return -1;
}

static void put_in(const struct file *bin)
{
    memset(&card, 0, sizeof card);
    memset(used, 0, sizeof used);
    card.bin = *bin;
    restart();
}

static uint32_t count_used(uint32_t which)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < MOST * WORDS; i++) count += used[which][i];
    return count;
}

/* Two power failures, the first at every operation, the second too, where writes end at any of
 * `tears` bytes; then the pool is used up. Each failure may lose the sector in use and another. */
static uint32_t cut_everywhere(const struct file *bin, uint32_t before, const uint32_t *tears,
                               uint32_t cuts)
{
    uint32_t tried = 0, sectors = bin->length / SECTOR - FIRST;
    for (uint32_t rest = 0; rest < RESTS; rest++) {
        for (const uint32_t *tear = tears; *tear <= SECTOR; tear++) {
            for (uint32_t first = 0, on = 1; on; first++) {
                for (uint32_t second = 0; on; second++) {
                    put_in(bin);
                    if (draw(before) != before) fail("too few words before the cut", before);
                    on = draw_until(2 * WORDS, first, *tear, rest) >= 0;
                    tried++;
                    if (cuts > 1 && on && draw_until(2 * WORDS, second, *tear, rest) < 0) break;
                    draw(NEVER);
                    if (count_used(0) + 2 * cuts * WORDS < sectors * WORDS) {
                        fail("the pool gave no more after words", count_used(0));
                    }
                    if (cuts == 1) break;
                }
            }
        }
    }
    return tried;
}

/* A life of thirty events. What `copies` allows and forbids is what docs/ENTROPY.md asks of
 * people: who copies a pool anew must leave pool.pos where it is. */
static void live(const struct file bins[2], bool copies)
{
    struct file away = bins[1];
    uint32_t inside = 0;
    put_in(&bins[0]);
    for (uint32_t event = 0; event < 30; event++) {
        uint32_t record = SECTOR * chance(2);
        switch (chance(13)) {
        case 0: card.missing = !card.missing; break;
        case 1: card.forgets = !card.forgets; break;
        case 2: card.good_reads = chance(8), card.read_errors = chance(12); break;
        case 3: restart(); break;
        case 4: /* a record goes bad */
            if (card.pos.length > record && !copies) card.pos.bytes[record + chance(16)] ^= 4;
            break;
        case 5: /* somebody deletes the position, or copies the pool anew */
            if (copies) card.bin = bins[0];
            else if (chance(4) == 0) card.pos.exists = false, card.pos.length = 0;
            break;
        case 6: /* somebody changes the pools */
            if (!copies && chance(4) == 0) {
                struct file swap = card.bin;
                card.bin = away, away = swap, inside = !inside;
            }
            break;
        case 7: card.bin.unreadable[chance(card.bin.length / SECTOR)] ^= 1; break;
        case 8: card.bin.bytes[chance(card.bin.length)] ^= 4; break;
        case 9: draw(chance(300)); break;
        default: draw_until(chance(300), chance(24), chance(SECTOR + 1), chance(RESTS));
        }
    }
}

static struct file load(const char *name)
{
    static struct file made;
    FILE *file = fopen(name, "rb");
    if (!file) fail(name, 0);
    made.length = (uint32_t)fread(made.bytes, 1, sizeof made.bytes, file);
    made.exists = true;
    fclose(file);
    return made;
}

int main(int count, char **words)
{
    static const uint32_t all[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
                                   255, 256, 511, 512, NEVER};
    static const uint32_t some[] = {0, 3, 9, 14, 16, 512, NEVER};
    static struct file bins[2];
    if (count != 4) fail("call it with two pools and a number of lives, not with", count);
    bins[0] = load(words[1]), bins[1] = load(words[2]);
    uint32_t sectors = bins[0].length / SECTOR - FIRST, lives = (uint32_t)atoi(words[3]);

    put_in(&bins[0]);
    if (draw(NEVER) != sectors * WORDS) fail("a pool without faults gave words:", count_used(0));
    put_in(&bins[0]);
    card.bin.bytes[(FIRST + 1) * SECTOR + 9] ^= 4;
    if (draw(NEVER) != WORDS || draw(NEVER) != (sectors - 2) * WORDS) {
        fail("a pool with a damaged sector gave words:", count_used(0));
    }
    put_in(&bins[0]);
    card.bin.length -= SECTOR; /* cut off while it was copied: nothing of it is used */
    if (draw(NEVER)) fail("a pool that was cut off gave words:", count_used(0));
    card.bin = bins[0];
    if (draw(NEVER) != sectors * WORDS) fail("the whole pool then gave words:", count_used(0));
    uint32_t once = 0, twice = 0;
    for (uint32_t before = 0; before < 3 * WORDS; before += 50) {
        once += cut_everywhere(&bins[0], before, all, 1);
    }
    for (uint32_t before = 0; before < 3 * WORDS; before += WORDS) {
        twice += cut_everywhere(&bins[0], before, some, 2);
    }
    uint32_t given = 0;
    for (uint32_t i = 0; i < lives; i++) {
        live(bins, i & 1);
        given += count_used(0) + count_used(1);
    }
    printf("one_cut=%u two_cuts=%u lives=%u words=%u\n", once, twice, lives, given);
    return 0;
}
