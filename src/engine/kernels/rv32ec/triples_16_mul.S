/* The sums of triples_16.S, by multiplying: four columns, as a number to the base 256, times the
 * three weights of a kernel row as such a number, right + 256 centre + 65536 left, are the four
 * columns' sums of products, each a column too far to the right, and two more.
 *
 * A column's three products make at most 45. So the low word of a product, as a signed number, is
 * its four lower columns without any loss, and the high word is the two upper ones, less one where
 * the low word is negative.
 *
 * Registers: t2 the sums that do not fit s0 to a1, t0 source, t1 15 n, tp weights, a2 to a5. */
#ifdef WHIM_ZMMUL
#define MINUS(weight) ((weight) * ((weight) - 1) / 2)
#include "engine/kernels/rv32ec/triples.h"

/* Of each code its number times 256, and 15 for each -1. */
    .section .text.whim_triples_16_numbers, "ax"
    .balign 4
numbers:
    .irp left, -1, 0, 1
    .irp centre, -1, 0, 1
    .irp right, -1, 0, 1
    .word (\right + 256 * \centre + 65536 * \left) * 256 \
        + 15 * (MINUS(\left) + MINUS(\centre) + MINUS(\right))
    .endr
    .endr
    .endr

    .macro column offset, lower, upper
    lw a2, \offset(t0)
    .insn r 0x33, 0, 1, a3, a2, a5 /* mul */
    .insn r 0x33, 2, 1, a4, a5, a2 /* mulhsu: signed weights, unsigned values */
    add \lower, \lower, a3
    srli a3, a3, 31
    add \upper, \upper, a4
    add \upper, \upper, a3
    .endm

/* Add a kernel row. */
    .section SECTION_3.whim_triples_16_pass, "ax"
pass_16:
    lhu a5, 0(tp)
    addi tp, tp, 2
    andi a5, a5, 31
    slli a5, a5, 2
    .option push
    .option norelax /* as in triples_8.S */
    lui a4, %hi(numbers)
    add a4, a4, a5
    lw a5, %lo(numbers)(a4)
    .option pop
    andi a4, a5, 255
    add t1, t1, a4
    srai a5, a5, 8
    column 0, s0, s1
    column 4, s1, a0
    column 8, a0, a1
    column 12, a1, t2
    ret

    .section SECTION_3.whim_triples_16_sums, "ax"
    .globl whim_triples_16_sums
whim_triples_16_sums:
    open_window
    li t1, 0
    .irp sum, s0, s1, a0, a1, t2
    li \sum, 0
    .endr
    pass_window
    sw t1, SHIFTED(sp)
    slli a2, t1, 8
    add t1, t1, a2
    slli a2, t1, 16
    add t1, t1, a2
    .irp sum, s0, s1, a0, a1, t2
    add \sum, \sum, t1
    .endr
    .macro move_left to, from
    srli \to, \to, 8
    slli a2, \from, 24
    add \to, \to, a2
    .endm
    move_left s0, s1
    move_left s1, a0
    move_left a0, a1
    move_left a1, t2
    lw ra, RETURN(sp)
    ret
#endif
