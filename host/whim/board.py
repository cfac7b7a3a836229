"""A virtual board, handled like a real one, that runs the very image people flash.

    with Board("ch32v003", seed=7) as board:
        board.press()
        board.run(ms=2000)
        board.screen()   # bool (64, 128), True is a lit pixel
        board.console    # all that it has written to its console

It has the manners of whim.device.Device. The chip and its core are host/emulator, a library in C
(`pio run -e emulator`); the display and the terminal are here. What the image must not do (use a
block without a clock, set a reserved bit, overrun its stack) is a BoardError with program counter
and function. Nothing depends on the host, so a run is the same every time. The flagship, which has
a card and a loudspeaker too, is whim.flagship.
"""

import copy
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whim.device import ROOT, Handheld
from whim.display import ADDRESS, Display, DisplayError
from whim.environments import names, setting
from whim.machine import FAULT, I2C, UART, BoardError, Machine

SEED_MAGIC = 0x57484D53
LOW, NONE = 0, 2  # what a wire does to a pin
CHIPS = {  # of platformio.ini's environments that are not called after their chip
    name: chip
    for name in names()
    if (chip := setting(name, "board")) in ("ch32v003", "ch32v002") and name != chip
}


class Terminal:
    """What stands at the other end of the serial line: 115200 baud, 8 bits, no parity."""

    def __init__(self, machine: Machine):
        self._machine = machine
        self.bytes = b""

    @property
    def text(self) -> str:
        return self.bytes.decode(errors="replace").replace("\r\n", "\n")

    def type(self, text: str | bytes) -> None:
        data = text.encode() if isinstance(text, str) else text
        if self._machine.call("type", data, len(data)) != len(data):
            raise BoardError("more is typed than the terminal keeps")


@dataclass
class Transfer:
    """One I2C transaction: instructions and ms when it began and when it ended."""

    data: bytes
    began: tuple[int, int, float]  # retired, cycles, ms
    ended: tuple[int, int, float]


class Board(Handheld):
    """A board that has just been switched on.

    `name`: an environment of platformio.ini, whose image it runs, on the chip that this is for.
    `seed`: 0 to 2^64 - 1, or None for the chip's own noise, which `noise` makes repeatable.
    `image`: an ELF file in place of the one that `pio run` made. `display`: False leaves it
    unplugged. `i2c_fault(number, place, byte)`: called for every byte of every I2C transaction,
    both counted from 0, the address is at place 0; where it answers True nobody acknowledges.
    `on_frame(ms)`: called every millisecond. `faults`: "stop" the run, or "deliver" them to the
    program, as the chip would. `button`: the pin that it pulls to ground.
    """

    RAM_SIZES = {"ch32v003": 2048, "ch32v002": 4096}  # the first one is taken if none is named
    TICKS_PER_MS = 48_000
    RAM = 0x2000_0000  # where the program's data and its stack are
    BUTTON = "PC4"

    def __init__(
        self,
        name: str | None = None,
        seed: int | None = None,
        *,
        image: Path | None = None,
        noise: int = 1,
        display: bool = True,
        i2c_fault: Callable[[int, int, int], bool] | None = None,
        on_frame: Callable[[float], None] | None = None,
        faults: str = "stop",
        button: str | None = None,
    ):
        name = name or next(iter(self.RAM_SIZES))
        self.chip = CHIPS.get(name, name)
        if self.chip not in self.RAM_SIZES:
            known = " or a ".join(self.RAM_SIZES)
            raise BoardError(f"this virtual board is a {known}, and not a {name!r}")
        self.ram_bytes = self.RAM_SIZES[self.chip]
        self.name, self.seed = name, seed
        self._image = find_image(name, image)
        self.machine = Machine(self._image, self.chip)
        self._prepare()
        self.machine.option("deliver_faults", {"stop": 0, "deliver": 1}[faults])
        self.display = Display() if display else None
        self.uart = Terminal(self.machine)
        self.i2c_fault, self.on_frame = i2c_fault, on_frame
        self.transfers: list[Transfer] = []
        button = button or self.BUTTON
        self._button = "ABCDEF".index(button[1]), int(button[2:])
        self._pending: bytes | None = None
        self._began = (0, 0, 0.0)
        self._error: Exception | None = None
        self._callbacks = I2C(self._on_i2c), UART(self._on_uart)  # kept, or they are collected
        self.machine.call("callbacks", *self._callbacks)
        self._power_on(noise)

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Put the board away."""
        self.machine.free()

    @property
    def ms(self) -> float:
        """Time since the board was switched on first."""
        return self.machine.figure("ticks") / self.TICKS_PER_MS

    @property
    def console(self) -> str:
        return self.uart.text

    @property
    def instructions(self) -> int:
        """Retired since the board was switched on first."""
        return self.machine.figure("retired")

    @property
    def cycles(self) -> int:
        """Of the core's clock, by the model `cycle_model`, asleep or not."""
        return self.machine.figure("cycles")

    @property
    def cycle_model(self) -> str:
        return self.machine.cycle_model

    @property
    def transactions(self) -> int:
        return len(self.transfers)

    @property
    def resets(self) -> int:
        """By the watchdog or by software."""
        return self.machine.figure("resets")

    def stack_bytes(self) -> int:
        """The deepest stack so far: how low the stack pointer has been."""
        return self.ram_bytes - self.machine.figure("lowest_sp")

    def stack_painted(self) -> int:
        """The deepest stack so far, as the chip itself could tell: how far the paint is gone, with
        which the program, or else the power-on's noise, has filled the RAM below it."""
        first = self.machine.data_end - self.RAM
        free = self.machine.read(self.machine.data_end, self.ram_bytes - first)
        words = np.frombuffer(free, "<u4")
        if len(words) > 1 and words[0] == words[1]:
            same = words == words[0]
        else:
            same = words == np.frombuffer(self._noise[first:], "<u4")
        untouched = len(words) if same.all() else int(np.argmin(same))
        return 4 * (len(words) - untouched)

    def type(self, text: str | bytes) -> None:
        """Type on the serial console from now on, as fast as its line is. Returns at once."""
        self.uart.type(text)

    def contact(self, changes: Iterable[tuple[float, bool]]) -> None:
        """Move the button's contact: (ms from now, closed) pairs, in order of time."""
        self.machine.call("release")
        now = self.machine.figure("ticks")
        for at, closed in changes:
            when = now + round(self.TICKS_PER_MS * at)
            if not self.machine.call("drive", when, *self._button, LOW if closed else NONE):
                raise BoardError("the contact moves more often than the board keeps")

    def run_until(self, done: Callable[[], bool], ms: float = 10_000) -> bool:
        """Let time pass until `done()`, which is asked every millisecond, or for `ms`."""
        end = self.machine.figure("ticks") + round(self.TICKS_PER_MS * ms)
        while (now := self.machine.figure("ticks")) < end:
            why = self.machine.call("run", min(self.TICKS_PER_MS, end - now))
            if self._error:
                error, self._error = self._error, None
                raise error
            if why == FAULT:
                raise BoardError(f"{self.machine.fault()}, {self.ms:.3f} ms after power-on")
            self._look()
            if self.on_frame:
                self.on_frame(self.ms)
            if done():
                return True
        return False

    def power_cut(self, noise: int = 1) -> None:
        """Cut the power, also of the display, and switch it on again; RAM then holds noise."""
        if self.display is not None:
            self.display = Display()
        self._pending = None
        self._power_on(noise)

    def snapshot(self) -> tuple:
        """The whole board as it is now, for restore()."""
        world = (self.display, self.uart.bytes, self.transfers, self._pending, self._began)
        return self.machine.snapshot(), copy.deepcopy(world)

    def restore(self, snapshot: tuple) -> None:
        """Be again as at that moment, on this board or on another with the same image."""
        data, world = snapshot
        self.machine.restore(data)
        self.display, self.uart.bytes, self.transfers, self._pending, self._began = (
            copy.deepcopy(world)
        )

    def _prepare(self) -> None:
        """Tell the machine what it has to know before power comes: where the stack overflows."""
        self.machine.option("stack_limit", self.machine.data_end)

    def _look(self) -> None:
        """Look at the machine, a millisecond or less after the last time."""

    def _power_on(self, noise: int) -> None:
        self.machine.call("power_on", noise)
        self._noise = self.machine.read(self.RAM, self.ram_bytes)
        mailbox = self.machine.addresses.get("port_seed_request")
        if self.seed is None:
            return
        if mailbox is None:
            raise BoardError("this image takes no seed: it has no port_seed_request")
        low, high = self.seed & 0xFFFFFFFF, self.seed >> 32
        self.machine.write(mailbox, struct.pack("<III", SEED_MAGIC, low, high))

    def _now(self) -> tuple[int, int, float]:
        return self.machine.figure("retired"), self.machine.figure("cycles"), self.ms

    def _on_uart(self, byte: int) -> None:
        self.uart.bytes += bytes([byte])

    def _on_i2c(self, event: int, byte: int) -> int:
        try:
            if event == 1:
                return self._take(byte)
            self._finish()
            if event == 0:
                self._pending, self._began = b"", self._now()
        except Exception as error:  # C cannot carry it: run_until raises it
            self._error = error
            self.machine.call("halt")
        return 0

    def _take(self, byte: int) -> bool:
        """A byte crosses the bus: does anybody acknowledge it?"""
        place = len(self._pending)
        if self.i2c_fault and self.i2c_fault(len(self.transfers), place, byte):
            return False
        if place == 0 and (self.display is None or byte >> 1 != ADDRESS):
            return False
        self._pending += bytes([byte])
        return True

    def _finish(self) -> None:
        """A transaction ends: the display sees what it has acknowledged."""
        data, self._pending = self._pending, None
        if data is None:
            return
        if len(data) > 2 and self.display is not None:
            try:
                self.display.write(data[0] >> 1, data[1], data[2:])
            except DisplayError as error:
                where = self.machine.where(self.machine.figure("pc"))
                raise BoardError(f"the display: {error}, at {where}") from None
        self.transfers.append(Transfer(data, self._began, self._now()))


def find_image(name: str, image: Path | None = None) -> Path:
    """A board's image; a BoardError that says how to build it where it is missing."""
    image = image or ROOT / f".pio/build/{name}/firmware.elf"
    if not image.is_file():
        shown = image.relative_to(ROOT) if image.is_relative_to(ROOT) else image
        raise BoardError(f"{shown} is not built: run `pio run -e {name}`")
    return image
