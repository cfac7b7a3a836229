/* RCC and the flash's wait states: oscillators, the clock tree, which blocks are clocked.
 *
 * Strict: a clock above 48 MHz does not exist here, one above 24 MHz needs a wait state first, the
 * PLL's source does not change while it runs, and there is no crystal on this board. */
#include "board.h"

enum { HSION = 1, HSIRDY = 2, HSEON = 1 << 16, PLLON = 1 << 24, PLLRDY = 1 << 25,
       PLLSRC = 1 << 16, ADC1RST = 1 << 9, LSION = 1, LSIRDY = 2, RMVF = 1 << 24 };
enum { PLL_TICKS = 100 * TICKS_PER_US, LSI_TICKS = 200 * TICKS_PER_US }; /* to start; assumed */

static uint32_t divider(uint32_t hpre)
{
    return hpre < 8 ? hpre + 1 : (uint32_t)2 << (hpre - 8);
}

/* What HCLK is now: 48 MHz ticks. */
static void update_clock(struct board *board)
{
    uint32_t *value = board->chip.value;
    uint32_t source = value[RCC_CFGR0] & 3, system;

    if (source == 1 || source == 3) {
        board_fault(board, 0, "CFGR0: SYSCLK from source %u, which is not there", (unsigned)source);
        return;
    }
    if (source == 2 && !(value[RCC_CTLR] & PLLRDY)) {
        board_fault(board, 0, "CFGR0: SYSCLK from the PLL, which is not ready");
        return;
    }
    system = source == 2 ? 1 : 2;
    value[RCC_CFGR0] = (value[RCC_CFGR0] & ~(uint32_t)0xc) | source << 2;
    system *= divider(value[RCC_CFGR0] >> 4 & 15);
    if (system < 2 && (value[FLASH_ACTLR] & 3) == 0) {
        board_fault(board, 0, "HCLK at %u MHz without a flash wait state", 48 / (unsigned)system);
        return;
    }
    if (system != board->ticks_per_cycle) {
        systick_read(board, SYSTICK_CNT); /* counts up to now by the old clock */
        board_clock(board, system);
        systick_schedule(board);
    }
}

uint32_t rcc_read(struct board *board, unsigned now)
{
    return board->chip.value[now];
}

static void write_ctlr(struct board *board, uint32_t value)
{
    uint32_t *ctlr = &board->chip.value[RCC_CTLR], old = *ctlr;

    if (value & HSEON) {
        board_fault(board, 0, "CTLR: HSEON, but this board has no crystal");
        return;
    }
    if (!(value & HSION)) {
        board_fault(board, 0, "CTLR: HSI switched off, and nothing else is there to run from");
        return;
    }
    if (old & PLLON && !(value & PLLON) && (board->chip.value[RCC_CFGR0] & 3) == 2) {
        board_fault(board, 0, "CTLR: PLL switched off while SYSCLK comes from it");
        return;
    }
    *ctlr = (value & ~(uint32_t)(HSIRDY | PLLRDY)) | (old & (HSIRDY | PLLRDY));
    if (value & PLLON && !(old & PLLON)) {
        chip_schedule(board, EVENT_PLL, board_ticks(board) + PLL_TICKS);
    }
    if (!(value & PLLON)) {
        *ctlr &= ~(uint32_t)PLLRDY;
        board->chip.due[EVENT_PLL] = NEVER;
    }
}

void rcc_write(struct board *board, unsigned now, uint32_t value)
{
    uint32_t *registers = board->chip.value;

    switch (now) {
    case RCC_CTLR: write_ctlr(board, value); break;
    case RCC_CFGR0:
        if ((value ^ registers[now]) & PLLSRC && registers[RCC_CTLR] & PLLON) {
            board_fault(board, 0, "CFGR0: PLL source changed while the PLL is on");
            return;
        }
        if (value & PLLSRC) {
            board_fault(board, 0, "CFGR0: PLL from HSE, but this board has no crystal");
            return;
        }
        registers[now] = (value & ~(uint32_t)0xc) | (registers[now] & 0xc);
        update_clock(board);
        break;
    case RCC_RSTSCKR:
        if (value & LSION && !(registers[now] & LSION)) {
            chip_schedule(board, EVENT_LSI, board_ticks(board) + LSI_TICKS);
        }
        registers[now] = (registers[now] & (0xfc000000 | LSIRDY)) | (value & LSION);
        if (!(value & LSION)) {
            registers[now] &= ~(uint32_t)LSIRDY;
            board->chip.due[EVENT_LSI] = NEVER;
        }
        if (value & RMVF) registers[now] &= ~(uint32_t)0xfc000000;
        break;
    case RCC_APB1PRSTR:
        if (value & (uint32_t)1 << 21) i2c_reset(board);
        if (value & ~((uint32_t)1 << 21)) {
            board_fault(board, 0, "APB1PRSTR = 0x%08x: only I2C1's reset is modelled",
                        (unsigned)value);
        }
        registers[now] = value;
        break;
    case RCC_APB2PRSTR:
        if (value & ADC1RST) adc_reset(board);
        if (value & ~(uint32_t)ADC1RST) {
            board_fault(board, 0, "APB2PRSTR = 0x%08x: only ADC1's reset is modelled",
                        (unsigned)value);
        }
        registers[now] = value;
        break;
    case RCC_INTR:
        if (value) board_fault(board, 0, "RCC's interrupts are not modelled");
        break;
    default: registers[now] = value;
    }
}

void rcc_event(struct board *board, enum event event)
{
    if (event == EVENT_PLL) board->chip.value[RCC_CTLR] |= PLLRDY;
    else board->chip.value[RCC_RSTSCKR] |= LSIRDY;
}

void flash_write(struct board *board, unsigned now, uint32_t value)
{
    if (now != FLASH_ACTLR) {
        board_fault(board, 0, "writing flash is not modelled");
        return;
    }
    if (value == 3) {
        board_fault(board, 0, "ACTLR: LATENCY 3 is reserved");
        return;
    }
    if (value == 0 && board->ticks_per_cycle < 2) {
        board_fault(board, 0, "ACTLR: no wait state at 48 MHz");
        return;
    }
    board->chip.value[now] = value;
}
