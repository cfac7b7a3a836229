/* A slot for a card, as test_files.py plays with it: the card's blocks are the test's memory, what
 * the card is like and what goes wrong with it stands in `world`, and what was done to it, too.
 *
 * The card follows the SD specification as far as the drivers go, and complains of what it forbids.
 * The virtual CH32H417 has another one (host/emulator/ch32h417/sd.c), and QEMU a third. */
#ifndef SLOT_H
#define SLOT_H

#include <stdbool.h>
#include <stdint.h>

enum { BLOCK = 512, LOG = 8192, NONE = -1 };
enum fault { NO_FAULT, DAMAGED, SILENT, REFUSED };

extern struct world {
    uint8_t *image;
    uint32_t blocks;
    int32_t native, spi;       /* which buses the slot has */
    int32_t present;           /* a card is in it */
    int32_t high_capacity, first_version, high_speed; /* what kind of a card */
    uint32_t latency;          /* microseconds before the first block of a read */
    uint32_t busy;             /* microseconds that a write takes */
    int32_t fault;             /* of reads and writes of fault_block */
    uint32_t fault_block, fault_times;
    uint32_t hertz_most;       /* that its wires can do: reads arrive damaged beyond it */
    int32_t pull_after;        /* so many more written blocks the card is gone; NONE: never */
    int32_t read_only;         /* it refuses all writes */

    uint32_t commands, reads, single_reads, read_blocks, writes, starts;
    uint32_t logged;           /* blocks written, up to LOG: their numbers and bytes */
    uint32_t log_block[LOG];
    uint8_t log_bytes[LOG][BLOCK];
    char complaint[160];
} world;

/* Something that a driver must not do; the first one is kept. */
void complain(const char *what, uint32_t number);

extern uint64_t now; /* microseconds */

/* --- The card, whichever bus it is on: slot_card.c -------------------------------------------- */

enum state { IDLE, READY, IDENTIFIED, STANDBY, TRANSFER, SENDING, RECEIVING };
enum { OUT_OF_RANGE = 1 << 30, ILLEGAL = 1 << 22, WRITE_ERROR = 1 << 19 };
enum { ADDRESS = 0x12340000 };

extern struct card {
    enum state state;
    bool in_spi, application, crc_on, fast, told_capacity;
    uint32_t asked;      /* how often it was told to start up */
    uint32_t errors;     /* bits of the card status to come */
    uint32_t block;      /* the next one to be read or written */
    bool many;
} card;

/* As it is when its power comes on. */
void power_up(void);

/* Put it into the slot. */
void insert(void);

/* Carry out a command. False: the card does not answer. *out: what its answer says beside the
 * status. */
bool obey(uint32_t index, uint32_t argument, uint32_t *out);

/* The CSD, in four words. */
void make_csd(uint32_t csd[4]);

/* What goes wrong with a block, this time. */
enum fault strike(uint32_t block);

/* Write the next block, if nothing goes wrong. */
void put_block(const uint8_t *from);

/* --- The buses: slot_native.c, slot_spi.c ----------------------------------------------------- */

/* How many wires the native bus has come to. */
uint32_t native_wires(void);

#endif
