/* Convolution in triples of rows of 8 values, the same width out, pooled: 8 to 4.
 *
 * A row of a channel is two words, the bytes of columns 0 2 4 6 and 1 3 5 7. Masks make four
 * registers of it with two columns each, four apart; the sums of a row lie likewise:
 *
 *     columns      0, 4   1, 5   2, 6   3, 7
 *     source       a2     a3     a4     a5
 *     sums         s0     s1     a0     a1
 *
 * The column to the left of 0, 4 is a5 << 16, as it begins with a zero; the one to the right of
 * 3, 7 is a2 >> 16. A triple of weights, -1, 0 or 1 each, is a code, and its code is a block of
 * instructions: so a weight of zero costs nothing, and the others an add or sub for two products.
 *
 * Other registers: t0 source, t1 codes, t2 mask, tp weights, ra block. sp is the stack's, and gp
 * is left alone: interrupts may come at any time. */
#include "engine/kernels/rv32ec/triples.h"

/* 27 blocks of 32 bytes, the first for -1, -1, -1. They return by ra, and spoil a2 and a5. */
    .section SECTION_2.whim_triples_8_blocks, "ax"
    .option push
    .option norelax /* so that they are aligned here and now */
    .balign 32
blocks_8:
    .irp left, minus, nothing, plus
    .irp centre, minus, nothing, plus
    .irp right, minus, nothing, plus
    .balign 32
    \centre s0, a2
    \right  s0, a3
    \left   s1, a2
    \centre s1, a3
    \right  s1, a4
    \left   a0, a3
    \centre a0, a4
    \right  a0, a5
    \left   a1, a4
    \centre a1, a5
    .ifnc \left, nothing
    slli a5, a5, 16
    \left   s0, a5
    .endif
    .ifnc \right, nothing
    srli a2, a2, 16
    \right  a1, a2
    .endif
    ret
    .endr
    .endr
    .endr
    .option pop

/* Add a kernel row to the sums: source row t0, weights tp, which moves to the next kernel row. No
 * row, no sums. A word of weights is three codes, of three source channels, and negative for the
 * last ones; what it has no channels for is three zeros, which the source's bytes beyond do not
 * matter to. */
    .macro channel offset
    andi ra, t1, 31 << 5
    .option push
    .option norelax /* %lo must stay relative to what ra has */
    lui a5, %hi(blocks_8)
    add ra, ra, a5
    lw a2, \offset(t0)
    lw a3, \offset + 4(t0)
    srli a4, a2, 8
    srli a5, a3, 8
    and a2, a2, t2
    and a3, a3, t2
    and a4, a4, t2
    and a5, a5, t2
    jalr ra, %lo(blocks_8)(ra)
    .option pop
    .endm

    .section SECTION_1.whim_triples_8_pass, "ax"
    .balign 4
pass_8:
    beqz t0, 2f
    sw ra, LINK(sp)
    .balign 4
1:  lh t1, 0(tp)
    addi tp, tp, 2
    slli t1, t1, 5
    channel 0
    srai t1, t1, 5
    channel 8
    srai t1, t1, 5
    channel 16
    addi t0, t0, 24
    bgez t1, 1b
    lw ra, LINK(sp)
    ret
2:  lw t1, STEP(sp)
    add tp, tp, t1
    ret

    .section SECTION_3.whim_triples_8, "ax"
    .globl whim_triples_8
whim_triples_8:
    lw tp, WEIGHTS(sp)
    li t2, 0x00ff00ff
    li s0, 0
    li s1, 0
    li a0, 0
    li a1, 0
    lw t0, ROWS(sp)
    call pass_8
    lw t0, ROWS + 4(sp)
    call pass_8
    lw t0, ROWS + 8(sp)
    call pass_8
    sw s0, SUMS(sp)
    sw s1, SUMS + 4(sp)
    sw a0, SUMS + 8(sp)
    sw a1, SUMS + 12(sp)

    lw tp, WEIGHTS(sp)
    li s0, 0
    li s1, 0
    li a0, 0
    li a1, 0
    lw t0, ROWS + 4(sp)
    call pass_8
    lw t0, ROWS + 8(sp)
    call pass_8
    lw t0, ROWS + 12(sp)
    call pass_8
    sw tp, WEIGHTS(sp)

    mv a3, a0 /* 2, 6 and 3, 7 of the lower row */
    mv a5, a1
    lw a0, SUMS(sp)
    lw a1, SUMS + 4(sp)
    call whim_triples_pool /* 0 and 1, 4 and 5 */
    mv a2, s0
    mv a4, a0
    mv s0, a3
    mv s1, a5
    lw a0, SUMS + 8(sp)
    lw a1, SUMS + 12(sp)
    call whim_triples_pool /* 2 and 3, 6 and 7 */
    mv a3, s0
    mv a5, a0
    li t0, 0
    call whim_triples_finish
    la a0, whim_triples_8
    tail whim_triples_next
