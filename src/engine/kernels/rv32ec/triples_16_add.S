/* The sums of triples_16.S, by adding a source row once for each weight that is not zero, moved
 * by a column to the left or right.
 *
 *     source       a2     a3     a4     a5
 *
 * Other registers: t0 source, t1 signs of the weights, t2 n, tp weights, ra. */
#ifndef WHIM_ZMMUL
#include "engine/kernels/rv32ec/triples.h"

/* Of each code the signs of centre, left and right: 00 zero, 10 plus, 11 minus. */
    .section SECTION_3.whim_triples_16_signs, "ax"
signs:
    .irp left, 3, 0, 2
    .irp centre, 3, 0, 2
    .irp right, 3, 0, 2
    .byte \centre << 4 | \left << 2 | \right
    .endr
    .endr
    .endr
    .balign 2

/* Add a2 to a5 as the next sign says, once `prepare` has moved them. */
    .macro tap prepare
    bgez t1, 2f
    \prepare
    slli t1, t1, 1
    bltz t1, 1f
    add s0, s0, a2
    add s1, s1, a3
    add a0, a0, a4
    add a1, a1, a5
    j 3f
1:  sub s0, s0, a2
    sub s1, s1, a3
    sub a0, a0, a4
    sub a1, a1, a5
    addi t2, t2, 1
    j 3f
2:  slli t1, t1, 1
3:  slli t1, t1, 1
    .endm

    .macro fetch
    lw a2, 0(t0)
    lw a3, 4(t0)
    lw a4, 8(t0)
    lw a5, 12(t0)
    .endm

    .macro centre
    .endm

/* Each column's left neighbour in its place, and none for column 0. */
    .macro left
    .irp pair, "a5, a4", "a4, a3", "a3, a2"
    carry_up \pair
    .endr
    slli a2, a2, 8
    .endm
    .macro carry_up to, from
    slli \to, \to, 8
    srli ra, \from, 24
    add \to, \to, ra
    .endm

    .macro right
    fetch
    .irp pair, "a2, a3", "a3, a4", "a4, a5"
    carry_down \pair
    .endr
    srli a5, a5, 8
    .endm
    .macro carry_down to, from
    srli \to, \to, 8
    slli ra, \from, 24
    add \to, \to, ra
    .endm

/* Add a kernel row to the sums. */
    .section SECTION_3.whim_triples_16_pass, "ax"
pass_16:
    sw ra, LINK(sp)
    lhu t1, 0(tp)
    addi tp, tp, 2
    andi t1, t1, 31
    .option push
    .option norelax /* as in triples_8.S */
    lui ra, %hi(signs)
    add ra, ra, t1
    lbu t1, %lo(signs)(ra)
    .option pop
    fetch
    slli t1, t1, 26
    tap centre
    tap left
    tap right
    lw ra, LINK(sp)
    ret

    .section SECTION_3.whim_triples_16_sums, "ax"
    .globl whim_triples_16_sums
whim_triples_16_sums:
    open_window
    li t2, 0
    li s0, 0
    li s1, 0
    li a0, 0
    li a1, 0
    pass_window
    slli t1, t2, 4
    sub t1, t1, t2
    sw t1, SHIFTED(sp)
    slli t2, t1, 8
    add t1, t1, t2
    slli t2, t1, 16
    add t1, t1, t2
    .irp sum, s0, s1, a0, a1
    add \sum, \sum, t1
    .endr
    lw ra, RETURN(sp)
    ret
#endif
