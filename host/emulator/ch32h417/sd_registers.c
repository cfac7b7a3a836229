/* An SD card's registers and checksums: who it is, how large, what it can. */
#include <string.h>

#include "sd.h"

uint8_t sd_crc7(const uint8_t *bytes, uint32_t count)
{
    uint8_t crc = 0;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ 0x12 : crc << 1);
    }
    return crc >> 1; /* x^7 + x^3 + 1, from the top */
}

/* x^16 + x^12 + x^5 + 1: eight bits at a time, which is the same polynomial folded. */
uint16_t sd_crc16(const uint8_t *bytes, uint32_t count)
{
    uint32_t crc = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t x = (crc >> 8 ^ bytes[i]) & 0xff;
        x ^= x >> 4;
        crc = (crc << 8 ^ x << 12 ^ x << 5 ^ x) & 0xffff;
    }
    return (uint16_t)crc;
}

void sd_put32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> 8 * (3 - i));
}

static void seal(uint8_t bytes[16])
{
    bytes[15] = (uint8_t)(sd_crc7(bytes, 15) << 1 | 1);
}

void sd_cid(uint8_t bytes[16])
{
    static const uint8_t cid[15] = {0x57, 'W', 'H', 'W', 'H', 'I', 'M', '1', 0x10,
                                    0x00, 0x00, 0x04, 0x17, 0x01, 0xab}; /* of November 2026 */
    memcpy(bytes, cid, sizeof cid);
    seal(bytes);
}

/* SDSC: log2 of the sectors that its C_SIZE counts in, and of its READ_BL_LEN. */
static void geometry(uint32_t sectors, uint32_t *shift, uint32_t *length)
{
    *shift = 2;
    *length = 9;
    while (*shift < 9 && sectors > (uint32_t)4096 << *shift) ++*shift;
    if (sectors > (uint32_t)4096 << *shift) *length = 10; /* 2 GB, in blocks of 1,024 */
}

/* Capacities come in steps of 512 KiB, or of powers of two; what the image lacks reads as zeros. */
uint32_t sd_sectors(const struct sd *sd, const struct sd_contents *contents)
{
    uint32_t unit = 1024, shift, length;

    if (sd->options.kind != SD_KIND_SDHC) {
        geometry(contents->sectors, &shift, &length);
        unit = (uint32_t)1 << (shift + length - 9);
    }
    return (contents->sectors + unit - 1) / unit * unit;
}

void sd_csd(const struct sd *sd, const struct sd_contents *contents, uint8_t bytes[16])
{
    static const uint8_t common[16] = {0x00, 0x0e, 0x00, 0x32, 0x51, 0x59, 0x00, 0x00,
                                       0x00, 0x00, 0x7f, 0x80, 0x0a, 0x40, 0x00, 0x00};
    uint32_t sectors = sd_sectors(sd, contents);

    memcpy(bytes, common, sizeof common);
    if (sd->fast) bytes[3] = 0x5a; /* TRAN_SPEED: 50 MHz */
    if (sd->options.kind == SD_KIND_SDHC) {
        uint32_t size = sectors / 1024 - 1;
        bytes[0] = 0x40;
        bytes[7] = (uint8_t)(size >> 16 & 0x3f);
        bytes[8] = (uint8_t)(size >> 8);
        bytes[9] = (uint8_t)size;
    } else {
        uint32_t shift, length, size;
        geometry(contents->sectors, &shift, &length);
        size = (sectors >> (shift + length - 9)) - 1;
        bytes[1] = 0x26;
        bytes[5] = (uint8_t)(0x50 | length);
        bytes[6] = (uint8_t)(0x80 | size >> 10);
        bytes[7] = (uint8_t)(size >> 2);
        bytes[8] = (uint8_t)(size << 6 | 0x3f);
        bytes[9] = (uint8_t)(0xfc | (shift - 2) >> 1);
        bytes[10] = (uint8_t)((shift - 2) << 7 | 0x7f);
    }
    seal(bytes);
}

void sd_scr(const struct sd *sd, uint8_t bytes[8])
{
    bool old = sd->options.kind == SD_KIND_SDSC_1;
    memset(bytes, 0, 8);
    bytes[0] = old ? 0x00 : 0x02; /* version 1.01, or 2 and, by byte 2, 3 */
    bytes[1] = sd->options.kind == SD_KIND_SDHC ? 0x35 : 0x25; /* 1 and 4 wires */
    if (!old) bytes[2] = 0x80;
    bytes[3] = 0x02; /* CMD23 */
}

void sd_status(const struct sd *sd, uint8_t bytes[64])
{
    memset(bytes, 0, 64);
    bytes[0] = sd->wide ? 0x80 : 0x00;
    bytes[8] = 0x04;  /* class 10 */
    bytes[10] = 0x90; /* allocation units of 4 MiB */
}

/* CMD6: function 1 of group 1 is high speed; nothing else can be chosen. */
void sd_functions(const struct sd *sd, uint32_t argument, uint8_t bytes[64])
{
    memset(bytes, 0, 64);
    bytes[1] = 100; /* mA at most */
    for (unsigned group = 1; group <= 6; group++) {
        uint32_t wanted = argument >> 4 * (group - 1) & 15;
        uint32_t can = group == 1 && sd->options.high_speed ? 0x8003 : 0x8001;
        uint32_t now = group == 1 ? sd->fast : 0;
        uint32_t chosen = wanted == 15 ? now : can >> wanted & 1 ? wanted : 15;
        unsigned supported = 2 + 2 * (6 - group), place = 14 + (6 - group) / 2;
        bytes[supported] = (uint8_t)(can >> 8);
        bytes[supported + 1] = (uint8_t)can;
        bytes[place] |= (uint8_t)(group % 2 ? chosen : chosen << 4);
    }
}
