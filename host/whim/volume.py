"""Images of cards: a volume with files on it, alone or in a partition of an MBR, as cameras and PCs
make them. Debian's own tools do the work: mkfs.fat (dosfstools) and mcopy (mtools) for FAT16 and
FAT32, mkfs.exfat (exfatprogs) for exFAT, which host/whim/exfat.py fills.

    make("card.img", {"cat4.whim": Path("card/cat4.whim"), "cats/00001.bmp": b"..."})
    contents("card.img")      # every file by name
    complaints("card.img")    # what fsck finds

The same files give the same image, byte for byte. Where an image is read, its bytes will do, too.
"""

import os
import re
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from . import exfat

SECTOR = 512
PAGE = 1 << 16
START = 2048  # sectors before the partition: 1 MiB, where partitioning programs begin, too
TYPES = {"fat12": 0x01, "fat16": 0x06, "fat32": 0x0C, "exfat": 0x07}
PACKAGES = {"mkfs.fat": "dosfstools", "fsck.fat": "dosfstools", "mcopy": "mtools", "mmd": "mtools",
            "mkfs.exfat": "exfatprogs", "fsck.exfat": "exfatprogs"}  # fmt: skip
DATE = 1767225600  # of all that is made: 1 January 2026

# What a power cut may leave behind: clusters that belong to nobody, and counts and copies that are
# a step behind. Nobody's bytes are lost by that.
HARMLESS = re.compile(
    r"FATs differ but appear to be intact|Using first FAT|Auto-correcting"
    r"|Free cluster summary (wrong|uninitialized)|Reclaimed \d+ unused clusters?"
    r"|cluster chain length is > \d+ bytes|Truncating file to \d+ bytes|^/\S+$"
)
SERIAL = 0x57484D21
ROOM = 32 << 20  # bytes for what the device writes, and more
LEAST = 64 << 20


class MissingTool(OSError):
    """A program that makes images is not installed: a sentence that says how to get it."""


def make(
    path: str | Path,
    files: Mapping[str, bytes | Path],
    *,
    filesystem: str = "fat32",
    table: bool = True,
    size: int | None = None,
    cluster: int | None = None,
    label: str = "WHIM",
) -> None:
    """Write an image of `size` bytes to `path`: a power of two with room to spare where none is
    given. `cluster`: bytes in a cluster, where the tool is not to choose. Raises MissingTool, and
    ValueError where the files do not fit."""
    path = Path(path)
    for tool in ["mkfs.exfat"] if filesystem == "exfat" else ["mkfs.fat", "mcopy"]:
        _find(tool)
    data = {name: bytes(it) if not isinstance(it, Path) else it.read_bytes()
            for name, it in files.items()}  # fmt: skip
    total = sum(map(len, data.values()))
    if size is None:
        size = LEAST
        while size < total + ROOM:
            size *= 2
    start = START if table else 0
    sectors = size // SECTOR - start
    with tempfile.TemporaryDirectory(dir=path.resolve().parent) as aside:
        made = Path(aside) / "image"
        with made.open("wb") as image:
            image.truncate(size)
        if filesystem == "exfat":
            _make_exfat(made, start, sectors, data, cluster, label)
        else:
            _make_fat(made, start, sectors, data, filesystem, cluster, label)
        if table:
            with made.open("r+b") as image:
                image.write(_table(TYPES[filesystem], start, sectors))
        os.replace(made, path)


def contents(image: str | Path | bytes) -> dict[str, bytes]:
    """Every file of an image by its name, read by mtools, or on exFAT by exfat.py, which raises
    ValueError where something is damaged."""
    with _alone(image) as file, tempfile.TemporaryDirectory() as folder:
        if _is_exfat(file):
            return exfat.Volume(file.read_bytes()).files()
        out = Path(folder)
        try:
            _run(_find("mcopy"), "-s", "-n", "-Q", "-i", file, "::*", out)
        except ValueError as error:
            if "No match" not in str(error):  # an empty volume
                raise
        return {path.relative_to(out).as_posix(): path.read_bytes()
                for path in sorted(out.rglob("*")) if path.is_file()}  # fmt: skip


def complaints(image: str | Path | bytes, cut: bool = False) -> list[str]:
    """What fsck finds, line by line: nothing for a volume in order. `cut`: leave out what is no
    damage after a power cut."""
    with _alone(image) as file:
        tool = _find("fsck.exfat" if _is_exfat(file) else "fsck.fat")
        run = subprocess.run([tool, "-n", file], capture_output=True, text=True,
                             stdin=subprocess.DEVNULL)  # fmt: skip
    if run.returncode == 0:
        return []
    quiet = re.compile(r"^(fsck.fat \d|exfatprogs|Checking|Leaving|\S+: .*(files|clusters)|$)")
    lines = map(str.strip, (run.stdout + run.stderr).replace(str(file), "volume").splitlines())
    told = [line for line in lines if not quiet.match(line)] or [f"status {run.returncode}"]
    return [line for line in told if not (cut and HARMLESS.search(line))]


def start_of(image: bytes | memoryview) -> int:
    """Where the volume begins in an image, in sectors."""
    jump, end = bytes(image[:1]), bytes(image[510:512])
    return struct.unpack_from("<I", image, 454)[0] if end == b"\x55\xaa" and jump == b"\0" else 0


@contextmanager
def _alone(image: str | Path | bytes) -> Iterator[Path]:
    """A file with the volume alone, without what lies before its partition; only to be read."""
    if isinstance(image, str | Path):
        with Path(image).open("rb") as file:
            if not start_of(file.read(SECTOR)):
                yield Path(image)
                return
        image = Path(image).read_bytes()
    data = memoryview(image)[SECTOR * start_of(image) :]
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "volume"
        with alone.open("wb") as file:
            for at in range(0, len(data), PAGE):  # cards are mostly empty, and holes take no time
                if (page := bytes(data[at : at + PAGE])) != bytes(len(page)):
                    file.seek(at)
                    file.write(page)
            file.truncate(len(data))
        yield alone


def _is_exfat(file: Path) -> bool:
    with file.open("rb") as opened:
        return exfat.is_exfat(opened.read(SECTOR))


def missing_packages() -> list[str]:
    """Debian packages that have what is needed here and are not installed."""
    return sorted({package for tool, package in PACKAGES.items() if not _which(tool)})


def _which(tool: str) -> str | None:
    return shutil.which(tool, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")


def _find(tool: str) -> str:
    found = _which(tool)
    if not found:
        raise MissingTool(f"{tool} is missing: install it with `apt-get install {PACKAGES[tool]}`")
    return found


def _table(kind: int, start: int, sectors: int) -> bytes:
    """An MBR with one partition; the old addresses by cylinder say that they are not used."""
    entry = struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", kind, b"\xfe\xff\xff", start, sectors)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def _run(*command) -> None:
    # mtools and mkfs.fat put this date on what they make, and not today's.
    fixed = os.environ | {"SOURCE_DATE_EPOCH": str(DATE), "TZ": "UTC", "MTOOLSRC": os.devnull,
                          "MTOOLS_SKIP_CHECK": "1"}  # fmt: skip
    done = subprocess.run(list(map(str, command)), env=fixed, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)  # fmt: skip
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"status {done.returncode}"]
        raise ValueError(f"{Path(command[0]).name}: {said[-1]}")


def _make_fat(made, start, sectors, files, filesystem, cluster, label) -> None:
    kind = filesystem.removeprefix("fat")
    flags = ["-F", kind, "-n", label, "-i", f"{SERIAL:08x}", "--invariant", "-h", start]
    if not cluster and filesystem == "fat32":  # as few and as large ones as FAT32 may have
        cluster = max(SECTOR, min(32768, 1 << (sectors * SECTOR // 66_000).bit_length() - 1))
    if cluster:
        flags += ["-s", cluster // SECTOR]
    _run(_find("mkfs.fat"), *flags, f"--offset={start}", made, sectors // 2)
    with tempfile.TemporaryDirectory(dir=made.parent) as folder:
        folders = set()
        for name, data in files.items():
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            os.utime(file, (DATE, DATE))
            above = name.rpartition("/")[0]
            drive = f"{made}@@{start * SECTOR}"
            if above and above not in folders:
                folders.add(above)
                _run(_find("mmd"), "-i", drive, f"::{above}")
            _run(_find("mcopy"), "-m", "-i", drive, file, f"::{name}")


def _make_exfat(made, start, sectors, files, cluster, label) -> None:
    volume = made.with_name("volume")
    with volume.open("wb") as file:
        file.truncate(sectors * SECTOR)
    flags = ["-c", cluster] if cluster else []
    _run(_find("mkfs.exfat"), "-L", label, *flags, volume)
    data = bytearray(volume.read_bytes())
    volume.unlink()
    made_volume = exfat.Volume(data)
    made_volume.name(start, SERIAL)
    made_volume.fill(files)
    with made.open("r+b") as image:
        image.seek(start * SECTOR)
        image.write(data)
