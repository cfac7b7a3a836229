/* What the simulator's files share: where random bytes come from, files, and the end of the
 * program. */
#ifndef PORTS_SIM_SIM_H
#define PORTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Choose the entropy source, before anything draws from it: the keystream of a seed, the operating
 * system's, or a file that is read once, from start to end. */
void sim_entropy_seed(uint64_t seed);
void sim_entropy_system(void);
void sim_entropy_file(const char *path);

/* Memory, or the end of the program. */
void *sim_room(size_t bytes);

/* Read a whole file into memory of exactly its size, so that a sanitizer sees a read beyond it. */
uint8_t *sim_load(const char *path, uint32_t *length);

/* Write to stdout; when nobody reads any more there is nothing left to do, and the program ends. */
void sim_out(const void *bytes, size_t count);

/* Read one record of `size` bytes from stdin; false at the end. */
bool sim_in(void *bytes, size_t size);

/* End with exit status 2 and a sentence on stderr: a mistake in how the program was called. */
#if defined(__GNUC__)
__attribute__((noreturn, format(printf, 1, 2)))
#endif
void sim_fail(const char *format, ...);

#endif
