/* What the CH32V002 has of its own; all else is src/ports/ch32v003. */
#ifndef PORTS_PART_H
#define PORTS_PART_H

#define PORT_NAME "ch32v002"
#define FLASH_ACTLR_LATENCY_2 0x00000002u
#define FLASH_WAITS FLASH_ACTLR_LATENCY_2 /* for more than 24 MHz */

#endif
