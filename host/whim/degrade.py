"""What happens to a picture on its way to an eye: shift, blur, noise, and dithering to one bit.

The reader is trained and judged under these. Pictures are arrays (N, H, W) of grey levels 0-255;
functions take uint8 or float and return float32, so that steps chain; `to_grey` ends a chain.
"""

import numpy as np
from scipy import ndimage

CONDITIONS = ("clean", "shift", "blur", "noise", "combined", "ordered", "floyd")
SHIFT, BLUR, NOISE = (
    3.0,
    1.0,
    25.0,
)  # pixels; gaussian sigma in pixels; gaussian sigma in grey levels


def condition(name: str, pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`pictures` under one of CONDITIONS, as uint8. Blur and noise come at full strength."""
    count = len(pictures)
    still, sharp = np.zeros((count, 2)), np.zeros(count)
    shift = rng.uniform(-SHIFT, SHIFT, (count, 2))
    if name == "shift":
        pictures = move(pictures, shift, sharp)
    elif name == "blur":
        pictures = move(pictures, still, sharp + BLUR)
    elif name == "noise":
        pictures = pictures + rng.normal(0, NOISE, pictures.shape)
    elif name == "combined":
        pictures = move(pictures, shift, sharp + BLUR) + rng.normal(0, NOISE, pictures.shape)
    elif name == "ordered":
        pictures = dither_ordered(pictures)
    elif name == "floyd":
        pictures = dither_floyd(pictures)
    elif name != "clean":
        raise ValueError(f"no condition named {name!r}; there are {', '.join(CONDITIONS)}")
    return to_grey(pictures)


def to_grey(pictures: np.ndarray) -> np.ndarray:
    """The nearest uint8 picture."""
    return np.rint(np.clip(pictures, 0, 255)).astype(np.uint8)


def move(pictures: np.ndarray, shift: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Shift each picture by its (y, x) of `shift` (N, 2), by fractions of pixels too, then blur it
    with the gaussian of its `sigma` (N,). Black comes in from outside."""
    rows, columns = (
        _mix(size, shift[:, axis], sigma) for axis, size in enumerate(pictures.shape[1:])
    )
    return rows @ pictures.astype(np.float32) @ columns.transpose(0, 2, 1)


def _mix(size: int, shift: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Matrices (N, size, size) along one axis: shift by linear interpolation, then gaussian."""
    apart = np.subtract.outer(np.arange(size), np.arange(size)).astype(np.float32)
    moved = np.maximum(0, 1 - np.abs(apart - shift[:, None, None].astype(np.float32)))
    # Normalised as if the picture went on for ever, in black: so narrow a gaussian sums to what its
    # integral does, and a sigma of almost nothing leaves the identity.
    sigma = np.maximum(sigma, 0.1)[:, None, None].astype(np.float32)
    taps = np.arange(-size, size + 1, dtype=np.float32)
    total = np.exp(-0.5 * (taps / sigma) ** 2).sum(-1, keepdims=True)
    return (np.exp(-0.5 * (apart / sigma) ** 2) / total) @ moved


def bayer(order: int) -> np.ndarray:
    """The Bayer matrix of 2^order a side: each of 0 .. 4^order - 1 once, neighbours far apart."""
    if order == 0:
        return np.zeros((1, 1), np.int64)
    half = 4 * bayer(order - 1)
    return np.block([[half, half + 2], [half + 3, half + 1]])


def dither_ordered(pictures: np.ndarray, order: int = 2) -> np.ndarray:
    """One bit, 0 or 255, by a Bayer threshold matrix of 2^order pixels a side."""
    height, width = pictures.shape[1:]
    matrix = bayer(order)
    side = len(matrix)
    threshold = (np.tile(matrix, (-(-height // side), -(-width // side))) + 0.5) / side**2 * 255
    return 255 * (pictures > threshold[:height, :width]).astype(np.float32)


def dither_floyd(pictures: np.ndarray) -> np.ndarray:
    """One bit, 0 or 255, by Floyd and Steinberg's error diffusion, left to right in every row."""
    count, height, width = pictures.shape
    # Pixels first, so that a step works on one contiguous row of N; a margin takes what falls off.
    grey = np.zeros((height + 1, width + 2, count), np.float32)
    grey[:height, 1:-1] = np.moveaxis(pictures, 0, -1)
    for y in range(height):
        for x in range(1, width + 1):
            white = 255 * (grey[y, x] >= 128)
            error = (grey[y, x] - white) / 16
            grey[y, x] = white
            grey[y, x + 1] += 7 * error
            grey[y + 1, x - 1] += 3 * error
            grey[y + 1, x] += 5 * error
            grey[y + 1, x + 1] += error
    return np.ascontiguousarray(np.moveaxis(grey[:height, 1:-1], -1, 0))


def enlarged_dither(pictures: np.ndarray, dither) -> np.ndarray:
    """What a far eye sees of a picture dithered at twice its size: each 2x2 dots averaged again."""
    large = np.clip(
        ndimage.zoom(pictures, (1, 2, 2), order=1, grid_mode=True, mode="nearest"), 0, 255
    )
    count, height, width = pictures.shape
    return dither(large).reshape(count, height, 2, width, 2).mean((2, 4))
