"""Where each layer's output lies in the arena, and so how much RAM a model needs, exactly.

In flash, a picture is made row by row, from the last layer backwards: a layer computes a row when
its consumer lacks one, and keeps only as many rows as the consumer needs at a time. Streamed, it is
made layer by layer, in the order in which the weights arrive, and each output is there as a whole
until the next one has been made.
"""

import math

from whim import model as m
from whim.encodings import LANES

ALIGNMENT = 4  # bytes; fast kernels load words
STREAMED_ALIGNMENT = 16

# What a streamed model needs beside tensors and sums, in this order.
WEIGHTS_BYTES = 64 * LANES * 2  # a block of at most 64 records of weights, unpacked
RECORDS_BYTES = LANES * 12  # of the tile in use
TABLE_BYTES = 256
CRC_BYTES = 4096  # tables that make the CRC fast


def plan(model: m.Model) -> tuple[list[int], int]:
    """Row by row: (offset of each layer's rows in the arena, bytes of the arena)."""
    placed: list[tuple[int, int, range]] = []  # offset, bytes, the steps during which it is in use
    for index, layer in enumerate(model.layers):
        consumer = model.layers[index + 1] if index + 1 < len(model.layers) else None
        size = m.rows_held(consumer, layer.height) * layer.channels * layer.width
        # A row that is read just once, at the very next step, leaves its place to others after
        # that.
        once = consumer is None or _reads_once(layer, consumer)
        busy = range(index, index + 2) if once else range(len(model.layers) + 1)
        offset = 0
        for start, length, other in sorted(placed, key=lambda item: item[0]):
            if max(busy.start, other.start) < min(busy.stop, other.stop) and start < offset + size:
                offset = max(offset, start + length)
        placed.append((offset, -(-size // ALIGNMENT) * ALIGNMENT, busy))
    return [offset for offset, _, _ in placed], max(offset + size for offset, size, _ in placed)


def _reads_once(layer: m.Layer, consumer: m.Layer) -> bool:
    if consumer.op is m.Op.CONV:
        return consumer.kernel == 1 and consumer.stride == 1
    return consumer.op is m.Op.DENSE and layer.height == 1 and consumer.height == 1


def plan_streamed(model: m.Model, tables: int) -> tuple[list[int], int]:
    """Layer by layer: (offset of each layer's output in the arena, bytes of the arena).

    Every other output lies at the bottom, and those between right above the larger of their
    neighbours. There are two ways to begin; the better one is taken.
    """
    sizes = [aligned(math.prod(layer.shape)) for layer in model.layers]
    plans = []
    for bottom in (0, 1):
        offsets = [
            0 if i % 2 == bottom else max(sizes[i - 1 : i] + sizes[i + 1 : i + 2], default=0)
            for i in range(len(sizes))
        ]
        plans.append((arena_streamed(model.layers, offsets, tables), offsets))
    arena, offsets = min(plans)
    return offsets, arena


def arena_streamed(layers: list[m.Layer], offsets: list[int], tables: int) -> int:
    """Bytes of the arena of a streamed model whose layers' outputs lie at `offsets`."""
    top = end = 0
    for layer, offset in zip(layers, offsets):
        top = max(top, sums_end(layer, offset, source_end=end))
        end = tensor_end(layer, offset)
    return top + WEIGHTS_BYTES + RECORDS_BYTES + TABLE_BYTES * tables + CRC_BYTES


def tensor_end(layer: m.Layer, offset: int) -> int:
    return offset + math.prod(layer.shape)


def sums_end(layer: m.Layer, offset: int, source_end: int) -> int:
    """While a layer is made, its sums lie right above its source and its output."""
    return aligned(max(source_end, tensor_end(layer, offset))) + sums_bytes(layer)


def sums_bytes(layer: m.Layer) -> int:
    """int32 sums of a tile: of the whole output, or of one phase of a transposed convolution."""
    if layer.layout is not m.Layout.TILES:
        return 0
    step = layer.stride if layer.op is m.Op.CONV_TRANSPOSE else 1
    return -(-layer.height // step) * -(-layer.width // step) * LANES * 4


def aligned(offset: int) -> int:
    return -(-offset // STREAMED_ALIGNMENT) * STREAMED_ALIGNMENT
