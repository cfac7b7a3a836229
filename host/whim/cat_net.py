"""From a trained cat generator to the integers that the device runs.

The generator is a DCGAN: transposed convolutions of 4x4 kernels with batch norm and ReLU between,
tanh at the end. Batch norm is folded into weights and biases, and with it a scale for each channel
that makes the channels of a tensor equally loud: the next layer takes it back. Without that a few
loud channels would set the tensor's one scale, and the rest be lost in rounding. All choices follow
from a few latents of a fixed seed, so the same checkpoint gives the same integers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whim import decoder
from whim.encodings import Encoding
from whim.model import Layer, Model, Op
from whim.quantize import multiplier_and_shift

EPSILON = 1e-5  # of the batch norms, PyTorch's default
Z_SCALE = 1 / 32  # a latent value is its integer times this: normal values up to four sigma
SEED, LATENTS = 1, 16  # that choose the scales
PLACES = 4096  # of each hidden tensor of these, that its scale is chosen by
LOUDEST = 64  # the most that channels are evened out by
NEARLY = 1.05  # times the least error, where finer steps are worth it


class CheckpointError(ValueError):
    """The file does not hold such a generator; the message says what is wrong with it."""


@dataclass
class Stage:
    """A transposed convolution: weights float64 (row, column, input channel, output channel)."""

    weights: np.ndarray
    bias: np.ndarray
    stride: int
    pad: int


def load(checkpoint: Path) -> list[Stage]:
    """The stages of a generator, its batch norms folded.

    `checkpoint`: an .npz of a torch.nn.Sequential's state dict: transposed convolutions at 0, 3, 6,
    ..., each but the last followed by its batch norm. The first has stride 1 and makes the 4x4
    start of the picture; the others double it. Raises CheckpointError, OSError.
    """
    stages = []
    with np.load(checkpoint) as file:
        state = {name: file[name].astype(np.float64) for name in file.files}
    try:
        for index in range(0, 1000, 3):
            weights = state[f"{index}.weight"].transpose(2, 3, 0, 1)
            first = not stages
            stage = Stage(weights, np.zeros(weights.shape[3]), 1 if first else 2, not first)
            stages.append(stage)
            if f"{index + 1}.weight" not in state:
                stage.bias = stage.bias + state[f"{index}.bias"]
                return stages
            scale, shift, mean, variance = (
                state[f"{index + 1}.{name}"]
                for name in ("weight", "bias", "running_mean", "running_var")
            )
            scale = scale / np.sqrt(variance + EPSILON)
            stage.weights = weights * scale
            stage.bias = shift - mean * scale
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{checkpoint} is no such generator: {error}") from None


def latents(count: int, rng: np.random.Generator, inputs: int = 100) -> np.ndarray:
    """`count` normal latents as the decoder takes them: int8 (count, inputs), -127 to 127."""
    return latent(rng.standard_normal((count, inputs)))


def latent(z: np.ndarray) -> np.ndarray:
    """Real latents as int8."""
    return np.clip(np.rint(z / Z_SCALE), -127, 127).astype(np.int8)


def quantise(
    checkpoint: Path, encoding: Encoding, progress: Callable[[list], list] = iter
) -> Model:
    """The generator in `checkpoint` in integers, its weights INT8 or INT4, rounded plainly.

    Layer by layer, its source being what the integer layers before it make: weights get a scale for
    each output channel, the tensor one scale, each with the least squared error; and the biases
    take up what the mean of a channel has lost. `progress` wraps the stages.
    """
    stages = load(checkpoint)
    z = latents(LATENTS, np.random.default_rng(SEED), stages[0].weights.shape[2])
    source = z.astype(np.int64)[:, None, None]
    scale = Z_SCALE
    wanted = source * Z_SCALE
    layers = []
    for number, stage in progress(list(enumerate(stages))):
        following = stages[number + 1] if stage is not stages[-1] else None
        wanted = _transposed(stage, wanted)
        if following:
            wanted /= even_out(stage, following, np.maximum(wanted, 0))
        layer, weight_scale = _weights(stage, encoding, source, wanted.shape)
        sums = decoder.sums(layer, source)
        sums_scale = scale * weight_scale
        bias = (wanted - sums * sums_scale).mean((0, 1, 2))
        layer.bias = np.rint(bias / sums_scale).astype(np.int64)
        if following:
            wanted = np.maximum(wanted, 0)
            scale = activation_scale(wanted, (following.weights**2).sum((0, 1, 3)))
            layer.low = 0
        else:
            scale, layer.table = tanh_table(wanted)
        layer.multiplier, layer.shift = multiplier_and_shift(sums_scale / scale, bits=31)
        source = decoder.requantise(layer, sums)
        layers.append(layer)
    return Model((z.shape[1], 1, 1), layers)


def _transposed(stage: Stage, x: np.ndarray) -> np.ndarray:
    """The stage in floating point, without ReLU: (N, height, width, channels)."""
    kernel, stride, pad = len(stage.weights), stage.stride, stage.pad
    count, height, width, _ = x.shape
    reach = [(side - 1) * stride + kernel for side in (height, width)]
    out = np.zeros((count, *reach, len(stage.bias)))
    for row, column in np.ndindex(kernel, kernel):
        rows = slice(row, row + stride * (height - 1) + 1, stride)
        columns = slice(column, column + stride * (width - 1) + 1, stride)
        out[:, rows, columns] += x @ stage.weights[row, column]
    return out[:, pad : reach[0] - pad, pad : reach[1] - pad] + stage.bias


def even_out(stage: Stage, following: Stage, output: np.ndarray) -> np.ndarray:
    """Make the channels of `output` equally loud; answers what each was divided by."""
    loudness = np.sqrt((output**2).mean((0, 1, 2)))
    loudness = np.clip(loudness / loudness.mean(), 1 / LOUDEST, LOUDEST)
    stage.weights = stage.weights / loudness
    stage.bias = stage.bias / loudness
    following.weights = following.weights * loudness[:, None]
    return loudness


def _weights(stage: Stage, encoding: Encoding, source, shape) -> tuple[Layer, np.ndarray]:
    """A layer with `stage`'s weights, rounded, and the scale of each output channel.

    What a weight's error does to the sums grows with its input's power, so errors count by that.
    """
    units = stage.weights.shape[3]
    weights = stage.weights.transpose(3, 0, 1, 2).reshape(units, -1).astype(np.float32)
    power = np.tile((source**2.0).mean((0, 1, 2)), len(stage.weights) ** 2).astype(np.float32)
    limit = encoding.limit - 1
    widest = np.abs(weights).max(1, keepdims=True) / limit
    least = np.full(units, np.inf)
    rounded, scale = np.zeros_like(weights), widest.copy()
    for share in np.linspace(1, 0.4, 13, dtype=np.float32):
        tried = np.clip(np.rint(weights / (widest * share)), -limit - (limit < 127), limit)
        error = (tried * (widest * share) - weights) ** 2 @ power
        better = error < least
        least[better], rounded[better] = error[better], tried[better]
        scale[better] = widest[better] * share
    layer = Layer(
        Op.CONV_TRANSPOSE,
        *(units, shape[1], shape[2]),
        encoding,
        rounded.astype(np.int64),
        kernel=len(stage.weights),
        stride=stage.stride,
        pad=int(stage.pad),
    )
    return layer, scale[:, 0].astype(np.float64)


def activation_scale(wanted: np.ndarray, weight: np.ndarray) -> float:
    """The scale of least error for values from 0 up; `weight`: how much each channel's counts."""
    values = wanted.reshape(-1, wanted.shape[3])
    values = values[np.random.default_rng(SEED).integers(len(values), size=PLACES)]
    scales = values.max() / 127 * np.geomspace(0.1, 1, 25)
    return float(min(scales, key=lambda s: _error(values, s, weight)))


def _error(values: np.ndarray, scale: float, weight: np.ndarray) -> float:
    return float(((np.clip(np.rint(values / scale), 0, 127) * scale - values) ** 2 @ weight).sum())


def tanh_table(wanted: np.ndarray) -> tuple[float, np.ndarray]:
    """Before tanh, a scale, the finest of nearly the least mean error after it; and tanh's table:
    grey value - 128.

    Least squares, or the least mean error, would give coarser steps, for the few values that are
    almost black or white: a judge of pictures sees the steps in soft fur (docs/MODELS.md).
    """
    values = wanted.reshape(-1)

    def error(scale):
        steps = np.clip(np.rint(values / scale), -128, 127)
        return np.abs(np.tanh(steps * scale) - np.tanh(values)).sum()

    scales = np.geomspace(0.01, 0.05, 25)
    errors = [error(scale) for scale in scales]
    scale = next(s for s, e in zip(scales, errors) if e <= NEARLY * min(errors))
    table = np.rint((np.tanh(np.arange(-128, 128) * scale) + 1) * 127.5) - 128
    return float(scale), table.astype(np.int8)
