"""The discriminator of the cats: small heads on the frozen features of a net that knows pictures.

Projected GANs (Sauer et al. 2021): the features of EfficientNet-Lite1, which ImageNet trained, are
mixed by fixed random convolutions, and one head at each of four scales tells real from made. What
such a net knows need not be learned from a few thousand pictures. The judge's net is another one,
Lite0: docs/MODELS.md says what their kinship means.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from whim.lite import Frozen, Lite

SEEN = 128  # pictures are enlarged to this: Lite1 learned from large ones
TAPS = (3, 6, 14, 20)  # blocks of Lite1 whose outputs are taken: 32, 16, 8 and 4 pixels wide
TAKEN = (24, 40, 112, 320)  # their channels
WIDTHS = (64, 64, 128, 256)  # channels after the random mixing


class Features(nn.Module):
    """Pictures (N, 3, 64, 64), -1 to 1, to four mixed maps, the finest first. Nothing in it is
    learned, but `normalise` must have seen real pictures."""

    def __init__(self):
        super().__init__()
        self.net = Lite("1", torch.bfloat16)
        self.levels = nn.ModuleList(map(Level, TAKEN, WIDTHS, (*WIDTHS[1:], None)))

    @torch.no_grad()
    def normalise(self, pictures):
        """Let every channel that is taken have mean 0 and variance 1 on these real pictures."""
        for level, x in zip(self.levels, self.net.taps(pictures, TAPS, SEEN)):
            x = x.float()
            level.mean.copy_(x.mean((0, 2, 3), keepdim=True))
            level.scale.copy_(1 / (x.std((0, 2, 3), keepdim=True) + 1e-3))

    def forward(self, pictures):
        maps, below = [], None
        for level, x in zip(reversed(self.levels), reversed(self.net.taps(pictures, TAPS, SEEN))):
            below = level(x, below)
            maps.insert(0, below)
        return maps


class Level(nn.Module):
    """One map of a net, and the mixed map of the coarser level below it, mixed at random."""

    def __init__(self, channels: int, width: int, below: int | None):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("scale", torch.ones(1, channels, 1, 1))
        self.across = random_conv(channels, width, 1)
        self.up = random_conv(below, width, 1) if below else None
        self.mix = random_conv(width, width, 3)

    def forward(self, x, below):
        x = self.across((x - self.mean.to(x.dtype)) * self.scale.to(x.dtype))
        if self.up:
            x = (x + self.up(F.interpolate(below, scale_factor=2))) * 0.5**0.5
        return self.mix(x)


def random_conv(channels: int, width: int, kernel: int) -> Frozen:
    """Keeps the variance of what has variance 1."""
    conv = nn.Conv2d(channels, width, kernel, padding=kernel // 2)
    nn.init.normal_(conv.weight, std=(channels * kernel * kernel) ** -0.5)
    nn.init.zeros_(conv.bias)
    return Frozen(conv, torch.bfloat16, persistent=True)


class Heads(nn.Module):
    """One head for each map of Features: logits (N, 4), above 0 for real."""

    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleList(
            [
                nn.Sequential(*half(64, 64), *half(64, 128), *half(128, 256), verdict()),
                nn.Sequential(*half(64, 128), *half(128, 256), verdict()),
                nn.Sequential(*half(128, 256), verdict()),
                nn.Sequential(*unit(nn.Conv2d(256, 256, 3, padding=1)), verdict()),
            ]
        )

    def forward(self, maps):
        return torch.cat([head(x).flatten(1) for head, x in zip(self.heads, maps)], 1)


def half(channels, width):
    return unit(nn.Conv2d(channels, width, 4, 2, 1))


def unit(conv):
    return spectral_norm(conv), nn.BatchNorm2d(conv.out_channels), nn.LeakyReLU(0.2, inplace=True)


def verdict():
    return spectral_norm(nn.Conv2d(256, 1, 4))


def augment(x):
    """What the discriminator sees of pictures (N, 3, H, W): each with a colour, a translation and a
    hole of its own, all differentiable (Zhao et al. 2020, "Differentiable Augmentation")."""
    count, size, to = len(x), x.shape[-1], x.device
    bright, vivid, contrast = torch.rand(3, count, 1, 1, 1).to(to)
    x = x + bright - 0.5
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * (2 * vivid) + grey
    mean = x.mean((1, 2, 3), keepdim=True)
    x = (x - mean) * (contrast + 0.5) + mean

    reach = size // 8
    shift = torch.randint(-reach, reach + 1, (2, count, 1)).to(to)
    rows, columns = (torch.arange(size, device=to) + shift + 1).clamp(0, size + 1)
    each = torch.arange(count, device=to)[:, None, None]
    x = F.pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None]]

    half_hole = size // 4
    centre = torch.randint(0, size + 1, (2, count, 1)).to(to)
    rows, columns = (torch.arange(size, device=to) - centre + 0.5).abs() < half_hole
    hole = rows[:, None, :, None] & columns[:, None, None, :]
    return x.permute(0, 3, 1, 2) * ~hole
