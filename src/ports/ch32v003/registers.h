/* The registers of the CH32V003 that this port uses: addresses, bits and interrupt numbers, nothing
 * else. Each is a fact of data/facts/ch32v003.toml, which names two sources for it; a test compares
 * this header with that table. Names are those of the reference manual: BLOCK_REGISTER_FIELD. */
#ifndef PORTS_CH32V003_REGISTERS_H
#define PORTS_CH32V003_REGISTERS_H

#include <stdint.h>

#define WORD(address) (*(volatile uint32_t *)(address))
#define HALF(address) (*(volatile uint16_t *)(address))

/* Reset and clock control. */
#define RCC_BASE 0x40021000u
#define RCC_CTLR WORD(RCC_BASE + 0x00u)
#define RCC_CTLR_PLLON 0x01000000u
#define RCC_CTLR_PLLRDY 0x02000000u
#define RCC_CFGR0 WORD(RCC_BASE + 0x04u)
#define RCC_CFGR0_SW 0x00000003u
#define RCC_CFGR0_SW_PLL 0x00000002u
#define RCC_CFGR0_SWS 0x0000000cu
#define RCC_CFGR0_SWS_PLL 0x00000008u
#define RCC_APB2PRSTR WORD(RCC_BASE + 0x0cu)
#define RCC_APB2PRSTR_ADC1RST 0x00000200u
#define RCC_APB2PCENR WORD(RCC_BASE + 0x18u)
#define RCC_APB2PCENR_AFIOEN 0x00000001u
#define RCC_APB2PCENR_IOPCEN 0x00000010u
#define RCC_APB2PCENR_IOPDEN 0x00000020u
#define RCC_APB2PCENR_ADC1EN 0x00000200u
#define RCC_APB2PCENR_USART1EN 0x00004000u
#define RCC_APB1PCENR WORD(RCC_BASE + 0x1cu)
#define RCC_APB1PCENR_I2C1EN 0x00200000u
#define RCC_RSTSCKR WORD(RCC_BASE + 0x24u)
#define RCC_RSTSCKR_LSION 0x00000001u
#define RCC_RSTSCKR_LSIRDY 0x00000002u
#define RCC_RSTSCKR_RMVF 0x01000000u
#define RCC_RSTSCKR_PINRSTF 0x04000000u /* and in this order the next five */
#define RCC_RSTSCKR_PORRSTF 0x08000000u
#define RCC_RSTSCKR_SFTRSTF 0x10000000u
#define RCC_RSTSCKR_IWDGRSTF 0x20000000u
#define RCC_RSTSCKR_WWDGRSTF 0x40000000u
#define RCC_RSTSCKR_LPWRRSTF 0x80000000u

/* Flash controller. */
#define FLASH_BASE 0x40022000u
#define FLASH_ACTLR WORD(FLASH_BASE + 0x00u)
#define FLASH_ACTLR_LATENCY_1 0x00000001u

/* Pins. A pin takes four bits of CFGLR. */
#define GPIOC_BASE 0x40011000u
#define GPIOC_CFGLR WORD(GPIOC_BASE + 0x00u)
#define GPIOC_INDR WORD(GPIOC_BASE + 0x08u)
#define GPIOC_BSHR WORD(GPIOC_BASE + 0x10u)
#define GPIOD_BASE 0x40011400u
#define GPIOD_CFGLR WORD(GPIOD_BASE + 0x00u)
#define GPIOD_BSHR WORD(GPIOD_BASE + 0x10u)
#define GPIOD_BCR WORD(GPIOD_BASE + 0x14u)
#define GPIO_ANALOG 0x0u
#define GPIO_PULL 0x8u       /* OUTDR says up (1) or down (0) */
#define GPIO_OUTPUT 0x1u     /* push-pull, 10 MHz */
#define GPIO_OUTPUT_OD 0x5u  /* open drain, 10 MHz */
#define GPIO_PERIPHERAL 0x9u /* push-pull, 10 MHz */
#define GPIO_PERIPHERAL_OD 0xdu /* open drain, 10 MHz */

/* Which port a pin interrupt comes from: two bits a line. */
#define AFIO_BASE 0x40010000u
#define AFIO_EXTICR WORD(AFIO_BASE + 0x08u)
#define AFIO_EXTICR_EXTI4_PC 0x00000200u

/* Pin interrupts: a bit a line. */
#define EXTI_BASE 0x40010400u
#define EXTI_INTENR WORD(EXTI_BASE + 0x00u)
#define EXTI_RTENR WORD(EXTI_BASE + 0x08u)
#define EXTI_FTENR WORD(EXTI_BASE + 0x0cu)
#define EXTI_INTFR WORD(EXTI_BASE + 0x14u)

/* I2C. */
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
#define USART1_CTLR1_UE 0x2000u

/* Analog-digital converter. */
#define ADC1_BASE 0x40012400u
#define ADC1_STATR WORD(ADC1_BASE + 0x00u)
#define ADC1_STATR_EOC 0x00000002u
#define ADC1_CTLR2 WORD(ADC1_BASE + 0x08u)
#define ADC1_CTLR2_ADON 0x00000001u
#define ADC1_CTLR2_EXTSEL 0x000e0000u /* all ones: a conversion starts by SWSTART */
#define ADC1_CTLR2_EXTTRIG 0x00100000u
#define ADC1_CTLR2_SWSTART 0x00400000u
#define ADC1_SAMPTR2 WORD(ADC1_BASE + 0x10u)
#define ADC1_RSQR3 WORD(ADC1_BASE + 0x34u)
#define ADC1_RDATAR WORD(ADC1_BASE + 0x4cu)

/* Independent watchdog: a counter on its own oscillator, LSI, of about 128 kHz. */
#define IWDG_BASE 0x40003000u
#define IWDG_CTLR WORD(IWDG_BASE + 0x00u)
#define IWDG_CTLR_UNLOCK 0x5555u
#define IWDG_CTLR_FEED 0xaaaau
#define IWDG_CTLR_START 0xccccu
#define IWDG_PSCR WORD(IWDG_BASE + 0x04u)
#define IWDG_PSCR_128 0x00000005u
#define IWDG_RLDR WORD(IWDG_BASE + 0x08u)
#define IWDG_STATR WORD(IWDG_BASE + 0x0cu)
#define IWDG_STATR_PVU 0x00000001u
#define IWDG_STATR_RVU 0x00000002u

/* Interrupt controller: a bit an interrupt, 32 of them a word. */
#define PFIC_BASE 0xe000e000u
#define PFIC_CFGR WORD(PFIC_BASE + 0x48u)
#define PFIC_CFGR_RESTART 0xbeef0080u /* the key for it, and RESETSYS */
#define PFIC_IENR1 WORD(PFIC_BASE + 0x100u)
#define PFIC_IENR2 WORD(PFIC_BASE + 0x104u)
#define IRQ_SYSTICK 12
#define IRQ_EXTI7_0 20
#define IRQ_USART1 32

/* System timer. */
#define SYSTICK_BASE 0xe000f000u
#define SYSTICK_CTLR WORD(SYSTICK_BASE + 0x00u)
#define SYSTICK_CTLR_STE 0x00000001u
#define SYSTICK_CTLR_STIE 0x00000002u
#define SYSTICK_CTLR_STCLK 0x00000004u /* counts HCLK, not an eighth of it */
#define SYSTICK_SR WORD(SYSTICK_BASE + 0x04u)
#define SYSTICK_CNT WORD(SYSTICK_BASE + 0x08u)
#define SYSTICK_CMP WORD(SYSTICK_BASE + 0x10u)

#endif
