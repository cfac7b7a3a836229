"""Pictures to train and judge by: a zip or a folder of them, and crops of people's own photos."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SIZE = 64
KINDS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def load(path: Path) -> np.ndarray:
    """All pictures of a zip or of a folder, in order of their names: uint8 (N, 64, 64, 3), RGB.

    Raises ValueError where there is none, and where one is unreadable or not 64x64.
    """
    pictures = []
    for name, data in _files(path):
        try:
            with Image.open(io.BytesIO(data)) as image:
                if image.size != (SIZE, SIZE):
                    wrong = f"is {image.width}x{image.height}, not {SIZE}x{SIZE}"
                    raise ValueError(f"{path}: {name} {wrong}: crop it, `host/train.py crop`")
                pictures.append(np.asarray(image.convert("RGB")))
        except OSError as error:
            raise ValueError(f"{path}: {name} is no picture that can be read: {error}") from None
    if not pictures:
        raise ValueError(f"{path}: no pictures ({', '.join(sorted(KINDS))}) in it")
    return np.stack(pictures)


def crop(source: Path, out: Path) -> int:
    """Write the largest centred square of each picture of `source` to the folder `out`, as PNGs of
    64x64; answer how many. A photo is turned as its camera says; what is unreadable is an error."""
    out.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, data in _files(source):
        try:
            with Image.open(io.BytesIO(data)) as image:
                upright = ImageOps.exif_transpose(image).convert("RGB")
        except OSError as error:
            raise ValueError(f"{source}: {name} is no picture that can be read: {error}") from None
        small = ImageOps.fit(upright, (SIZE, SIZE), Image.Resampling.LANCZOS)
        small.save(out / f"{count:06}.png")
        count += 1
    return count


def _files(path: Path):
    """(name, bytes) of each picture in a zip or a folder, subfolders too, in order of names."""
    if not path.exists():
        raise ValueError(f"{path}: no such zip or folder")
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() in KINDS:
                yield str(file.relative_to(path)), file.read_bytes()
        return
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if Path(name).suffix.lower() in KINDS:
                    yield name, archive.read(name)
    except zipfile.BadZipFile:
        raise ValueError(f"{path}: neither a folder nor a zip") from None
