"""Turn grey 32x32 pictures into the crisp black and white 64x64 ones that the display shows.

The same integers as src/app/crisp.c, for judging pictures on a PC. Pictures are made twice as large
by bilinear interpolation. One threshold, which follows the die's own shade, then parts light from
dark, so edges are as sharp as the grey picture knows them; where it is smooth and light, a sparse
ordered dither draws its shade, as single dark dots that never touch each other or an edge. `python
host/whim/crisp.py` prints the numbers as they stand in the C source.
"""

import numpy as np

# The grey above which a pixel is lit, for the dimmest die and the brightest: 0.62 of its middle
# brightness (of dice.SHADE), between pip and face. Nearer to the face than to the pip, because a
# decoder that blurs fills its pips before it dims its face.
EDGE = (95, 132.7)
DOTS = (116, 200)  # grey of a face with all its dots, and of one with the last
SMOOTH = 20  # grey per pixel; at a steeper place there are no dots, so that edges have no gaps


def dots() -> np.ndarray:
    """Thresholds of the dots, int (4, 4); they lie on odd rows and even columns."""
    order = np.zeros((1, 1), int)
    for _ in range(2):  # Bayer's order: each as far as can be from those just before it
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    return np.rint(DOTS[0] + (DOTS[1] - DOTS[0]) * (order + 0.5) / order.size).astype(int)


def crisp(grey: np.ndarray, shade: np.ndarray | int = 0) -> np.ndarray:
    """What the display shows of dice: bool (N, 2h, 2w).

    `grey`: uint8 (N, h, w), h and w multiples of 4. `shade`: (N,) or one for all, the dice's latent
    value of that name, -127 to 127.
    """
    grey = grey.astype(int)
    rows = _double(grey, 1)  # in 4ths
    large = _double(rows, 2)  # in 16ths
    first, slope = numbers()
    edge = 16 * 128 + first + (slope * (np.asarray(shade, int) + 127) >> 3)
    lit = large > edge.reshape(-1, 1, 1)

    # A dot's place: below the middle of row i, left of the middle of column j.
    below = np.concatenate([grey[:, 1:], grey[:, -1:]], 1)
    row = np.pad(rows[:, 1::2], ((0, 0), (0, 0), (1, 1)), "edge")
    smooth = np.abs(below - grey) < SMOOTH
    smooth &= np.abs(row[..., 2:] - row[..., :-2]) < 8 * SMOOTH
    pattern = np.tile(16 * dots(), (grey.shape[1] // 4, grey.shape[2] // 4))
    lit[:, 1::2, ::2] &= ~(smooth & (large[:, 1::2, ::2] <= pattern))
    return lit


def as_seen(lit: np.ndarray) -> np.ndarray:
    """Pictures of `crisp` from further away: uint8 (N, h, w), 2x2 pixels averaged, for a reader."""
    count, height, width = lit.shape
    share = lit.reshape(count, height // 2, 2, width // 2, 2).mean((2, 4))
    return np.rint(255 * share).astype(np.uint8)


def numbers() -> tuple[int, int]:
    """EDGE for integers: 16 times the limit, in signed grey, is first + (slope * (shade + 127) >>
    3)."""
    return 16 * (EDGE[0] - 128), round(8 * 16 * (EDGE[1] - EDGE[0]) / 254)


def _double(values: np.ndarray, axis: int) -> np.ndarray:
    """Twice as many along `axis`, in 4ths: 3 parts of the nearest and 1 of the next."""
    values = np.moveaxis(values, axis, -1)
    padded = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(1, 1)], "edge")
    pairs = np.stack([3 * values + padded[..., :-2], 3 * values + padded[..., 2:]], -1)
    return np.moveaxis(pairs.reshape(*values.shape[:-1], -1), -1, axis)


if __name__ == "__main__":
    first, slope = numbers()
    print(f"enum {{ EDGE = {first}, EDGE_SLOPE = {slope}, SMOOTH = {SMOOTH} }};")
    for row in 16 * (dots() - 128):
        print("    {" + ", ".join(str(value) for value in row) + "},")
