/* The two checksums of SD cards: CRC-7 of commands (x^7 + x^3 + 1) and CRC-16 of blocks
 * (x^16 + x^12 + x^5 + 1), both from 0 and with the highest bit first. Tables would not be worth
 * their bytes: a block's sum is made while the next one arrives. */
#ifndef DRIVERS_CRC_SD_H
#define DRIVERS_CRC_SD_H

#include <stdint.h>

/* As it ends a command: seven bits, and a one. */
uint8_t sd_crc7(const uint8_t *bytes, uint32_t count);

uint16_t sd_crc16(const uint8_t *bytes, uint32_t count);

#endif
