"""The SPI driver of cards, FatFs above it, on QEMU's `sifive_u`: with a card model that nobody here
wrote a real image is read, and what is written to it is a sound volume afterwards."""

import os
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from card_images import require_tools
from slot import DRIVERS, FATFS, NO_FILE

from whim import volume

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "tests/riscv"
GCC, QEMU = "riscv64-unknown-elf-gcc", "qemu-system-riscv32"
RANDOM = np.random.default_rng(17)
FILES = {
    "cat4.whim": RANDOM.bytes(3_000_000),
    "cats/00001.bmp": RANDOM.bytes(12_800),
    "odd": RANDOM.bytes(777),
}


@pytest.fixture(scope="session")
def program(tmp_path_factory) -> Path:
    """tests/riscv/sifive_u.c with all drivers, whose files' names the test writes into it."""
    if not shutil.which(QEMU):
        if os.environ.get("WHIM_REQUIRE_QEMU"):
            pytest.fail(f"{QEMU} is missing")
        pytest.skip(f"{QEMU} is not here: apt-get install qemu-system-misc")
    made = tmp_path_factory.mktemp("sifive") / "program"
    sources = [HERE / "sifive_u.S", HERE / "sifive_u.c", ROOT / "src/engine/crc.c"]
    sources += [ROOT / f"src/drivers/{name}.c" for name in DRIVERS if name != "card"]
    sources += [ROOT / "src/ports/ch32v003/memory.c", FATFS / "ff.c", FATFS / "ffunicode.c"]
    flags = ["-march=rv32imac", "-misa-spec=2.2", "-mabi=ilp32", "-std=gnu99", "-O2", "-static",
             "-ffreestanding", "-nostdlib", "-nostartfiles", "-fno-tree-loop-distribute-patterns",
             "-Wall", "-Wextra", "-Werror", "-DWHIM_SD=1", f"-T{HERE / 'bare.ld'}"]  # fmt: skip
    folders = [f"-I{ROOT}/include", f"-I{ROOT}/src", f"-I{FATFS}"]
    folders += ["-idirafter", ROOT / "src/drivers/fatfs"]
    command = [GCC, *flags, *folders, *sources, "-lgcc", "-o", made]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return made


def run(program: Path, image: Path, names: list[str]) -> list[str]:
    """What the program tells of these files of a card."""
    table = "".join(name + "\0" for name in names).encode()
    told = program.with_name("told")
    told.write_bytes(program.read_bytes().replace(b"@" + bytes(255), table.ljust(256, b"\0"), 1))
    command = [QEMU, "-M", "sifive_u", "-smp", "2", "-bios", "none", "-kernel", told, "-display",
               "none", "-monitor", "none", "-serial", "stdio", "-semihosting", "-drive",
               f"file={image},if=sd,format=raw"]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("filesystem", ["fat16", "fat32", "exfat"])
def test_qemus_card_is_read_and_written(program, tmp_path, filesystem):
    require_tools()
    image = tmp_path / "card.img"
    volume.make(image, FILES, filesystem=filesystem, size=64 << 20)
    lines = run(program, image, [*FILES, "none"])
    for line, (name, data) in zip(lines, FILES.items(), strict=False):
        assert line == f"{name} status=0 length={len(data)} crc={zlib.crc32(data)}"
    assert lines[3:] == [f"none error={-NO_FILE} length=0 crc=0", f"spi blocks={64 * 2048}",
                         "over status=0", "new status=0"]  # fmt: skip
    written = bytes(i * 7 + i // 251 & 255 for i in range(50_000))
    over = FILES["cat4.whim"]
    over = over[:1000] + written[:5000] + over[6000:]
    assert volume.contents(image) == FILES | {"cat4.whim": over, "made/here.bin": written}
    assert volume.complaints(image) == []


def test_qemus_card_of_high_capacity_is_read_and_written(program, tmp_path):
    """Of 4 GB, most of which is a hole: addresses of such a card count blocks."""
    require_tools()
    image = tmp_path / "card.img"
    small = {"none": b"", "odd": FILES["odd"]}
    volume.make(image, small, table=False, size=4 << 30)
    lines = run(program, image, ["odd", "none"])
    assert lines[0] == f"odd status=0 length=777 crc={zlib.crc32(small['odd'])}"
    assert lines[2:] == [f"spi blocks={8 << 20}", "over error=18", "new status=0"], "too short"
    assert volume.contents(image).keys() == {*small, "made/here.bin"}
    assert volume.complaints(image) == []


def test_an_empty_card_of_qemu_has_no_volume(program, tmp_path):
    require_tools()
    blank = tmp_path / "card.img"
    blank.write_bytes(bytes(1 << 22))
    assert re.match(r"odd error=17 ", run(program, blank, ["odd"])[0])
