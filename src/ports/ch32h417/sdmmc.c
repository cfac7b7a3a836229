/* The card's native bus. Its block finds answers and checks CRCs by itself and moves data by a DMA
 * of its own, which reaches shared memory alone. It does not keep the eight clocks that a card
 * wants between commands, and a transfer's address counts as new only if it differs from the last
 * one; where it does not, and where a transfer is to be ended, the block is reset: the card sees a
 * clock that pauses. */
#include "ports/ch32h417/chip.h"
#include "whim/port.h"

enum { SLOW_HERTZ = 400000, SLOW_DIVIDER = 64, MOST = 31, LEAST = 2 }; /* of CLK_DIV's divisor */
enum { START_CLOCKS = 74, GAP_CLOCKS = 8 };
enum { ANSWER_TICKS = 100 * TICKS_PER_MS, BUSY_TICKS = 500 * TICKS_PER_MS };
enum { LATE_TICKS = TICKS_PER_MS / 5 }; /* for TRANDONE after the last block's BKGAP */

enum {
    ANSWERED = SDMMC_INT_FG_CMDDONE | SDMMC_INT_FG_RE_TMOUT | SDMMC_INT_FG_RECRC |
               SDMMC_INT_FG_REIDX,
    DAMAGED = SDMMC_INT_FG_RECRC | SDMMC_INT_FG_REIDX,
    FAILED = SDMMC_INT_FG_TRANERR | SDMMC_INT_FG_DATTMO | SDMMC_INT_FG_FIFO_OV,
    BLOCK = SDMMC_INT_FG_BKGAP | SDMMC_INT_FG_TRANDONE,
    ENDED = SDMMC_INT_FG_TRANDONE | SDMMC_INT_FG_TRANERR | SDMMC_INT_FG_DATTMO /* interrupts */
};

static struct {
    uint16_t control, divider; /* what the block is set to */
    uint32_t gap;              /* ticks of GAP_CLOCKS */
    uint32_t quiet;            /* since then the command line is */
    uint32_t address;          /* of the last transfer; 0 after a reset */
    uint32_t blocks;           /* to be received, or still to be sent */
    uint32_t gap_seen;         /* when the last block's BKGAP was seen */
    bool waits;                /* it was, and TRANDONE was not */
} bus;

/* Reset the block, and set it up as it was. */
static void restart(void)
{
    RCC_HBRSTR |= RCC_HBRSTR_SDMMCRST;
    (void)RCC_HBRSTR;
    RCC_HBRSTR &= ~RCC_HBRSTR_SDMMCRST;
    (void)RCC_HBRSTR;
    SDMMC_CONTROL = bus.control; /* it holds itself in reset until this is written */
    SDMMC_TIMEOUT = SDMMC_TIMEOUT_MOST;
    SDMMC_INT_EN = 0;
    SDMMC_CLK_DIV = bus.divider;
    bus.address = 0;
}

void port_sd_speed(uint32_t hertz, uint32_t wires)
{
    bool fast = hertz >= SYSCLK_HERTZ / MOST;
    uint32_t from = fast ? SYSCLK_HERTZ : SYSCLK_HERTZ / SLOW_DIVIDER;
    uint32_t divisor = (from + hertz - 1) / hertz;
    if (divisor < LEAST) divisor = LEAST;
    if (divisor > MOST) divisor = MOST;

    while (ticks() - bus.quiet < bus.gap) {} /* a card changes its ways within eight clocks */
    bus.gap = GAP_CLOCKS * divisor * (HCLK_HERTZ / 1000) / (from / 1000) + 1;
    bus.divider = (uint16_t)(SDMMC_CLK_DIV_CLKOE | (fast ? SDMMC_CLK_DIV_FAST : 0) | divisor);
    bus.control = (uint16_t)(SDMMC_CONTROL_DMAEN | SDMMC_CONTROL_NEGSMP |
                             (wires == 4 ? SDMMC_CONTROL_LW_4 : 0));
    SDMMC_CONTROL = bus.control;
    SDMMC_CLK_DIV = bus.divider;
    bus.quiet = ticks();
}

bool port_sd_start(void)
{
    AFIO_PCFR1 &= ~AFIO_PCFR1_SDMMC;
    for (uint32_t pin = PIN_SD_D0; pin <= PIN_SD_CK; pin++) {
        pin_mode(&GPIOC_CFGHR, pin, GPIO_PERIPHERAL);
        pin_fastest(&GPIOC_SPEED, pin);
    }
    pin_mode(&GPIOD_CFGLR, PIN_SD_CMD, GPIO_PERIPHERAL);
    pin_fastest(&GPIOD_SPEED, PIN_SD_CMD);
    SWPMI_OR |= SWPMI_OR_TBYP;
    restart();
    port_sd_speed(SLOW_HERTZ, 1);
    PFIC_IENR3 = 1u << (IRQ_SDMMC - 64);
    wait_us(1000 + START_CLOCKS * 1000000 / SLOW_HERTZ); /* and a millisecond for its supply */
    return true;
}

bool port_sd_busy(void)
{
    return !(SDMMC_STATUS & SDMMC_STATUS_DAT0);
}

static void take_answer(enum port_sd_answer answer, uint32_t response[4])
{
    response[0] = SDMMC_RESPONSE3;
    if (answer != PORT_SD_R2) return;
    response[1] = SDMMC_RESPONSE2;
    response[2] = SDMMC_RESPONSE1;
    response[3] = SDMMC_RESPONSE0 & ~0xffu; /* there is its CRC */
}

enum whim_status port_sd_command(uint32_t index, uint32_t argument, enum port_sd_answer answer,
                                 uint32_t response[4])
{
    static const uint16_t kind[] = {
        [PORT_SD_R1] = SDMMC_CMD_SET_SHORT | SDMMC_CMD_SET_CKCRC | SDMMC_CMD_SET_CKIDX,
        [PORT_SD_R1B] = SDMMC_CMD_SET_R1B | SDMMC_CMD_SET_CKCRC | SDMMC_CMD_SET_CKIDX,
        [PORT_SD_R2] = SDMMC_CMD_SET_R2 | SDMMC_CMD_SET_CKCRC,
        [PORT_SD_R3] = SDMMC_CMD_SET_SHORT,
    };
    bool busy = answer == PORT_SD_R1B;
    uint16_t over = ANSWERED | (busy ? SDMMC_INT_FG_DATTMO : 0), flags;

    while (ticks() - bus.quiet < bus.gap) {}
    SDMMC_INT_FG = over;
    SDMMC_ARGUMENT = argument;
    uint32_t start = ticks(), limit = ANSWER_TICKS + (busy ? BUSY_TICKS : 0);
    SDMMC_CMD_SET = (uint16_t)(index | kind[answer]);
    do flags = SDMMC_INT_FG;
    while (!(flags & over) && ticks() - start < limit);
    bus.quiet = ticks();
    if (!(flags & over)) restart(); /* it hangs */

    if (answer == PORT_SD_NONE) return WHIM_OK;
    if (flags & DAMAGED) return WHIM_ERR_CARD_READ;
    if (!(flags & over) || flags & SDMMC_INT_FG_RE_TMOUT) return WHIM_ERR_CARD_MISSING;
    while (busy && port_sd_busy()) {
        if (ticks() - start >= limit) return WHIM_ERR_CARD_READ;
    }
    if (response) take_answer(answer, response);
    return WHIM_OK;
}

/* The address is written last, for that starts it. */
static void arm(const void *memory, uint32_t blocks, uint32_t block_bytes, uint32_t direction)
{
    uint32_t address = (uint32_t)(uintptr_t)memory;
    if (address == bus.address) restart();
    bus.address = address;
    bus.blocks = blocks;
    bus.waits = false;
    port_fence();
    SDMMC_INT_FG = FAILED | BLOCK;
    SDMMC_BLOCK_CFG = 0; /* so that its count begins anew */
    SDMMC_TRAN_MODE = direction;
    SDMMC_BLOCK_CFG = block_bytes << 16 | blocks;
    SDMMC_INT_EN = ENDED;
    SDMMC_DMA_BEG1 = address;
}

/* Somebody who sleeps may want to know. The flags stay for him to see. */
__attribute__((interrupt)) void sdmmc_interrupt(void)
{
    SDMMC_INT_EN = 0;
    idle_end();
}

void port_sd_receive(void *to, uint32_t blocks, uint32_t block_bytes)
{
    arm(to, blocks, block_bytes, 0);
}

/* Boards have been seen on which a single block ends in BKGAP without TRANDONE. */
static bool gap_is_all(uint16_t flags)
{
    if (bus.blocks != 1 || !(flags & SDMMC_INT_FG_BKGAP)) return false;
    if (!bus.waits) bus.gap_seen = ticks();
    bus.waits = true;
    return ticks() - bus.gap_seen > LATE_TICKS;
}

enum whim_status port_sd_received(void)
{
    uint16_t flags = SDMMC_INT_FG;
    if (flags & FAILED) return WHIM_ERR_CARD_READ;
    if (!(flags & SDMMC_INT_FG_TRANDONE) && !gap_is_all(flags)) return WHIM_BUSY;
    port_fence();
    return WHIM_OK;
}

void port_sd_send(const void *from, uint32_t blocks)
{
    arm(from, blocks, 512, SDMMC_TRAN_MODE_SEND);
}

/* Each block but the first is sent only when it is asked for. */
enum whim_status port_sd_sent(void)
{
    uint16_t flags = SDMMC_INT_FG;
    if (flags & FAILED) return WHIM_ERR_CARD_WRITE;
    if (!(flags & BLOCK) || port_sd_busy()) return WHIM_BUSY;
    if (bus.blocks > 1) {
        bus.blocks--;
        SDMMC_INT_FG = BLOCK;
        SDMMC_INT_EN = ENDED;
        SDMMC_WRITE_CONT = 0;
        return WHIM_BUSY;
    }
    SDMMC_INT_EN = 0;
    SDMMC_BLOCK_CFG = 0;
    return WHIM_OK;
}

void port_sd_abandon(void)
{
    restart();
}
