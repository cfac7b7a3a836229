"""V3F of the virtual CH32H417 as a puppet: a test's accesses to registers, carried out one by one.

What the tests say to SDMMC, SPI1, the DMA and the DAC through it is written from the chip's facts,
and owes nothing to the port's drivers.
"""

import ctypes
import struct
import subprocess
from pathlib import Path

import numpy as np
from test_core import GCC, HERE

from whim.machine import SD_FATE, TIME, BoardError, Machine

STORE, STORE_HALF, STORE_BYTE, LOAD, WAIT, PAUSE = range(1, 7)
TICKS = 400  # a microsecond
SHARED = 0x2010_0000
CLOCKS = [  # 400 MHz from a crystal of 25 MHz, HCLK 100 MHz
    (STORE, "RCC_CTLR", 0x0001_0083), (WAIT, "RCC_CTLR", 1, 1 << 17),
    (STORE, "RCC_PLLCFGR", 0x30), (STORE, "RCC_CTLR", 0x0101_0083),
    (WAIT, "RCC_CTLR", 1, 1 << 25), (STORE, "RCC_CFGR0", 0x0002_0000),
    (STORE, "FLASH_KEYR", 0x4567_0123), (STORE, "FLASH_KEYR", 0xCDEF_89AB),
    (STORE, "FLASH_ACTLR", 0x4801), (STORE, "RCC_PLLCFGR", 0x8000_0030),
    (STORE, "RCC_CFGR0", 0x0002_0002), (WAIT, "RCC_CFGR0", 1, 8),
    (STORE, "RCC_HBPCENR", 0x403), (STORE, "RCC_HB2PCENR", 0x5 << 12 | 0x3D),
    (STORE, "RCC_HB1PCENR", 0xB000_0010), (WAIT, "RCC_HB1PCENR", 1, 1 << 31),
]  # fmt: skip
CARD_PINS = [  # VIO18 to 3.3 V; PC8 to PC12 and PD2 to the block
    (STORE, "PWR_CTLR", 0x0E00), (STORE, "SWPMI_OR", 1), (STORE, "GPIOC_CFGHR", 0x4449_9999),
    (STORE, "GPIOC_SPEED", 0x03FF_0000), (STORE, "GPIOD_CFGLR", 0x4444_4944),
    (STORE, "GPIOD_SPEED", 0x30),
]  # fmt: skip


def build(folder: Path) -> Path:
    out = folder / "puppet.elf"
    command = [GCC, "-march=rv32imac", "-misa-spec=2.2", "-mabi=ilp32", "-O2", "-ffreestanding",
               "-nostdlib", "-nostartfiles", f"-T{HERE}/puppet.ld", HERE / "puppet.c",
               "-o", out]  # fmt: skip
    subprocess.run(list(map(str, command)), check=True)
    return out


class Puppet:
    """A board with that program, its clocks set up. `card`: the bytes of a card, to be changed."""

    def __init__(self, image: Path, card: np.ndarray | None = None, seed: int = 1, **options):
        self.machine = Machine(image, "ch32h417")
        self._places = {name: at for name, (at, *_) in self.machine.registers("ch32h417").items()}
        self.card = card
        for name, value in options.items():
            self.machine.option(name, value)
        if card is not None:
            self.machine.call("sd", card.ctypes.data, card.nbytes)
            self.machine.call("sd_insert", 1)
        self._fate = None
        self.machine.call("power_on", seed)
        self.do(CLOCKS)

    @property
    def us(self) -> float:
        return self.machine.figure("ticks") / TICKS

    def fate(self, fate) -> None:
        """What becomes of blocks: fate(write, block)."""
        self._fate = SD_FATE(fate)
        self.machine.call("sd_fate", ctypes.cast(self._fate, ctypes.c_void_p))

    def tell(self, orders: list) -> None:
        """Give orders, without waiting for them."""
        table = b""
        for order in orders:
            kind, place, *more = order
            at = self._places[place] if isinstance(place, str) else place
            value, mask = (*more, 0, 0)[:2]
            if kind == PAUSE:
                at, value = 0, place
            table += struct.pack("<4I", kind, at, value & 0xFFFF_FFFF, mask)
        self.count = sum(order[0] == LOAD for order in orders)
        self.machine.write(self.machine.addresses["orders"], table + bytes(16))
        self.machine.write(self.machine.addresses["go"], (1).to_bytes(4, "little"))

    def run(self, us: float) -> None:
        if self.machine.call("run", int(us * TICKS)) != TIME:
            raise BoardError(self.machine.fault())

    def do(self, orders: list, us: float = 2_000_000) -> list[int]:
        """Give orders and see them done; what was loaded."""
        self.tell(orders)
        return self.finish(us)

    def finish(self, us: float = 2_000_000) -> list[int]:
        end, step = self.us + us, 4.0
        while int.from_bytes(self.machine.read(self.machine.addresses["go"], 4), "little"):
            if self.us > end:
                raise TimeoutError(f"not done after {us} us")
            self.run(step)
            step = min(2 * step, 1000)
        words = self.machine.read(self.machine.addresses["loaded"], 4 * self.count)
        return list(struct.unpack(f"<{self.count}I", words))
