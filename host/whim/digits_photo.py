"""A digit as people draw or photograph it, made the way MNIST's are, and 16x16 in 4 bits of that.

MNIST's pictures are ink on paper, white on black, 28x28: the digit's longer side has 20 pixels, and
its centre of mass, rounded down, half a pixel right of and below the middle. A file may be dark on
light or light on dark, of any size, with a shadow over it.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from whim import digits

WORK = 256  # pixels of the longer side, to which a picture is made smaller first
STROKE = 4  # a stroke is thinner than the shorter side divided by this
BOX = 20  # of MNIST's 28 pixels, that the digit's longer side gets
MASS = 14.5  # where the centre of mass is, from an edge of the 28
FAINT = 0.2  # of the darkest ink: what is fainter is grain of the paper
LEAST = 24  # grey levels between paper and ink, or there is none


class PhotoError(Exception):
    """No digit can be found in the file; a sentence for people."""


def read(path: Path) -> np.ndarray:
    """The digit in the picture file, as the chip gets it: int8 (16, 16) of 0 to 15.

    A picture of 16x16 pixels is taken as it is, one of 28x28 as one of MNIST's; light on dark both.
    """
    try:
        with Image.open(path) as file:
            rgba = file.convert("RGBA")
    except OSError as error:
        reason = error.strerror or "it is no picture that can be read"
        raise PhotoError(f"{path}: {reason}") from None
    paper = Image.new("RGBA", rgba.size, "white")  # behind what is transparent
    grey = Image.alpha_composite(paper, rgba).convert("L")
    values = np.asarray(grey)
    if grey.size == (digits.SIZE, digits.SIZE):
        return ((values.astype(int) + 8) // 17).astype(np.int8)
    if grey.size != (digits.SIDE, digits.SIDE):
        values = centred(_ink(grey), str(path))
    return digits.picture(values)


def _ink(grey: Image.Image) -> np.ndarray:
    """How much darker than the paper around it each pixel is, or lighter: float (height, width)."""
    factor = max(1, max(grey.size) / WORK)
    grey = grey.resize([max(1, round(side / factor)) for side in grey.size], Image.Resampling.BOX)
    grey = grey.filter(ImageFilter.GaussianBlur(0.7))
    values = np.asarray(grey).astype(float)
    edge = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    if np.median(edge) < (values.min() + values.max()) / 2:  # light on dark
        values = 255 - values
    reach = min(values.shape) // STROKE
    paper = _widest(_widest(values, reach, np.max), reach, np.min)  # without what is thin and dark
    return np.maximum(paper - values, 0)


def _widest(values: np.ndarray, reach: int, pick) -> np.ndarray:
    """`pick` of all values that are at most `reach` away, in either direction."""
    for axis in (0, 1):
        pad = [(reach, reach) if axis == side else (0, 0) for side in (0, 1)]
        padded = np.pad(values, pad, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis)
        values = pick(windows, axis=-1)
    return values


def centred(ink: np.ndarray, name: str = "the picture") -> np.ndarray:
    """MNIST's way: float (height, width) of ink to uint8 (28, 28)."""
    if ink.max() < LEAST:
        raise PhotoError(f"{name}: there is nothing on it that is darker or lighter than the rest")
    full = np.median(ink[ink > ink.max() / 2])  # a stroke, and not its edges
    ink = np.clip((ink / full - FAINT) / (1 - FAINT), 0, 1)
    rows, columns = (np.flatnonzero((ink > 0.3).any(axis)) for axis in (1, 0))
    part = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    factor = BOX / max(part.shape)
    size = [max(1, round(side * factor)) for side in part.shape[::-1]]
    small = Image.fromarray((part * 255).astype(np.uint8)).resize(size, Image.Resampling.LANCZOS)
    values = np.asarray(small).astype(float)
    values *= 255 / max(values.max(), 1)
    mass = [
        (values.sum(1 - axis) * (np.arange(values.shape[axis]) + 0.5)).sum() / values.sum()
        for axis in (0, 1)
    ]
    top, left = (
        min(max(round(MASS - centre), 0), digits.SIDE - side)
        for centre, side in zip(mass, values.shape)
    )
    whole = np.zeros((digits.SIDE, digits.SIDE), np.uint8)
    whole[top : top + values.shape[0], left : left + values.shape[1]] = values.astype(np.uint8)
    return whole
