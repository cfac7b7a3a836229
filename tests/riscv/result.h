/* What a program for a core with RAM alone says of itself. */
#ifndef RESULT_H
#define RESULT_H

#include <stdint.h>

/* status, instructions to open the model, instructions of the picture, a sum of its values */
extern volatile uint32_t result[4];

uint32_t instructions(void);

#endif
