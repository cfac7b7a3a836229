"""Contact sheets: many small pictures in one that people can look at."""

import numpy as np
from PIL import Image


def sheet(pictures: np.ndarray, columns: int, scale: int = 3, gap: int = 0) -> Image.Image:
    """Pictures uint8 (N, H, W), or (N, H, W, 3) in colour, row by row, `columns` in a row, enlarged
    in whole pixels."""
    count, height, width, *colours = pictures.shape
    rows = -(-count // columns)
    cells = np.zeros((rows * columns, height + gap, width + gap, *colours), np.uint8)
    cells[:count, :height, :width] = pictures
    cells = cells.reshape(rows, columns, height + gap, width + gap, *colours).swapaxes(1, 2)
    image = cells.reshape(rows * (height + gap), columns * (width + gap), *colours)
    image = Image.fromarray(image)
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
