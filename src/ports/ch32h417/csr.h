/* Control and status registers for start.S of both cores; .insn takes its 12 bits signed. */
#define CSRW(csr, register) .insn i 0x73, 1, x0, register, csr
#define CSRC(csr, register) .insn i 0x73, 3, x0, register, csr
#define CSRR(register, csr) .insn i 0x73, 2, register, x0, csr
#define MSTATUS 0x300
#define MTVEC 0x305
#define MEPC 0x341
#define MCAUSE 0x342
#define MTVAL 0x343
#define PMPCFG0 0x3a0
#define PMPADDR0 0x3b0
#define PMPADDR1 0x3b1
#define INTSYSCR 0x804 - 0x1000
#define CORECFGR 0xbc0 - 0x1000
#define CACHE_STRTG_CTLR 0xbc2 - 0x1000
#define CACHE_PMP_OVR 0xbc3 - 0x1000
#define OPCACHE_CTLR 0xbd0 - 0x1000
