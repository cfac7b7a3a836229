/* I2C1 as a master at 400 kHz on PC1 (SDA) and PC2 (SCL): the pins and the clock. What goes over
 * the bus is in ports/bare/i2c.c. */
#include "ports/ch32v003/chip.h"

enum { I2C_HERTZ = 400000 };

void i2c_start(void)
{
    pin_mode(&GPIOC_CFGLR, PIN_SDA, GPIO_PERIPHERAL_OD);
    pin_mode(&GPIOC_CFGLR, PIN_SCL, GPIO_PERIPHERAL_OD);
    I2C1_CTLR1 = I2C1_CTLR1_SWRST;
    I2C1_CTLR1 = 0;
    I2C1_CTLR2 = HCLK_HERTZ / 1000000;
    /* Fast mode, low twice as long as high: three parts a bit. */
    I2C1_CKCFGR = I2C1_CKCFGR_FS | HCLK_HERTZ / (3 * I2C_HERTZ);
    I2C1_CTLR1 = I2C1_CTLR1_PE;
}
