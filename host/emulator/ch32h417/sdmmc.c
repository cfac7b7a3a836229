/* SDMMC: WCH's controller for cards. It sends commands, checks responses, and moves blocks by a DMA
 * of its own, which reaches shared SRAM alone.
 *
 * Facts: the vendor's header and example (EVT, SDMMC_SD), a driver whose author measured it on the
 * chip (ArduinoCore-CH32H4), and the CH569, whose EMMC controller is the same block. Strict, where
 * that driver's comments tell of commands that vanish: eight clocks between commands, reads armed
 * before their command and writes after it, DMA_BEG1 never twice the same. What nobody documents
 * is assumed: the unit of TIMEOUT (2^22 clocks), 64 clocks until a response must have come. */
#include <string.h>

#include "../api.h"
#include "../board.h"
#include "slot.h"

enum { RE_TMOUT = 1, RECRC_WR = 2, REIDX_ER = 4, CMDDONE = 8, DATTMO = 0x10, TRANERR = 0x20,
       TRANDONE = 0x40, BKGAP = 0x80 };
enum { ALL_CLR = 4, DMAEN = 8, RST_LGC = 0x10, WIDTH = 3 };
enum { CKCRC = 0x400, CKIDX = 0x800, LONG = 1, SHORT = 2, SHORT_BUSY = 3 };
enum { CLKOE = 0x100, CLKMODE = 0x200, DIVISOR = 0x1f, DIRECTION = 1, PLLRDY = 1 << 25 };
enum { CMDSTA = 1 << 16, DAT0STA = 1 << 17 }; /* STATUS: the lines are high */
enum { NO_COMMAND, SENDING, RESPONDING, SILENT, BUSY };
enum { GAP = 8, RESPONSE_AFTER = 8, RESPONSE_WITHIN = 64, CRC_STATUS = 10, COUNT_LAG = 16 };

static uint32_t period(const struct board *board)
{
    uint32_t value = board->value[H417_SDMMC_CLK_DIV];
    return (value & DIVISOR) * (value & CLKMODE ? 1 : 64); /* SYSPLL's cycle is a tick */
}

static uint64_t clocks(const struct board *board, uint64_t count)
{
    return count * period(board);
}

static void flag(struct board *board, uint32_t bits)
{
    uint32_t *value = board->value;
    value[H417_SDMMC_INT_FG] |= bits;
    h417_irq(board, H417_IRQ_SDMMC, value[H417_SDMMC_INT_FG] & value[H417_SDMMC_INT_EN]);
}

/* The card is told of the clocks that it has had meanwhile. */
static void count_clocks(struct board *board)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    struct sd *card = &board->slot.card;
    uint64_t now = board_ticks(board), from = sdmmc->clock_from;

    sdmmc->clock_from = now;
    if (!(board->value[H417_SDMMC_CLK_DIV] & CLKOE) || board->slot.wiring != SD_SDMMC) return;
    if (from < card->powered) from = card->powered;
    if (now > from) sd_clock(card, 400000000u / period(board), (now - from) / period(board));
}

static bool ready_to_work(struct board *board)
{
    static const char ports[] = "CDCCCC";
    static const uint8_t pins[] = {12, 2, 8, 9, 10, 11};
    const uint32_t *value = board->value;
    unsigned width = value[H417_SDMMC_CONTROL] & WIDTH;

    if (value[H417_SDMMC_CONTROL] & (ALL_CLR | RST_LGC)) {
        board_fault(board, 0, "SDMMC: CONTROL = 0x%02x still holds it in reset",
                    (unsigned)value[H417_SDMMC_CONTROL]);
    } else if (!(value[H417_SDMMC_CLK_DIV] & CLKOE)) {
        board_fault(board, 0, "SDMMC: CLK_DIV = 0x%03x: no clock",
                    (unsigned)value[H417_SDMMC_CLK_DIV]);
    } else if (!(value[H417_RCC_CTLR] & (uint32_t)PLLRDY)) {
        board_fault(board, 0, "SDMMC: its clock comes from the PLL, which is not ready");
    } else if (width > 1) {
        board_fault(board, 0, "SDMMC: 8 data lines are not modelled");
    } else if (!h417_vio18_is_3v3(board)) {
        board_fault(board, 0, "SDMMC: VIO18, which feeds its pins, is not 3.3 V");
    } else if (!(value[H417_SWPMI_OR] & 1)) {
        board_fault(board, 0, "SDMMC: SWPMI has not let go of PC8 and PC9 (OR bit 0)");
    } else if (value[H417_AFIO_PCFR1] & 0xc00) {
        board_fault(board, 0, "SDMMC: PCFR1 leads it to other pins than the slot's");
    } else {
        unsigned count = width ? 6 : 3, i = 0;
        while (i < count && h417_pin(board, "SDMMC", ports[i], pins[i], H417_AF_PP, -1)) i++;
        return i == count;
    }
    return false;
}

/* What the data lines do next: a block of the card, one for it, or the end of patience. */
static void expect(struct board *board)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    uint64_t now = board_ticks(board), at = NEVER;
    struct sd *card = slot_card(board, SD_SDMMC);

    if (sdmmc->moving) return;
    if (!(board->value[H417_SDMMC_CLK_DIV] & CLKOE)) {
        chip_schedule(board, EVENT_SDMMC_DATA, NEVER);
        return;
    }
    if (card && sd_ready(card) != NEVER) {
        at = sd_ready(card);
        if (at < sdmmc->data_from) at = sdmmc->data_from;
    } else if (sdmmc->armed && sdmmc->writes && !sdmmc->gap) {
        at = sdmmc->data_from;
        if (card && at < card->busy) at = card->busy;
    }
    if (sdmmc->armed && sdmmc->timeout < at) at = sdmmc->timeout;
    chip_schedule(board, EVENT_SDMMC_DATA, at == NEVER || at > now ? at : now);
}

static uint64_t timeout(const struct board *board)
{
    uint32_t units = board->value[H417_SDMMC_TIMEOUT];
    return board_ticks(board) + clocks(board, (uint64_t)(units ? units : 1) << 22);
}

/* ---- Commands ---- */

static void send_command(struct board *board, uint32_t value)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    uint64_t now = board_ticks(board);

    if (!ready_to_work(board)) return;
    if (sdmmc->phase != NO_COMMAND) {
        board_fault(board, 0, "SDMMC: CMD%u while another command is under way",
                    (unsigned)(value & 0x3f));
    } else if (now < sdmmc->next_command) {
        board_fault(board, 0, "SDMMC: CMD%u less than 8 clocks after the last command",
                    (unsigned)(value & 0x3f));
    } else if (sdmmc->armed && sdmmc->writes && (sdmmc->fresh || sdmmc->moving)) {
        board_fault(board, 0, "SDMMC: CMD%u while a write is armed, or in the middle of its block",
                    (unsigned)(value & 0x3f));
    } else {
        count_clocks(board);
        board->value[H417_SDMMC_CMD_SET] = value;
        sdmmc->phase = SENDING;
        sdmmc->was_armed = sdmmc->armed;
        chip_schedule(board, EVENT_SDMMC, now + clocks(board, 48));
    }
}

/* The command is out: what the card makes of it. */
static void sent(struct board *board)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    uint32_t argument = board->value[H417_SDMMC_ARGUMENT], type;
    uint64_t now = board_ticks(board), bits = 0;
    struct sd *card = slot_card(board, SD_SDMMC);
    uint8_t frame[6];

    count_clocks(board);
    frame[0] = (uint8_t)(0x40 | (board->value[H417_SDMMC_CMD_SET] & 0x3f));
    sd_put32(frame + 1, argument);
    frame[5] = (uint8_t)(sd_crc7(frame, 5) << 1 | 1);
    type = board->value[H417_SDMMC_CMD_SET] >> 8 & 3;
    sdmmc->expected = 0;
    if (card) {
        bool sends = card->state == STATE_DATA;
        sdmmc->expected =
            (uint8_t)sd_command(card, &board->record.contents, now, frame, sdmmc->response);
        slot_dealt(board);
        if (sends != (card->state == STATE_DATA)) { /* it begins, or is cut off */
            sdmmc->moving = false;
            sdmmc->surprised = !sends && !sdmmc->was_armed;
        }
    }
    if (sdmmc->expected) bits = RESPONSE_AFTER + 8 * (uint64_t)sdmmc->expected;
    if (!type) {
        sdmmc->phase = NO_COMMAND;
        sdmmc->next_command = now + clocks(board, bits + GAP);
        flag(board, CMDDONE);
    } else if (!bits) {
        sdmmc->phase = SILENT;
        chip_schedule(board, EVENT_SDMMC, now + clocks(board, RESPONSE_WITHIN));
    } else {
        sdmmc->phase = RESPONDING;
        chip_schedule(board, EVENT_SDMMC, now + clocks(board, bits));
    }
    sdmmc->data_from = now + clocks(board, bits + 2);
    sdmmc->timeout = timeout(board);
    expect(board);
}

static uint32_t word(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The response is in. One that is wrong leaves the registers as they were, and is not done. */
static void responded(struct board *board)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    const uint8_t *response = sdmmc->response;
    uint32_t set = board->value[H417_SDMMC_CMD_SET], type = set >> 8 & 3, errors = 0;
    bool is_long = sdmmc->expected == SD_LONGEST;
    uint64_t now = board_ticks(board);
    struct sd *card = slot_card(board, SD_SDMMC);

    sdmmc->phase = NO_COMMAND;
    sdmmc->next_command = now + clocks(board, GAP);
    if (is_long != (type == LONG)) {
        errors = RECRC_WR;
    } else if (set & CKCRC) {
        const uint8_t *from = is_long ? response + 1 : response;
        uint32_t count = is_long ? 15 : 5;
        if (from[count] != (uint8_t)(sd_crc7(from, count) << 1 | 1)) errors |= RECRC_WR;
    }
    if (set & CKIDX && (response[0] & 0x3f) != (set & 0x3f)) errors |= REIDX_ER;
    if (errors) {
        flag(board, errors);
        return;
    }
    if (is_long) {
        for (unsigned i = 0; i < 4; i++) {
            board->value[H417_SDMMC_RESPONSE3 - i] = word(response + 1 + 4 * i);
        }
    } else {
        board->value[H417_SDMMC_RESPONSE3] = word(response + 1);
    }
    if (type == SHORT_BUSY && card && sd_busy(card, &board->record.contents, now)) {
        sdmmc->phase = BUSY;
        sdmmc->busy_timeout = timeout(board);
        chip_schedule(board, EVENT_SDMMC, card->busy);
        return;
    }
    flag(board, CMDDONE);
}

static void busy_ends(struct board *board)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    uint64_t now = board_ticks(board);
    struct sd *card = slot_card(board, SD_SDMMC);
    bool busy = card && sd_busy(card, &board->record.contents, now);

    if (busy && now < sdmmc->busy_timeout) {
        uint64_t until = sdmmc->busy_timeout;
        chip_schedule(board, EVENT_SDMMC, card->busy < until ? card->busy : until);
        return;
    }
    sdmmc->phase = NO_COMMAND;
    sdmmc->next_command = now + clocks(board, GAP);
    flag(board, busy ? DATTMO : CMDDONE);
}

/* ---- Blocks ---- */

/* DMA_BEG1 is written, and with that the transfer is set up, or, in a gap, goes on. */
static void arm(struct board *board, uint32_t address)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    uint32_t *value = board->value, config = value[H417_SDMMC_BLOCK_CFG];
    bool writes = value[H417_SDMMC_TRAN_MODE] & DIRECTION, goes_on;
    uint32_t bytes = (config >> 16) * (config & 0xffff);

    goes_on = sdmmc->armed && sdmmc->gap;
    if (goes_on) bytes = (config >> 16) * sdmmc->left;
    if (value[H417_SDMMC_CONTROL] & (ALL_CLR | RST_LGC)) {
        board_fault(board, 0, "SDMMC: DMA_BEG1 written while CONTROL holds it in reset");
    } else if (!(value[H417_SDMMC_CONTROL] & DMAEN)) {
        board_fault(board, 0, "SDMMC: DMA_BEG1 written without DMAEN");
    } else if (!bytes) {
        board_fault(board, 0, "SDMMC: DMA_BEG1 written before BLOCK_CFG, which is 0x%08x",
                    (unsigned)config);
    } else if (address % 16) {
        board_fault(board, address, "SDMMC: DMA_BEG1 = 0x%08x is not a multiple of 16",
                    (unsigned)address);
    } else if (address == value[H417_SDMMC_DMA_BEG1]) {
        board_fault(board, address, "SDMMC: DMA_BEG1 = 0x%08x again: the address does not rewind",
                    (unsigned)address);
    } else if (sdmmc->armed && !goes_on) {
        board_fault(board, 0, "SDMMC: DMA_BEG1 written while a transfer is armed");
    } else if (sdmmc->stuck) {
        board_fault(board, 0, "SDMMC: armed after TRANERR or DATTMO without RST_LGC");
    } else if (h417_reaches(board, H417_BY_SDMMC, address, bytes)) {
        value[H417_SDMMC_DMA_BEG1] = address;
        sdmmc->address = address;
        if (!goes_on) {
            sdmmc->armed = sdmmc->fresh = true;
            sdmmc->writes = writes;
            sdmmc->left = config & 0xffff;
            sdmmc->done_before = sdmmc->done;
            sdmmc->done = 0;
            sdmmc->count_from = board_ticks(board) + clocks(board, COUNT_LAG);
        }
        sdmmc->gap = false;
        sdmmc->timeout = NEVER; /* a read's begins with its command */
        if (writes) sdmmc->timeout = timeout(board);
        expect(board);
    }
}

static uint64_t block_bits(bool wide, uint32_t bytes)
{
    return 1 + (uint64_t)bytes * 8 / (wide ? 4 : 1) + 16 + 1;
}

static bool lines_agree(struct board *board, const struct sd *card)
{
    if (card->wide == (board->value[H417_SDMMC_CONTROL] & WIDTH)) return true;
    board_fault(board, 0, "SDMMC: the card has %u data lines, CONTROL says otherwise",
                card->wide ? 4 : 1);
    return false;
}

/* What the card sends while nothing is armed goes nowhere. */
static void begin_block(struct board *board)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    uint64_t now = board_ticks(board);
    struct sd *card = slot_card(board, SD_SDMMC);
    bool armed = sdmmc->armed, writes = sdmmc->writes;
    uint32_t size = board->value[H417_SDMMC_BLOCK_CFG] >> 16;
    uint64_t bits;

    if (card && sd_ready(card) <= now && now >= sdmmc->data_from) {
        if (!armed && sdmmc->surprised) {
            board_fault(board, 0, "SDMMC: the card sends, and no read was armed before CMD%u",
                        (unsigned)(board->value[H417_SDMMC_CMD_SET] & 0x3f));
            return;
        }
        if (armed && !(ready_to_work(board) && lines_agree(board, card))) return;
        count_clocks(board);
        sd_send(card, &board->record.contents, now);
        bits = block_bits(card->wide, card->count);
    } else if (armed && writes && !sdmmc->gap && now < sdmmc->timeout) {
        if (!ready_to_work(board)) return;
        count_clocks(board);
        bits = block_bits(board->value[H417_SDMMC_CONTROL] & WIDTH, size) + CRC_STATUS;
    } else if (armed && now >= sdmmc->timeout) {
        sdmmc->armed = false;
        sdmmc->stuck = true;
        flag(board, DATTMO);
        return;
    } else {
        expect(board);
        return;
    }
    slot_dealt(board);
    sdmmc->moving = true;
    sdmmc->fresh = false;
    chip_schedule(board, EVENT_SDMMC_DATA, now + clocks(board, bits));
}

static void block_failed(struct board *board)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;

    sdmmc->armed = false;
    sdmmc->stuck = true;
    flag(board, TRANERR);
}

/* A block is where it should be. After one block alone, nobody should count on TRANDONE: it was
 * seen to stay away. */
static void block_done(struct board *board)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    bool one = (board->value[H417_SDMMC_BLOCK_CFG] & 0xffff) == 1;
    bool reads = !sdmmc->writes;

    sdmmc->address += board->value[H417_SDMMC_BLOCK_CFG] >> 16;
    sdmmc->done++;
    sdmmc->left--;
    sdmmc->timeout = timeout(board);
    if (sdmmc->left) {
        sdmmc->gap = !reads;
        flag(board, BKGAP);
    } else {
        sdmmc->armed = false;
        flag(board, one && reads && board_noise(board) & 1 ? BKGAP : BKGAP | TRANDONE);
    }
}

static void end_read(struct board *board, struct sd *card)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    uint32_t count = card->count, size = board->value[H417_SDMMC_BLOCK_CFG] >> 16;
    uint16_t crc = (uint16_t)(card->buffer[count] << 8 | card->buffer[count + 1]);

    sd_sent(card, board_ticks(board));
    if (!sdmmc->armed || sdmmc->writes) return; /* nobody */
    if (count != size) {
        board_fault(board, 0, "SDMMC: the card sends a block of %u bytes, BLOCK_CFG says %u",
                    (unsigned)count, (unsigned)size);
    } else if (sd_crc16(card->buffer, count) != crc) {
        block_failed(board);
    } else if (h417_dma_store(board, H417_BY_SDMMC, sdmmc->address, card->buffer, count)) {
        block_done(board);
    }
}

static void end_write(struct board *board, struct sd *card)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    uint8_t bytes[2048];
    uint32_t size = board->value[H417_SDMMC_BLOCK_CFG] >> 16;
    unsigned status;

    if (!sdmmc->armed) return;
    if (size > sizeof bytes) {
        board_fault(board, 0, "SDMMC: blocks of %u bytes are not modelled", (unsigned)size);
        return;
    }
    if (!h417_dma_load(board, H417_BY_SDMMC, sdmmc->address, bytes, size)) return;
    if (!card || card->state != STATE_RECEIVE) { /* nobody says that it came */
        sdmmc->gap = true;
        return;
    }
    if (!lines_agree(board, card)) return;
    status = sd_receive(card, &board->record.contents, board_ticks(board), bytes, size,
                        sd_crc16(bytes, size));
    slot_dealt(board);
    if (status == SD_TAKEN) block_done(board);
    else block_failed(board);
}

static void data_event(struct board *board)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    struct sd *card = slot_card(board, SD_SDMMC);

    if (!sdmmc->moving) {
        begin_block(board);
        return;
    }
    sdmmc->moving = false;
    count_clocks(board);
    if (card && card->state == STATE_DATA) end_read(board, card);
    else if (sdmmc->writes) end_write(board, card);
    sdmmc->data_from = board_ticks(board) + clocks(board, 2);
    expect(board);
}

void h417_sdmmc_event(struct board *board, unsigned event, uint64_t due)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;

    (void)due;
    if (event == EVENT_SDMMC_DATA) {
        data_event(board);
    } else if (event == EVENT_SD) {
        sd_settle(&board->slot.card, &board->record.contents, board_ticks(board));
        slot_dealt(board);
    } else {
        switch (sdmmc->phase) {
        case SENDING: sent(board); break;
        case RESPONDING: responded(board); break;
        case BUSY: busy_ends(board); break;
        case SILENT:
            sdmmc->phase = NO_COMMAND;
            sdmmc->next_command = board_ticks(board) + clocks(board, GAP);
            flag(board, RE_TMOUT);
        }
    }
}

void sdmmc_card_changed(struct board *board)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;

    if (!sdmmc->armed || !sdmmc->writes) sdmmc->moving = false;
    expect(board);
}

/* ---- Registers ---- */

uint32_t h417_sdmmc_read(struct board *board, unsigned now)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    uint64_t ticks = board_ticks(board);
    struct sd *card = slot_card(board, SD_SDMMC);
    uint32_t status;

    if (now != H417_SDMMC_STATUS) return board->value[now];
    status = ticks < sdmmc->count_from ? sdmmc->done_before : sdmmc->done;
    if (sdmmc->phase != SENDING && sdmmc->phase != RESPONDING) status |= CMDSTA;
    if (!sdmmc->moving && !(card && sd_busy(card, &board->record.contents, ticks))) {
        status |= DAT0STA;
    }
    return status;
}

static void write_control(struct board *board, uint32_t value)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;

    if (value & (ALL_CLR | RST_LGC)) {
        struct sd *card = slot_card(board, SD_SDMMC);
        bool sends = card && card->state == STATE_DATA;
        sdmmc->armed = sdmmc->stuck = sdmmc->gap = false;
        if (!sends) sdmmc->moving = false;
        if (value & ALL_CLR) {
            sdmmc->phase = NO_COMMAND;
            chip_schedule(board, EVENT_SDMMC, NEVER);
        }
    }
    board->value[H417_SDMMC_CONTROL] = value;
    expect(board);
}

static void write_clock(struct board *board, uint32_t value)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;
    uint64_t now = board_ticks(board);
    struct sd *card = slot_card(board, SD_SDMMC);
    bool busy = card && sd_busy(card, &board->record.contents, now);

    if (sdmmc->phase != NO_COMMAND) {
        board_fault(board, 0, "SDMMC: CLK_DIV written in the middle of a command");
    } else if (sdmmc->moving && sdmmc->armed) {
        board_fault(board, 0, "SDMMC: CLK_DIV written in the middle of a block");
    } else if (busy && !(value & CLKOE)) {
        board_fault(board, 0, "SDMMC: its clock stopped while the card holds DAT0 low");
    } else if (value & CLKOE && (value & DIVISOR) < 2) {
        board_fault(board, 0, "SDMMC: CLK_DIV = 0x%03x: a divisor below 2", (unsigned)value);
    } else if (value & ~(uint32_t)(CLKOE | CLKMODE | DIVISOR)) {
        board_fault(board, 0, "SDMMC: CLK_DIV = 0x%03x: an inverted phase is not modelled",
                    (unsigned)value);
    } else {
        count_clocks(board);
        board->value[H417_SDMMC_CLK_DIV] = value;
        expect(board);
    }
}

static void write_blocks(struct board *board, uint32_t value)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;

    if (value && sdmmc->armed) {
        board_fault(board, 0, "SDMMC: BLOCK_CFG written while a transfer is armed");
    } else if (value && board->value[H417_SDMMC_BLOCK_CFG]) {
        board_fault(board, 0, "SDMMC: BLOCK_CFG must be written 0 first");
    } else {
        if (!value) sdmmc->armed = sdmmc->gap = false;
        board->value[H417_SDMMC_BLOCK_CFG] = value;
    }
}

/* WRITE_CONT: RESPONSE3's address, whatever is written. */
static void go_on(struct board *board)
{
    struct h417_sdmmc *sdmmc = &board->h417.blocks.sdmmc;

    if (!sdmmc->armed || !sdmmc->gap) {
        board_fault(board, 0, "SDMMC: WRITE_CONT, but no write waits in a gap between blocks");
        return;
    }
    sdmmc->gap = false;
    sdmmc->timeout = timeout(board);
    expect(board);
}

void h417_sdmmc_write(struct board *board, unsigned now, uint32_t value)
{
    switch (now) {
    case H417_SDMMC_CMD_SET: send_command(board, value); break;
    case H417_SDMMC_RESPONSE3: go_on(board); break;
    case H417_SDMMC_CONTROL: write_control(board, value); break;
    case H417_SDMMC_CLK_DIV: write_clock(board, value); break;
    case H417_SDMMC_BLOCK_CFG: write_blocks(board, value); break;
    case H417_SDMMC_DMA_BEG1: arm(board, value); break;
    case H417_SDMMC_INT_FG:
        board->value[now] &= ~value;
        flag(board, 0);
        break;
    case H417_SDMMC_INT_EN:
        if (value & ~(uint32_t)0x7f) { /* sources disagree about what the others are */
            board_fault(board, 0, "SDMMC: INT_EN = 0x%03x: bits above 0x40 are not modelled",
                        (unsigned)value);
        }
        board->value[now] = value;
        flag(board, 0);
        break;
    case H417_SDMMC_TRAN_MODE:
        if (value & ~(uint32_t)DIRECTION) {
            board_fault(board, 0, "SDMMC: TRAN_MODE = 0x%08x: only its direction is modelled",
                        (unsigned)value);
        }
        board->value[now] = value;
        break;
    case H417_SDMMC_RESPONSE0:
    case H417_SDMMC_RESPONSE1:
    case H417_SDMMC_RESPONSE2:
    case H417_SDMMC_STATUS: board_fault(board, 0, "SDMMC: store to a read-only register"); break;
    case H417_SDMMC_ARGUMENT:
    case H417_SDMMC_TIMEOUT: board->value[now] = value; break;
    default: board_fault(board, 0, "SDMMC: two buffers and tuning are not modelled");
    }
}

void h417_sdmmc_reset(struct board *board, unsigned first)
{
    (void)first;
    memset(&board->h417.blocks.sdmmc, 0, sizeof board->h417.blocks.sdmmc);
    chip_schedule(board, EVENT_SDMMC, NEVER);
    chip_schedule(board, EVENT_SDMMC_DATA, NEVER);
    h417_irq(board, H417_IRQ_SDMMC, false);
    slot_dealt(board);
}
