/* What both images of this port know of each other. */
#ifndef PORTS_CH32H417_SECOND_H
#define PORTS_CH32H417_SECOND_H

#include <stdint.h>

enum {
    SECOND_ENTRY = 0x00020000, /* where V5F's image lies in flash, and its first instruction */
    SECOND_FAULT = 0x46533556  /* "V5SF" in memory */
};

/* The last 16 bytes of shared memory, which neither image has a use for: V5F has no console, so it
 * leaves there what ended it, and V3F tells it. `magic` is written last, and read first. */
struct second_fault {
    uint32_t magic, cause, address, value;
};
#define second_fault ((volatile struct second_fault *)0x2017fff0)

#endif
