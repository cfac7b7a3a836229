/* CRC-32 as in zlib: polynomial 0xEDB88320, initial value and final inversion all ones. */
#ifndef WHIM_ENGINE_CRC_H
#define WHIM_ENGINE_CRC_H

#include <stdint.h>

uint32_t whim_crc32(const uint8_t *bytes, uint32_t count);

/* The CRC of what `crc` is the CRC of, followed by `bytes`; that of nothing is 0. */
uint32_t whim_crc32_more(uint32_t crc, const uint8_t *bytes, uint32_t count);

#endif
