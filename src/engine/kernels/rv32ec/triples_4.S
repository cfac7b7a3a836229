/* Convolution in triples of rows of 4 values without padding: 4 to 2, two channels at a time.
 *
 * A row of a channel is a word, the bytes of columns 0 2 1 3. Both outputs share a register, s0 for
 * the one channel and s1 for the next:
 *
 *     columns      0, 1   1, 2   2, 3
 *     source       a2     a3     a4
 *
 * Other registers: a5 source, a0 mask, a1 blocks, t1 and t2 codes, tp and t0 weights, ra block. */
#include "engine/kernels/rv32ec/triples.h"

/* 27 blocks of 8 bytes for each of the two channels. */
    .section SECTION_2.whim_triples_4_blocks, "ax"
    .option push
    .option norelax /* so that they are aligned here and now */
    .balign 8
blocks_4:
    .irp sum, s0, s1
    .irp left, minus, nothing, plus
    .irp centre, minus, nothing, plus
    .irp right, minus, nothing, plus
    .balign 8
    \left   \sum, a2
    \centre \sum, a3
    \right  \sum, a4
    ret
    .endr
    .endr
    .endr
    .balign 8
    .endr
    .option pop
#define NEXT_BLOCKS (27 * 8)

/* Add a kernel row to the sums, as in triples_8.S. */
    .macro channel offset
    lw a2, \offset(a5)
    srli a4, a2, 8
    and a2, a2, a0
    and a4, a4, a0
    srli a3, a2, 16
    slli ra, a4, 16
    add a3, a3, ra
    andi ra, t1, 31 << 3
    add ra, ra, a1
    jalr ra
    andi ra, t2, 31 << 3
    add ra, ra, a1
    jalr ra, NEXT_BLOCKS(ra)
    .endm

    .section SECTION_1.whim_triples_4_pass, "ax"
    .balign 4
pass_4:
    sw ra, LINK(sp)
1:  lh t1, 0(tp)
    lh t2, 0(t0)
    addi tp, tp, 2
    addi t0, t0, 2
    slli t1, t1, 3
    slli t2, t2, 3
    channel 0
    srai t1, t1, 5
    srai t2, t2, 5
    channel 4
    srai t1, t1, 5
    srai t2, t2, 5
    channel 8
    addi a5, a5, 12
    bgez t1, 1b
    lw ra, LINK(sp)
    ret

    .section SECTION_3.whim_triples_4, "ax"
    .globl whim_triples_4
whim_triples_4:
    lw tp, WEIGHTS(sp)
    lw t1, CHANNELS(sp)
    lw t2, STEP(sp)
    mv t0, tp
    addi t1, t1, -1
    beqz t1, 1f /* the last one by itself: it is made twice */
    add t0, t0, t2
    add t0, t0, t2
    add t0, t0, t2
1:  li a0, 0x00ff00ff
    la a1, blocks_4
    li s0, 0
    li s1, 0
    lw a5, ROWS(sp)
    call pass_4
    lw a5, ROWS + 4(sp)
    call pass_4
    lw a5, ROWS + 8(sp)
    call pass_4
    sw t0, WEIGHTS(sp)
    sw s1, SUMS(sp)
    la a1, 2f
    j 3f
2:  lw s0, SUMS(sp) /* the other channel */
    la a1, whim_triples_4

/* Finish a channel, and go on at a1 if there is another. */
3:  sw a1, BELOW(sp)
    slli a2, s0, 16
    srai a2, a2, 16
    sub a3, s0, a2
    srai a3, a3, 16
    li t0, 0
    call whim_triples_requantise
    lw t0, OUT(sp)
    lw t1, TO_ODD(sp)
    sb a2, 0(t0)
    add t0, t0, t1
    sb a3, 0(t0)
    lw a0, BELOW(sp)
    tail whim_triples_next
