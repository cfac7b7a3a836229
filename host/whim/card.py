"""The card in a simulated device's slot: its files, how long it takes, and what goes wrong with it.

    card = Card("card", bandwidth=3e6, latency=0.2, pauses=(0.02, 100), seed=1)
    card = Card({"cat8.whim": model}, faults=[Fault("flip", block=7, times=2)])
    with Device(seed=7, card=card) as device:
        device.run(ms=1000)
        card.pull()
        card.requests   # all that the device has asked for

src/ports/sim/port.c describes the records by which it asks. A name that a device gives is not
trusted: nothing outside the card's folder is read or written.
"""

import math
import os
import random
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

BLOCK = 512
RECORDS = {b"O": "<QII", b"G": "<QIII", b"P": "<QI", b"W": "<QII"}  # headers, for device.py
WORD = "[A-Za-z0-9_-]{1,64}"
NAME = re.compile(rf"({WORD}/)?{WORD}(\.{WORD})?")
NEVER = 2**32 - 1  # microseconds: 71 minutes
DONE, MISSING, NO_FILE, FAILED = b"A", b"M", b"F", b"E"
ALL = "open", "read", "write"
FAULTS = {"error": ALL, "pull": ALL, "cut": ALL,
          "short": ("read",), "flip": ("read",), "hang": ("read",), "pause": ALL}  # fmt: skip


class PowerCut(Exception):
    """The power failed in the middle of a request."""


class Refused(Exception):
    """The answer to a request: MISSING, NO_FILE or FAILED."""


class Request(NamedTuple):
    """What a device asked of its card."""

    kind: str  # "open", "read" or "write"
    name: str
    offset: int
    count: int  # bytes
    start: int  # microseconds since the device was switched on
    micros: int  # that it took, or was going to take


@dataclass
class Fault:
    """Something that goes wrong, the first `times` times that a request fits the description.

    `what`: "error" is an error that the card reports; "short", of a read, delivers only what lies
    before the block; "flip", of a read, changes a bit of the block's first byte; "hang", of a read,
    is no answer ever; "pause" is an answer that comes `ms` later; "pull" takes the card out of its
    slot and "cut" the device's power, at the begin of the request. A write has by then changed its
    first `torn` bytes, and with `noise` what it should have changed of the next block holds noise.

    `kind`: "open", "read" or "write"; `number`: of the request, counted from 0; `block`: of 512
    bytes of the file, which a read or write touches; `name`: of the file. None fits all.
    """

    what: str
    kind: str | None = None
    number: int | None = None
    block: int | None = None
    name: str | None = None
    times: float = math.inf
    torn: int = 0
    noise: bool = False
    ms: float = 0

    def __post_init__(self):
        kinds = FAULTS.get(self.what, ())
        if not kinds or self.kind not in (None, *kinds):
            raise ValueError(f"there is no fault {self.what!r} of {self.kind or 'any request'}")
        self.kinds = (self.kind,) if self.kind else kinds

    def hits(self, number: int, kind: str, name: str, offset: int, count: int) -> bool:
        """Whether it happens at this request; it then has happened once more."""
        hit = (
            self.times > 0
            and kind in self.kinds
            and self.number in (None, number)
            and self.name in (None, name)
            and (self.block is None or offset < BLOCK * (self.block + 1) and kind != "open"
                 and BLOCK * self.block < offset + count)
        )  # fmt: skip
        self.times -= hit
        return hit


class Card:
    """A card in the slot.

    `files`: a folder, whose files and folders the card has; or the files' bytes by name. What is
    written goes to the folder, or with keep=False only to memory: `written` has it by name.
    `bandwidth` in bytes a second, `latency` of every request in ms, `pauses`: the share of requests
    in which the card pauses, and for how many ms at most. `free`: how many bytes files may still
    grow by. `writable`: False is the switch at the card's side.
    """

    def __init__(
        self,
        files: str | Path | Mapping[str, bytes],
        *,
        bandwidth: float = 3e6,
        latency: float = 0.2,
        pauses: tuple[float, float] = (0, 0),
        seed: int = 0,
        faults: Sequence[Fault] = (),
        keep: bool = True,
        free: float = math.inf,
        writable: bool = True,
    ):
        self.folder = None if isinstance(files, Mapping) else Path(files).resolve()
        if self.folder and not self.folder.is_dir():
            raise NotADirectoryError(f"{files} is no folder, which the card's files could lie in")
        self.written = {} if self.folder else {name: bytearray(files[name]) for name in files}
        self.keep = keep and self.folder is not None
        self.bandwidth, self.latency, self.pauses = bandwidth, latency, pauses
        self.faults, self.free, self.writable = list(faults), free, writable
        self.requests: list[Request] = []
        self.present = True
        self._chance = random.Random(seed)
        self.restart()

    def pull(self) -> None:
        """Take the card out of its slot: files that were open stay dead."""
        self.present = False
        self.restart()

    def insert(self) -> None:
        """Put it back."""
        self.present = True

    def read(self, name: str) -> bytes | None:
        """A file's bytes as they are now, or None if there is no such file."""
        if name in self.written:
            return bytes(self.written[name])
        path = self._path(name)
        return path.read_bytes() if path and path.is_file() else None

    def restart(self) -> None:
        """The device has started afresh and knows of no open files."""
        self._open: dict[int, str] = {}
        self._reading: tuple[int, bytes | None] | None = None  # the read under way: file, data

    def answer(self, tag: bytes, now: int, *fields) -> bytes:
        """What the device hears on the record `tag` at `now`, in microseconds. Raises PowerCut."""
        serve = {b"O": self._serve_open, b"G": self._serve_start}
        serve |= {b"P": self._serve_poll, b"W": self._serve_write}
        self._micros = 0
        try:
            status, more = DONE, serve[tag](now, *fields)
        except Refused as refused:
            status, more = refused.args[0], b""
        return status + struct.pack("<I", self._micros) + more

    def _serve_open(self, now: int, file: int, name: bytes) -> bytes:
        name = name.decode("latin-1")
        self._strike(self._begin("open", name, 0, 0, now))
        length = self._length(name)
        if length is None:
            raise Refused(NO_FILE)
        if length >= 2**32:
            raise Refused(FAILED)
        self._open[file] = name
        return struct.pack("<I", length)

    def _serve_start(self, now: int, file: int, offset: int, count: int) -> bytes:
        name = self._open.get(file, "")
        fault = self._begin("read", name, offset, count, now)
        if file not in self._open:  # the card was pulled out since
            raise Refused(MISSING)
        if fault and fault.what in ("pull", "cut"):
            self._strike(fault)
        data = self._bytes(name, offset, count)
        at = max(0, BLOCK * fault.block - offset) if fault and fault.block is not None else 0
        if fault and fault.what == "error":
            data = None  # which the device hears when the read is over
        elif fault and fault.what == "short":
            data = data[:at]
        elif fault and fault.what == "flip" and at < len(data):
            data = bytearray(data)
            data[at] ^= 1 << self._chance.randrange(8)
        self._reading = file, data
        return b""

    def _serve_poll(self, now: int, file: int) -> bytes:
        (of, data), self._reading = self._reading or (None, None), None
        if of != file:
            raise Refused(MISSING)
        if data is None:
            raise Refused(FAILED)
        return struct.pack("<I", len(data)) + data

    def _serve_write(self, now: int, offset: int, record: bytes) -> bytes:
        name, _, data = record.partition(b"\0")
        name = name.decode("latin-1")
        fault = self._begin("write", name, offset, len(data), now)
        length = self._length(name) or 0
        grows = max(0, offset + len(data) - length)
        named = NAME.fullmatch(name) and (self.folder is None or self._path(name))
        if not (named and self.writable and offset <= length and grows <= self.free):
            raise Refused(FAILED)
        self.free -= grows
        self._write(name, offset, self._torn(fault, offset, data) if fault else data)
        self._strike(fault)
        return b""

    def _begin(self, kind: str, name: str, offset: int, count: int, now: int) -> Fault | None:
        """Note a request. What goes wrong with it, if a card is there at all."""
        number = len(self.requests)
        fault = next((f for f in self.faults if f.hits(number, kind, name, offset, count)), None)
        drawn, pause = self._chance.random(), self._chance.uniform(0, self.pauses[1])
        ms = self.latency + 1000 * count / self.bandwidth + (drawn < self.pauses[0]) * pause
        if fault and fault.what == "pause":
            ms, fault = ms + fault.ms, None
        self._micros = NEVER if fault and fault.what == "hang" else round(1000 * ms)
        self.requests.append(Request(kind, name, offset, count, now, self._micros))
        if not self.present:
            raise Refused(MISSING)
        return fault

    def _strike(self, fault: Fault | None) -> None:
        if fault is None:
            return
        if fault.what == "cut":
            raise PowerCut
        if fault.what == "pull":
            self.pull()
        raise Refused(MISSING if fault.what == "pull" else FAILED)

    def _torn(self, fault: Fault, offset: int, data: bytes) -> bytes:
        """What a write that failed has left on the card."""
        end = min(len(data), fault.torn)
        block_end = min(len(data), end + BLOCK - (offset + end) % BLOCK)
        return data[:end] + self._chance.randbytes(block_end - end if fault.noise else 0)

    def _path(self, name: str) -> Path | None:
        """The place of a file in the folder; None where a name leads elsewhere."""
        if self.folder is None or not NAME.fullmatch(name):
            return None
        path = Path(os.path.realpath(self.folder / name))  # a link may lead out of the folder
        return path if path.is_relative_to(self.folder) else None

    def _length(self, name: str) -> int | None:
        if name in self.written:
            return len(self.written[name])
        path = self._path(name)
        return path.stat().st_size if path and path.is_file() else None

    def _bytes(self, name: str, offset: int, count: int) -> bytes:
        if name in self.written:
            return bytes(self.written[name][offset : offset + count])
        try:
            with self._path(name).open("rb") as file:
                file.seek(offset)
                return file.read(count)
        except OSError:
            return b""  # deleted since it was opened: a short read

    def _write(self, name: str, offset: int, data: bytes) -> None:
        if not self.keep:
            if name not in self.written:
                self.written[name] = bytearray(self.read(name) or b"")
            self.written[name][offset : offset + len(data)] = data
            return
        path = self._path(name)
        try:
            path.parent.mkdir(exist_ok=True)
            with path.open("r+b" if path.exists() else "wb") as file:
                file.seek(offset)
                file.write(data)
        except OSError:
            raise Refused(FAILED) from None
