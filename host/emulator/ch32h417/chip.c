/* The CH32H417 as a whole: reset, events, pins, memory as the DMA sees it, and the facts of its
 * registers. */
#include "chip.h"

#include <string.h>

#include "../board.h"

enum { HSI_TICKS = 16 }; /* of a cycle at 25 MHz */
enum { V3F_WORD = 9, V5F_WORD = 145 }; /* cycles of a word from flash; V5F's without its cache */

uint32_t h417_hclk(const struct board *board) { return board->bus.ticks_per_cycle; }

void h417_irq(struct board *board, unsigned irq, bool level) { pfic_line(board, irq, level); }

/* Only V3F starts; V5F waits to be woken. */
static void reset(struct board *board, uint32_t flags)
{
    uint32_t kept = board->value[H417_RCC_RSTSCKR] & 0xfc000000;

    for (unsigned i = 0; i < MAX_CORES; i++) {
        struct core *core = &board->cores[i];
        turns_catch_up(board, core);
        board_clock(board, core, HSI_TICKS);
        core_reset(core, 0);
    }
    board->cores[V5F].waiting = WAIT_START;
    board_bus_clock(board, HSI_TICKS);
    chip_clear(board);
    memset(&board->h417, 0, sizeof board->h417);
    board->value[H417_RCC_RSTSCKR] = kept | flags;
    board_choose(board, V3F);
    h417_csr_reset(board);
    h417_waits(board);
    h417_reset_all(board);
    gpio_update(board);
    usart_typed(board);
}

static void event(struct board *board, enum event event, uint64_t due)
{
    switch (event) {
    case EVENT_HSE:
    case EVENT_PLL:
    case EVENT_LSI: h417_rcc_event(board, event); break;
    case EVENT_RNG: h417_rng_event(board); break;
    case EVENT_SDMMC:
    case EVENT_SDMMC_DATA:
    case EVENT_SD: h417_sdmmc_event(board, event, due); break;
    case EVENT_SPI: h417_spi_event(board, event, due); break;
    case EVENT_TIM6: h417_tim_event(board, event, due); break;
    default: chip_common_event(board, event);
    }
}

bool h417_clocked(const struct board *board, unsigned block)
{
    const struct block *of = &board->type->blocks[block];
    return of->gate < 0 || (board->value[of->gate] >> of->bit & 1);
}

unsigned h417_pin_mode(const struct board *board, char port, unsigned pin)
{
    return gpio_mode(board, (unsigned)(port - 'A'), pin);
}

unsigned h417_pin_af(const struct board *board, char port, unsigned pin)
{
    unsigned word = H417_AFIO_GPIOA_AFLR + 2 * (unsigned)(port - 'A') + pin / 8;
    return board->value[word] >> 4 * (pin % 8) & 15;
}

bool h417_pin(struct board *board, const char *block, char port, unsigned pin, unsigned modes,
              int af)
{
    if (!(modes >> h417_pin_mode(board, port, pin) & 1)) {
        board_fault(board, 0, "%s: P%c%u is in mode 0x%X, which is not what it needs", block, port,
                    pin, h417_pin_mode(board, port, pin));
        return false;
    }
    if (af >= 0 && h417_pin_af(board, port, pin) != (unsigned)af) {
        board_fault(board, 0, "%s: P%c%u has alternate function %u, not %d", block, port, pin,
                    h417_pin_af(board, port, pin), af);
        return false;
    }
    return true;
}

bool h417_pin_high(const struct board *board, char port, unsigned pin)
{
    return H417_OUT_PP >> h417_pin_mode(board, port, pin) & 1 &&
           gpio_out(board, (unsigned)(port - 'A'), pin);
}

/* The alternate functions of the blocks that both chips have. */
static bool routed(struct board *board, const char *block, unsigned port, unsigned pin)
{
    return h417_pin_af(board, (char)('A' + port), pin) == (*block == 'U' ? 7 : 4);
}

/* Four bits a line. */
static unsigned exti_port(const struct board *board, unsigned line)
{
    return board->value[H417_AFIO_EXTICR1 + line / 8] >> 4 * (line % 8) & 15;
}

/* What a DMA may reach: any memory of V5F's view, but SDMMC's only shared SRAM. */
static struct memory *reach(struct board *board, enum h417_master master, uint32_t address,
                            uint32_t count)
{
    for (unsigned i = 0; i < board->view[V5F].count; i++) {
        struct memory *memory = &board->view[V5F].memory[i];
        uint32_t offset = address - memory->base;
        if (master == H417_BY_SDMMC && memory->bytes != board->view[V3F].memory[0].bytes) continue;
        if (offset < memory->size && count <= memory->size - offset) return memory;
    }
    board_fault(board, address, "%s cannot reach 0x%08x",
                master == H417_BY_SDMMC ? "SDMMC's DMA" : "the DMA", (unsigned)address);
    return NULL;
}

bool h417_reaches(struct board *board, enum h417_master master, uint32_t address, uint32_t count)
{
    return reach(board, master, address, count) != NULL;
}

bool h417_dma_load(struct board *board, enum h417_master master, uint32_t address, void *to,
                   uint32_t count)
{
    const struct memory *memory = reach(board, master, address, count);
    if (!memory) return false;
    memcpy(to, memory->bytes + (address - memory->base), count);
    return true;
}

bool h417_dma_store(struct board *board, enum h417_master master, uint32_t address,
                    const void *from, uint32_t count)
{
    struct memory *memory = reach(board, master, address, count);
    if (!memory) return false;
    if (!memory->writable) {
        board_fault(board, address, "a DMA stores to 0x%08x, which is %s", (unsigned)address,
                    memory->name);
        return false;
    }
    memcpy(memory->bytes + (address - memory->base), from, count);
    if (count) memory_written(memory, address - memory->base, count);
    return true;
}

void h417_waits(struct board *board)
{
    for (unsigned core = 0; core < MAX_CORES; core++) {
        uint32_t cycles = core == V3F ? V3F_WORD : h417_cached(board) ? 1 : V5F_WORD;
        for (unsigned i = 0; i < board->view[core].count; i++) {
            struct memory *memory = &board->view[core].memory[i];
            if (!memory->flash || memory->word_cycles == cycles) continue;
            memory->word_cycles = cycles;
            memory_forget(memory);
        }
    }
}

/* V5F's own memories, of which V3F sees nothing, and HSEM, which has no registers of the usual
 * kind. */
static bool elsewhere(struct board *board, uint32_t address, uint32_t bytes, uint32_t *value,
                      bool store)
{
    if (board->core->number == V3F && address - 0x200a0000u < 0x60000) {
        board_fault(board, address, "%s 0x%08x by V3F: ITCM and DTCM are V5F's alone",
                    store ? "store to" : "load from", (unsigned)address);
        return true;
    }
    return h417_hsem_access(board, address, bytes, value, store);
}

static bool settled(const struct board *board, const struct block *block)
{
    unsigned number = (unsigned)(block->gate - (int)H417_RCC_HBPCENR);
    return block->gate < 0 || !(board->h417.unsettled[number] >> block->bit & 1);
}

/* V3F has asked for V5F to begin at its WAKEIP. */
static void wake(struct board *board)
{
    struct core *v5f = &board->cores[V5F];
    uint32_t entry = board->value[H417_PFIC_WAKEIP1];

    if (board->core->number != V3F || v5f->waiting != WAIT_START) {
        for (unsigned i = 0; i < MAX_CORES; i++) board->pfic[i].event = true;
        return;
    }
    if (!entry) {
        board_fault(board, 0, "SCTLR: V5F is woken without an address in WAKEIP1");
        return;
    }
    turns_catch_up(board, v5f);
    core_reset(v5f, entry);
    v5f->waiting = AWAKE;
    if (board->turn > board_ticks(board)) board->turn = board_ticks(board);
}

enum { H417_RCC_NONE = GATE_NONE, H417_RCC_REFUSED = GATE_REFUSED };

#define NAMED(x) H417_##x
#define CHIP_REGISTERS "ch32h417/registers.def"
#include "../tables.h"

const struct chip_type chip_ch32h417 = {
    .name = "CH32H417",
    .blocks = blocks,
    .block_count = sizeof blocks / sizeof *blocks,
    .registers = registers,
    .register_count = H417_REGISTERS,
    .ticks_per_us = H417_TICKS_PER_US,
    .lsi_hertz = 40000,
    .irqs = H417_IRQS,
    .least_bytes = 1,
    .priority_unused = 0x1f,
    .merges = H417_BLOCK_DMAMUX,
    .gpio = {{H417_GPIOA_CFGLR, H417_GPIOB_CFGLR, H417_GPIOC_CFGLR, H417_GPIOD_CFGLR,
              H417_GPIOE_CFGLR, H417_GPIOF_CFGLR},
             {0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff}},
    .exti = {H417_EXTI_INTENR, 16, H417_IRQ_EXTI7_0, H417_IRQ_EXTI15_8},
    .usart = {H417_USART1_STATR, H417_IRQ_USART1, PORT_A, 9, 10},
    .i2c = {H417_I2C1_CTLR1, H417_IRQ_I2C1_EV, H417_IRQ_I2C1_ER, PORT_B, 6, 7, 60, true},
    .systick = {{H417_SYSTICK0_CTLR, H417_SYSTICK0_SR, 0, H417_IRQ_SYSTICK0, 0, EVENT_SYSTICK},
                {H417_SYSTICK1_CTLR, H417_SYSTICK0_SR, 1, H417_IRQ_SYSTICK1, 0, EVENT_SYSTICK1}},
    .watchdog = {H417_IWDG_CTLR, H417_RCC_RSTSCKR},
    .reset = reset,
    .restored = h417_waits,
    .event = event,
    .elsewhere = elsewhere,
    .routed = routed,
    .settled = settled,
    .wake = wake,
    .exti_port = exti_port,
};
