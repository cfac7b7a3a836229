#!/usr/bin/env python3
"""Put what a release has into one folder: firmware for each board, and what belongs on a card.

    make release                              builds and packs everything first, into release/
    python host/release.py --out FOLDER       only collects what has been built and packed

It prints each file with its SHA-256, and for each board the command that flashes it, which
release/README.txt repeats. The same sources give the same bytes.
"""

import argparse
import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

from whim import bank, packing

ROOT = Path(__file__).resolve().parent.parent
BOARDS = ("ch32h417", "ch32v003")
CARD = "whim-card.zip"
DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip can hold: always the same


def firmware(board: str) -> str:
    return f"whim-{board}.bin"


def collect(build: Path, card: Path, out: Path) -> list[Path]:
    """Fill the folder `out`; answers its files. Raises FileNotFoundError for what is missing."""
    out.mkdir(parents=True, exist_ok=True)
    for board in BOARDS:
        shutil.copyfile(build / board / "firmware.bin", out / firmware(board))
    with zipfile.ZipFile(out / CARD, "w") as archive:
        for name in (*(f"{cat}.whim" for cat in packing.CATS), bank.PATH.name):
            entry = zipfile.ZipInfo(name, DATE)
            archive.writestr(entry, (card / name).read_bytes(), zipfile.ZIP_DEFLATED)
    (out / "README.txt").write_text(instructions())
    return [out / name for name in (*map(firmware, BOARDS), CARD, "README.txt")]


def instructions() -> str:
    lines = (f"{board}: minichlink -w {firmware(board)} flash -b\n" for board in BOARDS)
    return (
        "Flash with a WCH-LinkE (minichlink: https://github.com/cnlohr/ch32fun):\n\n"
        + "".join(lines)
        + f"\nUnzip {CARD} onto an SD card (FAT16, FAT32 or exFAT) for the ch32h417.\n"
        "docs/WIRING.md in the sources says what is connected to what.\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "release", metavar="FOLDER")
    out = parser.parse_args().out
    try:
        files = collect(ROOT / ".pio/build", packing.CARD, out)
    except OSError as error:
        print(f"release.py: {error}; `make release` builds what is needed", file=sys.stderr)
        return 1
    for path in files:
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")
    print(f"\n{instructions()}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
