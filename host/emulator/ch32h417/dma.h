/* DMA1 and DMA2: what a block may do beyond h417_dma_request. */
#ifndef EMULATOR_CH32H417_DMA_H
#define EMULATOR_CH32H417_DMA_H

#include <stdbool.h>
#include <stdint.h>

struct board;

enum { REQUEST_SPI1_TX = 63, REQUEST_SPI1_RX = 64, REQUEST_DAC1 = 103 };

/* How many bytes the channel that serves a request is still to move, if one does. */
uint32_t dma_left(const struct board *board, unsigned request);

/* Move that many at once, between memory and `bytes`: for requests that come one after the other,
 * too fast to be worth an event each. */
void dma_move(struct board *board, unsigned request, uint8_t *bytes, uint32_t count);

/* A channel has been enabled: requests that wait may be served. */
void spi_pump(struct board *board);

#endif
