/* The pool on the card: see pool.h. The order of the steps is what counts here: that a sector will
 * be used stands on the card before the first of its bytes is given away. */
#include "app/pool.h"

#include <stdbool.h>

#include "drivers/card.h"
#include "engine/bytes.h"
#include "engine/crc.h"
#include "whim/port.h"

#define POOL "pool.bin"
#define POSITION "pool.pos"

enum { SECTOR = 512, BYTES = SECTOR - 4, VERSION = 1 };
enum { MAGIC = 0x4d494857, MAGIC_TOO = 0x4c4f4f50 }; /* "WHIM", "POOL" */
enum { MARK = 1, FIRST = 2 };                         /* sectors of the pool's file */

static const uint32_t LOST = UINT32_MAX;

static struct {
    struct card_file file;                               /* POOL or POSITION, as opened last */
    uint8_t sector[SECTOR] __attribute__((aligned(16))); /* as read or written last */
    uint32_t next, end;                                  /* of its bytes, what may be given away */
    uint32_t id[2], sectors;                             /* of the pool on the card */
    bool quantum;
} pool;

static enum whim_status read_sector(uint32_t number)
{
    struct whim_source *source = &pool.file.source;
    if (number >= source->length / SECTOR) return WHIM_ERR_ENTROPY;
    return card_read(source, number * SECTOR, pool.sector, SECTOR);
}

/* Whether a pool's name stands here: 8 bytes, random. */
static bool names_pool(const uint8_t *id)
{
    return load32(id) == pool.id[0] && load32(id + 4) == pool.id[1];
}

/* Read the header, and whether the pool bears the mark of one that has been used. A mark that
 * cannot be read, or of which a failing power left a part, is one. */
static enum whim_status open_pool(bool *marked)
{
    const uint8_t *header = pool.sector;
    enum whim_status status = card_open(&pool.file, POOL);
    if (!status) status = read_sector(0);
    if (status) return status;
    if (load32(header) != MAGIC || load32(header + 4) != MAGIC_TOO ||
        load32(header + POOL_VERSION) != VERSION ||
        load32(header + POOL_CRC) != whim_crc32(header + POOL_VERSION, SECTOR - POOL_VERSION)) {
        return WHIM_ERR_ENTROPY;
    }
    pool.id[0] = load32(header + POOL_ID);
    pool.id[1] = load32(header + POOL_ID + 4);
    pool.sectors = load32(header + POOL_SECTORS);
    pool.quantum = load32(header + POOL_QUANTUM) == 1;
    if (pool.sectors >= pool.file.source.length / SECTOR - MARK) return WHIM_ERR_ENTROPY;
    *marked = read_sector(MARK) != WHIM_OK;
    for (uint32_t i = 0; i < SECTOR; i++) *marked |= pool.sector[i] != 0;
    return WHIM_OK;
}

/* The positions in the two records, LOST for one that does not speak of this pool. */
static enum whim_status read_positions(uint32_t position[2])
{
    enum whim_status status = card_open(&pool.file, POSITION), failed[2] = {WHIM_OK, WHIM_OK};
    position[0] = position[1] = LOST;
    if (status) return status == WHIM_ERR_NO_FILE ? WHIM_OK : status;
    for (uint32_t i = 0; i < 2 && i < pool.file.source.length / SECTOR; i++) {
        const uint8_t *record = pool.sector;
        failed[i] = read_sector(i);
        if (failed[i] || !names_pool(record + POSITION_ID)) continue;
        uint32_t crc = whim_crc32(record + POSITION_ID, POSITION_BYTES - POSITION_ID);
        if (load32(record + POSITION_CRC) == crc) position[i] = load32(record + POSITION_SECTOR);
    }
    return failed[0] && failed[1] ? failed[0] : WHIM_OK;
}

static enum whim_status write_position(uint32_t record, uint32_t position)
{
    for (uint32_t i = 0; i < SECTOR; i++) pool.sector[i] = 0;
    store32(pool.sector + POSITION_ID, pool.id[0]);
    store32(pool.sector + POSITION_ID + 4, pool.id[1]);
    store32(pool.sector + POSITION_SECTOR, position);
    store32(pool.sector + POSITION_CRC,
            whim_crc32(pool.sector + POSITION_ID, POSITION_BYTES - POSITION_ID));
    return card_write(POSITION, record * SECTOR, pool.sector, SECTOR);
}

/* Write again what is lost of the two records. A lost one may have been the newer, one step ahead:
 * that step counts as made. With both lost, only a pool without a mark is known to be new. */
static enum whim_status mend_positions(uint32_t position[2], bool marked)
{
    bool fresh = position[0] == LOST && position[1] == LOST;
    if (fresh && marked) return WHIM_ERR_ENTROPY;
    for (uint32_t i = 0; i < 2; i++) {
        if (position[i] != LOST) continue;
        position[i] = fresh ? 0 : position[!i] + 1;
        enum whim_status status = write_position(i, position[i]);
        if (status) return status;
    }
    return WHIM_OK;
}

static bool sector_is_sound(uint32_t number)
{
    const uint32_t tag[3] = {pool.id[0], pool.id[1], number};
    uint32_t crc = whim_crc32((const uint8_t *)tag, sizeof tag);
    return load32(pool.sector + BYTES) == whim_crc32_more(crc, pool.sector, BYTES);
}

/* Take the next sector off the card. Card and pool may have been changed since the last one, so
 * nothing is remembered. */
static enum whim_status take_sector(void)
{
    uint32_t position[2];
    bool marked;
    pool.next = pool.end = 0;
    enum whim_status status = open_pool(&marked);
    if (!status) status = read_positions(position);
    if (!status) status = mend_positions(position, marked);
    if (status) return status;

    uint32_t older = position[1] < position[0], now = position[!older];
    if (now >= pool.sectors) return WHIM_ERR_ENTROPY;
    status = write_position(older, now + 1);
    if (!status && !marked) status = card_write(POOL, MARK * SECTOR, pool.sector, SECTOR);
    if (!status) status = read_positions(position); /* worn-out cards forget what they were told */
    if (!status && position[older] != now + 1) status = WHIM_ERR_CARD_WRITE;

    if (!status) status = card_open(&pool.file, POOL);
    if (!status) status = read_sector(FIRST + now);
    if (status) return status;
    if (!sector_is_sound(now)) return WHIM_ERR_ENTROPY;
    pool.end = BYTES;
    return WHIM_OK;
}

enum whim_status pool_bytes(uint8_t *bytes, uint32_t count)
{
    while (count--) {
        if (pool.next == pool.end) {
            enum whim_status status = take_sector();
            if (status) return status;
        }
        *bytes++ = pool.sector[pool.next++];
    }
    return WHIM_OK;
}

const char *pool_source(void)
{
    return pool.quantum ? "quantum" : "pool";
}
