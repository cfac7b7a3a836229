/* Convolution in triples of a row of 16 values of 0 to 15, the same width out, pooled: 16 to 8.
 *
 * Four columns lie in a register, as they do in memory: 9 products of at most 15 fit a byte. Of a
 * channel with n weights of -1 a sum is at least -15 n and at most 15 (9 - n): with 15 n added it
 * is 0 to 135. Before that bytes borrow from each other, which comes to nothing in the end.
 *
 *     columns      0..3   4..7   8..11  12..15
 *     sums         s0     s1     a0     a1
 *
 * whim_triples_16_sums makes them, for the row whose window begins t0 bytes after ROWS: 15 n is in
 * each, and in SHIFTED. triples_16_add.S has it, and for chips that multiply triples_16_mul.S. */
#include "engine/kernels/rv32ec/triples.h"

/* Pool four columns of two rows, a2 and a3: the largest of the left ones to a2, of the right ones
 * to a3. Takes all but a4, a5, t2 and ra. Sums lie in the halves of words, where what is larger
 * leaves a bit above a difference, and that bit a mask. */
    .macro larger a, b
    or t0, \b, t1
    sub t0, t0, \a
    and tp, t0, t1
    srli a3, tp, 15
    sub tp, tp, a3
    and t0, t0, tp
    add \a, \a, t0
    .endm

    .section SECTION_3.whim_triples_16_pool, "ax"
pool:
    li t0, 0x00ff00ff
    lui t1, 0x80008
    srli s0, a2, 8
    srli s1, a3, 8
    and a2, a2, t0
    and s0, s0, t0
    and a0, a3, t0
    and s1, s1, t0
    larger a2, s0
    larger a0, s1
    larger a2, a0
    srli a3, a2, 16
    slli a2, a2, 16
    srli a2, a2, 16
    ret

/* Pool and finish eight columns. */
    .macro finish_half offset
    lw a2, SUMS + \offset + 4(sp)
    lw a3, BELOW + \offset + 4(sp)
    call pool
    mv a4, a2
    mv a5, a3
    lw a2, SUMS + \offset(sp)
    lw a3, BELOW + \offset(sp)
    call pool
    lw t0, SHIFTED(sp)
    call whim_triples_finish
    .endm

    .macro keep to
    sw s0, \to(sp)
    sw s1, \to + 4(sp)
    sw a0, \to + 8(sp)
    sw a1, \to + 12(sp)
    .endm

    .section SECTION_3.whim_triples_16, "ax"
    .globl whim_triples_16
whim_triples_16:
    li t0, 0
    call whim_triples_16_sums
    keep SUMS
    li t0, 4
    call whim_triples_16_sums
    keep BELOW
    sw tp, WEIGHTS(sp)
    finish_half 0
    finish_half 8
    la a0, whim_triples_16
    tail whim_triples_next
