"""A contact sheet of cats: what the float net draws of a latent, above what the device makes of it.

It needs PyTorch for the float net.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from whim import cat_generator, cats
from whim.dither import dither
from whim.sheets import sheet

COLUMNS = 12
ROWS = ("float", "int8", "int4", "display")  # of each strip, from the top


def contact_sheet(
    checkpoint: Path, seed: int, count: int, folder: Path = cats.CARD, program: Path | None = None
) -> tuple[Image.Image, dict]:
    """The first `count` cats of a seed, a multiple of COLUMNS, as strips of ROWS; and for each kind
    of weights the PSNR in dB of all of its pictures together against the float net's.
    """
    z, _ = cats.latents(seed, count)
    net = cat_generator.load(checkpoint)
    drawn = {"float": cat_generator.pictures(net, z.astype(np.float32) / cats.ONE)}
    for weights in cats.FILES:
        drawn[weights] = cats.pictures(cats.model_file(folder, weights), z, program=program)
    shown = np.array([dither(picture) for picture in drawn["int8"]]) * np.uint8(255)
    drawn["display"] = np.broadcast_to(shown[..., None], drawn["int8"].shape)
    rows = np.stack([drawn[row] for row in ROWS])
    strips = rows.reshape(len(ROWS), -1, COLUMNS, *rows.shape[2:]).swapaxes(0, 1)
    image = sheet(strips.reshape(-1, *rows.shape[2:]), COLUMNS, scale=1, gap=2)
    return image, {weights: psnr(drawn[weights], drawn["float"]) for weights in cats.FILES}


def psnr(pictures: np.ndarray, reference: np.ndarray) -> float:
    """In dB, of uint8 pictures."""
    error = np.square(pictures.astype(float) - reference).mean()
    return float(10 * np.log10(255**2 / error)) if error else float("inf")
