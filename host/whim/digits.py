"""Handwritten digits: the MNIST files, and their pictures as the chip gets them, 16x16 in 4 bits.

A file's picture of 28x28 loses a border of 2 pixels that is empty in nearly all of them, and the 24
that are left become 16: each pixel is the mean of four points that lie between the old pixels.
"""

import gzip
from pathlib import Path

import numpy as np

SIZE, LEVELS = 16, 16  # the picture's side, and its values 0 .. 15
SIDE, BORDER = 28, 2  # of a picture in the files
TRAIN, TEST = "train", "t10k"
HELD_OUT, SPLIT_SEED = 1 / 10, 8  # of the training pictures, for validation
MISSING = """{path} is missing, with or without .gz. The four files of MNIST (about 11 MB) are at
https://ossci-datasets.s3.amazonaws.com/mnist/ and at
https://storage.googleapis.com/cvdf-datasets/mnist/: put them into one folder, as they are"""


def load(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """All pictures of the set `name`, uint8 (N, 28, 28), and what they show, uint8 (N,)."""
    pictures = _idx(Path(folder) / f"{name}-images-idx3-ubyte", 3)
    labels = _idx(Path(folder) / f"{name}-labels-idx1-ubyte", 1)
    if pictures.shape[1:] != (SIDE, SIDE) or len(pictures) != len(labels):
        raise ValueError(f"{folder}: the pictures or labels of {name} are not MNIST's")
    return pictures, labels


def _idx(path: Path, axes: int) -> np.ndarray:
    packed = path.with_name(path.name + ".gz")
    if path.exists():
        data = path.read_bytes()
    elif packed.exists():
        data = gzip.decompress(packed.read_bytes())
    else:
        raise ValueError(MISSING.format(path=path))
    start = 4 + 4 * axes
    if len(data) < start or data[:4] != bytes([0, 0, 8, axes]):
        raise ValueError(f"{path} is not an idx file of bytes with {axes} axes")
    shape = np.frombuffer(data[4:start], ">u4").astype(int)
    if len(data) - start != shape.prod():
        raise ValueError(f"{path} is cut short")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def split(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of `count` training pictures are trained on, and which are held out: indices."""
    order = np.random.default_rng(SPLIT_SEED).permutation(count)
    held_out = round(HELD_OUT * count)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def filter_matrix() -> np.ndarray:
    """(16, 28): how a row of 28 pixels becomes 16, in sixteenths. Each row's sum is 16."""
    matrix = np.zeros((SIZE, SIDE), int)
    for point in range(2 * SIZE):
        at = 12 * point + 6 + 16 * BORDER - 8  # sixteenths of a pixel, from the centre of the first
        matrix[point // 2, at // 16] += (16 - at % 16) // 2
        matrix[point // 2, at // 16 + 1] += at % 16 // 2
    return matrix


def picture(pictures: np.ndarray) -> np.ndarray:
    """uint8 (..., 28, 28) of 0 .. 255 as the chip gets them: int8 (..., 16, 16) of 0 .. 15."""
    matrix = filter_matrix()
    total = matrix @ pictures.astype(int) @ matrix.T
    return ((total + 2176) // 4352).astype(np.int8)  # 4352 = 16 * 16 * 255 / 15, rounded
