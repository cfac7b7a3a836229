/* Carries out the reads that the test has written to `reads`, and says how each of them ended. It
 * is linked like the bench's program. */
#include <stdint.h>

struct {
    uint32_t offset, count, to;
} reads[16] __attribute__((section(".data"))); /* not cleared at the start */
uint32_t statuses[16], times[16];

static volatile uint32_t *const reader = (volatile uint32_t *)0x60000000;
enum { OFFSET = 1, COUNT, TO, GO, STATUS };

static uint32_t cycles(void)
{
    uint32_t count;
    __asm__ volatile(".insn i 0x73, 2, %0, x0, 0xb00 - 0x1000" : "=r"(count));
    return count;
}

int main(void)
{
    for (unsigned i = 0; i < 16 && reads[i].count; i++) {
        uint32_t began = cycles();
        reader[OFFSET] = reads[i].offset;
        reader[COUNT] = reads[i].count;
        reader[TO] = reads[i].to;
        reader[GO] = 1;
        while (reader[STATUS] == 1) __asm__ volatile("wfi");
        statuses[i] = reader[STATUS];
        times[i] = cycles() - began;
    }
    return 0;
}
