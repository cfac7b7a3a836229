/* From _start to main() on a core with RAM alone, or on QEMU's `virt` machine. When main() is done,
 * ECALL: the virtual board ends there, and QEMU comes to finish() in result.c, which tells the
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
    .globl model_file, model_file_end
model_file:
    .incbin "model.whim"
model_file_end:
