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

    @property
    def shape(self) -> Shape:
        return self.channels, self.height, self.width


@dataclass
class Model:
    """A decoder: `inputs` int8 values in, the last layer's picture out."""

    inputs: int
    layers: list[Layer]

    def steps(self) -> list[tuple[Shape, Layer]]:
        """Each layer with the shape that it reads."""
        sources = [(self.inputs, 1, 1)] + [layer.shape for layer in self.layers]
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
    return records(layer) if layer.layout is Layout.PLAIN else tiles(layer) * LANES


def tiles(layer: Layer) -> int:
    """Groups of LANES output channels, the last of them perhaps not full."""
    return -(-layer.channels // LANES)


def weight_bytes(source: Shape, layer: Layer) -> int:
    """Of a layer's weights in the file, filled up as its layout asks for."""
    if layer.layout is Layout.PLAIN:
        return packed_bytes(units(layer), fan_in(source, layer), layer.encoding)
    return tiles(layer) * fan_in(source, layer) * lane_bytes(layer.encoding)


def may_tile(layer: Layer) -> bool:
    """Whether the layout TILES is defined for what `layer` is."""
    return layer.op in (Op.CONV, Op.CONV_TRANSPOSE) and layer.encoding in (
        Encoding.INT8,
        Encoding.INT4,
        Encoding.INT2,
    )


def macs(source: Shape, layer: Layer) -> int:
    """Nominal multiply-accumulates of a picture: what the formula asks for, padding included."""
    weights = units(layer) * fan_in(source, layer)
    match layer.op:
        case Op.CONV:
            return weights * layer.height * layer.width
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
            return min(consumer.kernel, height)
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
