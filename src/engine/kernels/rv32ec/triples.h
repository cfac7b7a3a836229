/* What the kernels for triples in assembly share with their C side: the frame that they keep on the
 * stack while they make a row, and where their code lies. */
#ifndef WHIM_ENGINE_KERNELS_RV32EC_TRIPLES_H
#define WHIM_ENGINE_KERNELS_RV32EC_TRIPLES_H

/* Offsets in the frame, from sp. They are those of struct frame in triples.c. */
#define LINK 0      /* where a pass returns to */
#define ROWS 4      /* four source rows from the window's first on; NULL for one outside */
#define WEIGHTS 20  /* of the channel */
#define STEP 24     /* bytes of the weights of a kernel row */
#define RECORD 28   /* of the channel: bias, multiplier, shift */
#define OUT 32      /* where the channel's next value goes */
#define TO_ODD 36   /* from an even column's value to the next one's */
#define TO_EVEN 40  /* from an odd column's */
#define TO_NEXT 44  /* and from behind the last one to the next channel's first */
#define CHANNELS 48 /* that are still to be made */
#define LOW 52
#define HIGH 56
#define SUMS 60     /* four words: the sums of the upper row of the two that are pooled */
#define BELOW 76    /* four words: those of the lower one */
#define SHIFTED 92  /* what the sums of an input layer are too large by */
#define WINDOW 96   /* where in ROWS the row under way begins */
#define RETURN 100  /* where to when it is made */
#define SAVED 104   /* ra, s0, s1, tp */
#define FRAME 120

/* Code that may run from RAM, by level: innermost loops, the blocks that they call, the rest. */
#define SECTION_1 .text
#define SECTION_2 .text
#define SECTION_3 .text
#if WHIM_HOT_IN_RAM >= 1
#undef SECTION_1
#define SECTION_1 .ramtext
#endif
#if WHIM_HOT_IN_RAM >= 2
#undef SECTION_2
#define SECTION_2 .ramtext
#endif
#if WHIM_HOT_IN_RAM >= 3
#undef SECTION_3
#define SECTION_3 .ramtext
#endif

#ifdef __ASSEMBLER__
/* What a weight does to a sum, for blocks of all 27 triples. */
    .macro nothing to, from
    .endm
    .macro plus to, from
    add \to, \to, \from
    .endm
    .macro minus to, from
    sub \to, \to, \from
    .endm

/* whim_triples_16_sums, either way: begin, and add the window's three rows by pass_16. */
    .macro open_window
    sw ra, RETURN(sp)
    add t0, t0, sp
    sw t0, WINDOW(sp)
    lw tp, WEIGHTS(sp)
    .endm
    .macro pass_window
    lw t0, ROWS(t0)
    call pass_16
    lw t0, WINDOW(sp)
    lw t0, ROWS + 4(t0)
    call pass_16
    lw t0, WINDOW(sp)
    lw t0, ROWS + 8(t0)
    call pass_16
    .endm
#endif

#endif
