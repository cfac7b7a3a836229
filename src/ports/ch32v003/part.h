/* What the CH32V003 has of its own among the parts that share this port. */
#ifndef PORTS_PART_H
#define PORTS_PART_H

#define PORT_NAME "ch32v003"
#define FLASH_WAITS FLASH_ACTLR_LATENCY_1 /* for more than 24 MHz */

#endif
