"""The application that reads digits, from the other end of its serial line: its built-in pictures,
how a picture is typed, and what it answers. src/app/digits has the application itself.
"""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from whim import digits, packing
from whim.device import ROOT, DeviceError, lines
from whim.environments import names, setting
from whim.self_test import BAUD, SelfTestError, find_prompt

PICTURES = ROOT / "data/digits-pictures.txt"
PROGRAM = ROOT / ".pio/build/digits/program"
DIGITS = 10
MEGAHERTZ = 48  # of the boards that read digits
NETS = [name.removeprefix("digits-") for name in packing.DIGITS]
PROMPT = ">>> "
PATIENCE_MS = 3000  # for an answer; the largest net takes a tenth of it
HEAD = """\
# One picture of each digit, built into the firmware: the first of each in MNIST's training set, as
# the net gets it. 16 rows of 16 pixels, a hexadecimal digit each, "." for 0, which is paper.
# Made by `python host/digits.py pictures --data MNIST`. MNIST: Yann LeCun and Corinna Cortes.
"""


class Answer(NamedTuple):
    digit: int
    margin: int
    cycles: int  # of the core's clock, that the net took; 0 in the simulator
    logits: list[int]


def built_in() -> np.ndarray:
    """The pictures that the firmware has with it: int8 (10, 16, 16)."""
    rows = [row for row in PICTURES.read_text().splitlines() if not row.startswith("#")]
    pixels = [int(digit, 16) for digit in "".join(rows).replace(".", "0")]
    return np.array(pixels, np.int8).reshape(-1, digits.SIZE, digits.SIZE)


def write_pictures(folder: Path, path: Path = PICTURES) -> None:
    """Take them from MNIST's training set in `folder`."""
    pictures, labels = digits.load(folder, digits.TRAIN)
    text = HEAD
    for digit in range(10):
        number = int(np.argmax(labels == digit))
        rows = digits.picture(pictures[number])
        text += f"# {digit}: picture {number} of the set\n"
        text += "".join("".join(f"{pixel:x}" for pixel in row) + "\n" for row in rows).replace(
            "0", "."
        )
    path.write_text(text)


def typed(picture: np.ndarray) -> bytes:
    """The line that asks for a picture, of 256 values from 0 to 15."""
    return b"image " + "".join(f"{pixel:x}" for pixel in picture.flat).encode() + b"\r"


def answer(said: str) -> Answer:
    """What was said of a picture; a DeviceError with what was said instead."""
    found = [line for line in lines(said, "digit") if "logits" in line]  # "digit 3" is an echo
    if not found:
        words = " ".join(line.strip() for line in said.split("\n")[1:-1]) or "nothing"
        raise DeviceError(f"no answer from the device; it says: {words}")
    (digit,) = found
    return Answer(digit["value"], digit["margin"], digit["cycles"], digit["logits"])


def environment(name: str) -> tuple[str, str]:
    """The board and the net of one of PlatformIO's environments."""
    if setting(name, "custom_app") != "digits":
        known = [part for part in names() if setting(part, "custom_app") == "digits"]
        raise DeviceError(f"{name} is no environment that reads digits: there are {known}")
    return setting(name, "board"), setting(name, "custom_model").removeprefix("digits-")


def told(name: str, answer: Answer, device) -> dict:
    """What a line of JSON says of an answer by the environment `name`'s firmware on `device`."""
    said = {"board": name, "net": environment(name)[1], "digit": answer.digit}
    said |= {"margin": answer.margin, "logits": answer.logits}
    if answer.cycles:
        ms = round(answer.cycles / MEGAHERTZ / 1000, 2)
        said |= {"cycles": answer.cycles, "ms": ms, "cycle_model": device.cycle_model}
    return said


class Line:
    """A device's serial line, of the simulator or a virtual board, with a prompt to answer to."""

    def __init__(self, device):
        self.device = device
        if not device.run_until(lambda: device.console.endswith("\n" + PROMPT), PATIENCE_MS):
            raise DeviceError(f"the device has no prompt; it says: {device.console!r}")

    def ask(self, line: bytes) -> str:
        """Type a line, and answer what the device says up to its next prompt."""
        device = self.device
        _forget(device)
        device.type(line)
        if not device.run_until(lambda: device.console.endswith("\n" + PROMPT), PATIENCE_MS):
            raise DeviceError(f"the device does not answer; it says: {device.console!r}")
        return device.console.removesuffix(PROMPT)

    def read(self, picture: np.ndarray) -> Answer:
        return answer(self.ask(typed(picture)))


def _forget(device) -> None:
    """What has been said and drawn until now; over thousands of pictures it would add up."""
    if hasattr(device, "uart"):
        device.uart.bytes = b""
        device.transfers.clear()
    else:
        device.console = ""


class Port:
    """The same, of a board at a serial port of this PC."""

    def __init__(self, name: str):
        import serial

        try:
            self._line = serial.Serial(name, BAUD, timeout=0.05, write_timeout=5)
            find_prompt(name, self._line)
        except (serial.SerialException, OSError) as error:
            raise DeviceError(f"{name}: {getattr(error, 'strerror', None) or error}") from None
        except SelfTestError as error:
            raise DeviceError(str(error)) from None
        self._name = name

    def _heard(self, seconds: float) -> str:
        """What comes until a prompt, or for so long."""
        heard, end = b"", time.monotonic() + seconds
        while time.monotonic() < end and not heard.endswith(b"\n" + PROMPT.encode()):
            heard += self._line.read(max(1, self._line.in_waiting))
        return heard.decode(errors="replace").replace("\r", "")

    def ask(self, line: bytes) -> str:
        self._line.write(line)
        said = self._heard(PATIENCE_MS / 1000)
        if not said.endswith(PROMPT):
            raise DeviceError(f"{self._name} does not answer; it says: {said!r}")
        return said.removesuffix(PROMPT)

    read = Line.read
