/* What the CH32V003 and the CH32V002 are alike in, for the struct chip_type of each: all that names
 * a register, as its own registers.def numbers them. */
#define V00_TYPE                                                                                   \
    .blocks = blocks,                                                                              \
    .block_count = sizeof blocks / sizeof *blocks,                                                 \
    .registers = registers,                                                                        \
    .register_count = REGISTERS,                                                                   \
    .ticks_per_us = 48,                                                                            \
    .lsi_hertz = 128000,                                                                           \
    .irqs = IRQS,                                                                                  \
    .least_bytes = 2,                                                                              \
    .priority_unused = 0x3f,                                                                       \
    .merges = ~0u,                                                                                 \
    .gpio = {{GPIOA_CFGLR, 0, GPIOC_CFGLR, GPIOD_CFGLR}, {0x06, 0, 0xff, 0xff}},                   \
    .exti = {EXTI_INTENR, 8, IRQ_EXTI, 0},                                                         \
    .usart = {USART1_STATR, IRQ_USART, PORT_D, 5, 6},                                              \
    .i2c = {I2C1_CTLR1, IRQ_I2C_EVENT, IRQ_I2C_ERROR, PORT_C, 2, 1, 63, false},                    \
    .systick = {{SYSTICK_CTLR, SYSTICK_SR, 0, IRQ_SYSTICK, IRQ_SOFTWARE, EVENT_SYSTICK}},          \
    .watchdog = {IWDG_CTLR, RCC_RSTSCKR},                                                          \
    .reset = v00_reset,                                                                            \
    .restored = flash_waits,                                                                       \
    .event = v00_event,                                                                            \
    .exti_port = v00_exti_port
