"""Kept cats: pictures that every viewer opens, with what it takes to draw them again.

The same bytes as src/app/kept.c; docs/CATS.md explains them.
"""

import io
import zlib
from typing import NamedTuple

import construct as c
import numpy as np
from PIL import Image

SIZE, LATENT = 64, 100
MOODS = ("demotivated", "motivated", None)  # None: the latent came without one

HEADER = c.Struct(
    "magic" / c.Const(b"BM"),
    "file_bytes" / c.Const(512 + 3 * SIZE**2, c.Int32ul),
    "reserved" / c.Const(0, c.Int32ul),
    "pixels_at" / c.Const(512, c.Int32ul),
    "header_bytes" / c.Const(40, c.Int32ul),
    "width" / c.Const(SIZE, c.Int32sl),
    "height" / c.Const(SIZE, c.Int32sl),  # positive: the lowest row comes first
    "planes" / c.Const(1, c.Int16ul),
    "bits" / c.Const(24, c.Int16ul),
    "compression" / c.Const(0, c.Int32ul),
    "pixel_bytes" / c.Const(3 * SIZE**2, c.Int32ul),
    "resolution" / c.Const([2835, 2835], c.Int32ul[2]),  # pixels a metre: 72 dpi
    "colours" / c.Const([0, 0], c.Int32ul[2]),
    c.Padding(2),
    "format" / c.Const(b"CAT1"),  # from here on it is ours
    "model" / c.Int32ul,  # the CRC in its model's header
    "mood" / c.Int8ul,
    "spoken" / c.Int8ul,  # 1 where there is a verdict
    "choices" / c.Int16ul,  # its lower 16 bits; the mood is the rest
    "z" / c.Int8sl[LATENT],
    "entropy" / c.PaddedString(12, "ascii"),  # where z came from
)


class NotKept(ValueError):
    """Bytes that are no kept cat, or not a whole one."""


class Kept(NamedTuple):
    """`z`: int8 (100,). `mood`: one of MOODS. `model`: the CRC in its header. `entropy`: where z
    came from. `picture`: uint8 (64, 64, 3). `verdict`: what is said of it, if anything is."""

    z: np.ndarray
    mood: str | None
    model: int
    entropy: str
    picture: np.ndarray
    verdict: int | None = None


def read(data: bytes) -> Kept:
    """A kept cat; NotKept says what is wrong with it."""
    try:
        header = HEADER.parse(data)
    except (c.ConstructError, UnicodeError):
        raise NotKept("no kept cat: a device writes them as cats/00001.bmp and so on") from None
    end = HEADER.sizeof()
    if int.from_bytes(data[end : end + 4], "little") != zlib.crc32(data[:end]):
        raise NotKept("a kept cat whose header is damaged: its CRC does not match")
    if len(data) != header.file_bytes or header.mood >= len(MOODS):
        raise NotKept("a kept cat, but not whole")
    picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    z = np.array(header.z, np.int8)
    spoken = header.spoken == 1 and MOODS[header.mood]
    verdict = header.mood << 16 | header.choices if spoken else None
    return Kept(z, MOODS[header.mood], header.model, header.entropy, picture, verdict)


def write(kept: Kept) -> bytes:
    """The file, as the device writes it."""
    fields = dict(model=kept.model, mood=MOODS.index(kept.mood), z=kept.z.tolist())
    fields |= dict(spoken=int(kept.verdict is not None), choices=(kept.verdict or 0) & 0xFFFF)
    head = HEADER.build(dict(fields, entropy=kept.entropy))
    head += zlib.crc32(head).to_bytes(4, "little")
    return head.ljust(512, b"\0") + kept.picture[::-1, :, ::-1].tobytes()
