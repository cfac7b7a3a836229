"""The cat generator in integers: what rounding one weight loses, the next make up for.

GPTQ (Frantar et al. 2023): a layer's weights are rounded one input after the other, and those of
the inputs still to come take up the error, as far as the inputs are correlated. How far that is,
what the integer layers before make of some latents shows; and what those have lost is made up for
before. Needs PyTorch.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from whim import cat_net
from whim.encodings import Encoding
from whim.model import Layer, Model, Op
from whim.quantize import multiplier_and_shift

SEED, LATENTS, BATCH = 1, 1024, 32
DAMP = 0.01  # of an input's mean power, added to every input's
COLUMNS = 128  # rounded before the columns behind them are corrected
WIDTHS = {  # the encoding, and how far from zero its values may go
    "int8": (Encoding.INT8, 128),
    "int4": (Encoding.INT4, 8),
    "int3": (Encoding.INT4, 4),  # to see what three bits would give: no encoding has as many
    "int2": (Encoding.INT2, 3),
}
SHARES = np.linspace(0.3, 1, 29)  # of the widest weight, tried as the largest that is not clipped


@torch.no_grad()
def quantise(
    checkpoint: Path, widths: list[str], progress: Callable[[list], list] = iter
) -> Model:
    """The generator in `checkpoint` in integers, its layers' weights of `widths`, from WIDTHS.

    The same latents, hence the same integers each time. `progress` wraps the stages.
    """
    stages = cat_net.load(checkpoint)
    z = cat_net.latents(LATENTS, np.random.default_rng(SEED), stages[0].weights.shape[2])
    source, scale = torch.from_numpy(z).float()[:, :, None, None], cat_net.Z_SCALE
    wanted = source * scale
    layers = []
    for stage, following, width in progress(list(zip(stages, [*stages[1:], None], widths))):
        missed = wanted / scale - source
        wanted = transposed(stage, wanted) + column(stage.bias)
        if following:
            wanted /= column(cat_net.even_out(stage, following, some(wanted.relu())))
        weights, weight_scale = rounded(stage, *WIDTHS[width], source, missed)
        units = len(weight_scale)
        layer = Layer(
            Op.CONV_TRANSPOSE,
            *(units, *wanted.shape[2:]),
            WIDTHS[width][0],
            weights.transpose(3, 0, 1, 2).reshape(units, -1).astype(np.int64),
            kernel=len(weights),
            stride=stage.stride,
            pad=int(stage.pad),
        )
        stage.weights = weights
        sums, unit = transposed(stage, source), scale * weight_scale
        layer.bias = np.rint((wanted - sums * column(unit)).mean((0, 2, 3)).numpy() / unit)
        layer.bias = layer.bias.astype(np.int64)
        if following:
            wanted = wanted.relu()
            scale = cat_net.activation_scale(some(wanted), (following.weights**2).sum((0, 1, 3)))
            layer.low = 0
        else:
            scale, layer.table = cat_net.tanh_table(some(wanted))
        layer.multiplier, layer.shift = multiplier_and_shift(unit / scale, bits=31)
        source = ((sums + column(layer.bias)) * column(unit / scale)).round_()
        source = source.clamp_(layer.low, layer.high)
        layers.append(layer)
    return Model((z.shape[1], 1, 1), layers)


def rounded(stage, encoding, limit, source, missed) -> tuple[np.ndarray, np.ndarray]:
    """Weights in integers, shaped as the stage's, and the scale of each output channel.

    Outputs of one phase of the transposed convolution (as docs/DESIGN.md calls it) share their
    kernel places, so a phase is a matrix product of windows of the source. `missed`: what the
    source lacks of the float net's; before the weights are rounded they make up for that, too, by
    least squares: W (x + missed) is nearest to (W + W E[missed x'] E[x x']^-1) x.
    """
    places, power, lack, count = phases(stage), 0, 0, 0
    for part, off in zip(source.split(BATCH), missed.split(BATCH)):
        seen, off = (windows(stage, x).transpose(0, 1).flatten(1) for x in (part, off))
        power, lack, count = power + seen @ seen.T, lack + off @ seen.T, count + seen.shape[1]
    power /= count
    power.diagonal().add_(DAMP * power.diagonal().mean())
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(power))

    flat = torch.cat([gather(stage.weights, place) for place in places])
    flat += flat @ (lack / count) @ inverse
    units = stage.weights.shape[3]
    widest = flat.abs().amax(1).view(-1, units).amax(0) / (limit - 1)
    least, weight_scale = torch.full((units,), torch.inf), widest.clone()
    for share in SHARES:
        tried = (widest * share).repeat(len(places))[:, None]
        lost = ((nearest(flat / tried, encoding, limit) * tried - flat) ** 2) @ power.diagonal()
        lost = lost.view(-1, units).sum(0)
        better = lost < least
        least[better], weight_scale[better] = lost[better], widest[better] * share
    weight_scale = weight_scale.double().numpy()
    whole = gptq(flat / column(weight_scale)[:, 0].repeat(len(places), 1), inverse, encoding, limit)
    weights = np.zeros_like(stage.weights)
    for place, part in zip(places, whole.split(units)):
        scatter(weights, place, part)
    return weights, weight_scale


def gptq(weights, inverse, encoding, limit):
    """Weights (rows, inputs) in steps, rounded; `inverse`: of the second moments of the inputs."""
    order = torch.argsort(inverse.diagonal())  # what the inputs to come can say least about first
    upper = torch.linalg.cholesky(inverse[order][:, order], upper=True)
    weights, whole = weights[:, order].clone(), torch.empty_like(weights)
    count = weights.shape[1]
    for begin in range(0, count, COLUMNS):
        end = min(begin + COLUMNS, count)
        lost = torch.empty(len(weights), end - begin)
        for index in range(begin, end):
            whole[:, index] = nearest(weights[:, index], encoding, limit)
            lost[:, index - begin] = (weights[:, index] - whole[:, index]) / upper[index, index]
            weights[:, index:end] -= lost[:, index - begin, None] * upper[index, index:end]
        weights[:, end:] -= lost @ upper[begin:end, end:]
    return whole[:, torch.argsort(order)]


def nearest(steps, encoding, limit):
    """The nearest values that the encoding has, within the limit."""
    if encoding is Encoding.INT2:
        return ((steps - 1) / 2).round().clamp(-2, 1) * 2 + 1
    return steps.round().clamp(max(-limit, -127), limit - 1)


def phases(stage) -> list[tuple[list[int], list[int]]]:
    """The kernel's rows and columns of each phase, in the order of the windows' places."""
    if stage.stride == 1:  # of a single pixel: every output has a kernel place of its own
        return [([row], [column]) for row, column in np.ndindex(stage.weights.shape[:2])]
    return [([3 - y, 1 - y], [3 - x, 1 - x]) for y in (0, 1) for x in (0, 1)]


def windows(stage, source):
    """What outputs are made of: (N, channels * places, height, width)."""
    if stage.stride == 1:
        return source
    count, channels, height, width = source.shape
    seen = F.unfold(source, 2, padding=1)
    return seen.view(count, 4 * channels, height + 1, width + 1)


def gather(weights, place):
    """A phase's weights as a matrix (output channels, windows' values)."""
    part = weights[np.ix_(*place)].transpose(3, 2, 0, 1)
    return torch.from_numpy(part.reshape(len(part), -1)).float()


def scatter(weights, place, matrix):
    rows, columns = map(len, place)
    part = matrix.numpy().reshape(weights.shape[3], weights.shape[2], rows, columns)
    weights[np.ix_(*place)] = part.transpose(2, 3, 1, 0)


def transposed(stage, x):
    """The stage's transposed convolution, without bias: float (N, channels, height, width)."""
    kernel = torch.from_numpy(stage.weights).float().permute(2, 3, 0, 1).contiguous()
    place = dict(stride=stage.stride, padding=int(stage.pad))
    return torch.cat([F.conv_transpose2d(part, kernel, **place) for part in x.split(BATCH)])


def column(values):
    """A value for each channel."""
    return torch.from_numpy(np.asarray(values)).float()[:, None, None]


def some(x):
    """A few pictures' worth as NumPy has it: (N, height, width, channels)."""
    return x[:BATCH].permute(0, 2, 3, 1).double().numpy()
