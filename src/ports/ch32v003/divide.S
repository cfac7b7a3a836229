/* Division for images that have no byte to spare: a third of libgcc's 340 bytes, and about as quick.
 * Divisors are below 2^31, and not zero. */
#ifdef WHIM_SMALL
/* The quotient of a0 by a1 in a0, the remainder in a1: long division, bit by bit. */
    .section .text.__udivsi3, "ax"
    .globl __udivsi3
    .globl __umodsi3
__udivsi3:
    mv a2, a1
    li a1, 0
    li a3, 32
1:  slli a1, a1, 1
    srli a4, a0, 31
    or a1, a1, a4
    slli a0, a0, 1
    bltu a1, a2, 2f
    sub a1, a1, a2
    addi a0, a0, 1
2:  addi a3, a3, -1
    bnez a3, 1b
    ret
__umodsi3:
    mv t0, ra
    jal __udivsi3
    mv a0, a1
    jr t0

/* C's signed quotient, rounded towards zero. */
    .section .text.__divsi3, "ax"
    .globl __divsi3
__divsi3:
    mv t0, ra
    xor t1, a0, a1
    bgez a0, 1f
    neg a0, a0
1:  bgez a1, 2f
    neg a1, a1
2:  jal __udivsi3
    bgez t1, 3f
    neg a0, a0
3:  jr t0

/* And its remainder, with the sign of the dividend. */
    .section .text.__modsi3, "ax"
    .globl __modsi3
__modsi3:
    mv t0, ra
    mv t1, a0
    bgez a0, 1f
    neg a0, a0
1:  bgez a1, 2f
    neg a1, a1
2:  jal __udivsi3
    mv a0, a1
    bgez t1, 3f
    neg a0, a0
3:  jr t0
#endif
