/* From _start to main() on QEMU's `sifive_u`, whose second core is left asleep. */
    .section .text.init
    .globl _start
_start:
    csrr a0, mhartid
    bnez a0, asleep
    la sp, stack_top
    la a0, trap
    csrw mtvec, a0
    call main
    .align 2
trap:
    j finish
asleep:
    wfi
    j asleep
