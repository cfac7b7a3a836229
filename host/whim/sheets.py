"""Contact sheets: many small pictures in one that people can look at."""

import numpy as np
from PIL import Image


def sheet(pictures: np.ndarray, columns: int, scale: int = 3, gap: int = 0) -> Image.Image:
    """Pictures uint8 (N, H, W) row by row, `columns` in a row, enlarged in whole pixels."""
    count, height, width = pictures.shape
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height + gap, width + gap), np.uint8)
    cells[:count, :height, :width] = pictures
    cells = cells.reshape(rows, columns, height + gap, width + gap).transpose(0, 2, 1, 3)
    image = Image.fromarray(cells.reshape(rows * (height + gap), columns * (width + gap)))
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
