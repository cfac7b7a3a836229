"""The pool: random bytes for the device's card, in a file that says where they came from.

    header | mark | sector, sector, ...        each of 512 bytes; numbers are little-endian

A sector is 508 random bytes and a CRC that knows the pool and the sector's number, so that a sector
of another file, left over by a copy that broke off, is not taken for one of this pool. The mark is
all zeros until the device sets it, before it uses the first byte. How much is used up stands in a
file of its own, `pool.pos`, which only the device writes. docs/ENTROPY.md has the whole story, and
src/app/pool.c is its other end.
"""

import datetime
import fcntl
import os
import secrets
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import construct as c

VERSION = 1
SECTOR, BYTES = 512, 508
FIRST = 2  # sectors before the random ones: header and mark
LIMIT = 2**31 // SECTOR - FIRST  # sectors at most, so that any card's file system can hold it

HEADER = c.Struct(
    "magic" / c.Const(b"WHIMPOOL"),
    "crc" / c.Int32ul,  # CRC-32 of all that follows in this sector
    "version" / c.Int32ul,
    "id" / c.Bytes(8),  # random, so that a position belongs to one pool only
    "sectors" / c.Int32ul,  # of random bytes
    "quantum" / c.Int32ul,  # 1: all of it came from quantum sources
    "sources" / c.PaddedString(480, "utf8"),  # lines, in order: source, bytes, first day, last day
)

# Two of these, in the first two sectors of pool.pos; the greater position counts.
POSITION = c.Struct(
    "crc" / c.Int32ul,  # CRC-32 of what follows, to the end of the record
    "id" / c.Bytes(8),  # of the pool
    "sector" / c.Int32ul,  # the first that has not been used
)


class PoolError(Exception):
    """A pool that cannot be used, in a sentence for the one who wants to use it."""


class Part(NamedTuple):
    """Bytes that came from one source, on one day or on the days from `first` to `last`."""

    source: str
    count: int
    first: str
    last: str


class Pool:
    """A pool file, open for one writer at a time: `with Pool.open(path) as pool`."""

    def __init__(self, path: Path, file: int):
        self.path, self.file = path, file
        try:
            self._read_header()
        except BaseException:
            os.close(file)
            raise

    @classmethod
    def create(cls, path: Path) -> "Pool":
        """Make an empty pool and open it. It appears under its name when it is complete."""
        header = _header(secrets.token_bytes(8), 0, True, [])
        new = path.with_name(path.name + ".new")
        new.write_bytes(header.ljust(FIRST * SECTOR, b"\0"))
        os.replace(new, path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, write: bool = True) -> "Pool":
        file = os.open(path, os.O_RDWR if write else os.O_RDONLY)
        if write:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                raise PoolError(f"{path}: another program is filling it; wait for it") from None
        return cls(path, file)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_) -> None:
        os.close(self.file)

    def __len__(self) -> int:
        """Random bytes in the file, used or not."""
        return self.sectors * BYTES

    def sector(self, number: int) -> bytes:
        """The 508 bytes of a sector. Raises PoolError if they are not what was written."""
        stored = os.pread(self.file, SECTOR, (FIRST + number) * SECTOR)
        if stored != _sealed(self.id, number, stored[:BYTES]):
            raise PoolError(f"{self.path}: sector {number} is damaged: its CRC does not match")
        return stored[:BYTES]

    def append(self, data: bytes, source: str, quantum: bool) -> None:
        """Add whole sectors. They are on the disk before the header speaks of them, and this
        returns when it does."""
        assert len(data) % BYTES == 0
        count = len(data) // BYTES
        if self.sectors + count > LIMIT:
            raise PoolError(f"{self.path}: a pool holds {LIMIT * BYTES} bytes at most")
        day = datetime.datetime.now(datetime.UTC).date().isoformat()
        part = Part(source, len(data), day, day)
        parts = [*self.parts, part]
        if self.parts and self.parts[-1].source == source:
            before = self.parts[-1]
            parts[-2:] = [Part(source, before.count + len(data), before.first, day)]
        header = _header(self.id, self.sectors + count, self.quantum and quantum, parts)
        if not header:
            raise PoolError(
                f"{self.path}: its list of sources is full; begin another pool with --pool FILE"
            )
        sealed = b"".join(
            _sealed(self.id, self.sectors + i, data[i * BYTES : (i + 1) * BYTES])
            for i in range(count)
        )
        _write(self.file, sealed, (FIRST + self.sectors) * SECTOR)
        _write(self.file, header, 0)
        self._read_header()

    def used(self) -> int | None:
        """Sectors that the device has used, as the pool.pos beside the file tells; None if the
        device has used the pool, and nothing there tells how far."""
        try:
            stored = self.path.with_name("pool.pos").read_bytes()
        except FileNotFoundError:
            stored = b""
        found = []
        for at in 0, SECTOR:
            record = stored[at : at + POSITION.sizeof()]
            if len(record) == POSITION.sizeof():
                position = POSITION.parse(record)
                if position.id == self.id and position.crc == zlib.crc32(record[4:]):
                    found.append(position.sector)
        if found:  # a lost record may have been one step ahead
            return min(max(found) + (len(found) == 1), self.sectors)
        return None if any(os.pread(self.file, SECTOR, SECTOR)) else 0

    def _read_header(self) -> None:
        stored = os.pread(self.file, SECTOR, 0)
        try:
            header = HEADER.parse(stored)
            sound = header.crc == zlib.crc32(stored[12:])
        except c.ConstructError:
            raise PoolError(f"{self.path}: not a pool, or its header is damaged") from None
        if not sound:
            raise PoolError(f"{self.path}: its header is damaged: the CRC does not match")
        if header.version != VERSION:
            raise PoolError(f"{self.path}: version {header.version} of a pool; this is {VERSION}")
        size = os.fstat(self.file).st_size
        if size < (FIRST + header.sectors) * SECTOR:
            raise PoolError(f"{self.path}: cut off at {size} bytes: copy it again, or delete it")
        self.id, self.sectors = header.id, header.sectors
        self.quantum = header.quantum == 1
        try:
            rows = [line.split(" ") for line in header.sources.splitlines()]
            self.parts = [Part(row[0], int(row[1]), *row[2:]) for row in rows]
        except (ValueError, IndexError, TypeError):
            raise PoolError(f"{self.path}: its list of sources cannot be read") from None


def _header(identity: bytes, sectors: int, quantum: bool, parts: list[Part]) -> bytes:
    """The header's sector; nothing if there are too many parts for it."""
    sources = "".join(" ".join(map(str, part)) + "\n" for part in parts)
    if len(sources) > 480:
        return b""
    fields = dict(
        crc=0, version=VERSION, id=identity, sectors=sectors, quantum=int(quantum), sources=sources
    )
    fields["crc"] = zlib.crc32(HEADER.build(fields)[12:])
    return HEADER.build(fields)


def _sealed(identity: bytes, number: int, data: bytes) -> bytes:
    crc = zlib.crc32(data, zlib.crc32(identity + struct.pack("<I", number)))
    return data + struct.pack("<I", crc)


def _write(file: int, data: bytes, offset: int) -> None:
    """Write all of it, durably."""
    while data:
        done = os.pwrite(file, data, offset)
        data, offset = data[done:], offset + done
    os.fsync(file)
