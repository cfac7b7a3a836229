"""Images of cards, as host/pack.py --image makes them: sound by Debian's checkers, with the files
that they were made of."""

import subprocess
import sys
from pathlib import Path

import pytest
from card_images import require_tools

from whim import bank, integers, packing, volume
from whim.volume import complaints, contents

ROOT = Path(__file__).resolve().parents[1]
FILES = {"cat4.whim": bytes(range(256)) * 9000, "cats/00001.bmp": b"cat" * 4000, "empty": b"",
         "a-name_that-is_longer.than8": b"x" * 1000}  # fmt: skip
KINDS = "fat16", "fat32", "exfat"


@pytest.fixture(autouse=True)
def tools():
    require_tools()


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("filesystem", KINDS)
def test_an_image_has_the_files_and_nothing_to_complain_of(tmp_path, filesystem, table):
    path = tmp_path / "card.img"
    volume.make(path, FILES, filesystem=filesystem, table=table)
    assert contents(path) == FILES and complaints(path) == []
    assert path.stat().st_size == 64 << 20
    image = path.read_bytes()
    assert volume.start_of(image) == (2048 if table else 0)
    volume.make(path, FILES, filesystem=filesystem, table=table)
    assert path.read_bytes() == image, "the same every time"
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"


def test_a_card_is_as_large_as_its_files_need(tmp_path):
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(70 << 20)
    volume.make(tmp_path / "card.img", {"big": big})
    assert (tmp_path / "card.img").stat().st_size == 128 << 20


@pytest.mark.parametrize("filesystem", KINDS)
def test_what_does_not_fit_is_refused(tmp_path, filesystem):
    path = tmp_path / "card.img"
    path.write_bytes(b"before")
    with pytest.raises(ValueError):
        volume.make(path, {"big": bytes(40 << 20)}, filesystem=filesystem, size=36 << 20)
    assert path.read_bytes() == b"before"


def test_a_missing_tool_is_named_with_its_package(tmp_path, monkeypatch):
    monkeypatch.setattr(volume.shutil, "which", lambda tool, path=None: None)
    with pytest.raises(volume.MissingTool, match="mkfs.fat.*apt-get install dosfstools"):
        volume.make(tmp_path / "card.img", {})
    with pytest.raises(volume.MissingTool, match="mkfs.exfat.*apt-get install exfatprogs"):
        volume.make(tmp_path / "card.img", {}, filesystem="exfat")


@pytest.mark.parametrize("filesystem", KINDS)
def test_damage_is_told(tmp_path, filesystem):
    path = tmp_path / "card.img"
    volume.make(path, FILES, filesystem=filesystem)
    image = bytearray(path.read_bytes())
    name = b"CAT4" if filesystem != "exfat" else "cat4".encode("utf-16-le")
    at = image.index(name)
    image[at - (62 if filesystem == "exfat" else 0)] ^= 0x20  # its checksum, or its first letter
    image[at + (26 if filesystem != "exfat" else -12)] ^= 0x1F  # its first cluster
    assert complaints(image) and complaints(image, cut=True)


def test_pack_makes_an_image_with_all_that_the_device_wants(tmp_path):
    image = tmp_path / "card.img"
    words = ["--image", image, "--filesystem", "exfat", "--no-table"]
    run = subprocess.run([sys.executable, ROOT / "host/pack.py", *map(str, words)],
                         capture_output=True, text=True)  # fmt: skip
    assert run.returncode == 0, run.stderr
    files = contents(image)
    assert files.pop("phrases.bank") == bank.PATH.read_bytes()
    for name, source in packing.CATS.items():
        model = integers.load(packing.DATA / f"{source}.npz")
        assert files.pop(f"{name}.whim") == packing.pack_streamed(model)
    assert not files
    assert complaints(image) == []
