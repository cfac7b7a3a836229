"""Show the 128x64 display to people: as a picture of a small OLED module, or drawn in a terminal.

Screens are bool (64, 128), True is a lit pixel.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

LIT, UNLIT, GLASS, BEZEL = (226, 244, 255), (10, 13, 18), (4, 5, 8), (22, 25, 31)
GLOW = 0.30  # of a lit pixel's light, scattered by the glass
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # Braille, 4 rows of 2
HALVES = " ▄▀█"


def photo(screen: np.ndarray, scale: int = 6) -> Image.Image:
    """A picture of the module: `scale` pixels for each of its own, gaps, glow and bezel."""
    lit, unlit = (np.asarray(colour, np.float32) for colour in (LIT, UNLIT))
    cell = np.ones((scale, scale), np.float32)
    if scale >= 4:  # the gaps between pixels
        cell[-1, :] = cell[:, -1] = 0
    on = np.kron(screen.astype(np.float32), cell)[..., None]
    pixels = on * lit + np.kron(1 - screen, cell)[..., None] * unlit
    margin, frame = 4 * scale, scale
    glass = np.pad(pixels, ((margin,), (margin,), (0,)))
    glass = np.where(glass > 0, glass, np.asarray(GLASS, np.float32))

    light = np.pad(on[..., 0], margin) * 255
    light = Image.fromarray(light.astype(np.uint8)).filter(ImageFilter.GaussianBlur(scale * 0.9))
    glow = np.asarray(light, np.float32)[..., None] / 255 * lit * GLOW
    picture = 255 - (255 - glass) * (255 - glow) / 255

    height, width = picture.shape[:2]
    module = Image.new("RGB", (width + 2 * frame, height + 2 * frame), BEZEL)
    mask = Image.new("L", (2 * width, 2 * height), 0)  # drawn large, for soft corners
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 2 * width - 1, 2 * height - 1), 4 * scale, 255)
    picture = Image.fromarray(np.rint(picture).astype(np.uint8))
    module.paste(picture, (frame, frame), mask.resize((width, height), Image.Resampling.LANCZOS))
    return module


def animation(frames: list[tuple[np.ndarray, float]], path, scale: int = 3) -> None:
    """Write (screen, ms) pairs as an endless GIF; GIF counts in hundredths of a second."""
    pictures = [photo(screen, scale) for screen, _ in frames]
    palette = pictures[-1].quantize(48, dither=Image.Dither.NONE)
    pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    pictures[0].save(
        path,
        save_all=True,
        append_images=pictures[1:],
        duration=[max(20, round(ms / 10) * 10) for _, ms in frames],
        loop=0,
        optimize=True,
    )


def braille(screen: np.ndarray) -> list[str]:
    """16 lines of 64 characters, each 4 rows of 2 pixels."""
    cells = screen.reshape(16, 4, 64, 2).transpose(0, 2, 1, 3)
    codes = 0x2800 + (cells * np.array(DOTS)).sum((2, 3))
    return ["".join(map(chr, row)) for row in codes]


def half_blocks(screen: np.ndarray) -> list[str]:
    """32 lines of 128 characters, each 2 rows of 1 pixel."""
    pairs = screen.reshape(32, 2, 128)
    return ["".join(HALVES[2 * a + b] for a, b in zip(*pair)) for pair in pairs]


def colours(picture: np.ndarray) -> list[str]:
    """A colour picture, uint8 (h, w, 3), as h / 2 lines of w characters with their colours."""
    pairs = picture.reshape(len(picture) // 2, 2, -1, 3)
    cell = "\x1b[38;2;{};{};{};48;2;{};{};{}m▄"
    return [
        "".join(cell.format(*low, *high) for high, low in zip(*pair)) + "\x1b[0m" for pair in pairs
    ]


def pixels(text: list[str]) -> np.ndarray:
    """The screen that `braille` or `half_blocks` drew."""
    codes = np.array([[ord(character) for character in line] for line in text])
    if len(text) == 16:
        cells = (codes[..., None, None] - 0x2800) & np.array(DOTS) != 0
        return cells.transpose(0, 2, 1, 3).reshape(64, 128)
    values = np.array([[HALVES.index(character) for character in line] for line in text])
    return np.stack([values & 2, values & 1], 1).reshape(64, 128) != 0
