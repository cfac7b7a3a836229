/* The die that is always there: data/die.whim, which the build turns into a C file and links into
 * the image, with an arena of just the bytes that the file asks for. Both aligned to 4 bytes. */
#ifndef APP_DIE_MODEL_H
#define APP_DIE_MODEL_H

#include <stdint.h>

extern const uint8_t whim_die_model[];
extern const uint32_t whim_die_model_size;

extern int8_t whim_die_arena[];
extern const uint32_t whim_die_arena_size;

#endif
