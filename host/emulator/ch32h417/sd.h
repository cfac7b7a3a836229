/* An SD card: its states, its registers and its contents, by the SD specification's simplified
 * physical layer. It knows neither board nor controller: whoever holds its pins (sdmmc.c, spi.c)
 * hands it frames and blocks with the tick at which they end, and is told what it answers.
 *
 * Both of its languages are here: the native one of a command and four data lines (sd.c), and SPI
 * mode (sd_spi.c). It is strict: a command that is illegal in a state, or damaged, is not answered
 * and shows in the next status, and a host that breaks the rules of the clock gets a complaint.
 * A written block becomes the card's contents when its programming ends, and not before. */
#ifndef EMULATOR_SD_H
#define EMULATOR_SD_H

#include <stdbool.h>
#include <stdint.h>

enum { SD_TICKS_PER_US = 400, SD_SECTOR = 512, SD_LONGEST = 17 /* bytes of a response */ };

/* What a card has at the bus' other side: its contents, which the host of the emulator owns. */
struct sd_contents {
    uint8_t *image; /* NULL: there is no card */
    uint32_t sectors;
    int (*fate)(int write, uint32_t block); /* api.h: SD_GOOD ...; or NULL */
};

/* What kind of card it is and how fast; times in microseconds. */
struct sd_options {
    uint32_t kind, bandwidth, latency, pause, pause_chance, write;
    bool torn, high_speed;
};
enum { SD_KIND_SDHC, SD_KIND_SDSC, SD_KIND_SDSC_1 /* too old for CMD8 and CMD6 */ };

enum sd_state { STATE_IDLE, STATE_READY, STATE_IDENT, STATE_STANDBY, STATE_TRANSFER, STATE_DATA,
                STATE_RECEIVE, STATE_PROGRAM, STATE_DISCONNECT, STATE_INACTIVE };
/* What is sent in STATE_DATA: nothing, `buffer` alone, one block, blocks until CMD12. */
enum sd_sending { SEND_NOTHING, SEND_REGISTER, SEND_ONE, SEND_MANY };

struct sd {
    struct sd_options options;
    bool present;
    const char *complaint; /* about the host, until sd_complaint takes it */
    uint64_t noise;
    uint64_t powered;       /* when power came */
    uint32_t hertz, clocks; /* of the bus; how many came since then, as far as it matters */

    uint8_t state, sending;
    bool spi, application, checks_crc; /* SPI mode; CMD55 came before; CMD59 */
    bool asked, wide, fast;            /* CMD8 came; four wires; high speed */
    uint8_t switching;                 /* CMD6: it will be 1 fast, 2 slow when that is answered */
    uint32_t status;                   /* the errors that the next R1 shows */
    uint16_t rca;
    uint64_t initialised;              /* when ACMD41 will find it ready; 0: nobody has asked */
    uint32_t announced, limit, sector; /* CMD23; blocks left of it, ~0: no end; the next block */
    uint32_t well_written;

    uint64_t fetched, ready; /* when the next block's data are read, and can be sent */
    uint8_t fate;            /* of that block */
    uint64_t mark;           /* since when the present read goes on, for READ_TICKS */
    uint8_t buffer[SD_SECTOR + 2];
    uint32_t count;          /* bytes of the block in it, without the CRC */

    bool pending;            /* a block is being programmed, until `busy` */
    uint64_t busy;
    uint32_t pending_sector;
    uint8_t programming[SD_SECTOR];

    struct { /* SPI mode: frames and blocks, byte by byte */
        bool selected, sends, receives;
        uint8_t frame[6], frame_count;
        uint8_t out[24], out_first, out_count;
        uint32_t at; /* in `buffer` */
        uint8_t token;
    } bytes;

    struct {
        uint64_t commands, blocks_read, blocks_written, read_commands, read_ticks, paused_ticks;
    } counted;
};

uint8_t sd_crc7(const uint8_t *bytes, uint32_t count);   /* 7 bits */
uint16_t sd_crc16(const uint8_t *bytes, uint32_t count);

/* Power comes or goes: what is being programmed is then old, or torn where the options say so. */
void sd_power(struct sd *sd, const struct sd_contents *contents, bool on, uint64_t now);

/* Bring the contents up to date: what has been programmed by now. */
void sd_settle(struct sd *sd, const struct sd_contents *contents, uint64_t now);

/* What the host did wrong since the last call, or NULL. */
const char *sd_complaint(struct sd *sd);

/* The bus clock, and how often it has come since the last call. */
void sd_clock(struct sd *sd, uint32_t hertz, uint64_t clocks);

/* Native: a command of 6 bytes whose last bit came at `now`. Answers the bytes of the response: 0,
 * 6 or 17. */
unsigned sd_command(struct sd *sd, const struct sd_contents *contents, uint64_t now,
                    const uint8_t frame[6], uint8_t response[SD_LONGEST]);

/* When the card can begin to send its next block, if it sends: NEVER is UINT64_MAX. */
uint64_t sd_ready(const struct sd *sd);
/* It begins: the block is in `buffer`, `count` bytes, the CRC behind them. */
void sd_send(struct sd *sd, const struct sd_contents *contents, uint64_t now);
/* The last of its bits is out. */
void sd_sent(struct sd *sd, uint64_t now);

/* A block came for it to write. Answers the CRC status: 2 taken, 5 damaged, 6 refused. */
enum { SD_TAKEN = 2, SD_DAMAGED = 5, SD_REFUSED = 6 };
unsigned sd_receive(struct sd *sd, const struct sd_contents *contents, uint64_t now,
                    const uint8_t *bytes, uint32_t count, uint16_t crc);

/* It holds DAT0 low, or sends zeros. */
bool sd_busy(struct sd *sd, const struct sd_contents *contents, uint64_t now);

/* SPI: its CS, and a byte in both directions that ends at `now`. */
void sd_select(struct sd *sd, bool selected);
uint8_t sd_exchange(struct sd *sd, const struct sd_contents *contents, uint64_t now, uint8_t out);

/* For sd_spi.c: what a command comes to in either language, and the registers. */
enum sd_answer { ANSWER_ILLEGAL, ANSWER_NONE, ANSWER_R1, ANSWER_R1B, ANSWER_CID, ANSWER_CSD,
                 ANSWER_OCR, ANSWER_RCA, ANSWER_CHECK };
enum { OUT_OF_RANGE = (int)0x80000000, ADDRESS_ERROR = 1 << 30, BLOCK_LEN_ERROR = 1 << 29,
       COM_CRC_ERROR = 1 << 23, ILLEGAL_COMMAND = 1 << 22, CARD_ECC_FAILED = 1 << 21,
       GENERAL_ERROR = 1 << 19, READY_FOR_DATA = 1 << 8, APP_CMD = 1 << 5 };
enum sd_answer sd_carry_out(struct sd *sd, const struct sd_contents *contents, uint64_t now,
                            unsigned index, uint32_t argument, bool application);
void sd_check_command(struct sd *sd, unsigned index);
void sd_go_idle(struct sd *sd);
void sd_send_register(struct sd *sd, uint64_t now, uint32_t count); /* that is in `buffer` */
void sd_end_write(struct sd *sd, uint64_t now);
uint32_t sd_noise(struct sd *sd);
uint32_t sd_sectors(const struct sd *sd, const struct sd_contents *contents);
uint32_t sd_ocr(const struct sd *sd);
void sd_cid(uint8_t bytes[16]);
void sd_csd(const struct sd *sd, const struct sd_contents *contents, uint8_t bytes[16]);
void sd_scr(const struct sd *sd, uint8_t bytes[8]);
void sd_status(const struct sd *sd, uint8_t bytes[64]);
void sd_functions(const struct sd *sd, uint32_t argument, uint8_t bytes[64]);
void sd_put32(uint8_t *bytes, uint32_t value); /* most significant byte first */

#endif
