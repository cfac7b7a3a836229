/* From the entry to main() on a core with RAM alone, and to its end when main() is done. */
    .section .text.start, "ax"
    .globl start
start:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, measure_stack_top
    call main
    ecall
