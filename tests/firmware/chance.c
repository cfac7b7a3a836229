/* A pool, a board's source and a clock for src/app/chance.c; the test sets the variables. */
#include "app/pool.h"
#include "whim/port.h"

int pool_status, pool_asked, millis;

static void fill(uint8_t *bytes, uint32_t count, char with)
{
    while (count--) *bytes++ = (uint8_t)with;
}

enum whim_status pool_bytes(uint8_t *bytes, uint32_t count)
{
    pool_asked++;
    if (!pool_status) fill(bytes, count, 'p');
    return (enum whim_status)pool_status;
}

const char *pool_source(void)
{
    return "quantum";
}

enum whim_status port_entropy(uint8_t *bytes, uint32_t count)
{
    fill(bytes, count, 'j');
    return WHIM_OK;
}

const char *port_entropy_source(void)
{
    return "jitter";
}

uint32_t port_millis(void)
{
    return (uint32_t)millis;
}
