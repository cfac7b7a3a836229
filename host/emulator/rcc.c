/* RCC and the flash's wait states: oscillators, the clock tree, which blocks are clocked.
 *
 * Strict: a clock above 48 MHz does not exist here, a fast one needs its wait states first (above
 * 24 MHz one on the CH32V003 and two on the CH32V002, which needs one above 15 MHz), the PLL's
 * source does not change while it runs, and there is no crystal on this board. */
#include "board.h"

enum { HSION = 1, HSIRDY = 2, HSEON = 1 << 16, PLLON = 1 << 24, PLLRDY = 1 << 25,
       PLLSRC = 1 << 16, ADC1RST = 1 << 9, LSION = 1, LSIRDY = 2, RMVF = 1 << 24 };
enum { PLL_US = 100, LSI_US = 200 }; /* to start; assumed */

static uint32_t divider(uint32_t hpre)
{
    return hpre < 8 ? hpre + 1 : (uint32_t)2 << (hpre - 8);
}

/* The core's clock and HCLK are the same. */
void rcc_clock(struct board *board, uint32_t ticks_per_cycle)
{
    board_bus_clock(board, ticks_per_cycle);
    board_clock(board, board->core, ticks_per_cycle);
}

/* The wait states that the flash needs while a cycle of HCLK takes so many ticks of 48 MHz. */
static uint32_t waits_needed(const struct board *board, uint32_t ticks)
{
    if (48 <= board->type->no_wait_mhz * ticks) return 0;
    return 48 <= board->type->one_wait_mhz * ticks ? 1 : 2;
}

/* What HCLK is now: 48 MHz ticks. */
static void update_clock(struct board *board)
{
    uint32_t *value = board->value;
    uint32_t source = value[RCC_CFGR0] & 3, system, waits;

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
    waits = waits_needed(board, system);
    if ((value[FLASH_ACTLR] & 3) < waits) {
        board_fault(board, 0, "HCLK at %u MHz without a flash wait state%s", 48 / (unsigned)system,
                    waits == 2 ? ", or with one where two are needed" : "");
        return;
    }
    if (system != board->bus.ticks_per_cycle) {
        systick_settle(board);
        rcc_clock(board, system);
        systick_resettle(board);
    }
}

uint32_t rcc_read(struct board *board, unsigned now)
{
    return board->value[now];
}

static void write_ctlr(struct board *board, uint32_t value)
{
    uint32_t *ctlr = &board->value[RCC_CTLR], old = *ctlr;

    if (value & HSEON) {
        board_fault(board, 0, "CTLR: HSEON, but this board has no crystal");
        return;
    }
    if (!(value & HSION)) {
        board_fault(board, 0, "CTLR: HSI switched off, and nothing else is there to run from");
        return;
    }
    if (old & PLLON && !(value & PLLON) && (board->value[RCC_CFGR0] & 3) == 2) {
        board_fault(board, 0, "CTLR: PLL switched off while SYSCLK comes from it");
        return;
    }
    *ctlr = (value & ~(uint32_t)(HSIRDY | PLLRDY)) | (old & (HSIRDY | PLLRDY));
    if (value & PLLON && !(old & PLLON)) {
        chip_schedule(board, EVENT_PLL, board_ticks(board) + chip_ticks(board, PLL_US));
    }
    if (!(value & PLLON)) {
        *ctlr &= ~(uint32_t)PLLRDY;
        board->due[EVENT_PLL] = NEVER;
    }
}

void rcc_write(struct board *board, unsigned now, uint32_t value)
{
    uint32_t *registers = board->value;

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
            chip_schedule(board, EVENT_LSI, board_ticks(board) + chip_ticks(board, LSI_US));
        }
        registers[now] = (registers[now] & (0xfc000000 | LSIRDY)) | (value & LSION);
        if (!(value & LSION)) {
            registers[now] &= ~(uint32_t)LSIRDY;
            board->due[EVENT_LSI] = NEVER;
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
    if (event == EVENT_PLL) board->value[RCC_CTLR] |= PLLRDY;
    else board->value[RCC_RSTSCKR] |= LSIRDY;
}

uint32_t flash_read(struct board *board, unsigned now) { return board->value[now]; }

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
    if (value < waits_needed(board, board->bus.ticks_per_cycle)) {
        board_fault(board, 0, "ACTLR: %u wait states at %u MHz", (unsigned)value,
                    48 / (unsigned)board->bus.ticks_per_cycle);
        return;
    }
    board->value[now] = value;
    flash_waits(board);
}

/* Fetching a word from flash takes a cycle, and its wait states. */
void flash_waits(struct board *board)
{
    for (unsigned i = 0; i < board->memory_count; i++) {
        struct memory *memory = &board->memory[i];
        if (memory->flash) memory->word_cycles = 1 + (board->value[FLASH_ACTLR] & 3);
    }
}
