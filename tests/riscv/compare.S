/* Words that instructions leave in memory, for comparing two cores. The test writes cases.inc: the
 * cases, with s0 at `operands` and s1 at `results`, which are there too. When they are done, ECALL:
 * the virtual board ends there, and QEMU's `virt` machine comes to trap, which sends the results
 * to its serial line and powers it off. */
    .section .text.init
    .globl _start
_start:
    la t0, trap
    csrw mtvec, t0
    li t0, 0x2000 /* FS: floats are on */
    csrs mstatus, t0
    la s0, operands
    la s1, results
    .include "cases.inc"
    ecall

    .align 2
trap:
    la s0, results
    la s1, results_end
    li s2, 0x10000000
1:  lbu t0, 5(s2)
    andi t0, t0, 0x20 /* room for another byte */
    beqz t0, 1b
    lbu t0, 0(s0)
    sb t0, 0(s2)
    addi s0, s0, 1
    bne s0, s1, 1b
    li t0, 0x5555
    li t1, 0x100000
    sw t0, 0(t1)
2:  j 2b
