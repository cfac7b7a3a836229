"""The NumPy decoder: the arithmetic of docs/FORMAT.md, written to be read. It is the judge of all
others.

Tensors are int64 arrays (N, height, width, channels) that hold int8 values; N pictures at once.
"""

import numpy as np

from whim.format import read
from whim.model import Layer, Model, Op


def load(path) -> Model:
    """Read a packed model file; FormatError if it is none."""
    with open(path, "rb") as file:
        return read(file.read())


def decode(model: Model, inputs: np.ndarray) -> np.ndarray:
    """The pictures of int8 `inputs` (N, model.inputs), each of them a tensor row by row, channels
    innermost: int8 (N, height, width, channels).
    """
    *_, picture = trace(model, inputs)
    return picture


def trace(model: Model, inputs: np.ndarray):
    """Yield each layer's output for `inputs`, first to last, as int8 (N, height, width,
    channels).
    """
    channels, height, width = model.input_shape
    x = np.asarray(inputs, np.int8).astype(np.int64).reshape(-1, height, width, channels)
    for layer in model.layers:
        x = run(layer, x)
        yield x.astype(np.int8)


def grey(picture: np.ndarray) -> np.ndarray:
    """A one-channel picture (N, height, width, 1) as uint8 (N, height, width), 0 black to 255
    white.
    """
    return (picture[..., 0].astype(np.int16) + 128).astype(np.uint8)


def run(layer: Layer, x: np.ndarray) -> np.ndarray:
    """What `layer` makes of its source."""
    if layer.op is Op.NEAREST:
        return x.repeat(layer.stride, axis=1).repeat(layer.stride, axis=2)
    return requantise(layer, sums(layer, x))


def sums(layer: Layer, x: np.ndarray) -> np.ndarray:
    """The sums of `layer`, without their biases."""
    return _SUMS[layer.op](layer, x)


def requantise(layer: Layer, total: np.ndarray) -> np.ndarray:
    """Sums (..., channels) to int8 values: bias, scale by multiplier / 2^shift, clamp, activate."""
    total = total + layer.bias
    scaled = (total * layer.multiplier + (1 << (layer.shift - 1))) >> layer.shift
    value = np.clip(scaled, layer.low, layer.high)
    return value if layer.table is None else layer.table.astype(np.int64)[value + 128]


def _dense(layer: Layer, x: np.ndarray) -> np.ndarray:
    total = _products(x.reshape(len(x), -1), layer.weights)
    return total.reshape(-1, layer.height, layer.width, layer.channels)


def _conv(layer: Layer, x: np.ndarray) -> np.ndarray:
    """out[y, x] = sum of in[y * stride + row - pad, ...] * w[row, ...]; zero outside the input."""
    x = np.pad(x, ((0, 0), (layer.pad,) * 2, (layer.pad,) * 2, (0, 0)))
    height, width = (side * (2 if layer.pooled else 1) for side in (layer.height, layer.width))
    total = np.zeros((len(x), height, width, layer.channels), np.int64)
    reach_y, reach_x = (layer.stride * (side - 1) + 1 for side in (height, width))
    for row, column, weights in _kernel(layer, x.shape[-1]):
        window = x[:, row : row + reach_y : layer.stride, column : column + reach_x : layer.stride]
        total += _products(window, weights)
    if layer.pooled:  # the largest of each 2x2
        total = total.reshape(len(x), layer.height, 2, layer.width, 2, -1).max((2, 4))
    return total


def _conv_transpose(layer: Layer, x: np.ndarray) -> np.ndarray:
    """Each in[y, x] * w[row, column] is added to out[y * stride + row - pad, ...], if that
    exists.
    """
    count, height, width, channels = x.shape
    pad, stride = layer.pad, layer.stride
    total = np.zeros((count, layer.height + 2 * pad, layer.width + 2 * pad, layer.channels), int)
    for row, column, weights in _kernel(layer, channels):
        rows = slice(row, row + stride * (height - 1) + 1, stride)
        columns = slice(column, column + stride * (width - 1) + 1, stride)
        total[:, rows, columns] += _products(x, weights)
    return total[:, pad : pad + layer.height, pad : pad + layer.width]


def _products(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """x @ weights.T, for int8 values in `x`; exactly, and by the fast routines for floating point.

    All products and partial sums are integers that a float holds exactly, in whatever order they
    are added: up to 2^24 in float32; in float64 up to 2^53, and the format's sums stay below 2^31.
    """
    largest = 128 * int(np.abs(weights).max()) * weights.shape[1]
    kind = np.float32 if largest <= 2**24 else np.float64
    return (x.astype(kind) @ weights.T.astype(kind)).astype(np.int64)


def _bilinear(layer: Layer, x: np.ndarray) -> np.ndarray:
    """Corners aligned; the denominators stay in the sum and leave with the multiplier."""
    rows = _between(x.shape[1], layer.height)
    columns = _between(x.shape[2], layer.width)
    return np.einsum("yi,xj,nijc->nyxc", rows, columns, x)


def _between(source: int, target: int) -> np.ndarray:
    """(target, source) weights: value i lies at i * (source - 1) / (target - 1) of the source."""
    steps = max(target - 1, 1)
    weights = np.zeros((target, source), np.int64)
    for i in range(target):
        before, after = divmod(i * (source - 1), steps)
        weights[i, before] = steps - after
        if after:
            weights[i, before + 1] = after
    return weights


def _kernel(layer: Layer, channels: int):
    """(row, column, weights (units, channels)) for each place of the kernel."""
    weights = layer.weights.reshape(-1, layer.kernel, layer.kernel, channels)
    for row, column in np.ndindex(layer.kernel, layer.kernel):
        yield row, column, weights[:, row, column]


_SUMS = {
    Op.DENSE: _dense,
    Op.CONV: _conv,
    Op.CONV_TRANSPOSE: _conv_transpose,
    Op.BILINEAR: _bilinear,
}
