/* Adding columns of ternary weights to sums: whim_ternary_columns of columns.h. Where all |values|
 * together stay below 2^15 each sum fits 16 bits; that is seen to as they go by, but for images
 * with WHIM_FAST_ONLY, whose layers are known to stay there.
 *
 * For each value there is a table of what two weights, each as a digit 0 to 2, make of it in the
 * halves of a word, and of what one makes. A byte of five weights is a fraction of 256: times nine,
 * what passes 256 is the next two digits, and the last time it is one, with times three.
 *
 *     a0 column's next byte   a1 table   a2 sums   a3 byte   a4 column's end   a5, s0, s1
 *     t0 next value   t1 bytes of a column   t2 first sum   0(sp) table, then what follows */
#include "engine/kernels/rv32ec/triples.h"

#define PAIRS 0    /* nine words */
#define SINGLES 36 /* three words */
#define END 48     /* of the values */
#define ALL 52     /* the sum of all |values| */
#define KEPT 56    /* s0, s1, ra */
#define TABLE_FRAME 68

/* The loop counts where all layers are dense, and hardly where there are triples. */
#if WHIM_LAYOUTS & 4
#define COLUMN SECTION_3
#else
#define COLUMN SECTION_1
#endif

    .macro add_pair to
    slli a5, a3, 3
    add a3, a3, a5
    srli a5, a3, 6
    andi a5, a5, 15 << 2
    add a5, a5, a1
    lw a5, PAIRS(a5)
    lw s0, \to(a2)
    andi a3, a3, 255
    add s0, s0, a5
    sw s0, \to(a2)
    .endm

    .section COLUMN.whim_ternary_column, "ax"
column:
    lbu a3, 0(a0)
    addi a0, a0, 1
    add_pair 0
    add_pair 4
    slli a5, a3, 1
    add a3, a3, a5
    srli a3, a3, 8
    slli a3, a3, 2
    add a3, a3, a1
    lw a5, SINGLES(a3)
    lw s0, 8(a2)
    add s0, s0, a5
    sw s0, 8(a2)
    addi a2, a2, 12
    bne a0, a4, column
    ret

    .section .text.whim_ternary_columns, "ax"
    .globl whim_ternary_columns
whim_ternary_columns:
    addi sp, sp, -TABLE_FRAME
    sw ra, KEPT + 8(sp)
    sw s0, KEPT(sp)
    sw s1, KEPT + 4(sp)
    sw a2, END(sp)
#if !WHIM_FAST_ONLY
    sw zero, ALL(sp)
#endif
    sw zero, PAIRS + 4 * 4(sp) /* zero and zero */
    sw zero, SINGLES + 4(sp)
    mv t0, a1
    mv t1, a3
    mv t2, a4
    mv a1, sp
    j 3f

1:  lb a3, 0(t0)
    addi t0, t0, 1
    add a4, a0, t1
    beqz a3, 2f
#if !WHIM_FAST_ONLY
    lw a5, ALL(sp)
    add a5, a5, a3
    bgez a3, 4f
    sub a5, a5, a3
    sub a5, a5, a3
4:  sw a5, ALL(sp)
    srli a5, a5, 15
    bnez a5, 5f
#endif
    slli a5, a3, 16
    sub s0, a3, a5 /* plus, minus */
    add s1, a3, a5 /* plus, plus */
    sw a3, SINGLES + 8(sp)
    sw a3, PAIRS + 4 * 7(sp)
    sw a5, PAIRS + 4 * 5(sp)
    sw s0, PAIRS + 4 * 6(sp)
    sw s1, PAIRS + 4 * 8(sp)
    neg a3, a3
    neg a5, a5
    neg s0, s0
    neg s1, s1
    sw a3, SINGLES(sp)
    sw a3, PAIRS + 4 * 1(sp)
    sw a5, PAIRS + 4 * 3(sp)
    sw s0, PAIRS + 4 * 2(sp)
    sw s1, PAIRS(sp)
    mv a2, t2
    call column
2:  mv a0, a4
3:  lw a5, END(sp)
    bne t0, a5, 1b

5:
#if !WHIM_FAST_ONLY
    lw a5, ALL(sp)
    srli a5, a5, 15
    seqz a0, a5
#endif
    lw ra, KEPT + 8(sp)
    lw s0, KEPT(sp)
    lw s1, KEPT + 4(sp)
    addi sp, sp, TABLE_FRAME
    ret
