"""Where each layer's output lies in the arena, and so how much RAM a model needs, exactly.

In flash, a picture is made row by row, from the last layer backwards: a layer computes a row when
its consumer lacks one, and keeps only as many rows as the consumer needs at a time. Streamed, it is
made layer by layer, in the order in which the weights arrive, and each output is there as a whole
until the next one has been made.
"""

import math
from typing import NamedTuple

import numpy as np

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
    offsets: list[int] = []
    placed: list[_Piece] = []
    for index in range(len(model.layers)):
        pieces = _pieces(model, index)
        offset = 0
        while moved := [
            other.begin + other.size - piece.begin
            for piece in pieces
            for other in placed
            if _meet(piece, offset, other)
        ]:
            offset = max(offset + ALIGNMENT, aligned(min(moved), ALIGNMENT))
        offsets.append(offset)
        placed += [_Piece(offset + p.begin, p.size, p.busy) for p in pieces]
    return offsets, max(piece.begin + piece.size for piece in placed)


class _Piece(NamedTuple):
    """Some bytes of the arena, and the steps during which they are in use. A step makes a layer's
    next row.
    """

    begin: int
    size: int
    busy: range


def _meet(piece: _Piece, offset: int, other: _Piece) -> bool:
    """Whether `piece`, moved up by `offset`, would take bytes of `other` while it is in use."""
    begin = piece.begin + offset
    return (
        max(piece.busy.start, other.busy.start) < min(piece.busy.stop, other.busy.stop)
        and begin < other.begin + other.size
        and other.begin < begin + piece.size
    )


def _pieces(model: m.Model, index: int) -> list[_Piece]:
    """What layer `index` needs: its rows, and while it is made perhaps sums, right behind them."""
    layer = model.layers[index]
    consumer = model.layers[index + 1] if index + 1 < len(model.layers) else None
    size = m.rows_held(consumer, layer.height) * layer.channels * layer.width
    pieces = [_Piece(0, aligned(size, ALIGNMENT), _busy(model, index))]
    if sums := columns_bytes(layer):
        pieces.append(_Piece(aligned(size, ALIGNMENT), sums, range(index, index + 1)))
    return pieces


def _busy(model: m.Model, index: int) -> range:
    """The steps from when a row of layer `index` is made until it has been read."""
    layers = model.layers
    # A row that is read just once, at the very next step, leaves its place to others after that.
    if index + 1 == len(layers) or _reads_once(layers[index], layers[index + 1]):
        return range(index, index + 2)
    # All others are in use from first to last. But a dense layer of one row reads its source whole,
    # once: what comes before that is done then, and what follows has not begun.
    walls = [i for i, layer in enumerate(layers) if layer.op is m.Op.DENSE and layer.height == 1]
    first = max((i for i in walls if i <= index), default=0)
    last = min((i for i in walls if i > index), default=len(layers))
    return range(first, last + 1 if index + 1 == last else last)


def _reads_once(layer: m.Layer, consumer: m.Layer) -> bool:
    if consumer.op is m.Op.CONV:
        return consumer.kernel == 1 and consumer.stride == 1 and not consumer.pooled
    return consumer.op is m.Op.DENSE and layer.height == 1 and consumer.height == 1


def input_place(model: m.Model) -> int:
    """Where the input may lie in the arena, perhaps reaching beyond its end: the first place where
    nothing is written over a row that is still to be read. It is gone once the picture is made.
    """
    offsets, arena = plan(model)
    never = np.iinfo(np.int64).max
    written = np.full(arena + model.inputs, never)  # when each byte is, for the first time
    channels, height, width = model.input_shape
    read = np.zeros(height, np.int64)  # when each row is, for the last time
    for time, (index, y) in enumerate(schedule(model)):
        if not index:
            read[rows_read(model.layers[0], y, height)] = time
        for begin, end in _writes(model, offsets, index, y):
            written[begin:end] = np.minimum(written[begin:end], time)
    read = read.repeat(channels * width)
    fits = (
        offset
        for offset in range(0, aligned(arena, ALIGNMENT) + 1, ALIGNMENT)
        if np.all(written[offset : offset + model.inputs] > read)
    )
    return next(fits)


def schedule(model: m.Model):
    """The row-by-row executor's steps: yields the layer's index and which row of it is made."""
    layers, made = model.layers, [0] * len(model.layers)
    while made[-1] < layers[-1].height:
        index = len(layers) - 1
        while index < len(layers):
            if index:
                before = layers[index - 1]
                if made[index - 1] <= rows_read(layers[index], made[index], before.height)[-1]:
                    index -= 1
                    continue
            yield index, made[index]
            made[index] += 1
            index += 1


def rows_read(layer: m.Layer, y: int, height: int) -> range:
    """Which of the `height` rows of its source row `y` of `layer` is made of; or some more."""
    match layer.op:
        case m.Op.CONV:
            first, last = (2 * y, 2 * y + 1) if layer.pooled else (y, y)
            begin = first * layer.stride - layer.pad
            end = last * layer.stride - layer.pad + layer.kernel
        case m.Op.CONV_TRANSPOSE:
            begin, end = 0, (y + layer.pad) // layer.stride + 1
        case m.Op.NEAREST:
            begin, end = y // layer.stride, y // layer.stride + 1
        case m.Op.BILINEAR:
            steps = max(layer.height - 1, 1)
            begin, end = 0, -(-y * (height - 1) // steps) + 1
        case _:
            return range(height)
    return range(max(begin, 0), min(end, height))


def _writes(model: m.Model, offsets: list[int], index: int, y: int) -> list[tuple[int, int]]:
    layer = model.layers[index]
    consumer = model.layers[index + 1] if index + 1 < len(model.layers) else None
    size = layer.width * layer.channels
    begin = offsets[index] + y % m.rows_held(consumer, layer.height) * size
    sums = aligned(begin + size, ALIGNMENT)
    return [(begin, begin + size), (sums, sums + columns_bytes(layer))]


def columns_bytes(layer: m.Layer) -> int:
    """int32 sums of all units of a dense layer in columns; its kernels add five at a time."""
    return -(-m.units(layer) // 5) * 20 if layer.layout is m.Layout.COLUMNS else 0


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


def aligned(offset: int, to: int = STREAMED_ALIGNMENT) -> int:
    return -(-offset // to) * to
