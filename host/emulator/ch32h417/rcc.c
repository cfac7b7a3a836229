/* RCC: oscillators, the clock tree, and the blocks' resets.
 *
 * The tree as far as this board goes: HSI and HSE of 25 MHz, the PLL, SYSCLK; V5F's clock is SYSCLK
 * divided by HPRE, HCLK and V3F's that divided by FPRE. Strict: V5F has 400 MHz at most and HCLK
 * 100, at which shared SRAM does not wait; the PLL is set up while it is off and used when it is
 * ready, through an open gate; and a block is used after its clock's bit was read back. Clocks that
 * are no whole number of ticks do not exist here. */
#include "../board.h"

enum { HSION = 1, HSIRDY = 2, HSEON = 1 << 16, HSERDY = 1 << 17, PLLON = 1 << 24,
       PLLRDY = 1 << 25, LSION = 1, LSIRDY = 2, RMVF = 1 << 24 };
enum { PLL_SETTINGS = 0x3fff, FROM_HSE = 1 << 5, SEL = 7 << 28 };
enum { HSE_US = 1000, PLL_US = 100, LSI_US = 200 }; /* to start; assumed */
enum { OSCILLATOR = 16, LEAST_V5F = 1, LEAST_HCLK = 4 }; /* ticks of a cycle */

/* Twice what the PLL multiplies by. */
static const uint8_t multipliers[] = {8,  12, 14, 16, 17, 18, 19, 20, 21, 22, 23,
                                      24, 25, 26, 28, 30, 32, 34, 36, 38, 40, 44,
                                      48, 52, 56, 60, 64, 68, 72, 76, 80, 118};

/* Ticks of a cycle of SYSCLK; 0 and a fault where that is none. */
static uint32_t system_ticks(struct board *board)
{
    const uint32_t *value = board->value;
    uint32_t source = value[H417_RCC_CFGR0] & 3, pll = value[H417_RCC_PLLCFGR], ticks, by;

    if (source == 0) return OSCILLATOR;
    if (source == 1) {
        if (value[H417_RCC_CTLR] & HSERDY) return OSCILLATOR;
        board_fault(board, 0, "CFGR0: SYSCLK from HSE, which is not ready");
        return 0;
    }
    if (source == 3 || pll & SEL) {
        board_fault(board, 0, "CFGR0: SYSCLK from a source that is not modelled");
        return 0;
    }
    if (!(value[H417_RCC_CTLR] & PLLRDY)) {
        board_fault(board, 0, "CFGR0: SYSCLK from the PLL, which is not ready");
        return 0;
    }
    if (!(pll >> 31)) {
        board_fault(board, 0, "CFGR0: SYSCLK from the PLL, whose gate is closed");
        return 0;
    }
    ticks = 2 * OSCILLATOR * ((pll >> 8 & 63) + 1);
    by = multipliers[pll & 31];
    if (ticks % by) {
        board_fault(board, 0, "PLLCFGR = 0x%08x: this multiple of 25 MHz is not modelled",
                    (unsigned)pll);
        return 0;
    }
    return ticks / by;
}

/* By power of two: HPRE as in CFGR0. */
static uint32_t divided(uint32_t hpre)
{
    static const uint8_t shifts[] = {1, 2, 3, 4, 6, 7, 8, 9};
    return hpre < 8 ? 1 : (uint32_t)1 << shifts[hpre - 8];
}

static void set_clock(struct board *board, struct core *core, uint32_t ticks)
{
    if (core != board->core) turns_catch_up(board, core);
    board_clock(board, core, ticks);
}

static void update_clock(struct board *board)
{
    uint32_t *cfgr = &board->value[H417_RCC_CFGR0], v5f, hclk, fpre = *cfgr >> 16 & 3;
    uint32_t system = system_ticks(board);

    if (!system) return;
    v5f = system * divided(*cfgr >> 4 & 15);
    hclk = v5f << (fpre > 2 ? 2 : fpre);
    if (v5f < LEAST_V5F || hclk < LEAST_HCLK) {
        board_fault(board, 0, "CFGR0: V5F at %u MHz and HCLK at %u MHz are too fast",
                    H417_TICKS_PER_US / (unsigned)v5f, H417_TICKS_PER_US / (unsigned)hclk);
        return;
    }
    *cfgr = (*cfgr & ~(uint32_t)0xc) | (*cfgr & 3) << 2;
    systick_settle(board);
    board_bus_clock(board, hclk);
    set_clock(board, &board->cores[V3F], hclk);
    set_clock(board, &board->cores[V5F], v5f);
    systick_resettle(board);
}

static void write_ctlr(struct board *board, uint32_t value)
{
    uint32_t *ctlr = &board->value[H417_RCC_CTLR], old = *ctlr, ready = HSIRDY | HSERDY | PLLRDY;
    uint32_t source = board->value[H417_RCC_CFGR0] & 3;
    bool pll_from_hse = board->value[H417_RCC_PLLCFGR] & FROM_HSE;

    if (!(value & HSION)) {
        board_fault(board, 0, "CTLR: HSI switched off is not modelled");
    } else if (!(value & PLLON) && source == 2) {
        board_fault(board, 0, "CTLR: PLL switched off while SYSCLK comes from it");
    } else if (!(value & HSEON) && (source == 1 || (value & PLLON && pll_from_hse))) {
        board_fault(board, 0, "CTLR: HSE is off, but a clock comes from it");
    } else if (value & PLLON && !(old & PLLON) && pll_from_hse && !(old & HSERDY)) {
        board_fault(board, 0, "CTLR: PLL switched on from HSE, which is not ready");
    } else if (value & ~(uint32_t)(HSION | 0xfffa | HSEON | PLLON | ready)) {
        board_fault(board, 0, "CTLR = 0x%08x: other PLLs are not modelled", (unsigned)value);
    } else {
        *ctlr = (value & ~ready) | (old & ready);
        if (value & ~old & HSEON) {
            chip_schedule(board, EVENT_HSE, board_ticks(board) + chip_ticks(board, HSE_US));
        }
        if (value & ~old & PLLON) {
            chip_schedule(board, EVENT_PLL, board_ticks(board) + chip_ticks(board, PLL_US));
        }
        if (!(value & HSEON)) *ctlr &= ~(uint32_t)HSERDY, board->due[EVENT_HSE] = NEVER;
        if (!(value & PLLON)) *ctlr &= ~(uint32_t)PLLRDY, board->due[EVENT_PLL] = NEVER;
    }
}

static void write_status(struct board *board, unsigned now, uint32_t value)
{
    uint32_t *status = &board->value[now];
    if (value & LSION && !(*status & LSION)) {
        chip_schedule(board, EVENT_LSI, board_ticks(board) + chip_ticks(board, LSI_US));
    }
    if (!(value & LSION)) {
        if (board->chip.watchdog.running) value |= LSION;
        else board->due[EVENT_LSI] = NEVER;
    }
    *status = (*status & 0xfc000000) | (value & LSION ? (*status & LSIRDY) | LSION : 0);
    if (value & RMVF) *status &= ~(uint32_t)0xfc000000;
}

void h417_rcc_event(struct board *board, enum event event)
{
    if (event == EVENT_HSE) board->value[H417_RCC_CTLR] |= HSERDY;
    else if (event == EVENT_PLL) board->value[H417_RCC_CTLR] |= PLLRDY;
    else board->value[H417_RCC_RSTSCKR] |= LSIRDY;
}

/* Blocks that a reset register can reset. */
static void usart_back(struct board *board, unsigned first) { (void)first; usart_reset(board); }
static void i2c_back(struct board *board, unsigned first) { (void)first; i2c_reset(board); }
static void pins_back(struct board *board, unsigned first) { (void)first; gpio_update(board); }
static void plain_back(struct board *board, unsigned first) { (void)board; (void)first; }

static const struct {
    unsigned block, by, bit; /* `by`: the reset register */
    void (*reset)(struct board *board, unsigned first);
} resets[] = {
#define RESET(name, by, bit, function) {H417_BLOCK_##name, H417_RCC_##by, bit, function},
    RESET(AFIO, HB2PRSTR, 0, plain_back)
    RESET(GPIOA, HB2PRSTR, 2, pins_back)
    RESET(GPIOB, HB2PRSTR, 3, pins_back)
    RESET(GPIOC, HB2PRSTR, 4, pins_back)
    RESET(GPIOD, HB2PRSTR, 5, pins_back)
    RESET(GPIOE, HB2PRSTR, 6, pins_back)
    RESET(GPIOF, HB2PRSTR, 7, pins_back)
    RESET(SPI1, HB2PRSTR, 12, h417_spi_reset)
    RESET(USART1, HB2PRSTR, 14, usart_back)
    RESET(TIM6, HB1PRSTR, 4, h417_tim_reset)
    RESET(I2C1, HB1PRSTR, 21, i2c_back)
    RESET(PWR, HB1PRSTR, 28, plain_back)
    RESET(DAC, HB1PRSTR, 29, h417_dac_reset)
    RESET(SWPMI, HB1PRSTR, 31, plain_back)
    RESET(DMA1, HBRSTR, 0, h417_dma_reset)
    RESET(DMA2, HBRSTR, 1, h417_dma_reset)
    RESET(RNG, HBRSTR, 9, h417_rng_reset)
    RESET(SDMMC, HBRSTR, 10, h417_sdmmc_reset)
#undef RESET
};

enum { RESETS = sizeof resets / sizeof *resets };

static void reset_block(struct board *board, unsigned which)
{
    const struct block *block = &board->type->blocks[resets[which].block];
    if (block[1].first > block->first) bus_reset(board, block->first, block[1].first - 1);
    resets[which].reset(board, block->first);
}

void h417_reset_all(struct board *board)
{
    for (unsigned i = 0; i < RESETS; i++) reset_block(board, i);
}

static void write_resets(struct board *board, unsigned now, uint32_t value)
{
    uint32_t known = 0;
    for (unsigned i = 0; i < RESETS; i++) {
        if (resets[i].by != now) continue;
        known |= (uint32_t)1 << resets[i].bit;
        if (value >> resets[i].bit & 1) reset_block(board, i);
    }
    if (value & ~known) {
        board_fault(board, 0, "%s = 0x%08x: the reset of these blocks is not modelled",
                    board->type->registers[now].name, (unsigned)(value & ~known));
    }
    board->value[now] = value;
}

/* A write to RCC reaches it some time later; one that is read back has reached it. */
uint32_t h417_rcc_read(struct board *board, unsigned now)
{
    memset(board->h417.unsettled, 0, sizeof board->h417.unsettled);
    return board->value[now];
}

void h417_rcc_write(struct board *board, unsigned now, uint32_t value)
{
    uint32_t *registers = board->value, changed = value ^ registers[now];

    switch (now) {
    case H417_RCC_CTLR: write_ctlr(board, value); break;
    case H417_RCC_CFGR0:
        registers[now] = (value & ~(uint32_t)0xc) | (registers[now] & 0xc);
        update_clock(board);
        break;
    case H417_RCC_PLLCFGR:
        if (changed & PLL_SETTINGS && registers[H417_RCC_CTLR] & PLLON) {
            board_fault(board, 0, "PLLCFGR: the PLL is set up while it is on");
            return;
        }
        if (value & 0xe0 && (value & 0xe0) != FROM_HSE) {
            board_fault(board, 0, "PLLCFGR = 0x%08x: a source that is not modelled",
                        (unsigned)value);
            return;
        }
        registers[now] = value;
        if ((registers[H417_RCC_CFGR0] & 3) == 2) update_clock(board);
        break;
    case H417_RCC_RSTSCKR: write_status(board, now, value); break;
    case H417_RCC_HB1PRSTR:
    case H417_RCC_HB2PRSTR:
    case H417_RCC_HBRSTR: write_resets(board, now, value); break;
    case H417_RCC_HBPCENR:
    case H417_RCC_HB2PCENR:
    case H417_RCC_HB1PCENR:
        board->h417.unsettled[now - H417_RCC_HBPCENR] |= value & changed;
        registers[now] = value;
        break;
    case H417_RCC_INTR:
        if (value & 0x7f00) board_fault(board, 0, "RCC's interrupts are not modelled");
        break;
    default: registers[now] = value;
    }
}
