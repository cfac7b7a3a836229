/* The portrait: see portrait.h. */
#include "app/portrait.h"

#include "app/screen.h"
#include "app/text.h"
#include "drivers/ssd1306.h"

enum { VERDICT_PAGE = 0, MOOD_PAGE = 1, FOOT_PAGE = 4, NOTE_PAGE = 5, CAPTION_PAGE = 7 };

const char *const portrait_moods[] = {"demotivated", "motivated", "none"};

enum whim_status portrait_verdict(uint32_t verdict, uint32_t mood, uint32_t column)
{
    char says[] = "says 131071";
    enum whim_status status = WHIM_OK;
    text_add_number(says + 5, verdict);
    if (verdict != NO_VERDICT) status = screen_line(says, column, PORTRAIT_WIDTH, VERDICT_PAGE);
    if (status || mood == NO_MOOD) return status;
    return screen_word(portrait_moods[mood], column, MOOD_PAGE);
}

enum whim_status portrait_foot(const char *note, const char *caption)
{
    enum whim_status status = ssd1306_window(PORTRAIT_WIDTH, PORTRAIT_WIDTH, FOOT_PAGE,
                                             SSD1306_PAGES - FOOT_PAGE);
    if (!status) status = ssd1306_blank(PORTRAIT_WIDTH * (SSD1306_PAGES - FOOT_PAGE));
    if (!status) status = screen_line(note, PORTRAIT_WIDTH, PORTRAIT_WIDTH, NOTE_PAGE);
    return status ? status : screen_caption(caption);
}

enum whim_status portrait_caption(const char *caption)
{
    return screen_line(caption, PORTRAIT_WIDTH, PORTRAIT_WIDTH, CAPTION_PAGE);
}

enum whim_status portrait_show(struct portrait *portrait, const int8_t *rgb,
                               const struct latent *latent, const char *note, const char *caption)
{
    dither_start(&portrait->dither, rgb, portrait->tones);
    enum whim_status status = ssd1306_start();
    if (!status) status = ssd1306_window(0, PORTRAIT_WIDTH, 0, DITHER_PAGES);
    for (uint32_t page = 0; page < DITHER_PAGES && !status; page++) {
        dither_page(&portrait->dither);
        status = ssd1306_data(portrait->dither.page, DITHER_SIZE);
    }
    if (!status) status = portrait_verdict(latent->verdict, latent->mood, PORTRAIT_WIDTH);
    return status ? status : portrait_foot(note, caption);
}
