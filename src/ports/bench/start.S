/* From the entry to main() on the bench machine, and to its end when main() is done. */
    .section .text.start, "ax"
    .globl start
start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, bench_stack_top

    /* Paint the stack, so that its depth can be read back. */
    la a0, bench_stack_limit
    li a1, 0x5aa5c33c
1:  sw a1, 0(a0)
    addi a0, a0, 4
    bltu a0, sp, 1b

    la a0, bss_start
    la a1, bss_end
    j 3f
2:  sw zero, 0(a0)
    addi a0, a0, 4
3:  bltu a0, a1, 2b

    call main
    ecall
