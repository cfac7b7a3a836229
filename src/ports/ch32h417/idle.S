/* See idle.h. */
    .section .text.idle_wait, "ax"
    .globl idle_wait
    .globl idle_wfi
    .globl idle_over
idle_wait:
    lw a1, 0(a0)
    bnez a1, idle_over
idle_wfi:
    wfi
idle_over:
    sw zero, 0(a0)
    ret
