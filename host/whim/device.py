"""The simulated device, handled like a real one: plug it in, press its button, look at its screen.

    with Device(seed=7) as device:
        device.press()
        device.run(ms=2000)
        device.screen()   # bool (64, 128), True is a lit pixel
        device.type("help\\r")   # on its serial console
        device.console    # all that it has written there
        device.sounds     # what its DAC was given

The firmware runs as a process of its own (built by `pio run -e sim`) and this is the world around
it: display, button, loudspeaker, clock. They take turns over two pipes, by the records that
src/ports/sim/port.c describes, so a run is the same every time; time is virtual and passes only in
run().
"""

import os
import re
import select
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from whim.card import RECORDS, Card, PowerCut
from whim.display import Display

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / ".pio/build/sim/program"
HEADER = {b"C": "<QI", b"I": "<QBBI", b"S": "<QI", b"R": "<Q", **RECORDS}
HEADER |= {b"B": "<Q", b"D": "<QI", b"E": "<Q"}
WITH_DATA = b"CIOWD"  # records behind whose header so many bytes follow as its last field says
SILENCE = 20  # seconds of real time without a record, after which the device counts as hung
BYTES_PER_MS = 11.52  # that a serial line of 115200 baud carries
BOUNCE = (0, 2, 3, 7, 9)  # ms at which a contact changes when pressed or let go: an odd number


class DeviceError(Exception):
    """The device is not built, died, hung, or wrote what is not in the protocol."""


class Sound(NamedTuple):
    """What the DAC was given between a start and a stop: uint16 values of 12 bits, 64,000 a second,
    the first one 1/64 ms after `ms`, when it was started."""

    ms: float
    values: np.ndarray


class Handheld:
    """What a person does with a device, however it is simulated: by its display, console, contact()
    and run_until(), which the classes below it have."""

    def press(self, ms: float = 80, bounce: Iterable[float] = BOUNCE) -> None:
        """Press the button from now on for `ms`; its contact bounces. Returns at once."""
        bounce = list(bounce)
        down = [(at, i % 2 == (len(bounce) + 1) % 2) for i, at in enumerate(bounce)]
        self.contact(down + [(ms + at, not closed) for at, closed in down])

    def run(self, ms: float) -> None:
        """Let `ms` of its time pass."""
        self.run_until(lambda: False, ms)

    def roll(self) -> dict:
        """Press and wait for the result: what the console says of it, parsed."""
        start = len(self.console)
        self.press()
        if not self.run_until(lambda: bool(lines(self.console[start:], "roll"))):
            raise DeviceError(f"no roll within 10 s; the console says: {self.console[start:]!r}")
        return lines(self.console[start:], "roll")[0]

    def screen(self) -> np.ndarray:
        """The display as a person sees it, bool (64, 128)."""
        if self.display is None:
            raise DeviceError("the device has no display")
        return self.display.picture()


class Device(Handheld):
    """A device that has just been switched on.

    `seed`: 0 to 2^64 - 1, or None for the system's entropy, or a path to a file of random bytes.
    `model`: a model file in place of the one in flash. `display`: False leaves it unplugged.
    `card`: a whim.card.Card, or a folder with its files; None leaves the slot empty.
    `i2c_fault(number, address, control, data)`: called for every I2C write, counted from 0; where
    it answers True nobody acknowledges. `on_frame(ms)`: called whenever the device goes to sleep.
    `on_sound(values)`: called with what the DAC is given, as bytes of 16-bit values, and with none
    of them when it stops.
    """

    def __init__(
        self,
        seed: int | Path | None = None,
        *,
        model: Path | None = None,
        program: Path | None = None,
        display: bool = True,
        card: Card | str | Path | None = None,
        i2c_fault: Callable[[int, int, int, bytes], bool] | None = None,
        on_frame: Callable[[float], None] | None = None,
        on_sound: Callable[[bytes], None] | None = None,
    ):
        self.display = Display() if display else None
        self.card = card if isinstance(card, Card) else Card({} if card is None else card)
        if card is None:
            self.card.pull()
        self.i2c_fault, self.on_frame, self.on_sound = i2c_fault, on_frame, on_sound
        self._sounds: list[tuple[float, bytearray]] = []
        self.console = ""
        self.transactions = 0
        self.restarts = 0
        self._now = self._started = 0  # microseconds; and when the device started last
        self._typed = b""
        self._asleep_until: int | None = None
        self._button: list[tuple[int, bool]] = []  # (microsecond, level), in order
        self._level = False
        self._words = words = [find_program(program), "device"]
        if isinstance(seed, Path):
            words += ["--entropy", seed]
        elif seed is not None:
            words += ["--seed", str(seed)]
        if model:
            words += ["--model", model]
        self._errors = tempfile.TemporaryFile()
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            process_group=0,  # Ctrl-C is for the person's program, not for the device
        )
        self._buffer = b""
        self.card.restart()

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    @property
    def ms(self) -> float:
        """Time since the device was switched on."""
        return self._now / 1000

    @property
    def sounds(self) -> list[Sound]:
        """What the DAC was given since the device was switched on."""
        return [Sound(ms, np.frombuffer(bytes(data), "<u2")) for ms, data in self._sounds]

    def close(self) -> None:
        """Switch it off."""
        self._end()
        self._errors.close()

    def power_cut(self) -> None:
        """Cut the power, also of the display, and switch it on again."""
        if self.display is not None:
            self.display = Display()
        self._restart()

    def _restart(self) -> None:
        self._end()
        self._start()
        self._started, self._asleep_until = self._now, None
        self.restarts += 1

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()
            except BrokenPipeError:
                pass

    def type(self, text: str | bytes) -> None:
        """Type on the serial console from now on, as fast as its line is. Returns at once."""
        self._typed += text.encode() if isinstance(text, str) else text

    def contact(self, changes: Iterable[tuple[float, bool]]) -> None:
        """Move the button's contact: (ms from now, closed) pairs, in order of time."""
        self._button = [(self._now + round(1000 * at), closed) for at, closed in changes]

    def run_until(self, done: Callable[[], bool], ms: float = 10_000) -> bool:
        """Let time pass until `done()`, which is asked whenever the device sleeps, or for `ms`."""
        end = self._now + round(1000 * ms)
        while True:
            if self._asleep_until is None:
                self._work()
                if self.on_frame:
                    self.on_frame(self.ms)
                if done():
                    return True
            if self._asleep_until > end:
                self._now = max(self._now, end)
                return False
            slept, self._now = self._asleep_until - self._now, self._asleep_until
            self._asleep_until = None
            self._send(self._keys(slept) + (b"1" if self._pin() else b"0"))

    def _work(self) -> None:
        """Serve the device until it sleeps."""
        while True:
            tag = self._read(1)
            if tag not in HEADER:
                raise DeviceError(f"the device wrote byte {tag!r}, which begins no record")
            header = self._read(struct.calcsize(HEADER[tag]))
            now, *fields = struct.unpack(HEADER[tag], header)
            self._now = self._started + now
            if tag == b"R":
                self._restart()
                continue
            if tag == b"S":
                self._asleep_until = self._now + 1000 * fields[0]
                return
            if tag in WITH_DATA:
                fields.append(self._read(fields.pop()))
            if tag == b"C":
                self.console += fields[0].decode(errors="replace")
            elif tag in b"BDE":
                self._sound(tag, *fields)
            elif tag == b"I":
                self._send(b"A" if self._i2c(*fields) else b"N")
            else:
                self._card(tag, fields)

    def _i2c(self, *write) -> bool:
        number, self.transactions = self.transactions, self.transactions + 1
        failed = self.i2c_fault is not None and self.i2c_fault(number, *write)
        return not failed and self.display is not None and self.display.write(*write)

    def _sound(self, tag: bytes, values: bytes = b"") -> None:
        if tag == b"B":
            self._sounds.append((self.ms, bytearray()))
        elif tag == b"D":
            self._sounds[-1][1].extend(values)
        if self.on_sound and tag != b"B":
            self.on_sound(values)

    def _card(self, tag: bytes, fields: list) -> None:
        try:
            answer = self.card.answer(tag, self._now, *fields)
        except PowerCut:
            self.power_cut()
        else:
            self._send(answer)

    def _keys(self, slept: int) -> bytes:
        """What arrives on the console in so many microseconds, as the protocol has it."""
        count = max(1, int(slept * BYTES_PER_MS / 1000))
        arrived, self._typed = self._typed[:count], self._typed[count:]
        return b"".join(b"T%c" % byte for byte in arrived)

    def _pin(self) -> bool:
        while self._button and self._button[0][0] <= self._now:
            self._level = self._button.pop(0)[1]
        return self._level

    def _send(self, answer: bytes) -> None:
        try:
            self._process.stdin.write(answer)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise DeviceError(self._obituary()) from None

    def _read(self, count: int) -> bytes:
        pipe = self._process.stdout.fileno()
        while len(self._buffer) < count:
            if not select.select([pipe], [], [], SILENCE)[0]:
                raise DeviceError(f"the device has been silent for {SILENCE} s")
            got = os.read(pipe, 65536)
            if not got:
                raise DeviceError(self._obituary())
            self._buffer += got
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def _obituary(self) -> str:
        try:
            status = self._process.wait(SILENCE)
        except subprocess.TimeoutExpired:
            return "the device has closed its pipes but goes on"
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip()[-2000:]
        return f"the device has died with exit status {status}" + (f": {words}" if words else "")


def find_program(program: Path | None = None) -> Path:
    """The simulator's program; a DeviceError that says how to build it where it is missing."""
    program = program or PROGRAM
    if not os.access(program, os.X_OK):
        name = program.relative_to(ROOT) if program.is_relative_to(ROOT) else program
        raise DeviceError(f"{name} is not built: run `make demo`, or `pio run -e sim`")
    return program


def lines(console: str, word: str) -> list[dict]:
    """The console's whole lines that begin with `word`, parsed: "roll pips=4" is {"pips": 4}."""
    return [
        {key: _value(value) for key, value in re.findall(r"(\w+)=(\S+)", line)}
        for line in console.split("\n")[:-1]
        if line.startswith(f"{word} ")
    ]


def _value(text: str) -> int | str | list:
    if "," in text:
        return [_value(part) for part in text.split(",")]
    return int(text) if text.lstrip("-").isdigit() else text
