/* SD cards' checksums: see crc_sd.h. */
#include "drivers/crc_sd.h"

uint8_t sd_crc7(const uint8_t *bytes, uint32_t count)
{
    uint8_t crc = 0;
    while (count--) {
        crc ^= *bytes++;
        for (uint32_t i = 0; i < 8; i++) crc = (uint8_t)(crc << 1 ^ (crc & 0x80 ? 0x12 : 0));
    }
    return crc | 1;
}

/* Eight steps at once: the polynomial's bits lie 4, 7 and 5 apart, so that what shifting out a byte
 * feeds back is that byte folded once, in three places. */
uint16_t sd_crc16(const uint8_t *bytes, uint32_t count)
{
    uint32_t crc = 0;
    while (count--) {
        uint32_t fold = crc >> 8 ^ *bytes++;
        fold ^= fold >> 4;
        crc = (crc << 8 ^ fold << 12 ^ fold << 5 ^ fold) & 0xffff;
    }
    return (uint16_t)crc;
}
