/* ADC1: single conversions, and the noise that makes them worth asking for.
 *
 * Channel 8 is the internal reference, 1.2 V of 3.3 V; the others are pins, which wander when
 * nobody drives them. Every conversion adds thermal noise from the board's generator, which a test
 * seeds, so that a run can be repeated. Strict: the ADC's clock is at most 24 MHz, a channel's pin
 * must be analog, and a conversion must be asked for as the manual says. */
#include "board.h"

enum { EOC = 2, STRT = 16 };
enum { ADON = 1, CAL = 4, RSTCAL = 8, EXTSEL = 7 << 17, EXTTRIG = 1 << 20, SWSTART = 1 << 22 };
enum { EOCIE = 0x20 };
enum { NOTHING, RESETTING, CALIBRATING, CONVERTING };
enum { REFERENCE = 372, HIGHEST = 1023, CALIBRATION_CLOCKS = 100 }; /* the last is assumed */

static const uint8_t pins[][2] = {{PORT_A, 2}, {PORT_A, 1}, {PORT_C, 4}, {PORT_D, 2},
                                  {PORT_D, 3}, {PORT_D, 5}, {PORT_D, 6}, {PORT_D, 4}};

static uint32_t divider(const struct board *board)
{
    uint32_t prescaler = board->value[RCC_CFGR0] >> 11 & 31;
    uint32_t base = 2 * (prescaler >> 3) + 2;
    return prescaler & 4 ? base * ((uint32_t)2 << (prescaler & 3)) : base;
}

/* `clocks` of the ADC from now, that is done. */
static void after(struct board *board, uint32_t clocks, uint8_t doing)
{
    if (chip_hertz(board) / divider(board) > 24000000) {
        board_fault(board, 0, "ADC1: its clock is above 24 MHz");
        return;
    }
    board->chip.adc.doing = doing;
    chip_schedule(board, EVENT_ADC, board_ticks(board) + (uint64_t)clocks * divider(board) *
                                                             board->bus.ticks_per_cycle);
}

static void set(struct board *board, uint32_t bits, uint32_t cleared)
{
    uint32_t *status = &board->value[ADC1_STATR];
    *status = (*status & ~cleared) | bits;
    pfic_line(board, IRQ_ADC, *status & EOC && board->value[ADC1_CTLR1] & EOCIE);
}

/* Thermal noise, -n .. n with the middle likelier, n being the board's. */
static int32_t thermal(struct board *board)
{
    int32_t n = (int32_t)board->adc_noise, sum = 0;
    for (int i = 0; i < 2 && n; i++) sum += (int32_t)(board_noise(board) % (uint32_t)(n + 1));
    return sum - n;
}

static uint32_t convert(struct board *board, unsigned channel)
{
    int32_t value = REFERENCE;
    if (channel < 8) {
        unsigned drive = board->drive[pins[channel][0]][pins[channel][1]];
        int32_t *wander = &board->chip.adc.level[channel];
        *wander = (3 * *wander + 4 * thermal(board)) / 4;
        value = drive == DRIVE_LOW ? 0 : drive == DRIVE_HIGH ? HIGHEST : 500 + *wander;
    }
    value += thermal(board);
    return (uint32_t)(value < 0 ? 0 : value > HIGHEST ? HIGHEST : value);
}

static void start(struct board *board)
{
    static const uint8_t sampling[] = {3, 9, 15, 30, 43, 57, 73, 241};
    const uint32_t *value = board->value;
    unsigned channel = value[ADC1_RSQR3] & 31;
    unsigned shift = 3 * (channel % 10);
    uint32_t time = value[channel < 10 ? ADC1_SAMPTR2 : ADC1_SAMPTR1] >> shift & 7;

    if (value[ADC1_RSQR1] >> 20 & 15) {
        board_fault(board, 0, "ADC1: sequences of more than one channel are not modelled");
    } else if (channel > 8) {
        board_fault(board, 0, "ADC1: channel %u is not modelled", channel);
    } else if (channel < 8 && gpio_mode(board, pins[channel][0], pins[channel][1]) != 0) {
        board_fault(board, 0, "ADC1: P%c%u of channel %u is not an analog input",
                    "ABCD"[pins[channel][0]], pins[channel][1], channel);
    } else {
        board->chip.adc.channel = (uint8_t)channel;
        set(board, STRT, 0);
        after(board, sampling[time] + 11, CONVERTING);
    }
}

uint32_t adc_read(struct board *board, unsigned now)
{
    if (now == ADC1_RDATAR) set(board, 0, EOC);
    return board->value[now];
}

void adc_write(struct board *board, unsigned now, uint32_t value)
{
    uint32_t *registers = board->value, old = registers[now];
    bool go = value & SWSTART;

    if (now == ADC1_STATR) {
        set(board, 0, ~value & 0x1f); /* zeros clear */
        return;
    }
    if (now == ADC1_CTLR1 && value & ~(uint32_t)(EOCIE | 3 << 25)) {
        board_fault(board, 0, "ADC1: CTLR1 = 0x%08x: only EOCIE is modelled", (unsigned)value);
        return;
    }
    if (now >= ADC1_IDATAR1 && now <= ADC1_RDATAR) {
        board_fault(board, 0, "ADC1: store to a read-only register");
        return;
    }
    if (now != ADC1_CTLR2) {
        registers[now] = value;
        return;
    }
    if (value & ~(uint32_t)(ADON | CAL | RSTCAL | EXTSEL | EXTTRIG | SWSTART)) {
        board_fault(board, 0, "ADC1: CTLR2 = 0x%08x: not all of this is modelled",
                    (unsigned)value);
        return;
    }
    registers[now] = (value & ~(uint32_t)SWSTART) | (old & (CAL | RSTCAL));
    if (!(value & ADON) && value & (CAL | RSTCAL | SWSTART)) {
        board_fault(board, 0, "ADC1: asked to work while ADON is 0");
    } else if (value & RSTCAL && !(old & RSTCAL)) {
        after(board, CALIBRATION_CLOCKS, RESETTING);
    } else if (value & CAL && !(old & CAL)) {
        after(board, CALIBRATION_CLOCKS, CALIBRATING);
    } else if (go && (value & (EXTSEL | EXTTRIG)) != (EXTSEL | EXTTRIG)) {
        board_fault(board, 0, "ADC1: SWSTART needs EXTTRIG and EXTSEL = 7");
    } else if (go) {
        if (board->chip.adc.doing != NOTHING) {
            board_fault(board, 0, "ADC1: SWSTART before it was done");
        } else {
            start(board);
        }
    }
}

void adc_reset(struct board *board)
{
    bus_reset(board, ADC1_STATR, ADC1_DLYR);
    board->chip.adc.doing = NOTHING;
    board->due[EVENT_ADC] = NEVER;
    set(board, 0, 0);
}

void adc_event(struct board *board)
{
    struct chip *chip = &board->chip;
    uint8_t done = chip->adc.doing;

    chip->adc.doing = NOTHING;
    switch (done) {
    case RESETTING: board->value[ADC1_CTLR2] &= ~(uint32_t)RSTCAL; break;
    case CALIBRATING: board->value[ADC1_CTLR2] &= ~(uint32_t)CAL; break;
    case CONVERTING:
        board->value[ADC1_RDATAR] = convert(board, chip->adc.channel);
        set(board, EOC, 0);
        break;
    }
}
