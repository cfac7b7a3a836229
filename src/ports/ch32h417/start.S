/* V3F from reset to main(). It begins in flash, at the clock that a reset leaves, copies the image
 * to shared memory, which it runs from ever after, paints the stack, so that its depth can be read
 * back, and clears the variables. No C library is involved.
 *
 * CSR instructions are written as .insn, since assemblers disagree about which -march admits them:
 * newer ones want zicsr, for which there are no 32-bit libraries. */
#include "ports/ch32h417/csr.h"

/* The chip begins to execute here, at the start of the flash. */
    .section .start, "ax"
    .globl reset
reset:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, port_stack_top

    la a0, image_from
    la a1, image_start
    la a2, image_end
1:  lw a3, 0(a0)
    sw a3, 0(a1)
    addi a0, a0, 4
    addi a1, a1, 4
    bltu a1, a2, 1b

    la a0, bss_start
    la a1, bss_end
2:  sw zero, 0(a0)
    addi a0, a0, 4
    bltu a0, a1, 2b
    la a0, work_start
    la a1, work_end
    j 4f
3:  sw zero, 0(a0)
    addi a0, a0, 4
4:  bltu a0, a1, 3b

    la a0, port_stack_limit
    li a1, 0x5aa5c33c           /* PORT_STACK_PAINT of chip.h */
5:  sw a1, 0(a0)
    addi a0, a0, 4
    bltu a0, sp, 5b

    /* The compiler's own `interrupt` functions save registers, so the hardware's stacking and the
     * nesting stay off. */
    li a0, 0x123703e1           /* WCH's examples' choice of what the pipeline may do, for V3F */
    CSRW(CORECFGR, a0)
    CSRW(INTSYSCR, x0)
    la a0, vectors
    ori a0, a0, 3               /* a vector an interrupt; its words are absolute addresses */
    CSRW(MTVEC, a0)
    li a0, 0x1880               /* after mret: machine mode, interrupts on */
    CSRW(MSTATUS, a0)
    la a0, main
    CSRW(MEPC, a0)
    la ra, stopped
    mret

    .section .text.start, "ax"
stopped:                        /* main does not return */
    wfi
    j stopped

/* The core reads this table as data when an interrupt comes, and from flash it would read garbage,
 * so it lies in RAM, on a multiple of 1 KB. The words are addresses of handlers; what this port
 * does not use ends in the fault report, for zero would be the reset. */
    .section .vectors, "a"
    .globl vectors
vectors:
    .rept 12
    .word fault                 /* exceptions among them */
    .endr
    .word systick_interrupt     /* 12 */
    .rept 4
    .word fault
    .endr
    .word second_interrupt      /* 17 IPC1 */
    .rept 18
    .word fault
    .endr
    .word button_interrupt      /* 36 EXTI7_0 */
    .word fault
    .word spi_interrupt         /* 38 DMA1_CHANNEL2 */
    .rept 9
    .word fault
    .endr
    .word console_interrupt     /* 48 USART1 */
    .rept 8
    .word fault
    .endr
    .word dac_interrupt         /* 57 DMA1_CHANNEL1 */
    .rept 37
    .word fault
    .endr
    .word sdmmc_interrupt       /* 95 SDMMC */
    .rept 53
    .word fault
    .endr
    .globl vectors_end
vectors_end:

/* A fault: a stack that has run over may be its cause, so the report begins a new one. */
    .section .text.fault, "ax"
    .globl fault
fault:
    la sp, port_stack_top
    CSRR(a0, MCAUSE)
    CSRR(a1, MEPC)
    CSRR(a2, MTVAL)
    j fault_report
