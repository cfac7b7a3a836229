/* Rolling, and the die model's input: see die.h. Integers of 32 bits only. */
#include "app/die.h"

enum {
    AXIS = 115,   /* length of the model's axis input for a die of middle size */
    MIDDLE = 1397 /* of 1397 + latent[0], to which the die's size is proportional */
};

/* round(255 * sin) over a quarter turn, in 256ths of a turn. */
static const uint8_t quarter_wave[65] = {
    0, 6, 13, 19, 25, 31, 37, 44, 50, 56, 62, 68, 74, 80, 86, 92,
    98, 103, 109, 115, 120, 126, 131, 136, 142, 147, 152, 157, 162, 167, 171, 176,
    180, 185, 189, 193, 197, 201, 205, 208, 212, 215, 219, 222, 225, 228, 231, 233,
    236, 238, 240, 242, 244, 246, 247, 249, 250, 251, 252, 253, 254, 254, 255, 255,
    255,
};

/* round(255 * sin(turn)), turn modulo 256. */
static int32_t sine(uint32_t turn)
{
    uint32_t part = turn & 127; /* of a half turn */
    int32_t value = quarter_wave[part <= 64 ? part : 128 - part];
    return turn & 128 ? -value : value;
}

/* round(AXIS * sin(turn) / size), half away from zero; size is (MIDDLE + latent) / MIDDLE.
 * |product| <= 255 * 115 * 1397 < 2^25.3 and divisor <= 255 * 1524: nothing reaches 2^27. */
static int8_t axis(uint32_t turn, int32_t latent)
{
    int32_t product = sine(turn) * (AXIS * MIDDLE);
    uint32_t divisor = 255 * (uint32_t)(MIDDLE + latent);
    uint32_t length = (uint32_t)(product < 0 ? -product : product);
    int32_t rounded = (int32_t)((2 * length + divisor) / (2 * divisor)); /* <= 127 */
    return (int8_t)(product < 0 ? -rounded : rounded);
}

enum whim_status die_roll(struct die *die, whim_entropy *entropy)
{
    uint8_t value;
    enum whim_status status = whim_uniform(entropy, 6, &value);
    if (status) return status;
    die->pips = (uint8_t)(1 + value);
    status = whim_uniform(entropy, 256, &die->turn);
    for (uint32_t i = 0; i < DIE_LATENT && !status; i++) {
        status = whim_uniform(entropy, 255, &value);
        die->latent[i] = (int8_t)(value - 127);
    }
    return status;
}

void die_inputs(const struct die *die, int8_t inputs[DIE_INPUTS])
{
    for (uint32_t i = 0; i < 6; i++) inputs[i] = die->pips == i + 1 ? 127 : 0;
    inputs[6] = axis(die->turn + 64u, die->latent[0]); /* cosine */
    inputs[7] = axis(die->turn, die->latent[0]);
    for (uint32_t i = 1; i < DIE_LATENT; i++) inputs[7 + i] = die->latent[i];
}
