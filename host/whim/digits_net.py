"""Nets that read digits, as PyTorch modules whose weights and values are rounded while they learn.

A net is written in words, one for each layer: "conv24-same-pool-ternary" is a 3x3 convolution of 24
channels, padded so that the map keeps its size, 2x2 max-pooled, with ternary weights;
"dense10-int4" is a fully connected layer; "-high75" holds a layer's values to 0 .. 75.

A weight is learned in units of the mean magnitude of its unit's weights, and rounded from there:
batch normalisation, or the scale of the logits, makes up for whatever factor that hides. Gradients
pass straight through the rounding (Bengio et al., 2013, arXiv:1308.3432). Between layers lie
integers of 0 .. 127; pooling comes before normalisation, so both sides of it say the same.
"""

import dataclasses
import re

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from whim import digits
from whim.encodings import Encoding
from whim.model import Layer, Model, Op

KERNEL = 3
UNIT = 8  # steps of a logit in a natural unit: int8 holds 16 either way, and ties are rare
SPREAD, MIDDLE = 30, 12  # of a fresh layer's values between layers
EPSILON = 1e-3  # of batch normalisation
MOMENTUM = 0.02
WORD = re.compile(
    r"(?P<op>conv|dense)(?P<channels>\d+)(?P<same>-same)?(?P<pool>-pool)?"
    r"-(?P<encoding>int4|int2|ternary|power)(-high(?P<high>\d+))?"
)


@dataclasses.dataclass(frozen=True)
class Stage:
    """One layer, as a word says it."""

    op: str
    channels: int
    encoding: str
    same: bool = False
    pool: bool = False
    high: int = 127


def stages(words: str) -> list[Stage]:
    """What `words` say; ValueError if they say no net."""
    found = []
    for word in words.split():
        match = WORD.fullmatch(word)
        if not match:
            raise ValueError(f"{word!r} is no layer: conv24-same-pool-ternary, dense10-int4 are")
        said = match.groupdict()
        flags = dict(same=bool(said["same"]), pool=bool(said["pool"]))
        high = int(said["high"] or 127)
        found.append(Stage(said["op"], int(said["channels"]), said["encoding"], **flags, high=high))
    dense = [stage.op == "dense" for stage in found]
    if dense != sorted(dense) or not found or not dense[-1] or found[-1].channels != 10:
        raise ValueError(f"{words!r}: convolutions come first, and dense10 comes last")
    return found


def rounded(v: torch.Tensor, encoding: str) -> torch.Tensor:
    """The weight of `encoding` that is meant by `v`, in units of weights."""
    match encoding:
        case "ternary":
            return v.round().clamp_(-1, 1)
        case "int2":
            return ((v - 1) / 2).round_().clamp_(-2, 1) * 2 + 1
        case "int4":
            return v.round().clamp_(-7, 7)
    size = v.abs()
    power = size.clamp(1, 64).log2_().round_().exp2_()
    return torch.where(size < 0.5**0.5, 0, power.copysign(v))


MEANS = {"ternary": 1.0, "int2": 2.0, "int4": 2.5, "power": 8.0}  # mean magnitude, before rounding
MOST = {"ternary": 1, "int2": 3, "int4": 7, "power": 64}


class Straight(torch.autograd.Function):
    """The second argument, with the gradient of the first."""

    @staticmethod
    def forward(ctx, value, instead):
        return instead.view_as(instead)

    @staticmethod
    def backward(ctx, gradient):
        return gradient, None


class Step(torch.autograd.Function):
    """Rounded and clamped; beyond the clamps there is no gradient."""

    @staticmethod
    def forward(ctx, value, low, high):
        ctx.save_for_backward(value)
        ctx.ends = low - 2.0, float(high)
        return value.round().clamp_(low, high)

    @staticmethod
    def backward(ctx, gradient):
        (value,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradient, value, *ctx.ends), None, None


class DigitLayer(nn.Module):
    """One layer from integers to integers; the last one's are logits, in steps of 1 / UNIT."""

    def __init__(self, stage: Stage, source: tuple[int, int], last: bool):
        """`source`: channels and side of what it reads."""
        super().__init__()
        self.stage, self.source, self.last = stage, source, last
        channels, side = source
        if stage.op == "dense":
            shape, self.side = (stage.channels, channels * side**2), 1
        else:
            shape = (stage.channels, channels, KERNEL, KERNEL)
            self.side = side if stage.same else side - KERNEL + 1
            if self.side < 1 or (stage.pool and self.side % 2):
                raise ValueError(f"a map of {self.side}x{self.side} cannot be made or pooled")
            self.side //= 2 if stage.pool else 1
        self.weight = nn.Parameter(torch.randn(shape) * 1.25)
        self.bias = nn.Parameter(torch.zeros(stage.channels))
        if last:
            self.log_scale = nn.Parameter(torch.zeros(()))
        else:
            self.gain = nn.Parameter(torch.ones(stage.channels))
            self.register_buffer("mean", torch.zeros(stage.channels))
            self.register_buffer("variance", torch.ones(stage.channels))
        self.register_buffer("fixed", torch.zeros(shape, dtype=torch.bool))
        self.register_buffer("values", torch.zeros(shape))
        self.any_fixed = False

    def units(self) -> torch.Tensor:
        """The weights as they are learned, in units of what they are rounded to."""
        mean = self.weight.abs().mean(tuple(range(1, self.weight.dim())), keepdim=True)
        return self.weight * (MEANS[self.stage.encoding] / mean.clamp(1e-9))

    @torch.no_grad()
    def integers(self) -> torch.Tensor:
        """The weights as they are rounded."""
        weight = rounded(self.units(), self.stage.encoding)
        return torch.where(self.fixed, self.values, weight) if self.any_fixed else weight

    @torch.no_grad()
    def fix(self, share: float) -> None:
        """Keep a `share` of the weights as they are for good, those nearest to what they are
        rounded to first (Zhou et al., 2017, arXiv:1702.03044), while the others make up for it.
        """
        count = round(share * self.weight.numel())
        if not count:
            return
        whole, most = self.integers(), MOST[self.stage.encoding]
        error = (self.units().clamp(-most, most) - whole).abs() / whole.abs().clamp(1)
        error.masked_fill_(self.fixed, -1)
        fixed = torch.zeros(error.numel(), dtype=torch.bool)
        fixed[error.flatten().argsort()[:count]] = True
        self.fixed.copy_(fixed.view_as(error))
        self.values.copy_(whole)
        self.any_fixed = True

    def sums(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        if self.stage.op == "dense":
            return F.linear(x.flatten(1), weight)
        y = F.conv2d(x, weight, padding=KERNEL // 2 if self.stage.same else 0)
        return F.max_pool2d(y, 2) if self.stage.pool else y

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.sums(x, Straight.apply(self.weight, self.integers()))
        if self.last:
            return Step.apply(y.float() * self.logit_scale() + self.bias * UNIT, -128, 127) / UNIT
        scale, offset = self.gain.abs() * SPREAD, self.bias * SPREAD + MIDDLE
        buffers = self.mean, self.variance
        y = F.batch_norm(y, *buffers, scale, offset, self.training, MOMENTUM, EPSILON)
        return Step.apply(y, 0, self.stage.high)

    @torch.no_grad()
    def measure(self, x: torch.Tensor) -> None:
        """Measure the batch norm anew: `x` is what the layer reads of many pictures."""
        sums = torch.cat([self.sums(part, self.integers()) for part in x.split(1000)])
        places = [axis for axis in range(sums.dim()) if axis != 1]
        self.mean.copy_(sums.mean(places))
        self.variance.copy_(sums.var(places))

    def logit_scale(self) -> torch.Tensor:
        """Steps of a logit for each unit of a sum."""
        size = self.weight[0].numel() ** 0.5 * (self.integers().abs().mean() + 0.3)
        return self.log_scale.exp() * (UNIT / 10) / size

    @torch.no_grad()
    def records(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Bias, multiplier and shift of each channel: float64 that hold integers."""
        if self.last:
            factor = self.logit_scale().double().expand(len(self.bias))
            bias = self.bias * UNIT / factor
        else:
            factor = (self.gain.abs() * SPREAD / (self.variance + EPSILON).sqrt()).double()
            factor = factor.clamp(min=2.0**-23)
            bias = (self.bias * SPREAD + MIDDLE) / factor - self.mean
        shift = (255.4 / factor).log2().floor().clamp(1, 31)
        multiplier = (factor * 2**shift).round().clamp(0, 255)
        return bias.double().round().clamp(-32767, 32767), multiplier, shift

    @torch.no_grad()
    def run(self, x: torch.Tensor) -> torch.Tensor:
        """The layer in exact integers, float32 in and out: all sums stay below 2^24."""
        y = self.sums(x, self.integers()).double()
        shape = (1, -1) + (1,) * (y.dim() - 2)
        bias, multiplier, shift = (array.view(shape) for array in self.records())
        y = ((y + bias) * multiplier / 2**shift + 0.5).floor()
        return (y.clamp(-128, 127) if self.last else y.clamp(0, self.stage.high)).float()

    def layer(self) -> Layer:
        """The layer of the file format that this is."""
        weight = self.integers()
        channels, side = self.source
        if self.stage.op == "dense":
            weight = weight.view(-1, channels, side, side)
        weight = weight.permute(0, 2, 3, 1).flatten(1).long().numpy()
        bias, multiplier, shift = (array.long().numpy() for array in self.records())
        spatial = dict(kernel=KERNEL, stride=1, pad=int(self.stage.same), pooled=self.stage.pool)
        return Layer(
            Op.DENSE if self.stage.op == "dense" else Op.CONV,
            self.stage.channels,
            self.side,
            self.side,
            Encoding[self.stage.encoding.upper()],
            weight,
            bias,
            multiplier,
            shift,
            low=-128 if self.last else 0,
            high=127 if self.last else self.stage.high,
            **({} if self.stage.op == "dense" else spatial),
        )


class DigitNet(nn.Module):
    """A net in `words`: pictures (N, 1, 16, 16) of 0 .. 15 to ten logits."""

    def __init__(self, words: str):
        super().__init__()
        source, layers = (1, digits.SIZE), []
        found = stages(words)
        for stage in found:
            layers.append(DigitLayer(stage, source, stage is found[-1]))
            source = stage.channels, layers[-1].side
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    def run(self, x: torch.Tensor) -> torch.Tensor:
        """The int8 logits of the integer net, as float32."""
        for layer in self.layers:
            x = layer.run(x)
        return x

    def fix(self, share: float) -> None:
        for layer in self.layers:
            layer.fix(share)

    def measure(self, x: torch.Tensor) -> None:
        """Measure all batch norms by pictures (N, 1, 16, 16), as the integers before them give."""
        for layer in self.layers[:-1]:
            layer.measure(x)
            x = torch.cat([layer.run(images(part)) for part in x.split(1000)])

    def load_state_dict(self, *args, **kwargs):
        answer = super().load_state_dict(*args, **kwargs)
        for layer in self.layers:
            layer.any_fixed = bool(layer.fixed.any())
        return answer

    @torch.no_grad()
    def wrong(self, pictures: np.ndarray, labels: np.ndarray) -> int:
        """How many of int8 (N, 16, 16) the integer net takes for another digit."""
        parts = torch.from_numpy(pictures).float()[:, None].split(1000)
        said = torch.cat([self.run(images(part)).argmax(1) for part in parts])
        return int((said.numpy() != labels).sum())

    def export(self) -> Model:
        """The integers."""
        return Model((1, digits.SIZE, digits.SIZE), [layer.layer() for layer in self.layers])


def images(x: torch.Tensor) -> torch.Tensor:
    """As convolutions are fastest on a processor."""
    return x.contiguous(memory_format=torch.channels_last)
