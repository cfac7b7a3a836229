/* What the CH32V002 is: the CH32V003 with other registers here and there (registers.def), more wait
 * states, more RAM and a multiplier (boards.c). Its ADC, of 12 bits, is not modelled. */
#include "board.h"

enum { RCC_NONE = GATE_NONE, RCC_REFUSED = GATE_REFUSED, RCC_ADC_CLOCK = GATE_REFUSED };

#define NAMED(x) x
#define EITHER(v003, v002) v002
#define CHIP_REGISTERS "registers.def"
#include "tables.h"
#include "v00_type.h"

const struct chip_type chip_ch32v002 = {
    .name = "CH32V002",
    V00_TYPE,
    .no_wait_mhz = 15,
    .one_wait_mhz = 24,
};
