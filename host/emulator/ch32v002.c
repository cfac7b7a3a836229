/* What the CH32V002 is: the CH32V003 with other registers here and there (registers.def), more wait
 * states, more RAM and a multiplier (boards.c). Its ADC, of 12 bits, is not modelled. */
#include "board.h"

enum { RCC_NONE = GATE_NONE, RCC_REFUSED = GATE_REFUSED, RCC_ADC_CLOCK = GATE_REFUSED };

#define NAMED(x) x
#define EITHER(v003, v002) v002
#define CHIP_REGISTERS "registers.def"
#include "tables.h"

const struct chip_type chip_ch32v002 = {
    .name = "CH32V002",
    .blocks = blocks,
    .block_count = sizeof blocks / sizeof *blocks,
    .registers = registers,
    .register_count = REGISTERS,
    .ticks_per_us = 48,
    .lsi_hertz = 128000,
    .irqs = IRQS,
    .least_bytes = 2,
    .priority_unused = 0x3f,
    .merges = ~0u,
    .gpio = {{GPIOA_CFGLR, 0, GPIOC_CFGLR, GPIOD_CFGLR}, {0x06, 0, 0xff, 0xff}},
    .exti = {EXTI_INTENR, 8, IRQ_EXTI, 0},
    .usart = {USART1_STATR, IRQ_USART, PORT_D, 5, 6},
    .i2c = {I2C1_CTLR1, IRQ_I2C_EVENT, IRQ_I2C_ERROR, PORT_C, 2, 1, 63, false},
    .systick = {{SYSTICK_CTLR, SYSTICK_SR, 0, IRQ_SYSTICK, IRQ_SOFTWARE, EVENT_SYSTICK}},
    .watchdog = {IWDG_CTLR, RCC_RSTSCKR},
    .no_wait_mhz = 15,
    .one_wait_mhz = 24,
    .reset = v00_reset,
    .restored = flash_waits,
    .event = v00_event,
    .exti_port = v00_exti_port,
};
