/* From reset to main(): the vector table, the stack, painted so that its depth can be read back,
 * and the variables. No C library is involved.
 *
 * CSR instructions are written as .insn, since assemblers disagree about which -march admits them:
 * newer ones want zicsr, for which there are no 32-bit libraries. */
#define CSRW(csr, register) .insn i 0x73, 1, x0, register, csr
#define CSRR(register, csr) .insn i 0x73, 2, register, x0, csr
#define MSTATUS 0x300
#define MTVEC 0x305
#define MEPC 0x341
#define MCAUSE 0x342
#define MTVAL 0x343
#define INTSYSCR 0x804 - 0x1000 /* .insn takes its 12 bits signed */

#ifdef WHIM_SMALL
#define BUTTON fault
#else
#define BUTTON button_interrupt
#endif

/* The table must lie on a multiple of 1 KB: QingKe V2 ignores the low bits of mtvec (qingke-rt).
 * Here it opens the flash, since the chip begins to execute there, in the table's word 0. The other
 * words are addresses of handlers; what this port does not use ends in the fault report. */
    .section .vectors, "ax"
    .option push
    .option norvc
    .globl vectors
vectors:
    j reset
    .option pop
    .word 0
    .word fault                 /* 2 NMI */
    .word fault                 /* 3 exceptions */
    .word 0, 0, 0, 0, 0, 0, 0, 0
    .word systick_interrupt     /* 12 */
    .word 0
    .word fault                 /* 14 software */
    .word 0
    .word fault, fault, fault, fault
    .word BUTTON                /* 20 EXTI7_0 */
    .word fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault
    .word console_interrupt     /* 32 USART1 */
    .word fault, fault, fault, fault, fault, fault
    .globl vectors_end
vectors_end:

    .section .text.start, "ax"
    .globl reset
reset:
    .option push
    .option norelax
    la gp, __global_pointer$
    .option pop
    la sp, port_stack_top

    /* Paint what lies between the variables and the stack's top. */
    la a0, port_stack_limit
    li a1, 0x5aa5c33c           /* PORT_STACK_PAINT of chip.h */
1:  sw a1, 0(a0)
    addi a0, a0, 4
    bltu a0, sp, 1b

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
    j 5f
4:  sw zero, 0(a0)
    addi a0, a0, 4
5:  bltu a0, a1, 4b

    /* The compiler's own `interrupt` functions save registers, so the hardware's stacking and the
     * nesting stay off. */
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
stopped:                        /* main does not return */
    wfi
    j stopped

/* A fault: a stack that has run over may be its cause, so the report begins a new one. */
    .section .text.fault, "ax"
    .globl fault
fault:
    la sp, port_stack_top
    CSRR(a0, MCAUSE)
    CSRR(a1, MEPC)
    CSRR(a2, MTVAL)
    j fault_report
