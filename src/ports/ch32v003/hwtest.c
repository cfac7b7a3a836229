/* The hardware test: a firmware of its own for a new board, `pio run -e ch32v003_hwtest -t upload`.
 * Each step says on the console what it does and ends in "pass" or "fail"; docs/BRINGUP.md says
 * what a fail means and what to measure. It needs nothing but power and the console; what is
 * missing fails and the rest goes on. */
#include "app/console.h"
#include "app/die.h"
#include "app/flash_model.h"
#include "app/screen.h"
#include "drivers/ssd1306.h"
#include "engine/crc.h"
#include "ports/ch32v003/chip.h"
#include "whim/model.h"
#include "whim/port.h"

/* Check value of the picture below, from `python host/selftest.py`; 0 where the build could not
 * ask. */
#ifndef WHIM_PICTURE_CHECK
#define WHIM_PICTURE_CHECK 0
#endif

static uint32_t failed;

static void result(bool good)
{
    if (!good) failed++;
    port_console(good ? "pass\n" : "fail\n");
}

/* One: the light blinks, for a person to see. There is nothing to measure, so it passes. */
static void blink(void)
{
    port_console("1 light on PD0 blinks three times: ");
    pin_mode(&GPIOD_CFGLR, PIN_LED, GPIO_OUTPUT);
    for (uint32_t i = 0; i < 6; i++) {
        if (i & 1) GPIOD_BSHR = 1u << PIN_LED;
        else GPIOD_BCR = 1u << PIN_LED;
        port_sleep(150);
    }
    result(true);
}

/* Two: both oscillators run, and one is about 128 kHz by the other. The watchdog takes a value over
 * within some cycles of LSI. */
static void clocks(void)
{
    uint32_t longest = 0;
    port_console("2 clocks, LSI seen from HSI: ");
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t start = ticks();
        (void)noise_clock();
        if (ticks() - start > longest) longest = ticks() - start;
    }
    console_number("at most ticks=", (int32_t)longest);
    port_console(" ");
    result(longest >= HCLK_HERTZ / 200000 && longest < HCLK_HERTZ / 5000);
}

/* Three: both lines of the bus are high when nobody talks; else there are no pull-ups. */
static void lines(void)
{
    port_console("3 I2C lines idle: ");
    uint32_t pins = GPIOC_INDR;
    port_console(pins & 1u << PIN_SDA ? "SDA high, " : "SDA low, ");
    port_console(pins & 1u << PIN_SCL ? "SCL high " : "SCL low ");
    result(pins & 1u << PIN_SDA && pins & 1u << PIN_SCL);
}

/* Four: who is on the bus. The display must be. */
static void scan(void)
{
    bool display = false;
    port_console("4 I2C scan, found:");
    for (uint8_t address = 0x08; address < 0x78; address++) {
        if (i2c_probe(address)) continue;
        console_number(" ", address);
        display |= address == SSD1306_ADDRESS;
    }
    port_console(display ? " (60 is the display) " : " (no display at 60) ");
    result(display);
}

static void display(void)
{
    port_console("5 display shows 5 and \"hwtest\": ");
    enum whim_status status = ssd1306_start();
    if (!status) status = screen_number(5);
    if (!status) status = screen_caption("hwtest");
    result(!status);
}

/* Six: the model in flash, by its own CRCs, and one picture, row by row, against the host's. */
static void picture(void)
{
    static struct whim_model model;
    static struct whim_run run;
    static const struct die die = {.pips = 5, .turn = 10, .latent = {90, 60, -70, -70}};
    int8_t inputs[DIE_INPUTS];
    const int8_t *row;
    uint32_t check[2] = {0, 0};

    port_console("6 model in flash: ");
    enum whim_status status = whim_open(&model, whim_flash_model, whim_flash_model_size);
    port_console(whim_status_name(status));
    port_console(" ");
    result(!status);
    if (status) return;

    die_inputs(&die, inputs);
    status = whim_start(&run, &model, inputs, whim_flash_arena, whim_flash_arena_size);
    uint32_t start = port_millis();
    while (!status && !(status = whim_next_row(&run, &row))) {
        check[1] = whim_crc32((const uint8_t *)row, DIE_SIZE);
        check[0] = whim_crc32((const uint8_t *)check, sizeof check);
    }
    console_hex("7 picture check=", check[0]);
    console_number(" ms=", (int32_t)(port_millis() - start));
    port_console(WHIM_PICTURE_CHECK ? " " : " (compare: python host/selftest.py) ");
    result(status == WHIM_DONE && (!WHIM_PICTURE_CHECK || check[0] == WHIM_PICTURE_CHECK));
}

static void entropy(void)
{
    uint8_t bytes[4];
    port_console("8 noise passes its health test: ");
    result(!port_entropy(bytes, sizeof bytes));
}

static void button(void)
{
    enum { WAIT_MS = 10000 };
    uint32_t start = port_millis(), edges = button_edges().count;
    port_console("9 press the button within ten seconds: ");
    while (port_millis() - start < WAIT_MS && !port_button()) port_sleep(5);
    while (port_millis() - start < WAIT_MS && port_button()) port_sleep(5);
    console_number("edges=", (int32_t)(button_edges().count - edges));
    port_console(" ");
    result(button_edges().count - edges >= 2);
}

int main(void)
{
    port_start();
    port_console("whim hardware test on ");
    port_console(port_name);
    port_console("\n");
    blink();
    clocks();
    lines();
    scan();
    display();
    picture();
    entropy();
    button();
    console_number("stack bytes=", (int32_t)stack_used());
    console_number(failed ? "\nfailed=" : "\nall pass, failed=", (int32_t)failed);
    port_console("\npress reset to test again\n");
    for (;;) port_sleep(1000);
}
