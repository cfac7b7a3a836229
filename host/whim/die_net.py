"""The die decoder as a PyTorch module that becomes integers while it learns.

It is a coordinate decoder. A dense layer lays planes over the picture's four corners; interpolation
carries them to 16x16 places, and their sines are waves across the picture, which turn and move with
the die; a second layer of sines at every place mixes waves into features; a transposed convolution
paints 32x32 pixels from these. Rotation costs it nothing: a turned die differs in the planes only.

Values between layers are rounded to 8 bits from the first step, and gradients pass straight through
(Bengio et al., 2013, arXiv:1308.3432). Weights become 4-bit integers a few at a time, those nearest
to one first, while the others make up for it (Zhou et al., 2017, arXiv:1702.03044). A weight is
learned in units of its last bit, so that one learning rate fits all layers, its scale beside it.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from whim.dice import AXIS, HALF_SIDE, HALF_SIDE_SPREAD, Dice
from whim.encodings import Encoding
from whim.model import Layer, Model, Op
from whim.quantize import multiplier_and_shift

INPUTS = 11
SIDE = 16  # places in a row of the waves and features
PLANE_RANGE = 14.0  # radians: a plane's largest value, at a corner
SINE_RANGE = 8.0  # radians: a sine's largest argument
PIXEL_GAIN = 255 / 127  # a pixel of 1 is 255 steps, while 1 between layers is 127
FREQUENCY = 4.4  # radians per half picture: half a wave between two pips in a row
GATES = 4  # waves that start without a direction and so can tell pips apart


def inputs(dice: Dice) -> torch.Tensor:
    """dice.inputs before rounding, for dice at any angle and of any size: float32 (N, 11)."""
    length = AXIS / 127 / (1 + HALF_SIDE_SPREAD / HALF_SIDE * dice.latent[:, :1])
    axis = length * np.column_stack([np.cos(dice.angle), np.sin(dice.angle)])
    columns = np.column_stack([np.eye(6)[dice.pips - 1], axis, dice.latent[:, 1:]])
    return torch.tensor(columns, dtype=torch.float32)


class DieNet(nn.Module):
    """A decoder of `waves` and `features`: inputs (N, 11) to pictures (N, 1, 32, 32), 0 to 1."""

    def __init__(self, waves: int = 24, features: int = 12):
        super().__init__()
        self.waves = waves
        corners = torch.tensor([[-1.0, -1], [1, -1], [-1, 1], [1, 1]])
        x, y = corners[:, :1], corners[:, 1:]

        # The first waves run along the die's axes and diagonals, in two frequencies and two phases.
        half = math.sqrt(0.5)
        ways = [
            (k * a, k * b) for k in (1, 2) for a, b in ((1, 0), (0, 1), (half, half), (half, -half))
        ]
        count = waves - GATES
        along = torch.zeros(waves, 2)
        along[:count] = torch.tensor([ways[i % 8] for i in range(count)]) * FREQUENCY * 127 / AXIS
        a, b = along.T
        planes = torch.cat(
            [
                torch.randn(waves, 6).expand(4, -1, -1),
                (x * a + y * b)[..., None],  # by the cosine of the die's angle
                (y * a - x * b)[..., None],  # by its sine
                0.3 * torch.randn(waves, 3).expand(4, -1, -1),
            ],
            dim=2,
        )
        bias = torch.rand(waves) * 6 - 3
        bias[:count] = math.pi / 2 * (torch.arange(count) // 8) + 0.3 * torch.randn(count)
        self.planes = Rounded(planes.reshape(-1, INPUTS), bias, 1 / PLANE_RANGE)
        self.mix = Rounded(
            1.5 / waves**0.5 * torch.randn(features, waves),
            torch.rand(features) * 2 - 1,
            1 / SINE_RANGE,
        )
        self.paint = Rounded(
            0.1 * torch.randn(1, 16 * features), torch.tensor([0.3]), PIXEL_GAIN, offset=-128
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pictures may leave 0 to 1 here, where the integers are clamped."""
        weight, bias = self.planes()
        corners = step(F.linear(step(x), weight, bias.repeat(4)) / PLANE_RANGE)
        x = Sine.apply(_interpolation_matrix() @ corners.view(-1, 4, self.waves))
        weight, bias = self.mix()
        x = Sine.apply(F.linear(x, weight, bias) / SINE_RANGE)  # (N, places, features)
        x = x.transpose(1, 2).reshape(len(x), -1, SIDE, SIDE)
        weight, bias = self.paint()
        kernel = weight.view(4, 4, -1, 1).permute(2, 3, 0, 1)
        return F.conv_transpose2d(x, kernel, bias, stride=2, padding=1)

    def rounded(self) -> tuple["Rounded", ...]:
        return self.planes, self.mix, self.paint

    def let_go(self) -> None:
        """All weights may move again."""
        for layer in self.rounded():
            layer.fixed.zero_()

    @torch.no_grad()
    def export(self) -> Model:
        """The integers."""
        argument = SINE_RANGE * np.arange(-128, 128) / 127
        table = np.rint(127 * np.sin(argument)).astype(np.int8)
        multiplier, shift = (np.array([value]) for value in _interpolation())
        planes, mix, paint = (layer.integers() for layer in (self.planes, self.mix, self.paint))
        features = len(self.mix.bias)
        wide = dict(height=2 * SIDE, width=2 * SIDE)
        narrow = dict(height=SIDE, width=SIDE, table=table)
        scale = dict(bias=np.array([0]), multiplier=multiplier, shift=shift)
        return Model(
            (INPUTS, 1, 1),
            [
                Layer(Op.DENSE, self.waves, 2, 2, **planes),
                Layer(Op.BILINEAR, self.waves, **narrow, **scale),
                Layer(Op.CONV, features, **narrow, kernel=1, stride=1, **mix),
                Layer(Op.CONV_TRANSPOSE, 1, **wide, kernel=4, stride=2, pad=1, **paint),
            ],
        )


class Rounded(nn.Module):
    """A weight matrix (units, fan_in) of 4 bits, with a scale and a bias per channel.

    Channels repeat over the units, as those of a dense layer do over its places. `gain`: what an
    output of 1 in the units of `weight` is in 127ths of the integer output, `offset` what is added
    to these integers.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, gain: float, offset: int = 0):
        super().__init__()
        self.gain, self.offset = gain, offset
        self.places = len(weight) // len(bias)
        scale = best_scale(weight.view(self.places, len(bias), -1).transpose(0, 1).flatten(1))
        self.bits = nn.Parameter(weight / scale.repeat(self.places)[:, None])
        self.register_buffer("fixed", torch.zeros_like(weight, dtype=torch.bool))
        self.register_buffer("values", torch.zeros_like(weight))
        self.bias = nn.Parameter(bias)
        self.log_scale = nn.Parameter(scale.log())

    def forward(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(weight, bias) as the integers will say them, in real units."""
        scale = self.log_scale.exp()
        multiplier, shift = self._multiplier()
        said = torch.tensor(multiplier / 2.0**shift / self.gain, dtype=torch.float32)
        scale = straight(scale, said)
        bias = straight(self.bias, torch.round(self.bias * 127 / scale) * scale / 127)
        return self.bits * scale.repeat(self.places)[:, None], bias

    @torch.no_grad()
    def fix(self, share: float) -> None:
        """Round more weights, those nearest to an integer first, until a `share` of them is
        fixed.
        """
        whole = self.bits.round().clamp(-8, 7)
        error = (self.bits - whole).abs().masked_fill(self.fixed, -1)
        count = round(share * error.numel())
        if count > int(self.fixed.sum()):
            nearest = error.flatten().argsort()[:count]
            fresh = torch.zeros_like(self.fixed).flatten().index_fill(0, nearest, True)
            fresh = fresh.view_as(self.fixed) & ~self.fixed
            self.values[fresh] = whole[fresh]
            self.fixed |= fresh
        self.hold()

    @torch.no_grad()
    def hold(self) -> None:
        """After a step of the optimiser: fixed weights stay, the others stay within 4 bits."""
        self.bits.copy_(torch.where(self.fixed, self.values, self.bits.clamp(-8.4, 7.4)))

    def integers(self) -> dict:
        """The fields of a Layer that this is."""
        multiplier, shift = self._multiplier()
        bias = self.bias.double().numpy() * 127 * self.gain + self.offset
        return dict(
            encoding=Encoding.INT4,
            weights=self.bits.round().clamp(-8, 7).long().numpy(),
            bias=np.rint(bias * 2.0**shift / multiplier).astype(np.int64),
            multiplier=multiplier,
            shift=shift,
        )

    def _multiplier(self) -> tuple[np.ndarray, np.ndarray]:
        return multiplier_and_shift(self.log_scale.detach().double().exp().numpy() * self.gain)


def best_scale(rows: torch.Tensor) -> torch.Tensor:
    """For each row the scale of a last bit with which rounding to 4 bits errs least, of many."""
    trials = rows.abs().amax(1) / 7 * torch.linspace(0.6, 1.1, 51)[:, None]
    rounded = (rows / trials[..., None]).round().clamp(-8, 7) * trials[..., None]
    best = (rounded - rows).square().sum(-1).argmin(0)
    return trials[best, torch.arange(len(rows))]


def straight(value: torch.Tensor, rounded: torch.Tensor) -> torch.Tensor:
    """`rounded`, with the gradient of `value`."""
    return value + (rounded - value).detach()


def step(x: torch.Tensor) -> torch.Tensor:
    """Round to int8 127ths and clamp; beyond the clamp there is no gradient."""
    x = x.clamp(-128 / 127, 1)
    return straight(x, torch.round(x * 127) / 127)


class Sine(torch.autograd.Function):
    """The activation table with its rounding: the sine of `x`, a share of SINE_RANGE."""

    @staticmethod
    def forward(ctx, x):
        clamped = x.clamp(-128 / 127, 1)
        argument = torch.round(clamped * 127) * (SINE_RANGE / 127)
        ctx.save_for_backward(argument, x == clamped)
        return torch.round(torch.sin(argument) * 127) / 127

    @staticmethod
    def backward(ctx, gradient):
        argument, inside = ctx.saved_tensors
        return gradient * torch.cos(argument) * inside * SINE_RANGE


def _interpolation() -> tuple[int, int]:
    """Multiplier and shift from a plane's sum, a (SIDE - 1)^2 fold, to the argument of its sine."""
    multiplier, shift = multiplier_and_shift(PLANE_RANGE / SINE_RANGE / (SIDE - 1) ** 2)
    return int(multiplier), int(shift)


def _interpolation_matrix() -> torch.Tensor:
    """(SIDE^2, 4): each place's value from a plane's four corners, as the integers scale it."""
    multiplier, shift = _interpolation()
    after = torch.arange(SIDE)
    shares = torch.stack([SIDE - 1 - after, after], dim=1)
    both = torch.einsum("yi,xj->yxij", shares, shares).reshape(SIDE**2, 4)
    return both * (multiplier / 2.0**shift)
