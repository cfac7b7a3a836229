"""Turn pictures of 64x64 colours into the black and white that the display shows.

The same integers as src/app/dither.c, which says what they do, for judging pictures on a PC.
"""

import numpy as np

SIZE = 64
TAIL = SIZE * SIZE // 50  # darkest pixels, and brightest, that stretching may make alike
AROUND = 6  # a pixel's surroundings: so many further in each direction


def luma(rgb: np.ndarray) -> np.ndarray:
    """Brightness 0 to 255, int (..., h, w), of uint8 (..., h, w, 3): BT.601, in 256ths."""
    return rgb.astype(int) @ (77, 150, 29) >> 8


def tones(grey: np.ndarray) -> np.ndarray:
    """The tone of each brightness in a picture, int (256,): stretched, and a quarter of it rank."""
    count = np.bincount(grey.reshape(-1), minlength=256)
    below = np.cumsum(count) - count
    black = np.argmax(below + count > TAIL)
    white = 255 - np.argmax(np.cumsum(count[::-1]) > TAIL)
    stretched = (np.arange(256) - black) * 255 // max(white - black, 1)
    rank = (2 * below + count) * 255 // (2 * grey.size)
    return (3 * np.clip(stretched, 0, 255) + rank) // 4


def means(tone: np.ndarray) -> np.ndarray:
    """The mean tone of each pixel's surroundings, as far as they lie in the picture."""
    sums = np.pad(tone, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    (top, bottom), (left, right) = (
        np.clip((np.arange(side) - AROUND, np.arange(side) + AROUND + 1), 0, side)
        for side in tone.shape
    )
    corners = sums[bottom[:, None], right] - sums[top[:, None], right]
    corners += sums[top[:, None], left] - sums[bottom[:, None], left]
    return corners // np.outer(bottom - top, right - left)


def sharpen(tone: np.ndarray) -> np.ndarray:
    edged = np.pad(tone, 1, "edge")
    beside = edged[1:-1, :-2] + edged[1:-1, 2:] + edged[:-2, 1:-1] + edged[2:, 1:-1]
    value = tone + (13 * (tone - means(tone)) >> 4) + (4 * tone - beside >> 1)
    return np.clip(value, 0, 255)


def diffuse(tone: np.ndarray) -> np.ndarray:
    """Floyd and Steinberg's dots for tones (h, w), row by row to and fro: bool (h, w)."""
    height, width = tone.shape
    error = np.pad(16 * tone, ((0, 1), (1, 1))).tolist()  # lists: this is pixel by pixel
    lit = np.zeros((height, width), bool)
    for y in range(height):
        way = -1 if y % 2 else 1
        here, under = error[y], error[y + 1]
        for x in range(1, width + 1)[::way]:
            rest = here[x]
            if rest >= 16 * 128:
                lit[y, x - 1] = True
                rest -= 16 * 255
            shares = rest * 7 >> 4, rest * 3 >> 4, rest * 5 >> 4
            here[x + way] += shares[0]
            under[x - way] += shares[1]
            under[x] += shares[2]
            under[x + way] += rest - sum(shares)
    return lit


def dither(rgb: np.ndarray) -> np.ndarray:
    """What the display shows of a picture, uint8 (64, 64, 3): bool (64, 64), True is lit."""
    grey = luma(rgb)
    return diffuse(sharpen(tones(grey)[grey]))
