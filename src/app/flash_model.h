/* The model that is always there: a file of data/, data/die.whim unless custom_model in
 * platformio.ini says otherwise. The build turns it into a C file and links it into the image, with
 * an arena of just the bytes that the file asks for; both are aligned to 4 bytes.
 *
 * Where custom_input asks for it, the arena's array has room for the model's inputs too, from
 * whim_flash_input_offset on: behind the arena, or inside of it where the activations come so late
 * that they may lie over what they were made of. */
#ifndef APP_FLASH_MODEL_H
#define APP_FLASH_MODEL_H

#include <stdint.h>

extern const uint8_t whim_flash_model[];
extern const uint32_t whim_flash_model_size;

extern int8_t whim_flash_arena[];
extern const uint32_t whim_flash_arena_size;
extern const uint32_t whim_flash_input_offset;

#endif
