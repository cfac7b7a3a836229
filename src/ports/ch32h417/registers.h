/* The registers of the CH32H417 that this port uses, on either core: addresses, bits and interrupt
 * numbers, nothing else. Each is a fact of data/facts/ch32h417.toml, which names its sources; a
 * test compares this header with that table. Names are WCH's: BLOCK_REGISTER_FIELD. */
#ifndef PORTS_CH32H417_REGISTERS_H
#define PORTS_CH32H417_REGISTERS_H

#include <stdint.h>

#define WORD(address) (*(volatile uint32_t *)(address))
#define HALF(address) (*(volatile uint16_t *)(address))
#define BYTE(address) (*(volatile uint8_t *)(address))

/* Reset and clock control. */
#define RCC_BASE 0x40021000u
#define RCC_CTLR WORD(RCC_BASE + 0x00u)
#define RCC_CTLR_HSEON 0x00010000u
#define RCC_CTLR_HSERDY 0x00020000u
#define RCC_CTLR_PLLON 0x01000000u
#define RCC_CTLR_PLLRDY 0x02000000u
#define RCC_CFGR0 WORD(RCC_BASE + 0x04u)
#define RCC_CFGR0_SW 0x00000003u
#define RCC_CFGR0_SW_PLL 0x00000002u
#define RCC_CFGR0_SWS 0x0000000cu
#define RCC_CFGR0_SWS_PLL 0x00000008u
#define RCC_CFGR0_HPRE 0x000000f0u  /* 0: V5F's clock is the system clock */
#define RCC_CFGR0_FPRE 0x00030000u
#define RCC_CFGR0_FPRE_4 0x00020000u /* HCLK, and V3F's clock: a quarter of V5F's */
#define RCC_PLLCFGR WORD(RCC_BASE + 0x08u)
#define RCC_PLLCFGR_MUL 0x0000001fu
#define RCC_PLLCFGR_MUL_16 0x00000010u
#define RCC_PLLCFGR_SRC 0x000000e0u  /* 0: HSI */
#define RCC_PLLCFGR_SRC_HSE 0x00000020u
#define RCC_PLLCFGR_DIV 0x00003f00u  /* 0: the PLL's input is not divided */
#define RCC_PLLCFGR_SYSSRC 0x70000000u /* 0: SYSPLL is this PLL */
#define RCC_PLLCFGR_SYSGATE 0x80000000u /* it is let through to the system */
#define RCC_HBPCENR WORD(RCC_BASE + 0x18u)
#define RCC_HBPCENR_DMA1EN 0x00000001u
#define RCC_HBPCENR_RNGEN 0x00000200u
#define RCC_HBPCENR_SDMMCEN 0x00000400u
#define RCC_HB2PCENR WORD(RCC_BASE + 0x1cu)
#define RCC_HB2PCENR_AFIOEN 0x00000001u
#define RCC_HB2PCENR_IOPAEN 0x00000004u
#define RCC_HB2PCENR_IOPBEN 0x00000008u
#define RCC_HB2PCENR_IOPCEN 0x00000010u
#define RCC_HB2PCENR_IOPDEN 0x00000020u
#define RCC_HB2PCENR_SPI1EN 0x00001000u
#define RCC_HB2PCENR_USART1EN 0x00004000u
#define RCC_HB1PCENR WORD(RCC_BASE + 0x20u)
#define RCC_HB1PCENR_TIM6EN 0x00000010u
#define RCC_HB1PCENR_I2C1EN 0x00200000u
#define RCC_HB1PCENR_PWREN 0x10000000u
#define RCC_HB1PCENR_DACEN 0x20000000u
#define RCC_HB1PCENR_SWPMIEN 0x80000000u
#define RCC_RSTSCKR WORD(RCC_BASE + 0x28u)
#define RCC_RSTSCKR_LSION 0x00000001u
#define RCC_RSTSCKR_LSIRDY 0x00000002u
#define RCC_RSTSCKR_RMVF 0x01000000u
#define RCC_RSTSCKR_PINRSTF 0x04000000u /* and in this order the next five */
#define RCC_RSTSCKR_PORRSTF 0x08000000u
#define RCC_RSTSCKR_SFTRSTF 0x10000000u
#define RCC_RSTSCKR_IWDGRSTF 0x20000000u
#define RCC_RSTSCKR_WWDGRSTF 0x40000000u
#define RCC_RSTSCKR_LKUPRSTF 0x80000000u
#define RCC_HBRSTR WORD(RCC_BASE + 0x2cu)
#define RCC_HBRSTR_SDMMCRST 0x00000400u

/* Flash controller. */
#define FLASH_BASE 0x40022000u
#define FLASH_ACTLR WORD(FLASH_BASE + 0x00u)
#define FLASH_ACTLR_SCK 0x00000003u
#define FLASH_ACTLR_SCK_2 0x00000001u /* its clock is HCLK / 2; 0, HCLK itself, is too fast */
#define FLASH_KEYR WORD(FLASH_BASE + 0x04u)
#define FLASH_KEYR_KEY1 0x45670123u
#define FLASH_KEYR_KEY2 0xcdef89abu
#define FLASH_CTLR WORD(FLASH_BASE + 0x10u)
#define FLASH_CTLR_LOCK 0x00000080u

/* Power: the supply of the pins of the domain VIO18, the card's among them. */
#define PWR_BASE 0x40007000u
#define PWR_CTLR WORD(PWR_BASE + 0x00u)
#define PWR_CTLR_VIO_SWCR 0x00000200u    /* it is chosen here, not by a pin */
#define PWR_CTLR_VSEL_VIO18 0x00001c00u
#define PWR_CTLR_VSEL_VIO18_3V3 0x00000c00u

/* Pins. A pin takes four bits of CFGLR or CFGHR, two of SPEED, and four of AFIO's AFLR or AFHR. */
#define AFIO_BASE 0x40010000u
#define AFIO_PCFR1 WORD(AFIO_BASE + 0x00u)
#define AFIO_PCFR1_SDMMC 0x00000c00u /* 0: CK PC12, CMD PD2, D0 to D3 PC8 to PC11 */
#define AFIO_GPIOA_AFHR WORD(AFIO_BASE + 0x08u)
#define AFIO_GPIOB_AFLR WORD(AFIO_BASE + 0x0cu)
#define AFIO_EXTICR1 WORD(AFIO_BASE + 0x3cu)
#define AFIO_EXTICR1_EXTI0 0x0000000fu /* 0: port A */
#define GPIOA_BASE 0x40010800u
#define GPIOA_CFGLR WORD(GPIOA_BASE + 0x00u)
#define GPIOA_CFGHR WORD(GPIOA_BASE + 0x04u)
#define GPIOA_INDR WORD(GPIOA_BASE + 0x08u)
#define GPIOA_BSHR WORD(GPIOA_BASE + 0x10u)
#define GPIOB_BASE 0x40010c00u
#define GPIOB_CFGLR WORD(GPIOB_BASE + 0x00u)
#define GPIOB_BSHR WORD(GPIOB_BASE + 0x10u)
#define GPIOB_SPEED WORD(GPIOB_BASE + 0x1cu)
#define GPIOC_BASE 0x40011000u
#define GPIOC_CFGHR WORD(GPIOC_BASE + 0x04u)
#define GPIOC_SPEED WORD(GPIOC_BASE + 0x1cu)
#define GPIOD_BASE 0x40011400u
#define GPIOD_CFGLR WORD(GPIOD_BASE + 0x00u)
#define GPIOD_SPEED WORD(GPIOD_BASE + 0x1cu)
#define GPIO_ANALOG 0x0u
#define GPIO_PULL 0x8u          /* OUTDR says up (1) or down (0) */
#define GPIO_OUTPUT 0x1u        /* push-pull */
#define GPIO_OUTPUT_OD 0x5u     /* open drain */
#define GPIO_PERIPHERAL 0x9u    /* driven by a peripheral, push-pull */
#define GPIO_PERIPHERAL_OD 0xdu /* driven by a peripheral, open drain */
#define GPIO_FASTEST 0x3u       /* of SPEED */

/* Edges of pins, line 0 here. */
#define EXTI_BASE 0x40010400u
#define EXTI_INTENR WORD(EXTI_BASE + 0x00u)
#define EXTI_RTENR WORD(EXTI_BASE + 0x08u)
#define EXTI_FTENR WORD(EXTI_BASE + 0x0cu)
#define EXTI_INTFR WORD(EXTI_BASE + 0x14u)

/* Display. */
#define I2C1_BASE 0x40005400u
#define I2C1_CTLR1 HALF(I2C1_BASE + 0x00u)
#define I2C1_CTLR1_PE 0x0001u
#define I2C1_CTLR1_START 0x0100u
#define I2C1_CTLR1_STOP 0x0200u
#define I2C1_CTLR1_SWRST 0x8000u
#define I2C1_CTLR2 HALF(I2C1_BASE + 0x04u)
#define I2C1_DATAR HALF(I2C1_BASE + 0x10u)
#define I2C1_STAR1 HALF(I2C1_BASE + 0x14u)
#define I2C1_STAR1_SB 0x0001u
#define I2C1_STAR1_ADDR 0x0002u
#define I2C1_STAR1_BTF 0x0004u
#define I2C1_STAR1_TXE 0x0080u
#define I2C1_STAR1_BERR 0x0100u
#define I2C1_STAR1_ARLO 0x0200u
#define I2C1_STAR1_AF 0x0400u
#define I2C1_STAR2 HALF(I2C1_BASE + 0x18u)
#define I2C1_STAR2_BUSY 0x0002u
#define I2C1_CKCFGR HALF(I2C1_BASE + 0x1cu)
#define I2C1_CKCFGR_FS 0x8000u
#define I2C1_RTR HALF(I2C1_BASE + 0x20u)

/* Serial console. */
#define USART1_BASE 0x40013800u
#define USART1_STATR HALF(USART1_BASE + 0x00u)
#define USART1_STATR_RXNE 0x0020u
#define USART1_STATR_TC 0x0040u
#define USART1_STATR_TXE 0x0080u
#define USART1_DATAR HALF(USART1_BASE + 0x04u)
#define USART1_BRR HALF(USART1_BASE + 0x08u)
#define USART1_CTLR1 HALF(USART1_BASE + 0x0cu)
#define USART1_CTLR1_RE 0x0004u
#define USART1_CTLR1_TE 0x0008u
#define USART1_CTLR1_RXNEIE 0x0020u
#define USART1_CTLR1_TXEIE 0x0080u
#define USART1_CTLR1_UE 0x2000u

/* Card, by its native bus. */
#define SDMMC_BASE 0x40024000u
#define SDMMC_ARGUMENT WORD(SDMMC_BASE + 0x00u)
#define SDMMC_CMD_SET HALF(SDMMC_BASE + 0x04u)
#define SDMMC_CMD_SET_R2 0x0100u
#define SDMMC_CMD_SET_SHORT 0x0200u
#define SDMMC_CMD_SET_R1B 0x0300u
#define SDMMC_CMD_SET_CKCRC 0x0400u
#define SDMMC_CMD_SET_CKIDX 0x0800u
#define SDMMC_RESPONSE0 WORD(SDMMC_BASE + 0x08u)
#define SDMMC_RESPONSE1 WORD(SDMMC_BASE + 0x0cu)
#define SDMMC_RESPONSE2 WORD(SDMMC_BASE + 0x10u)
#define SDMMC_RESPONSE3 WORD(SDMMC_BASE + 0x14u) /* a short answer's, or the highest of four */
#define SDMMC_WRITE_CONT WORD(SDMMC_BASE + 0x14u) /* written: send the next block */
#define SDMMC_CONTROL HALF(SDMMC_BASE + 0x18u)
#define SDMMC_CONTROL_LW_4 0x0001u  /* four wires, not one */
#define SDMMC_CONTROL_DMAEN 0x0008u
#define SDMMC_CONTROL_NEGSMP 0x0020u /* sample on the falling edge */
#define SDMMC_TIMEOUT BYTE(SDMMC_BASE + 0x1cu)
#define SDMMC_TIMEOUT_MOST 0x0fu
#define SDMMC_STATUS WORD(SDMMC_BASE + 0x20u)
#define SDMMC_STATUS_BLOCKS 0x0000ffffu
#define SDMMC_STATUS_DAT0 0x00020000u
#define SDMMC_INT_FG HALF(SDMMC_BASE + 0x24u) /* a one clears */
#define SDMMC_INT_FG_RE_TMOUT 0x0001u
#define SDMMC_INT_FG_RECRC 0x0002u
#define SDMMC_INT_FG_REIDX 0x0004u
#define SDMMC_INT_FG_CMDDONE 0x0008u
#define SDMMC_INT_FG_DATTMO 0x0010u
#define SDMMC_INT_FG_TRANERR 0x0020u
#define SDMMC_INT_FG_TRANDONE 0x0040u
#define SDMMC_INT_FG_BKGAP 0x0080u
#define SDMMC_INT_FG_FIFO_OV 0x0100u
#define SDMMC_INT_EN HALF(SDMMC_BASE + 0x28u)
#define SDMMC_DMA_BEG1 WORD(SDMMC_BASE + 0x2cu)
#define SDMMC_BLOCK_CFG WORD(SDMMC_BASE + 0x30u)
#define SDMMC_TRAN_MODE WORD(SDMMC_BASE + 0x34u)
#define SDMMC_TRAN_MODE_SEND 0x00000001u
#define SDMMC_CLK_DIV HALF(SDMMC_BASE + 0x38u)
#define SDMMC_CLK_DIV_CLKOE 0x0100u
#define SDMMC_CLK_DIV_FAST 0x0200u /* SYSPLL / divisor; else a 64th of that */

/* Its pads are shared with the single-wire interface, whose transceiver must let go of them. */
#define SWPMI_BASE 0x40008400u
#define SWPMI_OR WORD(SWPMI_BASE + 0x24u)
#define SWPMI_OR_TBYP 0x00000001u

/* Card, by SPI. */
#define SPI1_BASE 0x40013000u
#define SPI1_CTLR1 HALF(SPI1_BASE + 0x00u)
#define SPI1_CTLR1_MSTR 0x0004u
#define SPI1_CTLR1_BR_SHIFT 3 /* HCLK / 2^(BR + 1) */
#define SPI1_CTLR1_SPE 0x0040u
#define SPI1_CTLR1_SSI 0x0100u
#define SPI1_CTLR1_SSM 0x0200u
#define SPI1_CTLR2 HALF(SPI1_BASE + 0x04u)
#define SPI1_CTLR2_RXDMAEN 0x0001u
#define SPI1_CTLR2_TXDMAEN 0x0002u
#define SPI1_STATR HALF(SPI1_BASE + 0x08u)
#define SPI1_STATR_RXNE 0x0001u
#define SPI1_STATR_TXE 0x0002u
#define SPI1_STATR_BSY 0x0080u
#define SPI1_DATAR HALF(SPI1_BASE + 0x0cu)

/* DMA: channel 1 for sound, 2 and 3 for SPI. DMAMUX has a byte for each: a request's number - 1. */
#define DMA1_BASE 0x40020000u
#define DMA1_INTFR WORD(DMA1_BASE + 0x00u)
#define DMA1_INTFCR WORD(DMA1_BASE + 0x04u)
#define DMA1_INTF_TC1 0x00000002u /* of INTFR and INTFCR */
#define DMA1_INTF_HT1 0x00000004u
#define DMA1_INTF_TC2 0x00000020u
#define DMA1_CFGR1 WORD(DMA1_BASE + 0x08u)
#define DMA1_CNTR1 WORD(DMA1_BASE + 0x0cu)
#define DMA1_PADDR1 WORD(DMA1_BASE + 0x10u)
#define DMA1_MADDR1 WORD(DMA1_BASE + 0x14u)
#define DMA1_CFGR2 WORD(DMA1_BASE + 0x1cu)
#define DMA1_CNTR2 WORD(DMA1_BASE + 0x20u)
#define DMA1_PADDR2 WORD(DMA1_BASE + 0x24u)
#define DMA1_MADDR2 WORD(DMA1_BASE + 0x28u)
#define DMA1_CFGR3 WORD(DMA1_BASE + 0x30u)
#define DMA1_CNTR3 WORD(DMA1_BASE + 0x34u)
#define DMA1_PADDR3 WORD(DMA1_BASE + 0x38u)
#define DMA1_MADDR3 WORD(DMA1_BASE + 0x3cu)
#define DMA1_CFGR_EN 0x00000001u /* of each CFGR */
#define DMA1_CFGR_TCIE 0x00000002u
#define DMA1_CFGR_HTIE 0x00000004u
#define DMA1_CFGR_DIR 0x00000010u /* from memory */
#define DMA1_CFGR_CIRC 0x00000020u
#define DMA1_CFGR_MINC 0x00000080u
#define DMA1_CFGR_PSIZE_16 0x00000100u
#define DMA1_CFGR_MSIZE_16 0x00000400u
#define DMA1_CFGR_PL_HIGH 0x00002000u
#define DMA1_CFGR_PL_HIGHEST 0x00003000u
#define DMAMUX_BASE 0x40020800u
#define DMAMUX_CHANNEL1 BYTE(DMAMUX_BASE + 0x00u)
#define DMAMUX_CHANNEL2 BYTE(DMAMUX_BASE + 0x01u)
#define DMAMUX_CHANNEL3 BYTE(DMAMUX_BASE + 0x02u)
#define DMAMUX_SPI1_TX 62
#define DMAMUX_SPI1_RX 63
#define DMAMUX_DAC1 102

/* Sound: a timer that asks the converter for its next value. */
#define DAC_BASE 0x40007400u
#define DAC_CTLR WORD(DAC_BASE + 0x00u)
#define DAC_CTLR_EN1 0x00000001u
#define DAC_CTLR_TEN1 0x00000004u
#define DAC_CTLR_TSEL1 0x00000038u /* 0: TIM6 */
#define DAC_CTLR_DMAEN1 0x00001000u
#define DAC_R12BDHR1 WORD(DAC_BASE + 0x08u)
#define TIM6_BASE 0x40001000u
#define TIM6_CTLR1 HALF(TIM6_BASE + 0x00u)
#define TIM6_CTLR1_CEN 0x0001u
#define TIM6_CTLR1_ARPE 0x0080u
#define TIM6_CTLR2 HALF(TIM6_BASE + 0x04u)
#define TIM6_CTLR2_MMS_UPDATE 0x0020u
#define TIM6_SWEVGR HALF(TIM6_BASE + 0x14u)
#define TIM6_SWEVGR_UG 0x0001u
#define TIM6_CNT HALF(TIM6_BASE + 0x24u)
#define TIM6_PSC HALF(TIM6_BASE + 0x28u)
#define TIM6_ATRLR HALF(TIM6_BASE + 0x2cu)

/* Random number generator. */
#define RNG_BASE 0x40023c00u
#define RNG_CR WORD(RNG_BASE + 0x00u)
#define RNG_CR_RNGEN 0x00000004u
#define RNG_SR WORD(RNG_BASE + 0x04u)
#define RNG_SR_DRDY 0x00000001u
#define RNG_SR_CECS 0x00000002u /* its clock is in error */
#define RNG_SR_SECS 0x00000004u /* its seed is */
#define RNG_DR WORD(RNG_BASE + 0x08u)

/* Independent watchdog: a counter on its own oscillator, LSI, of about 40 kHz. */
#define IWDG_BASE 0x40003000u
#define IWDG_CTLR WORD(IWDG_BASE + 0x00u)
#define IWDG_CTLR_UNLOCK 0x5555u
#define IWDG_CTLR_FEED 0xaaaau
#define IWDG_CTLR_START 0xccccu
#define IWDG_PSCR WORD(IWDG_BASE + 0x04u)
#define IWDG_PSCR_64 0x00000004u
#define IWDG_RLDR WORD(IWDG_BASE + 0x08u)
#define IWDG_STATR WORD(IWDG_BASE + 0x0cu)
#define IWDG_STATR_PVU 0x00000001u
#define IWDG_STATR_RVU 0x00000002u

/* Mailbox between the cores: four channels, a byte of each register a channel. Bit 0 of a channel's
 * byte is set by its sender and cleared by its receiver, whom it interrupts meanwhile. */
#define IPC_BASE 0xe000d000u
#define IPC_CTLR WORD(IPC_BASE + 0x00u)
#define IPC_CTLR_TO_V5F 0x00000024u /* channel 0: from core 0 to core 1, interrupt the receiver */
#define IPC_CTLR_TO_V3F 0x00002100u /* channel 1: from core 1 to core 0, the same */
#define IPC_ENA WORD(IPC_BASE + 0x10u)
#define IPC_STS WORD(IPC_BASE + 0x14u)
#define IPC_SET WORD(IPC_BASE + 0x18u)
#define IPC_CLR WORD(IPC_BASE + 0x1cu)
#define IPC_CHANNEL0 0x00000001u
#define IPC_CHANNEL1 0x00000100u

/* Interrupt controller, each core's own at this address: a bit an interrupt, 32 of them a word. */
#define PFIC_BASE 0xe000e000u
#define PFIC_CFGR WORD(PFIC_BASE + 0x48u)
#define PFIC_CFGR_RESTART 0xbeef0080u /* the key for it, and RESETSYS */
#define PFIC_IENR1 WORD(PFIC_BASE + 0x100u)
#define PFIC_IENR2 WORD(PFIC_BASE + 0x104u)
#define PFIC_IENR3 WORD(PFIC_BASE + 0x108u)
#define PFIC_WAKEIP1 WORD(PFIC_BASE + 0x724u) /* where V5F begins */
#define PFIC_SCTLR WORD(PFIC_BASE + 0xd10u)
#define PFIC_SCTLR_SETEVENT 0x00000020u
#define IRQ_SYSTICK0 12
#define IRQ_IPC0 16
#define IRQ_IPC1 17
#define IRQ_EXTI7_0 36
#define IRQ_DMA1_CHANNEL1 57
#define IRQ_DMA1_CHANNEL2 38
#define IRQ_USART1 48
#define IRQ_SDMMC 95

/* System timers, one a core; both count HCLK, and SR, with a bit a core, belongs to both. */
#define SYSTICK0_BASE 0xe000f000u
#define SYSTICK0_CTLR WORD(SYSTICK0_BASE + 0x00u)
#define SYSTICK0_SR WORD(SYSTICK0_BASE + 0x04u)
#define SYSTICK0_SR_CNTIF0 0x00000001u
#define SYSTICK0_CNT WORD(SYSTICK0_BASE + 0x08u)
#define SYSTICK0_CMP WORD(SYSTICK0_BASE + 0x10u)
#define SYSTICK1_BASE 0xe000f080u
#define SYSTICK1_CTLR WORD(SYSTICK1_BASE + 0x00u)
#define SYSTICK1_CNT WORD(SYSTICK1_BASE + 0x08u)
#define SYSTICK_CTLR_STE 0x00000001u /* of both CTLR */
#define SYSTICK_CTLR_STIE 0x00000002u
#define SYSTICK_CTLR_STCLK 0x00000004u /* counts HCLK, not an eighth of it */

#endif
