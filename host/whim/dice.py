"""Draw dice: the data that the die decoder learns from, and the true pictures that it is judged by.

A die is a rounded square with 1-6 dark pips on a black ground, turned by any angle, varied in size
and shade and lit from one side. It is drawn at 128x128, where edges are one pixel soft, and reduced
to 32x32 grey by averaging, so every edge is antialiased. The largest die on its corner still fits.
"""

from typing import NamedTuple

import numpy as np

SIZE = 32  # pixels, width and height of a picture
DRAWN = 128  # pixels, width and height before reduction
LATENT = (
    "size",
    "shade",
    "light_x",
    "light_y",
)  # what varies beside pips and angle, each in [-1, 1]

# Lengths are in half pictures, so the picture spans [-1, 1]; the rest are shares of the half side.
HALF_SIDE, HALF_SIDE_SPREAD = 0.66, 0.06  # the round corner reaches 0.72 * 1.31 < 1: never clipped
CORNER, PIP_RADIUS, PIP_OFFSET = 0.25, 0.19, 0.54
SHADE, SHADE_SPREAD = 0.72, 0.12
LIGHT_SPREAD = 0.14
AXIS = 115  # length of the model's axis input at the middle size; 115 * 1.1 <= 127
PIP_TONE = 0.10  # of the face's brightness

# Which of the seven places carry a pip, in units of PIP_OFFSET, as on every western die.
PIP_PLACES = {
    1: ((0, 0),),
    2: ((-1, -1), (1, 1)),
    3: ((-1, -1), (0, 0), (1, 1)),
    4: ((-1, -1), (1, 1), (-1, 1), (1, -1)),
    5: ((-1, -1), (1, 1), (-1, 1), (1, -1), (0, 0)),
    6: ((-1, -1), (1, 1), (-1, 1), (1, -1), (-1, 0), (1, 0)),
}


class Dice(NamedTuple):
    """N dice: `pips` int (N,) 1-6, `angle` float (N,) radians, `latent` float (N, 4) in [-1, 1]."""

    pips: np.ndarray
    angle: np.ndarray
    latent: np.ndarray


def sample(count: int, rng: np.random.Generator) -> Dice:
    """Draw the parameters of `count` dice, each uniform and independent of the others."""
    return Dice(
        rng.integers(1, 7, count),
        rng.uniform(0, 2 * np.pi, count),
        rng.uniform(-1, 1, (count, len(LATENT))),
    )


def draw(dice: Dice, batch: int = 32) -> np.ndarray:
    """Draw `dice` as uint8 pictures (N, 32, 32), 0 black to 255 white."""
    parts = [
        _draw(Dice(*(field[start : start + batch] for field in dice)))
        for start in range(0, len(dice.pips), batch)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, SIZE, SIZE), np.uint8)


def inputs(pips: np.ndarray, turn: np.ndarray, latent: np.ndarray) -> np.ndarray:
    """The die model's input for dice as the device draws them: int8 (N, 11).

    `pips` 1-6, `turn` 0-255 (256ths of a full turn), `latent` int (N, 4) in [-127, 127] (127ths).
    Columns: pips one-hot (127 or 0); the die's axis, cosine then sine of the angle, divided by its
    size, 115 for a die of middle size; shade, light_x, light_y. All in integers, because
    src/app/die.c must compute the very same: round half away from zero.
    """
    scale = HALF_SIDE / HALF_SIDE_SPREAD * 127  # of the size's denominator: 1397 + latent[0]
    divisor = 255 * (round(scale) + latent[:, 0])
    axis = []
    for quarter in (64, 0):  # the cosine is the sine, a quarter of a turn ahead
        product = sine(turn + quarter) * AXIS * round(scale)
        axis.append(np.sign(product) * ((2 * np.abs(product) + divisor) // (2 * divisor)))
    one_hot = 127 * np.eye(6, dtype=np.int64)[pips - 1]
    return np.column_stack([one_hot, *axis, latent[:, 1:]]).astype(np.int8)


def sine(turn: np.ndarray) -> np.ndarray:
    """round(255 * sin) of an angle in 256ths of a turn, in integers from then on."""
    return np.rint(255 * np.sin(np.arange(256) * (2 * np.pi / 256))).astype(np.int64)[turn % 256]


def from_integers(pips: np.ndarray, turn: np.ndarray, latent: np.ndarray) -> Dice:
    """The dice that `inputs` of the same arguments asks the model for, to draw their pictures."""
    return Dice(pips, turn * (2 * np.pi / 256), latent / 127)


def _draw(dice: Dice) -> np.ndarray:
    grid = ((np.arange(DRAWN) + 0.5) * (2 / DRAWN) - 1).astype(np.float32)
    x, y = grid[None, None, :], grid[None, :, None]
    size, shade, light_x, light_y = dice.latent.astype(np.float32).T[:, :, None, None]
    cos, sin = (f(dice.angle).astype(np.float32)[:, None, None] for f in (np.cos, np.sin))
    half = HALF_SIDE + HALF_SIDE_SPREAD * size
    u, v = x * cos + y * sin, y * cos - x * sin  # the die's own axes

    # Signed distance to a rounded square: to the inner square's corner, less the corner's radius.
    inner = half * (1 - CORNER)
    du, dv = np.abs(u) - inner, np.abs(v) - inner
    outside = _length(np.maximum(du, 0), np.maximum(dv, 0)) + np.minimum(np.maximum(du, dv), 0)
    face = _coverage(outside - half * CORNER)

    pip = np.zeros_like(face)
    for number, places in PIP_PLACES.items():
        rows = np.flatnonzero(dice.pips == number)
        scale = half[rows]
        for place_u, place_v in places:
            distance = _length(
                u[rows] - place_u * PIP_OFFSET * scale, v[rows] - place_v * PIP_OFFSET * scale
            )
            pip[rows] = np.maximum(pip[rows], _coverage(distance - PIP_RADIUS * scale))

    bright = (SHADE + SHADE_SPREAD * shade) * (1 + LIGHT_SPREAD * (light_x * x + light_y * y))
    grey = np.clip(face * bright * (1 - (1 - PIP_TONE) * pip), 0, 1)
    step = DRAWN // SIZE
    reduced = grey.reshape(-1, SIZE, step, SIZE, step).mean((2, 4))
    return np.rint(reduced * 255).astype(np.uint8)


def _coverage(distance: np.ndarray) -> np.ndarray:
    """How much of a drawn pixel lies inside an edge at signed `distance`: a ramp one pixel wide."""
    return np.clip(0.5 - distance * (DRAWN / 2), 0, 1)


def _length(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """hypot, but thrice as fast, and rounded alike on every machine."""
    return np.sqrt(x * x + y * y)
