/* CRC-32 by nibbles: 64 bytes of table are a good trade on a chip with 16 KB of flash. */
#include "engine/crc.h"

uint32_t whim_crc32(const uint8_t *bytes, uint32_t count)
{
    return whim_crc32_more(0, bytes, count);
}

uint32_t whim_crc32_more(uint32_t crc, const uint8_t *bytes, uint32_t count)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };

    crc = ~crc;
    while (count--) {
        crc ^= *bytes++;
        crc = crc >> 4 ^ nibble[crc & 15];
        crc = crc >> 4 ^ nibble[crc & 15];
    }
    return ~crc;
}
