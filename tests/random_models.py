"""Models with random layers, weights and scales: what the decoders must agree on beyond the
shipped nets.
"""

import numpy as np

from whim.encodings import Encoding
from whim.format import CARD_ALIGNMENT
from whim.model import Layer, Layout, Model, Op, fan_in, may_tile, problem, records, units

WEIGHTED = [e for e in Encoding if e is not Encoding.NONE]


def random_model(rng: np.random.Generator, streamed: bool = False) -> Model:
    """A model of one to seven layers of any kind, small enough to run in a moment.

    With `streamed`, of the kinds that can be streamed, with more channels than one tile has.
    """
    inputs = int(rng.integers(1, 20))
    source = (inputs, 1, 1)
    layers = []
    for _ in range(rng.integers(1, 8)):
        layer = _random_layer(rng, source, streamed)
        layers.append(layer)
        source = layer.shape
    return Model(inputs, layers)


def random_streamed(rng: np.random.Generator) -> tuple[Model, dict]:
    """Such a model, and how format.write may stream it: in chunks from one unit on."""
    chunk = int(rng.integers(1, 41))
    return random_model(rng, streamed=True), dict(alignment=CARD_ALIGNMENT, chunk=chunk)


def _random_layer(rng: np.random.Generator, source, streamed: bool) -> Layer:
    while True:
        layer = _random_shape(rng, source, streamed)
        if layer.height <= 16 and layer.width <= 80 and problem(source, layer) is None:
            break
    if may_tile(layer) and (streamed or rng.random() < 0.5):
        layer.layout = Layout.TILES
    _fill(rng, source, layer)
    return layer


def _random_shape(rng, source, streamed) -> Layer:
    channels, height, width = source
    op = Op(rng.integers(2 if streamed else 1, 6))
    kernel, stride = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    pad = int(rng.integers(0, kernel))
    encoding = WEIGHTED[rng.integers(len(WEIGHTED) - streamed)]  # TERNARY, the last, has no tiles
    out = int(rng.integers(1, 41 if streamed else 9))
    match op:
        case Op.DENSE:
            high, wide = (int(n) for n in rng.integers(1, 5, 2))
            return Layer(op, out, high, wide, encoding)
        case Op.CONV:
            sides = [(side + 2 * pad - kernel) // stride + 1 for side in (height, width)]
            return Layer(op, out, *sides, encoding, kernel=kernel, stride=stride, pad=pad)
        case Op.CONV_TRANSPOSE:
            sides = [(side - 1) * stride - 2 * pad + kernel for side in (height, width)]
            return Layer(op, out, *sides, encoding, kernel=kernel, stride=stride, pad=pad)
        case Op.NEAREST:
            return Layer(op, channels, height * stride, width * stride, stride=stride)
    return Layer(op, channels, int(rng.integers(1, 17)), int(rng.integers(1, 81)))


def _fill(rng, source, layer: Layer) -> None:
    shape = units(layer), fan_in(source, layer)
    match layer.encoding:
        case Encoding.INT8 | Encoding.INT4:
            limit = layer.encoding.limit
            layer.weights = rng.integers(-limit, limit, shape)
        case Encoding.INT2:
            layer.weights = 2 * rng.integers(0, 4, shape) - 3
        case Encoding.TERNARY:
            layer.weights = rng.integers(-1, 2, shape)
    count = records(layer)
    if not count:
        return
    # Scales that bring typical sums back to int8, sometimes far off, so that both clamps are met.
    spread = 64.0 * (
        np.abs(layer.weights).mean() * shape[1] ** 0.5
        if layer.weights is not None
        else max(layer.height - 1, 1) * max(layer.width - 1, 1)
    )
    wide = rng.random() < 0.3
    layer.bias = rng.integers(-1000, 1001, count) * (1000 if wide else 1)
    scale = np.exp(rng.normal(np.log(80 / (spread + 1)), 1, count))
    bits = 31 if wide else 8
    layer.shift = np.clip(np.floor(np.log2((2**bits - 1) / scale)), 1, 62 if wide else 26).astype(
        int
    )
    layer.multiplier = np.clip(scale * 2.0**layer.shift, 0, 2**bits - 1).astype(np.int64)
    layer.low, layer.high = (
        (0, 127)
        if rng.random() < 0.3
        else sorted(int(n) for n in rng.integers(-128, 128, 2))
        if rng.random() < 0.3
        else (-128, 127)
    )
    if rng.random() < 0.4:
        layer.table = rng.integers(-128, 128, 256).astype(np.int8)
