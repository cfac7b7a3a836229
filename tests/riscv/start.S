/* From _start to main() on a core with RAM alone, or on QEMU's `virt` machine. When main() is done,
 * ECALL: the virtual board ends there, and QEMU comes to finish() in kernels.c, which tells the
 * result on its serial line. */
    .section .text.init
    .globl _start
_start:
    la sp, stack_top
    la a0, trap
    csrw mtvec, a0
    call main
    ecall
    .align 2
trap:
    j finish

    .section .rodata
    .balign 512
    .globl die, die_end
die:
    .incbin "die.whim"
die_end:
