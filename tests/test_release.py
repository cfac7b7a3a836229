"""What `make release` makes."""

import subprocess
import sys
import zipfile
from pathlib import Path

from whim import bank, packing

ROOT = Path(__file__).resolve().parent.parent
FILES = {"whim-ch32h417.bin", "whim-ch32v003.bin", "whim-card.zip", "README.txt"}


def release(folder):
    command = [sys.executable, ROOT / "host/release.py", "--out", folder]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_release_has_both_images_a_card_to_unzip_and_a_line_that_flashes_each(tmp_path):
    said = release(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    for board in ("ch32h417", "ch32v003"):
        image = (ROOT / f".pio/build/{board}/firmware.bin").read_bytes()
        assert (tmp_path / f"whim-{board}.bin").read_bytes() == image
        assert f"{board}: minichlink -w whim-{board}.bin flash -b\n" in said
    with zipfile.ZipFile(tmp_path / "whim-card.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            path.name: path.read_bytes()
            for path in (packing.CARD / "cat4.whim", packing.CARD / "cat8.whim", bank.PATH)
        }


def test_the_same_files_give_the_same_release(tmp_path):
    for name in ("one", "two"):
        release(tmp_path / name)
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
