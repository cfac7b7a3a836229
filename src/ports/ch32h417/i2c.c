/* I2C1 as a master at 400 kHz on PB6 (SCL) and PB7 (SDA): the pins and the clock. What goes over
 * the bus is in ports/bare/i2c.c. */
#include "ports/ch32h417/chip.h"

/* The block's own calculations stop at 60 MHz, the most that CTLR2 may say; CKCFGR counts HCLK. */
enum { I2C_HERTZ = 400000, INPUT_MHZ = 60, RISE_NS = 300 };

void i2c_start(void)
{
    pin_mode(&AFIO_GPIOB_AFLR, PIN_SCL, AF_I2C);
    pin_mode(&AFIO_GPIOB_AFLR, PIN_SDA, AF_I2C);
    pin_mode(&GPIOB_CFGLR, PIN_SCL, GPIO_PERIPHERAL_OD);
    pin_mode(&GPIOB_CFGLR, PIN_SDA, GPIO_PERIPHERAL_OD);
    I2C1_CTLR1 = I2C1_CTLR1_SWRST;
    I2C1_CTLR1 = 0;
    I2C1_CTLR2 = INPUT_MHZ;
    /* Fast mode, low twice as long as high: three parts a bit, rounded up. */
    I2C1_CKCFGR = I2C1_CKCFGR_FS | ((HCLK_HERTZ + 3 * I2C_HERTZ - 1) / (3 * I2C_HERTZ));
    I2C1_RTR = INPUT_MHZ * RISE_NS / 1000 + 1;
    I2C1_CTLR1 = I2C1_CTLR1_PE;
}
