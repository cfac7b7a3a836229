"""Models with random layers, weights and scales: what the decoders must agree on beyond the
shipped nets.
"""

import numpy as np

from whim.encodings import Encoding
from whim.format import CARD_ALIGNMENT
from whim.model import (
    Layer,
    Layout,
    Model,
    Op,
    fan_in,
    may_column,
    may_tile,
    problem,
    records,
    triples_fit,
    units,
)

POWERS = [0] + [sign << n for sign in (1, -1) for n in range(7)]
WEIGHTED = [e for e in Encoding if e is not Encoding.NONE]


def random_model(rng: np.random.Generator, streamed: bool = False) -> Model:
    """A model of one to seven layers of any kind, small enough to run in a moment.

    With `streamed`, of the kinds that can be streamed, with more channels than one tile has.
    """
    shape = (int(rng.integers(1, 20)), 1, 1)
    if rng.random() < 0.3:
        shape = tuple(int(side) for side in rng.integers(1, [4, 12, 12]))
    layers = []
    if not streamed and rng.random() < 0.3:
        shape = (1, *(int(side) for side in rng.integers(3, 19, 2)))
        layers = _random_triples(rng, shape)
    source = layers[-1].shape if layers else shape
    for _ in range(rng.integers(0 if layers else 1, 8 - len(layers))):
        layer = _random_layer(rng, source, streamed)
        layers.append(layer)
        source = layer.shape
    return Model(shape, layers)


def _random_triples(rng: np.random.Generator, source) -> list[Layer]:
    """One to four layers in triples, the first of which reads an input of one channel."""
    layers = []
    for left in range(rng.integers(1, 5))[::-1]:
        before = layers[-1] if layers else None
        pad, pooled = (int(n) for n in rng.integers(0, 2, 2))
        sides = [(side + 2 * pad - 2) // (1 + pooled) for side in source[1:]]
        if min(sides) < 1:
            break
        how = dict(kernel=3, stride=1, pad=pad, pooled=bool(pooled), layout=Layout.TRIPLES)
        layer = Layer(Op.CONV, int(rng.integers(1, 31)), *sides, Encoding.TERNARY, **how)
        _fill(rng, source, layer)
        if left:  # another one reads it
            layer.low, layer.table = int(rng.integers(0, 3)), None
            layer.high = int(rng.integers(layer.low, 128))
        if not triples_fit(before, source, layer):
            before.high = max(before.low, (2**15 - 1) // fan_in(source, layer))
        layers.append(layer)
        source = layer.shape
    return layers


def random_streamed(rng: np.random.Generator) -> tuple[Model, dict]:
    """Such a model, and how format.write may stream it: in chunks from one unit on."""
    chunk = int(rng.integers(1, 41))
    return random_model(rng, streamed=True), dict(alignment=CARD_ALIGNMENT, chunk=chunk)


def _random_layer(rng: np.random.Generator, source, streamed: bool) -> Layer:
    while True:
        layer = _random_shape(rng, source, streamed)
        if layer.height <= 16 and layer.width <= 80 and problem(source, layer) is None:
            break
    if may_tile(layer) and (streamed or not layer.pooled and rng.random() < 0.5):
        layer.layout = Layout.TILES
    if may_column(layer) and rng.random() < 0.6:
        layer.layout = Layout.COLUMNS
    _fill(rng, source, layer)
    return layer


def _random_shape(rng, source, streamed) -> Layer:
    channels, height, width = source
    op = Op(rng.integers(2 if streamed else 1, 6))
    kernel, stride = int(rng.integers(1, 6)), int(rng.integers(1, 4))
    pad = int(rng.integers(0, kernel))
    encoding = WEIGHTED[rng.integers(len(WEIGHTED) - 2 * streamed)]  # the last two have no tiles
    out = int(rng.integers(1, 41 if streamed else 9))
    match op:
        case Op.DENSE:
            high, wide = (int(n) for n in rng.integers(1, 5, 2))
            if rng.random() < 0.4:
                high, out = 1, 3 * out
            return Layer(op, out, high, wide, encoding)
        case Op.CONV:
            sides = [(side + 2 * pad - kernel) // stride + 1 for side in (height, width)]
            pooled = not streamed and min(sides) > 1 and rng.random() < 0.5
            if pooled:
                sides = [side // 2 for side in sides]
            how = dict(kernel=kernel, stride=stride, pad=pad, pooled=pooled)
            return Layer(op, out, *sides, encoding, **how)
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
        case Encoding.POWER:
            layer.weights = rng.choice(POWERS, shape)
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
