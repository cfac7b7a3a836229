/* Carries out a table of accesses that the test has written behind the code: an operation, an
 * address and a value each. What is loaded goes to RAM, one word after the other. */
    .section .text.init, "ax"
    .globl _start
_start:
    la sp, 0x20000800
    la a5, table
    la a4, loaded
next:
    lw a0, 0(a5)
    lw a1, 4(a5)
    lw a2, 8(a5)
    addi a5, a5, 12
    slli a0, a0, 2
    la a3, jumps
    add a3, a3, a0
    jr a3
    .option push
    .option norvc
jumps:
    j finished
    j store_word
    j load_word
    j store_half
    j load_half
    j store_byte
    j wait_set
    j wait_clear
    j count_down
    j sleep
    .option pop

    .globl finished, store_word, load_word, store_half, load_half, store_byte
finished:
    j finished
store_word:
    sw a2, 0(a1)
    j next
load_word:
    lw a2, 0(a1)
keep:
    sw a2, 0(a4)
    addi a4, a4, 4
    j next
store_half:
    sh a2, 0(a1)
    j next
load_half:
    lh a2, 0(a1)
    j keep
store_byte:
    sb a2, 0(a1)
    j next
wait_set:
    lw a3, 0(a1)
    and a3, a3, a2
    beqz a3, wait_set
    j next
wait_clear:
    lw a3, 0(a1)
    and a3, a3, a2
    bnez a3, wait_clear
    j next
count_down:
    addi a2, a2, -1
    bnez a2, count_down
    j next
sleep:
    wfi
    j next

    .section .data
loaded:
    .space 256

    .section .rodata
    .balign 4
    .globl table
table:
    .space 2048
