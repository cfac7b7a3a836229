/* Pictures over the serial line, for host/monitor.py: 256 lines of 48 bytes each, red, green and
 * blue from 0 to 255, row by row. A line has its number, the bytes in base64, and their CRC-32:
 *
 *     pixels 17 AAECAwQF... 89abcdef
 *
 * They come after the line of the cat that they belong to, while it speaks: one at a time, so that
 * nobody has to wait for them. For boards with a card. */
#ifndef APP_MONITOR_H
#define APP_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

/* Whether pictures are sent; at first they are not. */
void monitor_switch(bool on);

/* Send this picture, CAT_PIXEL_BYTES of the model's values, which stay in place meanwhile. */
void monitor_start(const int8_t *rgb);

/* Send a line of it, which takes the serial line 7 ms; false when there is none. */
bool monitor_poll(void);

#endif
