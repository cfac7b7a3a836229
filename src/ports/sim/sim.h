/* What the simulator's files share: where random bytes come from, and the end of the program. */
#ifndef PORTS_SIM_SIM_H
#define PORTS_SIM_SIM_H

#include <stdint.h>

/* Choose the entropy source, before anything draws from it: the keystream of a seed, the operating
 * system's, or a file that is read once, from start to end. */
void sim_entropy_seed(uint64_t seed);
void sim_entropy_system(void);
void sim_entropy_file(const char *path);

/* End with exit status 2 and a sentence on stderr: a mistake in how the program was called. */
#if defined(__GNUC__)
__attribute__((noreturn, format(printf, 1, 2)))
#endif
void sim_fail(const char *format, ...);

#endif
