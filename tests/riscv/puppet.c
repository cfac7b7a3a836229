/* Does what a test tells it, access by access: the test writes orders and then 1 to `go`, and finds
 * 0 there when all are done. What is loaded goes to `loaded`, one word after the other. */
#include <stdint.h>

enum { END, STORE, STORE_HALF, STORE_BYTE, LOAD, WAIT, PAUSE };

struct {
    uint32_t kind, address, value, mask;
} orders[512];
uint32_t loaded[512];
volatile uint32_t go;

void run(void)
{
    for (;;) {
        uint32_t *to = loaded;
        while (go != 1) {}
        for (uint32_t i = 0; orders[i].kind != END; i++) {
            volatile uint32_t *at = (volatile uint32_t *)orders[i].address;
            uint32_t value = orders[i].value;
            switch (orders[i].kind) {
            case STORE: *at = value; break;
            case STORE_HALF: *(volatile uint16_t *)at = (uint16_t)value; break;
            case STORE_BYTE: *(volatile uint8_t *)at = (uint8_t)value; break;
            case LOAD: *to++ = *at; break;
            case WAIT:
                while (((*at & orders[i].mask) != 0) != value) {}
                break;
            case PAUSE:
                for (volatile uint32_t left = value; left; left--) {}
                break;
            }
        }
        go = 0;
    }
}

__asm__(".section .text.init, \"ax\"\n.globl _start\n_start: la sp, stack_top\n j run\n.text\n");
