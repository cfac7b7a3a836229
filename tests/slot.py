"""A slot for cards: the drivers of tests/firmware/files.c, and a card whose blocks are an image."""

import _ctypes
import ctypes
import mmap
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
FATFS = ROOT / ".pio/fatfs"
OK, DONE, BUSY, MISSING, READ, WRITE, NO_FILE = 0, 1, 2, -16, -17, -18, -19
DAMAGED, SILENT, REFUSED = 1, 2, 3  # faults
BLOCK, LOG, PAGE = 512, 8192, 1 << 16
U32, I32, POINTER = ctypes.c_uint32, ctypes.c_int32, ctypes.c_void_p
DRIVERS = ["sd", "sd_mmc", "sd_spi", "crc_sd", "fat", "fat_file", "fat_write",
           "fat_disk", "card"]  # fmt: skip
SLOT = ["files", "slot_card", "slot_native", "slot_spi"]
FLAGS = ["-std=c99", "-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-Wall",
         "-Wextra", "-Wpedantic", "-Werror", "-DWHIM_SD=1", "-shared", "-fPIC"]  # fmt: skip


class World(ctypes.Structure):
    _fields_ = [
        ("image", POINTER), ("blocks", U32), ("native", I32), ("spi", I32), ("present", I32),
        ("high_capacity", I32), ("first_version", I32), ("high_speed", I32), ("latency", U32),
        ("busy", U32), ("fault", I32), ("fault_block", U32), ("fault_times", U32),
        ("hertz_most", U32), ("pull_after", I32), ("read_only", I32), ("commands", U32),
        ("reads", U32), ("single_reads", U32), ("read_blocks", U32), ("writes", U32),
        ("starts", U32), ("logged", U32), ("log_block", U32 * LOG),
        ("log_bytes", ctypes.c_uint8 * BLOCK * LOG), ("complaint", ctypes.c_char * 160),
    ]  # fmt: skip


def build(made: Path) -> Path:
    """The library; it stops at the first undefined behaviour."""
    compiler = shutil.which("cc") or pytest.fail("there is no C compiler `cc`")
    if not (FATFS / "ff.c").is_file():
        pytest.fail("FatFs is not here: `make setup`, or `python platforms/whim/fatfs.py`")
    sources = [f"tests/firmware/{name}.c" for name in SLOT]
    sources += [f"src/drivers/{name}.c" for name in DRIVERS]
    sources += [str(FATFS / "ff.c"), str(FATFS / "ffunicode.c")]
    folders = ["-Iinclude", "-Isrc", f"-I{FATFS}", "-idirafter", "src/drivers/fatfs"]
    subprocess.run([compiler, *FLAGS, *folders, *sources, "-o", made], cwd=ROOT, check=True)
    return made


class Slot:
    """The drivers, started afresh, and a card with this image in the slot. `image` changes as the
    card is written; it has whole blocks."""

    def __init__(self, library: Path, image: bytes, bus: str = "sdmmc", **world):
        self._bytes = (ctypes.c_uint8 * len(image)).from_buffer(_memory(image))
        self.library = ctypes.CDLL(str(library))
        self.world = World.in_dll(self.library, "world")
        self.library.files_bus.restype = ctypes.c_char_p
        self._restart(bus)
        for name, value in world.items():
            setattr(self.world, name, value)

    def _restart(self, bus: str) -> None:
        native, in_spi = bus in ("sdmmc", "both"), bus in ("spi", "both")
        blocks = len(self._bytes) // BLOCK
        self.library.files_reset(self._bytes, blocks, native, in_spi)

    def close(self) -> None:
        _ctypes.dlclose(self.library._handle)

    @property
    def bus(self) -> str:
        return self.library.files_bus().decode()

    @property
    def hertz(self) -> int:
        return self.library.files_hertz()

    @property
    def wires(self) -> int:
        return self.library.files_wires()

    @property
    def blocks(self) -> int:
        return self.library.files_blocks()

    @property
    def ms(self) -> int:
        """Milliseconds that have passed."""
        return self.library.port_millis()

    @property
    def image(self) -> bytes:
        return bytes(self._bytes)

    def open(self, name: str, file: int = 0) -> int:
        return self._status(self.library.files_open(file, name.encode("latin-1")))

    def length(self, file: int = 0) -> int:
        return self.library.files_length(file)

    def read(self, offset: int, count: int, file: int = 0, skew: int = 0) -> bytes | int:
        """Bytes, or the error. `skew`: how far from an aligned place they are to be put."""
        room = Room(count, skew)
        status = self._status(self.library.files_read(file, offset, room.place, count))
        assert room.whole(), "written beside the buffer"
        return room.bytes() if status == OK else status

    def start(self, offset: int, room: "Room", file: int = 0) -> int:
        return self._status(self.library.files_start(file, offset, room.place, room.count))

    def poll(self, file: int = 0) -> int:
        return self._status(self.library.files_poll(file))

    def wait(self, file: int = 0) -> int:
        while (status := self.poll(file)) == BUSY:
            pass
        return status

    def write(self, name: str, offset: int, data: bytes, skew: int = 0) -> int:
        room = Room(len(data), skew, data)
        status = self.library.card_write(name.encode("latin-1"), offset, room.place, len(data))
        return self._status(ctypes.c_int(status).value)

    def file(self, name: str, step: int = 1 << 16) -> bytes | int:
        """All of a file, or the error."""
        status = self.open(name)
        if status:
            return status
        parts = []
        for offset in range(0, self.length(), step):
            parts.append(self.read(offset, min(step, self.length() - offset)))
            if isinstance(parts[-1], int):
                return parts[-1]
        return b"".join(parts)

    def pull(self) -> None:
        self.world.present = 0

    def insert(self, image: bytes | None = None) -> None:
        """The card again, or another one with this image, which is no longer than the first."""
        if image is not None:
            ctypes.memmove(self._bytes, image, len(image))
            self.world.blocks = len(image) // BLOCK
        self.library.insert()

    def log(self) -> list[tuple[int, bytes]]:
        """The blocks that were written, in order."""
        assert self.world.logged < LOG, "more were written than the log holds"
        return [(self.world.log_block[i], bytes(self.world.log_bytes[i]))
                for i in range(self.world.logged)]  # fmt: skip

    def _status(self, status: int) -> int:
        assert not self.world.complaint, self.world.complaint.decode()
        return status


def _memory(image: bytes) -> mmap.mmap:
    """A copy of an image; most of one is empty, and takes no memory."""
    memory = mmap.mmap(-1, len(image))
    for at in range(0, len(image), PAGE):
        if (page := image[at : at + PAGE]) != bytes(len(page)):
            memory[at : at + PAGE] = page
    return memory


class Room:
    """Memory for `count` bytes with guards around it."""

    def __init__(self, count: int, skew: int = 0, data: bytes = b""):
        self.count = count
        self._all = np.full(count + 96, 0xA5, np.uint8)
        self._at = 32 + -(self._all.ctypes.data + 32) % 16 + skew
        self.place = ctypes.c_void_p(self._all.ctypes.data + self._at)
        self._all[self._at : self._at + len(data)] = np.frombuffer(data, np.uint8)

    def bytes(self) -> bytes:
        return self._all[self._at : self._at + self.count].tobytes()

    def whole(self) -> bool:
        ends = self._all[: self._at], self._all[self._at + self.count :]
        return all((end == 0xA5).all() for end in ends)
