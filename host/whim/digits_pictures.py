"""Training pictures of digits: turned, scaled, sheared, shifted and bent, as float PyTorch tensors.

A picture is read once at 32x32 points. The teacher sees these points; the student sees what its
chip will see, the means of four in 4 bits.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F

from whim import digits

POINTS = 2 * digits.SIZE
TURN, SCALE, SHEAR = math.radians(13), 0.13, 0.18  # the most that strength 1 does
SHIFT, BEND = 1.6, 1.0  # in pixels of the files
BENDS = 6  # bends are drawn for 6x6 places, and lie smoothly between them


def points(pictures: np.ndarray, where: torch.Tensor | None = None) -> torch.Tensor:
    """(N, 1, 32, 32) of 0 .. 255 at the places `where` of uint8 (N, 28, 28), or the plain ones."""
    if where is None:
        where = grid(len(pictures))
    values = torch.from_numpy(pictures.astype(np.float32))[:, None]
    return F.grid_sample(values, where, align_corners=False)


def students(values: torch.Tensor) -> torch.Tensor:
    """uint8 (N, 16, 16) of 0 .. 15 from `points`."""
    return (F.avg_pool2d(values, 2)[:, 0] / 17).round().to(torch.uint8)


def grid(count: int) -> torch.Tensor:
    """The plain places, those of digits.picture: (count, 32, 32, 2), from -1 to 1 a picture."""
    line = (torch.arange(POINTS) + 0.5) / POINTS * 2 - 1
    line = line * (digits.SIDE - 2 * digits.BORDER) / digits.SIDE
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], -1)[None].expand(count, -1, -1, -1)


def bent(count: int, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Places like `grid`, each picture's turned, scaled, sheared, shifted and bent by chance."""

    def either_way(most: float) -> torch.Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * most * strength

    pixel = 2 / digits.SIDE
    turn, shear = either_way(TURN), either_way(SHEAR)
    wide, high = either_way(SCALE).exp(), either_way(SCALE).exp()
    affine = torch.stack(
        [
            torch.stack([wide * turn.cos(), wide * turn.sin()], -1),
            torch.stack([shear - high * turn.sin(), high * turn.cos()], -1),
            torch.stack([either_way(SHIFT * pixel), either_way(SHIFT * pixel)], -1),
        ],
        1,
    )
    where = torch.baddbmm(affine[:, 2:], grid(count).reshape(count, -1, 2), affine[:, :2])
    size = torch.rand(count, 1, 1, 1, generator=generator) * (BEND * pixel * strength)
    bends = torch.randn(count, 2, BENDS, BENDS, generator=generator) * size
    bends = F.interpolate(bends, (POINTS, POINTS), mode="bilinear", align_corners=True)
    return where.reshape(count, POINTS, POINTS, 2) + bends.permute(0, 2, 3, 1)
