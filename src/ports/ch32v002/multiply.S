/* a * b, for which GCC calls a function on this core: before version 13 it knows Zmmul by name
 * alone. Written as .insn, so that no assembler has to know it. */
    .section .text.__mulsi3, "ax"
    .globl __mulsi3
__mulsi3:
    .insn r 0x33, 0, 1, a0, a0, a1 /* mul */
    ret
