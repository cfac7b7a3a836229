"""Figures that say how good a packed model is, by the NumPy decoder and the reader."""

from pathlib import Path

import numpy as np

from whim import crisp, dice, sheets
from whim.decoder import decode, grey, load
from whim.model import Model
from whim.reader import Reader

BATCH = 500


def rolls(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`count` rolls of the device, (pips, turn, latent); all 256 angles equally often."""
    rng = np.random.default_rng(seed)
    latent = rng.integers(-127, 128, (count, len(dice.LATENT)))
    return rng.integers(1, 7, count), np.arange(count) * 256 // count, latent


def pictures(model: Model, cast) -> tuple[np.ndarray, np.ndarray]:
    """(made, drawn) uint8 (N, 32, 32): what the model makes of rolls, and their true drawings."""
    return grey(decode(model, dice.inputs(*cast))), dice.draw(dice.from_integers(*cast))


def die(path: Path, count: int = 10_000, seed: int = 1) -> dict:
    """MSE on a scale of 0 to 1, and shares read right, of `count` rolls over all angles."""
    model, reader = load(path), Reader()
    cast = rolls(count, seed)
    sums = np.zeros(4)
    for start in range(0, count, BATCH):
        part = [field[start : start + BATCH] for field in cast]
        pips, _, latent = part
        made, drawn = pictures(model, part)
        shown = crisp.as_seen(crisp.crisp(made, latent[:, 1]))
        right = [(reader.read(seen) == pips).sum() for seen in (made, shown, drawn)]
        error = np.square((made.astype(float) - drawn) / 255).mean((1, 2)).sum()
        sums += [error, *right]
    names = ("mse", "read_grey", "read_display", "read_drawn")
    return dict(rolls=count, **dict(zip(names, (sums / count).tolist())))


def die_sheet(path: Path, out: Path) -> None:
    """Twelve dice in a row as made, as drawn, and as shown in one bit, four times."""
    cast = rolls(48, 2)
    made, drawn = pictures(load(path), cast)
    shown = crisp.crisp(made, cast[2][:, 1]).astype(np.uint8) * 255
    large = [picture.repeat(2, 1).repeat(2, 2) for picture in (made, drawn)] + [shown]
    rows = np.stack([each.reshape(4, 12, 64, 64) for each in large], axis=1)
    sheets.sheet(rows.reshape(-1, 64, 64), 12, scale=1, gap=4).save(out)
