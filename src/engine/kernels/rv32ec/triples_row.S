/* A row of a convolution in triples: the frame, and what all widths have in common.
 *
 * Everywhere in these kernels two sums lie in one register, each modulo 2^16: a register is
 * high * 2^16 + low modulo 2^32, with a signed low. While sums are added up a low one may borrow
 * from the high one, but what comes out in the end is right: low is the register's low half,
 * sign-extended, and high is (register - low) >> 16, if both fit 16 bits. They do, since opening
 * the model has proven that fan_in * (largest value of the source) < 2^15. */
#include "engine/kernels/rv32ec/triples.h"

/* void whim_triples_row(layer, source, y, out): whim_triples_begin fills in the frame and answers
 * which kernel is to make the row, in a0, or what follows if it has made the row itself. */
    .section .text.whim_triples_row, "ax"
    .globl whim_triples_row
whim_triples_row:
    addi sp, sp, -FRAME
    sw ra, SAVED(sp)
    sw s0, SAVED + 4(sp)
    sw s1, SAVED + 8(sp)
    sw tp, SAVED + 12(sp)
    mv a4, sp
    call whim_triples_begin
    jr a0

/* Go on with the next channel at the address in a0, or return to whim_triples_row's caller. */
    .section SECTION_3.whim_triples_next, "ax"
    .globl whim_triples_next, whim_triples_done
whim_triples_next:
    lw t0, RECORD(sp)
    lw t1, OUT(sp)
    lw t2, TO_NEXT(sp)
    lw a1, CHANNELS(sp)
    addi t0, t0, 4
    add t1, t1, t2
    addi a1, a1, -1
    sw t0, RECORD(sp)
    sw t1, OUT(sp)
    sw a1, CHANNELS(sp)
    beqz a1, whim_triples_done
    jr a0
whim_triples_done:
    lw ra, SAVED(sp)
    lw s0, SAVED + 4(sp)
    lw s1, SAVED + 8(sp)
    lw tp, SAVED + 12(sp)
    addi sp, sp, FRAME
    ret

/* The larger of two numbers, in the first. */
    .macro larger a, b
    bge \a, \b, .Lis_larger\@
    mv \a, \b
.Lis_larger\@:
    .endm

/* Pool s0, s1, a0, a1, of which each holds two sums: the largest low one to s0, the largest high
 * one to a0. Takes t0 and t1.
 *
 * Registers compare as their high sums do, and where those are equal as the low ones: the largest
 * register has the largest high sum. */
    .section SECTION_3.whim_triples_pool, "ax"
    .globl whim_triples_pool
whim_triples_pool:
    mv t0, s0
    larger t0, s1
    larger t0, a0
    larger t0, a1
    slli s0, s0, 16
    slli s1, s1, 16
    slli a0, a0, 16
    slli a1, a1, 16
    larger s0, s1
    larger s0, a0
    larger s0, a1
    srai s0, s0, 16
    lui t1, 8 /* 0x8000: rounds the low sum away, whatever its sign */
    add t0, t0, t1
    srai a0, t0, 16
    ret

/* Requantise the sums a2 to a5 of a channel; t0 is subtracted from its bias. Takes all registers
 * but a2 to a5, ra and sp. |sum + bias| * m + 2^(s-1) < 2^31, as opening the model has proven. */
    .macro clamp value
    bge \value, t0, .Lnot_low\@
    mv \value, t0
.Lnot_low\@:
    blt t1, \value, high_\value /* which is rare */
not_high_\value:
    .endm

    .section SECTION_3.whim_triples_requantise, "ax"
    .globl whim_triples_requantise
whim_triples_requantise:
    lw t1, RECORD(sp)
    lh s0, 0(t1)  /* bias */
    lbu s1, 2(t1) /* m */
    lbu a0, 3(t1) /* s */
    li a1, 1
    sll a1, a1, a0
    srli a1, a1, 1
    sub s0, s0, t0
#ifdef WHIM_ZMMUL
    .macro multiply to, a, b
    .insn r 0x33, 0, 1, \to, \a, \b
    .endm
    multiply s0, s0, s1
    add s0, s0, a1 /* bias * m + half, and to it sum * m */
    .irp value, a2, a3, a4, a5
    multiply \value, \value, s1
    add \value, \value, s0
    sra \value, \value, a0
    .endr
#else
    .irp value, a2, a3, a4, a5
    add \value, \value, s0
    .endr
    mv t0, a1
    mv t1, a1
    mv t2, a1
    mv tp, a1
1:  andi s0, s1, 1 /* for each bit of m: all four */
    srli s1, s1, 1
    beqz s0, 2f
    add t0, t0, a2
    add t1, t1, a3
    add t2, t2, a4
    add tp, tp, a5
2:  slli a2, a2, 1
    slli a3, a3, 1
    slli a4, a4, 1
    slli a5, a5, 1
    bnez s1, 1b
    sra a2, t0, a0
    sra a3, t1, a0
    sra a4, t2, a0
    sra a5, tp, a0
#endif
    lw t0, LOW(sp)
    lw t1, HIGH(sp)
    clamp a2
    clamp a3
    clamp a4
    clamp a5
    ret
    .irp value, a2, a3, a4, a5
high_\value:
    mv \value, t1
    j not_high_\value
    .endr

/* Requantise likewise, and put the four where the row's next four values belong. */
    .section SECTION_3.whim_triples_finish, "ax"
    .globl whim_triples_finish
whim_triples_finish:
    sw ra, LINK(sp)
    call whim_triples_requantise
    lw ra, LINK(sp)
    lw t0, OUT(sp)
    lw t1, TO_ODD(sp)
    lw t2, TO_EVEN(sp)
    sb a2, 0(t0)
    add t0, t0, t1
    sb a3, 0(t0)
    add t0, t0, t2
    sb a4, 0(t0)
    add t0, t0, t1
    sb a5, 0(t0)
    add t0, t0, t2
    sw t0, OUT(sp)
    ret
