/* SSD1306 displays of 128x64 pixels on I2C, without a frame buffer.
 *
 * The picture lives in the display's own memory: 8 pages of 128 columns, each byte a strip of 8
 * pixels with bit 0 on top. A caller opens a window and streams bytes into it, column by column and
 * page by page; only what changed has to be sent. No call sends more than SSD1306_CHUNK data bytes
 * in one transaction, so that a port can do with a small buffer.
 *
 * Errors: everything here answers WHIM_OK or what port_i2c_write answered. After an error the
 * display's window is unknown; ssd1306_start brings it back. */
#ifndef DRIVERS_SSD1306_H
#define DRIVERS_SSD1306_H

#include <stdint.h>

#include "whim/status.h"

enum {
    SSD1306_ADDRESS = 0x3c,
    SSD1306_WIDTH = 128,
    SSD1306_PAGES = 8,
    SSD1306_CHUNK = 32 /* data bytes in one transaction, at most */
};

/* Set the display up, clear it and switch it on. May be called again at any time, for example when
 * a display was plugged in late. */
enum whim_status ssd1306_start(void);

/* For a caller that fills all of the display itself: set it up, but leave its memory as it is, and
 * the display on or, as after power-on, off; then, once it is filled, switch it on. */
enum whim_status ssd1306_set_up(void);
enum whim_status ssd1306_on(void);

/* Direct the data that follow to `columns` columns from `column` on `pages` pages from `page`. The
 * window must lie on the display and not be empty. After its last byte it begins anew. */
enum whim_status ssd1306_window(uint32_t column, uint32_t columns, uint32_t page, uint32_t pages);

/* Send `count` bytes into the window. */
enum whim_status ssd1306_data(const uint8_t *bytes, uint32_t count);

/* Send `count` zero bytes into the window. */
enum whim_status ssd1306_blank(uint32_t count);

#endif
