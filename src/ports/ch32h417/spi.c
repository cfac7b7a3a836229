/* The card's SPI bus: SPI1, of which DMA1's channels 2 and 3 do the long reads. */
#include <stddef.h>

#include "ports/ch32h417/chip.h"
#include "whim/port.h"

enum { SLOWEST = 7 }; /* HCLK / 256 */

/* What is sent while only the other direction matters. */
static const uint8_t ones = 0xff;

static const uint16_t MASTER = SPI1_CTLR1_MSTR | SPI1_CTLR1_SSM | SPI1_CTLR1_SSI;

bool port_spi_start(uint32_t hertz)
{
    uint32_t rate = 0;
    while (rate < SLOWEST && HCLK_HERTZ / (2u << rate) > hertz) rate++;

    port_spi_select(false);
    pin_mode(&GPIOB_CFGLR, PIN_SPI_CS, GPIO_OUTPUT);
    pin_mode(&AFIO_GPIOB_AFLR, PIN_SPI_SCK, AF_SPI);
    pin_mode(&AFIO_GPIOB_AFLR, PIN_SPI_MISO, AF_SPI);
    pin_mode(&AFIO_GPIOB_AFLR, PIN_SPI_MOSI, AF_SPI);
    pin_mode(&GPIOB_CFGLR, PIN_SPI_SCK, GPIO_PERIPHERAL);
    pin_mode(&GPIOB_CFGLR, PIN_SPI_MOSI, GPIO_PERIPHERAL);
    pin_mode(&GPIOB_CFGLR, PIN_SPI_MISO, GPIO_PULL);
    GPIOB_BSHR = 1u << PIN_SPI_MISO; /* up: a slot without a card says 0xff */
    pin_fastest(&GPIOB_SPEED, PIN_SPI_SCK);
    pin_fastest(&GPIOB_SPEED, PIN_SPI_MOSI);

    DMA1_CFGR2 = DMA1_CFGR3 = 0;
    SPI1_CTLR2 = 0;
    SPI1_CTLR1 = MASTER; /* its rate changes only while it is off */
    SPI1_CTLR1 = (uint16_t)(MASTER | rate << SPI1_CTLR1_BR_SHIFT);
    SPI1_CTLR1 |= SPI1_CTLR1_SPE;
    (void)SPI1_DATAR; /* what an earlier transfer may have left */
    DMAMUX_CHANNEL2 = DMAMUX_SPI1_RX;
    DMAMUX_CHANNEL3 = DMAMUX_SPI1_TX;
    PFIC_IENR2 = 1u << (IRQ_DMA1_CHANNEL2 - 32);
    return true;
}

void port_spi_select(bool selected)
{
    GPIOB_BSHR = selected ? 1u << (PIN_SPI_CS + 16) : 1u << PIN_SPI_CS; /* low is selected */
}

void port_spi_exchange(const uint8_t *out, uint8_t *in, uint32_t count)
{
    for (; count; count--) {
        while (!(SPI1_STATR & SPI1_STATR_TXE)) {}
        SPI1_DATAR = out ? *out++ : ones;
        while (!(SPI1_STATR & SPI1_STATR_RXNE)) {}
        uint8_t byte = (uint8_t)SPI1_DATAR;
        if (in) *in++ = byte;
    }
}

/* Receiving has the higher priority, so that no byte is lost while the next is sent. */
void port_spi_receive(void *to, uint32_t count)
{
    DMA1_CFGR2 = DMA1_CFGR3 = 0;
    if (!count) return;
    DMA1_PADDR2 = DMA1_PADDR3 = (uint32_t)(uintptr_t)&SPI1_DATAR;
    DMA1_MADDR2 = (uint32_t)(uintptr_t)to;
    DMA1_MADDR3 = (uint32_t)(uintptr_t)&ones;
    DMA1_CNTR2 = DMA1_CNTR3 = count;
    DMA1_INTFCR = DMA1_INTF_TC2;
    port_fence();
    DMA1_CFGR2 = DMA1_CFGR_EN | DMA1_CFGR_TCIE | DMA1_CFGR_MINC | DMA1_CFGR_PL_HIGH;
    DMA1_CFGR3 = DMA1_CFGR_EN | DMA1_CFGR_DIR;
    SPI1_CTLR2 = SPI1_CTLR2_RXDMAEN | SPI1_CTLR2_TXDMAEN;
}

__attribute__((interrupt)) void spi_interrupt(void)
{
    DMA1_INTFCR = DMA1_INTF_TC2;
    idle_end();
}

bool port_spi_busy(void)
{
    if (!(DMA1_CFGR2 & DMA1_CFGR_EN)) return false;
    if (DMA1_CNTR2) return true;
    SPI1_CTLR2 = 0;
    DMA1_CFGR2 = DMA1_CFGR3 = 0;
    port_fence();
    return false;
}
