/* CRC-32 as in zlib: polynomial 0xEDB88320, initial value and final inversion all ones. */
#ifndef WHIM_ENGINE_CRC_H
#define WHIM_ENGINE_CRC_H

#include <stdint.h>

uint32_t whim_crc32(const uint8_t *bytes, uint32_t count);

/* The CRC of what `crc` is the CRC of, followed by `bytes`; that of nothing is 0. */
uint32_t whim_crc32_more(uint32_t crc, const uint8_t *bytes, uint32_t count);

/* The same four bytes at a time, with tables of 4 KB that are made once: `bytes` is aligned to 4,
 * `count` a multiple of 4. The method is "slicing-by-4" (Kounavis and Berry, 2005). */
enum { CRC_TABLES_BYTES = 4096 };

void whim_crc32_tables(uint32_t tables[CRC_TABLES_BYTES / 4]);
uint32_t whim_crc32_sliced(const uint32_t *tables, const uint8_t *bytes, uint32_t count);

#endif
