"""The emulator, host/emulator, from Python: memory, figures, running, faults with function names.

A Machine is a chip, the bench, or a core with RAM alone; whim.board, whim.flagship and whim.bench
put the world around it.
"""

import ctypes
from bisect import bisect_right
from functools import partial
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from whim.device import ROOT, DeviceError

LIBRARY = ROOT / ".pio/build/emulator"
FLASH, ITCM, SHARED = (0, 16 << 10), (0x200A_0000, 128 << 10), (0x2010_0000, 512 << 10)
CODE = {  # of each core: where
    "ch32v003": [[FLASH, (0x2000_0000, 2 << 10)]],
    "ch32v002": [[FLASH, (0x2000_0000, 4 << 10)]],
    "ch32h417": [[SHARED], [ITCM]],
    "bench": [[ITCM]],
}
TIME, FAULT, ECALL, HALTED = 1, 2, 3, 4  # why the emulator stopped
FIGURES = (
    "ticks", "cycles", "slept", "retired", "hertz", "resets", "lowest_sp", "pc", "fault_pc",
    "fault_address", "waiting", "fault_core", "started", "lowest_sp_address",
)  # fmt: skip
OPTIONS = (
    "deliver_faults", "stack_limit", "i2c_stuck", "adc_noise", "lsi_jitter", "lsi_stopped",
    "card_length", "card_bandwidth", "card_latency", "card_pause", "card_pause_chance",
    "stack_limit_v5f", "rng_fault", "sd_wiring", "sd_kind", "sd_bandwidth", "sd_latency",
    "sd_pause", "sd_pause_chance", "sd_write", "sd_torn", "sd_high_speed",
)  # fmt: skip
SD_FIGURES = (
    "commands", "blocks_read", "blocks_written", "read_commands", "read_ticks", "paused_ticks",
    "hertz", "wires", "inserted",
)  # fmt: skip
DAC_FIGURES = "values", "late", "lost", "level"
I2C = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int)
UART = ctypes.CFUNCTYPE(None, ctypes.c_int)
CARD_BEGINS = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_uint32)
SD_FATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_uint32)
CARD_ENDS = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)


class BoardError(DeviceError):
    """The board is not built, or its program did what it must not."""


def load_library() -> ctypes.CDLL:
    """The emulator; a BoardError that says how to build it where it is missing."""
    kinds = (".so", ".dylib", ".dll")
    found = [path for path in LIBRARY.glob("libboard.*") if path.suffix in kinds]
    if not found:
        raise BoardError("the virtual boards are not built: run `pio run -e emulator`")
    library = ctypes.CDLL(str(found[0]))
    pointer, u32, u64 = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    text, bytes_ = ctypes.c_char_p, ctypes.c_char_p
    for name, answer, *arguments in (
        ("new_bare", pointer, u32, u32, u32), ("new_ch32v003", pointer), ("new_bench", pointer),
        ("new_ch32v002", pointer), ("new_ch32h417", pointer),
        ("core_figure", u64, pointer, u32, ctypes.c_int),
        ("core_cycle_model", text, pointer, u32),
        ("core_profile", u64, pointer, u32, u32, ctypes.c_int),
        ("sd", None, pointer, pointer, u32), ("sd_insert", None, pointer, ctypes.c_int),
        ("sd_fate", None, pointer, pointer), ("sd_figure", u64, pointer, ctypes.c_int),
        ("dac", u32, pointer, pointer, pointer, u32), ("dac_figure", u64, pointer, ctypes.c_int),
        ("register_ch32v002", ctypes.c_int, u32, *(ctypes.c_void_p,) * 4),
        ("register_ch32h417", ctypes.c_int, u32, *(ctypes.c_void_p,) * 4),
        ("free", None, pointer), ("card", None, pointer, bytes_, u32, u64, CARD_BEGINS, CARD_ENDS),
        ("callbacks", None, pointer, I2C, UART), ("write", ctypes.c_int, pointer, u32, bytes_, u32),
        ("read", ctypes.c_int, pointer, u32, bytes_, u32), ("power_on", None, pointer, u64),
        ("reset", None, pointer, u32), ("run", ctypes.c_int, pointer, u64),
        ("halt", None, pointer), ("figure", u64, pointer, ctypes.c_int), ("x", u32, pointer, u32),
        ("set_pc", None, pointer, u32), ("fault_text", text, pointer),
        ("cycle_model", text, pointer), ("option", None, pointer, ctypes.c_int, u32),
        ("drive", ctypes.c_int, pointer, u64, u32, u32, u32), ("release", None, pointer),
        ("type", u32, pointer, bytes_, u32), ("snapshot_bytes", u32, pointer),
        ("snapshot", None, pointer, bytes_), ("restore", ctypes.c_int, pointer, bytes_),
        ("profile_start", ctypes.c_int, pointer),
        ("register", ctypes.c_int, u32, *(ctypes.c_void_p,) * 4),
    ):  # fmt: skip
        function = getattr(library, f"board_{name}")
        function.restype, function.argtypes = answer, arguments
    return library


class Machine:
    """The emulator's board, from Python: memory, figures, running, faults with function names."""

    def __init__(
        self,
        image: Path | None,
        kind: str = "ch32v003",
        *,
        isa: int | None = None,
        size: int = 1 << 20,
    ):
        self._library = load_library()
        self.symbols: list[tuple[int, bool, str]] = []  # address, local, name: of code
        self.addresses: dict[str, int] = {}
        self._code = CODE.get(kind, [])
        if isa is None:
            self._board = getattr(self._library, f"board_new_{kind}")()
        else:  # a core with RAM alone: tests of the core
            self._board = self._library.board_new_bare(isa, 0x8000_0000, size)
        if not self._board:
            raise MemoryError("no memory for a virtual board")
        self.data_end = 0
        if image:
            self.load(image)

    def __del__(self):
        self.free()

    def free(self) -> None:
        if getattr(self, "_board", None):
            self._library.board_free(self._board)
            self._board = None

    def call(self, name: str, *arguments):
        if not self._board:
            raise BoardError("this board has been put away")
        return getattr(self._library, f"board_{name}")(self._board, *arguments)

    def load(self, image: Path) -> None:
        """Flash an ELF file, and learn its symbols."""
        with open(image, "rb") as file:
            try:
                elf = ELFFile(file)
            except ELFError:
                raise BoardError(f"{image} is no image of a board, which is an ELF file") from None
            for segment in elf.iter_segments("PT_LOAD"):
                if segment["p_filesz"]:
                    self.write(segment["p_paddr"], segment.data())
            for section in elf.iter_sections():
                if section["sh_flags"] & 2 and section["sh_addr"] >= 0x2000_0000:
                    self.data_end = max(self.data_end, section["sh_addr"] + section["sh_size"])
            self.entry = elf["e_entry"]
            self._learn(elf)

    def learn(self, image: Path) -> None:
        """Learn an ELF file's symbols, too: those of another core's program, flashed already."""
        with open(image, "rb") as file:
            self._learn(ELFFile(file))

    def _learn(self, elf: ELFFile) -> None:
        table = elf.get_section_by_name(".symtab")
        for symbol in table.iter_symbols() if table else ():
            if not symbol.name or symbol["st_shndx"] == "SHN_UNDEF":
                continue
            self.addresses.setdefault(symbol.name, symbol["st_value"])
            if symbol["st_shndx"] == "SHN_ABS":
                continue
            code = elf.get_section(symbol["st_shndx"])["sh_flags"] & 4
            if code and not symbol.name.startswith((".L", "$")):
                local = symbol["st_info"]["bind"] == "STB_LOCAL"  # a linker script's are not
                self.symbols.append((symbol["st_value"], local, symbol.name))
        self.symbols.sort()

    def write(self, address: int, data: bytes) -> None:
        if not self.call("write", address, data, len(data)):
            raise BoardError(f"no memory for {len(data)} bytes at 0x{address:08x}")

    def read(self, address: int, count: int) -> bytes:
        data = ctypes.create_string_buffer(count)
        if not self.call("read", address, data, count):
            raise BoardError(f"no memory with {count} bytes at 0x{address:08x}")
        return data.raw

    def snapshot(self) -> bytes:
        """All that changes while it runs."""
        data = ctypes.create_string_buffer(self.call("snapshot_bytes"))
        self.call("snapshot", data)
        return data.raw

    def restore(self, snapshot: bytes) -> None:
        """Be again as when that was taken, of this machine or of one just like it."""
        if not self.call("restore", snapshot):
            raise BoardError("that snapshot is of another image, or of a card of another size")

    def figure(self, name: str, core: int = 0) -> int:
        return self.call("core_figure", core, FIGURES.index(name))

    def sd_figure(self, name: str) -> int:
        return self.call("sd_figure", SD_FIGURES.index(name))

    def dac_figure(self, name: str) -> int:
        return self.call("dac_figure", DAC_FIGURES.index(name))

    def option(self, name: str, value: int) -> None:
        self.call("option", OPTIONS.index(name), value)

    def where(self, address: int) -> str:
        """An address, with the function around it."""
        at = address & ~0x0800_0000 if address >> 16 == 0x0800 else address
        index = bisect_right(self.symbols, (at, True, "\x7f"))
        if not index:
            return f"0x{address:08x}"
        start, _, name = self.symbols[index - 1]
        return f"0x{address:08x} in {name}" + (f"+0x{at - start:x}" if at > start else "")

    def fault(self) -> str:
        words = self.call("fault_text").decode()
        return f"{words}, at {self.where(self.figure('fault_pc'))}"

    @property
    def cycle_model(self) -> str:
        return self.core_model(0)

    def core_model(self, core: int) -> str:
        """The name of the model that says how many cycles its instructions take."""
        return self.call("core_cycle_model", core).decode()

    def profile(self, core: int = 0) -> dict[str, tuple[int, int]]:
        """Since profile_start: instructions and cycles of each function in the memories that a
        core's code runs from, dearest first."""
        found: dict[str, tuple[int, int]] = {}
        count = partial(self.call, "core_profile", core)
        for place in (start + 2 * i for start, size in self._code[core] for i in range(size // 2)):
            if instructions := count(place, 0):
                name = self.where(place).split(" in ")[-1].split("+")[0]
                old = found.get(name, (0, 0))
                found[name] = old[0] + instructions, old[1] + count(place, 1)
        return dict(sorted(found.items(), key=lambda item: -item[1][1]))

    def registers(self, chip: str = "ch32v003") -> dict[str, tuple[int, int, int]]:
        """Of the models' registers: address, bits, value after reset."""
        ask = getattr(self._library, "board_register" + f"_{chip}" * (chip != "ch32v003"))
        found, place = {}, ctypes.c_char_p()
        numbers = [ctypes.c_uint32() for _ in range(3)]
        references = [ctypes.byref(place), *map(ctypes.byref, numbers)]
        while ask(len(found), *references):
            found[place.value.decode()] = tuple(number.value for number in numbers)
        return found
