/* The SSD1306 driver: see ssd1306.h. Commands and their order are those of the data sheet (Solomon
 * Systech, rev 1.1, sections 9 and 10) for a module that makes its panel voltage with the built-in
 * charge pump. */
#include "drivers/ssd1306.h"

#include "whim/port.h"

enum { COMMANDS = 0x00, DATA = 0x40 }; /* control byte: what follows, until the stop */

static const uint8_t set_up[] = {
    0xae,       /* display off while it is set up */
    0xd5, 0x80, /* oscillator and divider: about 100 frames a second */
    0xa8, 0x3f, /* multiplex: 64 rows */
    0xd3, 0x00, /* no vertical offset */
    0x40,       /* memory row 0 on top */
    0x8d, 0x14, /* charge pump on */
    0x20, 0x00, /* horizontal addressing: a window fills row of columns by row of columns */
    0xa1, 0xc8, /* column 0 left and row 0 top, as modules are mounted */
    0xda, 0x12, /* 64 rows are wired alternately */
    0x81, 0xcf, /* contrast */
    0xd9, 0xf1, /* pre-charge for the charge pump's voltage */
    0xdb, 0x40, /* VCOMH */
    0xa4, 0xa6, /* show the memory; a one is a lit pixel */
    0x2e,       /* no scrolling, should the display remember one from before a reset */
};

static enum whim_status command(const uint8_t *bytes, uint32_t count)
{
    return port_i2c_write(SSD1306_ADDRESS, COMMANDS, bytes, count);
}

enum whim_status ssd1306_set_up(void)
{
    return command(set_up + 1, sizeof set_up - 1);
}

enum whim_status ssd1306_on(void)
{
    static const uint8_t on[] = {0xaf};
    return command(on, sizeof on);
}

enum whim_status ssd1306_start(void)
{
    enum whim_status status = command(set_up, sizeof set_up);
    if (!status) status = ssd1306_window(0, SSD1306_WIDTH, 0, SSD1306_PAGES);
    if (!status) status = ssd1306_blank(SSD1306_WIDTH * SSD1306_PAGES);
    return status ? status : ssd1306_on(); /* not before: power-on leaves noise */
}

enum whim_status ssd1306_window(uint32_t column, uint32_t columns, uint32_t page, uint32_t pages)
{
    const uint8_t window[] = {
        0x21, (uint8_t)column, (uint8_t)(column + columns - 1),
        0x22, (uint8_t)page,   (uint8_t)(page + pages - 1),
    };
    return command(window, sizeof window);
}

enum whim_status ssd1306_data(const uint8_t *bytes, uint32_t count)
{
    enum whim_status status = WHIM_OK;
    while (count && !status) {
        uint32_t chunk = count < SSD1306_CHUNK ? count : SSD1306_CHUNK;
        status = port_i2c_write(SSD1306_ADDRESS, DATA, bytes, chunk);
        bytes += chunk;
        count -= chunk;
    }
    return status;
}

enum whim_status ssd1306_blank(uint32_t count)
{
    static const uint8_t black[SSD1306_CHUNK];
    enum whim_status status = WHIM_OK;
    while (count && !status) {
        uint32_t chunk = count < SSD1306_CHUNK ? count : SSD1306_CHUNK;
        status = ssd1306_data(black, chunk);
        count -= chunk;
    }
    return status;
}
