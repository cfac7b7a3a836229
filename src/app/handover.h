/* What the two sides of worker.h say to each other's core; nothing where they share one. */
#ifndef APP_HANDOVER_H
#define APP_HANDOVER_H

#include "app/worker.h" /* WHIM_CORES */
#include "whim/port.h"

static inline void fence(void)
{
#if WHIM_CORES > 1
    port_fence();
#endif
}

/* What was written is there: look at it. */
static inline void notify(void)
{
    fence();
#if WHIM_CORES > 1
    port_notify();
#endif
}

#endif
