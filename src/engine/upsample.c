/* From samples at 16 kHz to values for a 12-bit DAC at 64 kHz. docs/BANK.md says why each step is
 * there; host/whim/dac.py computes the same, and the taps come from there. */
#include "whim/audio.h"

enum { SLEW = 64, HALF = 16384, FRACTION = 18, SHAPER = 115, TOP = 4095 };

/* Of an interpolating low pass, in 2^-14: two of its four phases, the latest sample's tap first.
 * The other two are these, backwards. Of a phase's taps, the sum is 2^14 and that of the magnitudes
 * at most 37,236. */
static const int16_t taps[WHIM_DAC_FACTOR / 2][WHIM_DAC_TAPS] = {
    {-5, 12, -25, 45, -73, 110, -159, 219, -293, 382, -489, 618, -784, 1021, -1443, 2704,
     15508, -1293, 447, -147, 4, 69, -102, 113, -109, 96, -79, 61, -44, 29, -18, 9},
    {-3, 8, -19, 36, -62, 101, -156, 231, -332, 466, -645, 889, -1244, 1823, -3029, 7850,
     12633, -3220, 1685, -1033, 669, -437, 282, -176, 104, -57, 27, -10, 1, 3, -3, 2},
};

void whim_dac_open(struct whim_dac *dac)
{
    *dac = (struct whim_dac){.on = false};
}

void whim_dac_switch(struct whim_dac *dac, bool on)
{
    dac->on = on;
}

void whim_dac_volume(struct whim_dac *dac, unsigned volume)
{
    dac->volume = (uint16_t)((volume < WHIM_DAC_LOUD ? volume : WHIM_DAC_LOUD) * 128);
}

/* One step of at most `step` from `value` to `to`. */
static uint16_t nearer(uint16_t value, uint16_t to, uint16_t step)
{
    if (value < to) return to - value > step ? (uint16_t)(value + step) : to;
    return value - to > step ? (uint16_t)(value - step) : to;
}

static int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Round `value`, in 2^-18 of the DAC's last bit. What is cut off comes back in the next two values,
 * so weighted that in the band of speech nearly nothing of it is left: the error's spectrum is that
 * of 1 - 115/64 z^-1 + z^-2, with zeros at 4.6 kHz.
 * |value| < 1.77e9; |error| <= 2^18, so what they add is below 2^20 and the sum below 2^31. */
static uint16_t shape(struct whim_dac *dac, int32_t value)
{
    int32_t want = value + (SHAPER * dac->error[0] >> 6) - dac->error[1];
    int32_t got = clamp((want + (1 << (FRACTION - 1))) >> FRACTION, 0, TOP);

    dac->error[1] = dac->error[0];
    dac->error[0] = clamp(want - got * (1 << FRACTION), -(1 << FRACTION), 1 << FRACTION);
    return (uint16_t)got;
}

/* How high the middle of the sound lies, in the same unit: 0 to 2^29, a parabola up to half of the
 * way and another one from there. */
static int32_t middle(uint16_t height)
{
    int32_t done = height, rest = WHIM_DAC_SETTLE - height;

    return done < rest ? 64 * done * done : (1 << 29) - 64 * rest * rest;
}

void whim_dac_convert(struct whim_dac *dac, const int16_t *samples, uint32_t count, uint16_t *out)
{
    for (; count; count--) {
        uint32_t phase, i;

        dac->gain = nearer(dac->gain, dac->volume, SLEW);
        dac->height = nearer(dac->height, dac->on ? WHIM_DAC_SETTLE : 0, 1);
        __builtin_memmove(dac->past + 1, dac->past, sizeof dac->past - sizeof dac->past[0]);
        dac->past[0] = 0;
        if (samples) dac->past[0] = (int16_t)((*samples++ * dac->gain + HALF) >> 15);
        for (phase = 0; phase < WHIM_DAC_FACTOR; phase++) {
            const int16_t *tap = taps[phase < 2 ? phase : 3 - phase];
            int32_t sum = 0; /* |sum| <= 37,236 * 2^15 < 1.23e9 */

            for (i = 0; i < WHIM_DAC_TAPS; i++)
                sum += dac->past[i] * tap[phase < 2 ? i : WHIM_DAC_TAPS - 1 - i];
            if (!sum) dac->error[0] = dac->error[1] = 0; /* in silence the output stands still */
            *out++ = dac->height ? shape(dac, sum + middle(dac->height)) : 0;
        }
    }
}
