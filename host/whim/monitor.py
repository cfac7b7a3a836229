"""What a device says on its serial line, as it happens: pictures, captions, rolls, errors.

The shell's `monitor on` lets it send each cat's pixels, in lines of base64 (src/app/monitor.h);
the rest it says anyway. A line that was damaged on its way is missing, and nothing else is.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from whim.device import lines

SIZE, BYTES = 64, 48  # pixels across and down; of a picture in a line
LINES = 3 * SIZE * SIZE // BYTES
PIXELS = re.compile(r"pixels (\d{1,3}) ([A-Za-z0-9+/]{64}) ([0-9a-f]{8})$")
MISSING = 127  # grey, where a line was damaged
CLEAR = "\x15"  # forgets what was half typed
START = CLEAR + "monitor on\r"
BANNER = re.compile(r"whim \S+ on (\S+); type help$")
CAT = {"mood", "weights", "kept", "entropy", "crc"}  # what is said of one, where all has arrived
PROMPT = ">>> "  # there is none while a cat is made, or spoken of


class Picture(NamedTuple):
    """A cat: uint8 (64, 64, 3), what its line on the console says, and how many of the picture's
    lines have been damaged. `right`: all of it is what the device made, by its CRC."""

    picture: np.ndarray
    cat: dict
    missing: int
    right: bool


class Caption(NamedTuple):
    verdict: int
    text: str


class Roll(NamedTuple):
    roll: dict


class Trouble(NamedTuple):
    """An error, or a voice that failed, and the device's advice."""

    text: str
    advice: str


class Started(NamedTuple):
    """The device has begun anew: it sends no pictures until it is told so again."""

    board: str


class Ready(NamedTuple):
    """It sends pictures from now on, or has none to send: a board without a card."""


Event = Picture | Caption | Roll | Trouble | Started | Ready


class Listener:
    """Make events of what a device says, however it comes in."""

    def __init__(self):
        self._rest = ""
        self._cat: dict | None = None
        self._lines: dict[int, bytes] = {}
        self._before = ""

    def hear(self, text: str) -> Iterator[Event]:
        """What is complete by now."""
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            line = line.rstrip("\r")
            yield from self._line(line)
            self._before = line
        if self._rest.startswith(PROMPT):
            yield from self.end()

    def end(self) -> Iterator[Event]:
        """A picture that is still waiting for lines, if any have come."""
        if self._cat and self._lines:
            yield self._finished()
        self._cat = None

    def _line(self, line: str) -> Iterator[Event]:
        found = PIXELS.search(line)
        if found and self._cat:
            self._take(*found.groups())
            if len(self._lines) == LINES:
                yield from self.end()
            return
        if cat := _parsed(line, "cat"):
            yield from self.end()
            if cat.keys() >= CAT and isinstance(cat["kept"], int):
                self._cat, self._lines = cat, {}
        elif roll := _parsed(line, "roll"):
            if roll.keys() >= {"pips", "entropy"}:
                yield Roll(roll)
        elif said := _parsed(self._before, "say"):
            if line.startswith("  ") and "verdict" in said:
                yield Caption(said["verdict"], line.strip())
        elif found := re.match(r"(error|silent): ", self._before):
            yield Trouble(self._before[found.end() :], line.strip())
        elif found := BANNER.search(line):
            yield from self.end()
            yield Started(found[1])
        elif line in ("monitor on", "unknown: try help"):
            yield Ready()

    def _take(self, number: str, text: str, crc: str) -> None:
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error:
            return
        if int(number) < LINES and zlib.crc32(data) == int(crc, 16):
            self._lines[int(number)] = data

    def _finished(self) -> Picture:
        blank = bytes([MISSING]) * BYTES
        data = b"".join(self._lines.get(number, blank) for number in range(LINES))
        picture = np.frombuffer(data, np.uint8).reshape(SIZE, SIZE, 3)
        right = f"{zlib.crc32(data):08x}" == str(self._cat["crc"]).rjust(8, "0")
        return Picture(picture, self._cat, LINES - len(self._lines), right)


def _parsed(line: str, word: str) -> dict:
    """A line of key=value pairs, wherever in it `word` begins one: what was being typed may stand
    before it."""
    found = re.search(rf"(?:^|>>> .*|\s){word} (?=\w+=)", line)
    if not found:
        return {}
    start = line.index(f"{word} ", found.start())
    (parsed,) = lines(line[start:] + "\n", word)
    crc = re.search(r"crc=([0-9a-f]{8})", line)  # may look like a number
    return parsed | ({"crc": crc[1]} if crc else {})
