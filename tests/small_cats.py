"""Streamed models with random weights, made and run quickly: for tests of all around the cats."""

import numpy as np

from random_models import _fill
from whim import format
from whim.encodings import Encoding
from whim.model import Layer, Layout, Model, Op, fan_in, units

SHAPES = (  # channels, side, kernel, stride, pad; a kernel of 0 is a NEAREST
    (16, 4, 4, 1, 0),
    (8, 8, 4, 2, 1),
    (8, 32, 0, 4, 0),
    (3, 64, 4, 2, 1),
)


def small_cat(seed: int = 1, encoding: Encoding = Encoding.INT8, inputs: int = 100) -> Model:
    """A random generator of 64x64 pixels of 3 colours."""
    rng = np.random.default_rng(seed)
    layers, source = [], (inputs, 1, 1)
    for channels, side, kernel, stride, pad in SHAPES:
        if kernel:
            layer = Layer(
                Op.CONV_TRANSPOSE, channels, side, side, encoding, kernel=kernel, stride=stride,
                pad=pad, layout=Layout.TILES,
            )  # fmt: skip
            _fill(rng, source, layer)
            layer.low, layer.high, layer.table = -128, 127, None
        else:
            layer = Layer(Op.NEAREST, channels, side, side, stride=stride)
        layers.append(layer)
        source = layer.shape
    return Model((inputs, 1, 1), layers)


def true_cat(encoding: Encoding, channels: tuple[int, ...] = (64, 48, 32, 3)) -> Model:
    """A generator of the cats' own kind, a tenth as wide: its sums fill an int8."""
    rng = np.random.default_rng(2)
    layers, source, side = [], (100, 1, 1), 4
    for number, out in enumerate(channels):
        stride, pad = (2, 1) if number else (1, 0)
        shape = dict(kernel=4, stride=stride, pad=pad)
        layer = Layer(Op.CONV_TRANSPOSE, out, side, side, encoding, layout=Layout.TILES, **shape)
        limit = encoding.limit
        layer.weights = rng.integers(-limit, limit, (units(layer), fan_in(source, layer)))
        if encoding is Encoding.INT2:
            layer.weights |= 1  # -3, -1, 1 and 3 are all that there is
        terms = source[0] * (4 if number else 1)  # of a sum
        scale = 60 / (40 * limit * 0.58 * terms**0.5)  # brings typical sums to +-60
        layer.shift = np.full(out, 22)
        layer.multiplier = np.full(out, round(scale * 2**22))
        layer.bias = rng.integers(-3000, 3000, out)
        layer.low = 0 if number + 1 < len(channels) else -128
        layers.append(layer)
        source, side = layer.shape, 2 * side
    return Model((100, 1, 1), layers)


def packed(model: Model, chunk: int = 31) -> bytes:
    """For a card, in chunks of 16 * chunk bytes and their trailers: one sector each, by default."""
    return format.write(model, format.CARD_ALIGNMENT, chunk)
