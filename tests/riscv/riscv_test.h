/* The environment that the riscv-tests ask for (riscv-software-src/riscv-tests), for a machine that
 * is a core with RAM: a test begins at _start and ends with ECALL, a0 holding 0 if it passed, or
 * else the number of the case that failed. */
#ifndef _ENV_WHIM_H
#define _ENV_WHIM_H

#define RVTEST_RV32U .macro init; .endm
#define RVTEST_RV64U RVTEST_RV32U
#define RVTEST_RV32UF .macro init; li t0, 0x2000; csrs mstatus, t0; .endm
#define RVTEST_RV64UF RVTEST_RV32UF
#define TESTNUM gp

#define RVTEST_CODE_BEGIN \
    .section .text.init;  \
    .globl _start;        \
    _start:               \
    init

#define RVTEST_CODE_END unimp

#define RVTEST_PASS \
    li a0, 0;       \
    ecall

#define RVTEST_FAIL \
    mv a0, TESTNUM; \
    ecall

#define EXTRA_DATA
#define RVTEST_DATA_BEGIN EXTRA_DATA .align 4;
#define RVTEST_DATA_END

#endif
