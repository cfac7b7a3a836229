/* The throw: see tumble.h. */
#include "app/tumble.h"

#include "drivers/ssd1306.h"
#include "whim/port.h"

/* How far the die still has to go in each frame, in columns: 128 * (frames left / 14)^2, so it
 * slows down evenly, as friction does it. The last step is the picture at rest. */
static const uint8_t distance[TUMBLE_FRAMES] = {110, 94, 79, 65, 53, 42, 32,
                                                24,  16, 10, 6,  3,  1,  0};

/* Which face it shows then, as a step from the last face, modulo 6. The last face comes early
 * enough to be seen turning to its rest. */
static const uint8_t face[TUMBLE_FRAMES] = {4, 1, 5, 2, 4, 3, 1, 5, 2, 0, 0, 0, 0, 0};

enum whim_status stage_die(struct stage *stage, const struct whim_model *model,
                           const struct die *die, uint32_t column, uint32_t trail)
{
    struct crisp *crisp = &stage->crisp;
    uint32_t room = SSD1306_WIDTH - column;
    uint32_t columns = CRISP_SIZE < room ? CRISP_SIZE : room;
    if (trail > room - columns) trail = room - columns;

    die_inputs(die, stage->inputs);
    enum whim_status status =
        crisp_start(crisp, model, stage->inputs, stage->arena, stage->arena_bytes,
                    die->latent[DIE_SHADE]);
    if (!status) status = ssd1306_window(column, columns + trail, 0, CRISP_PAGES);
    for (uint32_t page = 0; page < CRISP_PAGES && !status; page++) {
        status = crisp_page(crisp);
        if (!status) status = ssd1306_data(crisp->page, columns);
        if (!status) status = ssd1306_blank(trail);
    }
    return status;
}

enum whim_status tumble(struct stage *stage, const struct whim_model *model, const struct die *die,
                        struct button *button)
{
    struct die now = *die;
    uint32_t due = port_millis();
    uint32_t before = SSD1306_WIDTH;
    for (uint32_t frame = 0; frame < TUMBLE_FRAMES; frame++) {
        uint32_t pips = die->pips + face[frame];
        now.pips = (uint8_t)(pips > 6 ? pips - 6 : pips);
        /* To the left means anticlockwise. A turn in 128 columns is a wheel of 41 pixels: the die's
         * size. */
        now.turn = (uint8_t)(die->turn + 2 * distance[frame]);
        enum whim_status status =
            stage_die(stage, model, &now, distance[frame], before - distance[frame]);
        if (status) return status;
        before = distance[frame];

        due += TUMBLE_FRAME_MS;
        (void)button_pressed(button);
        while ((int32_t)(due - port_millis()) > 0) {
            port_sleep(5);
            (void)button_pressed(button);
        }
        due = port_millis(); /* a slow board does not hurry to catch up */
    }
    return WHIM_OK;
}
