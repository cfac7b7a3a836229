/* V5F from its first instruction to main(). V3F wakes it here, in flash, which it reads at a
 * fraction of its speed until its instruction cache is on; from there it copies its image to its
 * own memories, which never make it wait, and runs from those. The clocks are V3F's business. */
#include "ports/ch32h417/csr.h"

    .section .start, "ax"
    .globl second_reset
second_reset:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, second_stack_top

    /* What the pipeline may do: WCH's examples' choice, but with bit 15 clear, the prediction of
     * the next line, with which a core whose cache is on has been seen to run astray. */
    li a0, 0x123733e0
    CSRW(CORECFGR, a0)

    /* The cache, for the instructions between these two addresses alone. Its blanket settings for
     * all code and for all RAM, which are on after a reset, must go off in the same instruction
     * that turns it on, or the core traps. The order is WCH's example's. */
    la a0, flash_from
    srli a0, a0, 2
    CSRW(PMPADDR0, a0)
    la a0, flash_to
    srli a0, a0, 2
    CSRW(PMPADDR1, a0)
    li a0, 0x10                 /* entry 1 of the protection unit says what is cached */
    CSRW(CACHE_PMP_OVR, a0)
    li a0, 0xad00               /* it: locked, cached, up to its address, execute and read */
    CSRW(PMPCFG0, a0)
    li a0, 0x4                  /* forget all */
    CSRW(OPCACHE_CTLR, a0)
    li a0, 0x03000002           /* not for all RAM, not for all code, not off */
    CSRC(CACHE_STRTG_CTLR, a0)

    la a0, image_from
    la a1, image_start
    la a2, image_end
1:  lw a3, 0(a0)
    sw a3, 0(a1)
    addi a0, a0, 4
    addi a1, a1, 4
    bltu a1, a2, 1b

    la a0, data_from
    la a1, data_start
    la a2, data_end
    j 3f
2:  lw a3, 0(a0)
    sw a3, 0(a1)
    addi a0, a0, 4
    addi a1, a1, 4
3:  bltu a1, a2, 2b

    la a0, bss_start
    la a1, bss_end
4:  sw zero, 0(a0)
    addi a0, a0, 4
    bltu a0, a1, 4b

    la a0, second_stack_limit
    li a1, 0x5aa5c33c           /* PORT_STACK_PAINT of chip.h */
5:  sw a1, 0(a0)
    addi a0, a0, 4
    bltu a0, sp, 5b

    CSRW(INTSYSCR, x0)          /* as on V3F */
    la a0, vectors
    ori a0, a0, 3
    CSRW(MTVEC, a0)
    li a0, 0x1880
    CSRW(MSTATUS, a0)
    la a0, main
    CSRW(MEPC, a0)
    la ra, stopped
    mret

    .section .text.start, "ax"
stopped:                        /* main does not return */
    wfi
    j stopped

    .section .vectors, "a"
    .globl vectors
vectors:
    .rept 16
    .word fault
    .endr
    .word second_interrupt      /* 16 IPC0 */
    .rept 132
    .word fault
    .endr
    .globl vectors_end
vectors_end:

    .section .text.fault, "ax"
    .globl fault
fault:
    la sp, second_stack_top
    CSRR(a0, MCAUSE)
    CSRR(a1, MEPC)
    CSRR(a2, MTVAL)
    j fault_report
