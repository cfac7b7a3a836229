"""A decoder in plain integers: layers, their shapes, and what follows from the shapes alone.

Everything that the packer, the decoders and the C engine must agree on before any arithmetic stands
here; src/engine/model.c says the same in C.
"""

import enum
import math
from dataclasses import dataclass, field

import numpy as np

from whim.encodings import LANES, Encoding, lane_bytes, packed_bytes

MAX_LAYERS = 12
MAX_SIDE = 4096  # rows, columns and channels of a tensor, and inputs
MAX_VALUES = 2**24  # rows * columns * channels
INT32_MAX = 2**31 - 1

Shape = tuple[int, int, int]  # channels, height, width


class Op(enum.IntEnum):
    """What a layer does."""

    DENSE = 1
    CONV = 2
    CONV_TRANSPOSE = 3
    NEAREST = 4  # upsampling by repetition
    BILINEAR = 5  # upsampling by interpolation, corners aligned


class Layout(enum.IntEnum):
    """The order in which a layer's weights lie in the file; it does not change what they mean."""

    PLAIN = 0  # all records, then unit after unit
    TILES = 1  # tile after tile of LANES output channels, each in the order of its use: layouts.py
    TRIPLES = 2  # ternary kernels of 3x3, a kernel row's three weights in one code
    COLUMNS = 3  # dense: the weights of all units, input after input


def _integers() -> np.ndarray:
    return np.zeros(0, np.int64)


@dataclass
class Layer:
    """One layer; channels, height and width are those of its output.

    `weights`: int64 (units, fan_in), or None. A unit is one output value of a dense layer, in the
    order (row, column, channel), or one output channel of a convolution; the fan-in runs over the
    input in that same order, for a convolution over (kernel row, kernel column, input channel).
    `bias`, `multiplier`, `shift`: int64, one record per channel, one in all for BILINEAR, none
    for NEAREST.
    `table`: int8 (256,), the activation of values -128 to 127, or None.
    `pooled`: of a convolution: of each 2x2 sums the largest is requantised, the output half as high
    and wide.
    """

    op: Op
    channels: int
    height: int
    width: int
    encoding: Encoding = Encoding.NONE
    weights: np.ndarray | None = None
    bias: np.ndarray = field(default_factory=_integers)
    multiplier: np.ndarray = field(default_factory=_integers)
    shift: np.ndarray = field(default_factory=_integers)
    low: int = -128
    high: int = 127
    table: np.ndarray | None = None
    kernel: int = 0
    stride: int = 0
    pad: int = 0
    layout: Layout = Layout.PLAIN
    pooled: bool = False

    @property
    def shape(self) -> Shape:
        return self.channels, self.height, self.width


@dataclass
class Model:
    """A net: a tensor of int8 in, (channels, height, width), and that of the last layer out."""

    input_shape: Shape
    layers: list[Layer]

    @property
    def inputs(self) -> int:
        """How many values condition a picture."""
        return math.prod(self.input_shape)

    def steps(self) -> list[tuple[Shape, Layer]]:
        """Each layer with the shape that it reads."""
        sources = [self.input_shape] + [layer.shape for layer in self.layers]
        return list(zip(sources, self.layers))

    @property
    def macs(self) -> int:
        return sum(macs(source, layer) for source, layer in self.steps())


def units(layer: Layer) -> int:
    """Rows of the weight matrix."""
    match layer.op:
        case Op.DENSE:
            return layer.channels * layer.height * layer.width
        case Op.CONV | Op.CONV_TRANSPOSE:
            return layer.channels
    return 0


def fan_in(source: Shape, layer: Layer) -> int:
    """Columns of the weight matrix."""
    channels, height, width = source
    match layer.op:
        case Op.DENSE:
            return channels * height * width
        case Op.CONV | Op.CONV_TRANSPOSE:
            return layer.kernel**2 * channels
    return 0


def records(layer: Layer) -> int:
    """How many (bias, multiplier, shift) a layer has."""
    return {Op.NEAREST: 0, Op.BILINEAR: 1}.get(layer.op, layer.channels)


def records_filed(layer: Layer) -> int:
    """How many of them its data holds: tiles are filled up."""
    return tiles(layer) * LANES if layer.layout is Layout.TILES else records(layer)


def tiles(layer: Layer) -> int:
    """Groups of LANES output channels, the last of them perhaps not full."""
    return -(-layer.channels // LANES)


def weight_bytes(source: Shape, layer: Layer) -> int:
    """Of a layer's weights in the file, filled up as its layout asks for."""
    match layer.layout:
        case Layout.TILES:
            return tiles(layer) * fan_in(source, layer) * lane_bytes(layer.encoding)
        case Layout.TRIPLES:
            return layer.channels * 3 * triple_words(source[0]) * 2
        case Layout.COLUMNS:
            return packed_bytes(fan_in(source, layer), units(layer), layer.encoding)
    return packed_bytes(units(layer), fan_in(source, layer), layer.encoding)


def may_tile(layer: Layer) -> bool:
    """Whether the layout TILES is defined for what `layer` is."""
    return layer.op in (Op.CONV, Op.CONV_TRANSPOSE) and layer.encoding in (
        Encoding.INT8,
        Encoding.INT4,
        Encoding.INT2,
    )


def triple_words(channels: int) -> int:
    """Words that the weights of a kernel row take in TRIPLES: three input channels in each."""
    return -(-channels // 3)


def may_triple(before: Layer | None, source: Shape, layer: Layer) -> bool:
    """Whether the layout TRIPLES is defined for `layer`, which reads the output of `before`, or the
    input, where that is None.

    Its kernels add up several sums in one word: what they read must not be negative, unless it is
    the input, and lie channel by channel.
    """
    if before is None:
        reads = source[0] == 1
    else:
        reads = before.layout == Layout.TRIPLES and before.low >= 0 and before.table is None
    shape = layer.kernel, layer.stride
    fits = layer.op == Op.CONV and layer.encoding == Encoding.TERNARY
    return reads and fits and shape == (3, 1) and layer.pad <= 1


def triples_fit(before: Layer | None, source: Shape, layer: Layer) -> bool:
    """Whether each sum of `layer` fits 16 bits, as the layout TRIPLES asks for."""
    largest = 128 if before is None else before.high
    return fan_in(source, layer) * largest < 2**15


def may_column(layer: Layer) -> bool:
    """Whether the layout COLUMNS is defined for what `layer` is."""
    return layer.op == Op.DENSE and layer.height == 1 and layer.encoding != Encoding.NONE


def may_pool(layer: Layer) -> bool:
    return layer.op == Op.CONV and layer.layout != Layout.TILES


def macs(source: Shape, layer: Layer) -> int:
    """Nominal multiply-accumulates of a picture: what the formula asks for, padding included."""
    weights = units(layer) * fan_in(source, layer)
    match layer.op:
        case Op.CONV:
            return weights * layer.height * layer.width * (4 if layer.pooled else 1)
        case Op.CONV_TRANSPOSE:
            return weights * source[1] * source[2]
        case Op.BILINEAR:
            return 4 * layer.channels * layer.height * layer.width
    return weights


def rows_held(consumer: Layer | None, height: int) -> int:
    """How many of the `height` rows of a layer's output its consumer needs at a time."""
    match consumer.op if consumer else None:
        case Op.DENSE:
            return height
        case Op.CONV:
            return min(consumer.kernel + (consumer.stride if consumer.pooled else 0), height)
        case Op.CONV_TRANSPOSE:
            return min(-(-consumer.kernel // consumer.stride), height)
        case Op.BILINEAR:
            return min(2, height)
    return 1


def product_bound(source: Shape, layer: Layer) -> int:
    """No |sum| of this layer can exceed this, its bias aside, whatever its weights and input.

    It follows from shapes and encoding alone, so that the device can prove it again without
    reading a weight.
    """
    match layer.op:
        case Op.DENSE | Op.CONV:
            terms = fan_in(source, layer) * layer.encoding.limit
        case Op.CONV_TRANSPOSE:  # an output value meets every stride-th row and column
            terms = (-(-layer.kernel // layer.stride)) ** 2 * source[0] * layer.encoding.limit
        case Op.BILINEAR:
            terms = max(layer.height - 1, 1) * max(layer.width - 1, 1)
        case _:
            return 128
    return 128 * terms


def is_narrow(source: Shape, layer: Layer) -> bool:
    """Whether 32 bits suffice to requantise, and the short record holds every value."""
    m, s = layer.multiplier, layer.shift
    return bool(
        np.all(np.abs(layer.bias) < 2**15)
        and np.all(m < 256)
        and np.all(s <= 31)
        and np.all(
            (product_bound(source, layer) + np.abs(layer.bias)) * m + 2 ** np.maximum(s - 1, 0)
            <= INT32_MAX
        )
    )


def problem(source: Shape, layer: Layer) -> tuple[str, str] | None:
    """Why `layer` cannot follow `source`: the engine's error name and a sentence, or None."""
    channels, height, width = source
    kernel, stride, pad = layer.kernel, layer.stride, layer.pad
    if not all(1 <= side <= MAX_SIDE for side in layer.shape):
        return "shape", f"output {layer.shape} has a side outside 1..{MAX_SIDE}"
    if math.prod(layer.shape) > MAX_VALUES:
        return "shape", f"output {layer.shape} has more than {MAX_VALUES} values"
    match layer.op:
        case Op.CONV | Op.CONV_TRANSPOSE if not (pad < kernel >= stride >= 1):
            return "shape", f"kernel {kernel}, stride {stride}, pad {pad} leave gaps"
        case Op.CONV:
            sides = [(side + 2 * pad - kernel) // stride + 1 for side in (height, width)]
            sides = [side // 2 if layer.pooled else side for side in sides]
        case Op.CONV_TRANSPOSE:
            sides = [(side - 1) * stride - 2 * pad + kernel for side in (height, width)]
        case Op.NEAREST:
            sides = [side * stride for side in (height, width)]
        case _:
            sides = [layer.height, layer.width]
    if sides != [layer.height, layer.width]:
        return "shape", f"a {layer.op.name} of {source} is {sides[0]}x{sides[1]}, not {layer.shape}"
    if layer.op in (Op.NEAREST, Op.BILINEAR) and layer.channels != channels:
        return "shape", f"upsampling keeps {channels} channels, not {layer.channels}"
    if (layer.encoding is Encoding.NONE) != (units(layer) == 0):
        return "encoding", f"a {layer.op.name} layer cannot have encoding {layer.encoding.name}"
    multiplier, shift = layer.multiplier, layer.shift
    if np.any((multiplier < 0) | (multiplier >= 2**31)) or np.any((shift < 1) | (shift > 62)):
        return "sum", "multiplier outside 0..2^31-1 or shift outside 1..62"
    bound = product_bound(source, layer) + int(np.abs(layer.bias).max(initial=0))
    if bound > INT32_MAX:
        return "sum", f"a sum could reach {bound}, beyond int32"
    return None
