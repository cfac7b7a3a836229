/* The progress screen: see progress.h. A column of the bar is one per cent. */
#include "app/progress.h"

#include <stdbool.h>

#include "app/screen.h"
#include "app/text.h"
#include "drivers/ssd1306.h"
#include "whim/port.h"

enum { TITLE_PAGE = 0, BAR_PAGE = 3, PLACE_PAGE = 5, HINT_PAGE = 7 };
enum { BAR = 13, COLUMNS = 100, LAYER = 13, PERCENT = 85, PERCENT_COLUMNS = 30 };
enum { EDGE = 0x7e, EMPTY = 0x81, FULL = 0xbd };

/* Send the same byte to so many columns of the bar. */
static enum whim_status bar(uint32_t column, uint32_t columns, uint8_t byte)
{
    enum whim_status status = WHIM_OK;
    if (columns) status = ssd1306_window(BAR + column, columns, BAR_PAGE, 1);
    while (columns-- && !status) status = ssd1306_data(&byte, 1);
    return status;
}

static enum whim_status show_percent(uint32_t percent)
{
    char text[8];
    text_add(text_add_number(text, percent), "%");
    return screen_line(text, PERCENT, PERCENT_COLUMNS, PLACE_PAGE);
}

static enum whim_status show_layer(uint32_t layer, uint32_t layers)
{
    char text[24] = "layer ";
    text_add_number(text_add(text_add_number(text + 6, layer), " of "), layers);
    return screen_line(text, LAYER, PERCENT - LAYER, PLACE_PAGE);
}

enum whim_status progress_start(struct progress *progress, const char *title)
{
    *progress = (struct progress){.drawn = port_millis()};
    enum whim_status status = ssd1306_start();
    if (!status) status = screen_line(title, 0, SSD1306_WIDTH, TITLE_PAGE);
    if (!status) status = screen_line("press to cancel", 0, SSD1306_WIDTH, HINT_PAGE);
    if (!status) status = bar(0, 1, EDGE);
    if (!status) status = bar(1, COLUMNS, EMPTY);
    if (!status) status = bar(1 + COLUMNS, 1, EDGE);
    return status ? status : show_percent(0);
}

enum whim_status progress_show(struct progress *progress, uint32_t percent, uint32_t layer,
                               uint32_t layers)
{
    bool changed = percent > progress->percent || layer != progress->layer;
    bool early = port_millis() - progress->drawn < PROGRESS_MS;
    if (!changed || (early && percent < COLUMNS)) return WHIM_OK;
    enum whim_status status = WHIM_OK;
    if (layer != progress->layer) status = show_layer(layer, layers);
    if (!status && percent > progress->percent) {
        status = bar(1 + progress->percent, percent - progress->percent, FULL);
        if (!status) status = show_percent(percent);
        progress->percent = (uint8_t)percent;
    }
    progress->layer = (uint8_t)layer;
    progress->drawn = port_millis();
    return status;
}
