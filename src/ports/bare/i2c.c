/* Transactions of I2C1 as a master, polled, for chips whose chip.h names the block's registers, the
 * pins and a clock. A transaction has 10 ms from its first wait to its last, whatever happens on
 * the bus; at 400 kHz, 34 bytes take less than one. */
#include "chip.h"
#include "whim/port.h"

enum {
    DEADLINE = 10 * TICKS_PER_MS,
    ERRORS = I2C1_STAR1_AF | I2C1_STAR1_ARLO | I2C1_STAR1_BERR
};

/* Let go of the pins in the lower half of `pins`, pull down those in its upper half, for half a bit
 * of 100 kHz. */
static void drive(uint32_t pins)
{
    I2C_BSHR = pins;
    for (uint32_t start = ticks(); ticks() - start < TICKS_PER_MS / 200;) {}
}

/* A chip that was interrupted while it sent a zero holds SDA down for ever. Nine clocks let it
 * finish its byte, and a stop condition ends the transaction (NXP UM10204, 3.1.16). */
static void recover(void)
{
    enum { SDA = 1 << PIN_SDA, SCL = 1 << PIN_SCL, DOWN = 16 };
    I2C_BSHR = SDA | SCL;
    pin_mode(&I2C_CFGLR, PIN_SDA, GPIO_OUTPUT_OD);
    pin_mode(&I2C_CFGLR, PIN_SCL, GPIO_OUTPUT_OD);
    for (uint32_t i = 0; i < 9; i++) {
        drive(SCL << DOWN);
        drive(SCL);
    }
    drive(SCL << DOWN);
    drive(SDA << DOWN);
    drive(SCL);
    drive(SDA);
    i2c_start();
}

/* Wait for one of `flags`; false on an error or when the transaction's time is up. */
static bool wait(uint32_t start, uint16_t flags)
{
    for (;;) {
        uint16_t status = I2C1_STAR1;
        if (status & ERRORS) return false;
        if (status & flags) return true;
        if (ticks() - start > DEADLINE) return false;
    }
}

static bool send(uint32_t start, uint8_t byte)
{
    I2C1_DATAR = byte;
    return wait(start, I2C1_STAR1_TXE | I2C1_STAR1_BTF);
}

static bool begin(uint32_t start, uint8_t address)
{
    while (I2C1_STAR2 & I2C1_STAR2_BUSY) {
        if (ticks() - start > DEADLINE) return false;
    }
    I2C1_CTLR1 = I2C1_CTLR1_PE | I2C1_CTLR1_START;
    if (!wait(start, I2C1_STAR1_SB)) return false;
    I2C1_DATAR = (uint8_t)(address << 1);
    if (!wait(start, I2C1_STAR1_ADDR)) return false;
    (void)I2C1_STAR2; /* read after STAR1, it clears ADDR */
    return true;
}

/* Stop, and after a failure put bus and block in order for the next; not where nobody answered,
 * since then the bus is well. */
static enum whim_status end(uint32_t start, bool good)
{
    bool absent = I2C1_STAR1 & I2C1_STAR1_AF;
    I2C1_CTLR1 = I2C1_CTLR1_PE | I2C1_CTLR1_STOP;
    I2C1_STAR1 = 0; /* zeros clear the error flags */
    while (I2C1_STAR2 & I2C1_STAR2_BUSY) {
        if (ticks() - start <= DEADLINE) continue;
        good = absent = false;
        break;
    }
    if (good) return WHIM_OK;
    if (!absent) recover();
    return WHIM_ERR_I2C;
}

enum whim_status i2c_probe(uint8_t address)
{
    uint32_t start = ticks();
    return end(start, begin(start, address));
}

enum whim_status port_i2c_write(uint8_t address, uint8_t control, const uint8_t *bytes,
                                uint32_t count)
{
    uint32_t start = ticks();
    bool good = begin(start, address) && send(start, control);
    while (good && count--) good = send(start, *bytes++);
    if (good) good = wait(start, I2C1_STAR1_BTF); /* the last bit is on the wire */
    return end(start, good);
}
