/* CRC-32 of words: where megabytes go by, tables of 4 KB are a good trade. */
#include "engine/bytes.h"
#include "engine/crc.h"

/* Table k: what a byte does to the CRC when k more bytes of zeros follow it. */
void whim_crc32_tables(uint32_t tables[CRC_TABLES_BYTES / 4])
{
    uint32_t byte, bit;

    for (byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        tables[byte] = crc;
    }
    for (byte = 256; byte < 1024; byte++) {
        uint32_t crc = tables[byte - 256];
        tables[byte] = crc >> 8 ^ tables[crc & 255];
    }
}

/* Entry of table k, at byte offset 1024 * k + 4 * byte. `offset` holds the byte at the right place
 * already; from the middle all tables are within reach of a load's constant. */
static inline uint32_t entry(const uint8_t *middle, int table, uint32_t offset)
{
    return load32(middle + 1024 * (table - 2) + (offset & 1020));
}

uint32_t whim_crc32_sliced(const uint32_t *tables, const uint8_t *bytes, uint32_t count)
{
    const uint8_t *end = bytes + count, *middle = (const uint8_t *)(tables + 512);
    uint32_t crc = 0xffffffff;

    for (; bytes < end; bytes += 4) {
        crc ^= load32(bytes);
        crc = entry(middle, 3, crc << 2) ^ entry(middle, 2, crc >> 6) ^
              entry(middle, 1, crc >> 14) ^ entry(middle, 0, crc >> 22);
    }
    return ~crc;
}
