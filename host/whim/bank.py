"""The phrase bank's file, defined once: what host/speak.py writes and every player reads.
docs/BANK.md explains it.

    header, a sector | entries, four in a sector | the fragments' sounds, in whole sectors

All numbers are little-endian. A fragment's entry has all that is needed to play it, so a player
keeps no index in memory: it reads one sector, and then the sound from its start to its end.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import construct as c
import numpy as np

from whim import adpcm, phrases

PATH = Path(__file__).parents[2] / "data" / "phrases.bank"
VERSION, RATE, SECTOR = 1, 16000, 512
LONGEST = 12 * RATE  # samples of a fragment, and of a verdict
HEADER_CRC_FROM, ENTRY_CRC_FROM = 8, 4

HEADER = c.Struct(
    "magic" / c.Bytes(4),  # "WBNK"
    "crc" / c.Int32ul,  # CRC-32 of the header's bytes from HEADER_CRC_FROM on
    "version" / c.Int8ul,
    "moods" / c.Int8ul,  # 2
    "slots" / c.Int8ul,  # 4
    "choices" / c.Int8ul,  # 16
    "length" / c.Int32ul,  # of the whole file, bytes
    "rate" / c.Int16ul,  # samples a second: 16000
    "block" / c.Int16ul,  # bytes of a block of ADPCM: 512
    "voice" / c.Bytes(44),  # who speaks, in ASCII, zeros behind it
)

ENTRY = c.Struct(
    "crc" / c.Int32ul,  # CRC-32 of the entry's bytes from ENTRY_CRC_FROM on
    "tag" / c.Int32ul,  # the header's CRC + the fragment's number, so that none is out of place
    "offset" / c.Int32ul,  # of the sound, a multiple of 512
    "samples" / c.Int32ul,  # its length, pause included
    "sound" / c.Int32ul,  # CRC-32 of the sound's blocks
    "text" / c.Bytes(108),  # for captions, in ASCII, zeros behind it
)

FIRST = SECTOR + phrases.FRAGMENTS * ENTRY.sizeof()  # where sounds begin


class BankError(ValueError):
    """A bank that cannot be written or read. `status` names the C engine's error for the same
    file.
    """

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status


@dataclass
class Fragment:
    text: str
    samples: int
    data: bytes  # blocks of ADPCM

    def sound(self) -> np.ndarray:
        """int16, 16 kHz."""
        return adpcm.decode(self.data, self.samples)


@dataclass
class Bank:
    voice: str
    fragments: list[Fragment]

    def sound(self, verdict: int) -> np.ndarray:
        """A verdict, spoken: int16, 16 kHz."""
        return np.concatenate([self.fragments[i].sound() for i in phrases.split(verdict)])

    def sentence(self, verdict: int) -> str:
        return phrases.sentence([fragment.text for fragment in self.fragments], verdict)

    def longest(self) -> list[float]:
        """Of each mood, the seconds that its longest verdict takes."""
        samples = np.array([fragment.samples for fragment in self.fragments])
        slots = samples.reshape(len(phrases.MOODS), phrases.SLOTS, phrases.CHOICES)
        return (slots.max(2).sum(1) / RATE).tolist()


def write(bank: Bank) -> bytes:
    """Serialise a bank of 128 fragments."""
    if max(bank.longest()) > LONGEST / RATE:
        raise BankError("header", f"the longest verdict takes {max(bank.longest()):.1f} s, more"
                        f" than {LONGEST // RATE}: shorten the longest fragments")  # fmt: skip
    header = dict(
        magic=b"WBNK",
        crc=0,
        version=VERSION,
        moods=len(phrases.MOODS),
        slots=phrases.SLOTS,
        choices=phrases.CHOICES,
        length=FIRST + sum(len(fragment.data) for fragment in bank.fragments),
        rate=RATE,
        block=adpcm.BLOCK,
        voice=_padded(bank.voice, HEADER.voice.sizeof()),
    )
    header["crc"] = zlib.crc32(HEADER.build(header)[HEADER_CRC_FROM:])
    entries, sounds = b"", b""
    for number, fragment in enumerate(bank.fragments):
        entry = dict(
            crc=0,
            tag=header["crc"] + number & 0xFFFFFFFF,
            offset=FIRST + len(sounds),
            samples=fragment.samples,
            sound=zlib.crc32(fragment.data),
            text=_padded(fragment.text, ENTRY.text.sizeof()),
        )
        entry["crc"] = zlib.crc32(ENTRY.build(entry)[ENTRY_CRC_FROM:])
        entries += ENTRY.build(entry)
        sounds += fragment.data
    return HEADER.build(header).ljust(SECTOR, b"\0") + entries + sounds


def read(data: bytes) -> Bank:
    """Parse and check a bank, in the order in which the C engine does. Raises BankError."""
    if len(data) < FIRST:
        raise BankError("truncated", f"{len(data)} bytes are less than the head of a bank")
    header = HEADER.parse(data)
    if header.magic != b"WBNK":
        raise BankError("magic", "not a phrase bank")
    if header.version != VERSION:
        raise BankError("version", f"bank version {header.version}; this reads {VERSION}")
    if zlib.crc32(data[HEADER_CRC_FROM : HEADER.sizeof()]) != header.crc:
        raise BankError("crc", "the header is damaged")
    if len(data) != header.length:
        status = "truncated" if len(data) < header.length else "oversized"
        raise BankError(status, f"{len(data)} bytes; its header says {header.length}")
    shape = header.moods, header.slots, header.choices, header.rate, header.block
    if shape != (len(phrases.MOODS), phrases.SLOTS, phrases.CHOICES, RATE, adpcm.BLOCK):
        raise BankError("header", "moods, slots, choices, rate, block are not 2, 4, 16, 16000, 512")
    fragments = [_fragment(data, header, number) for number in range(phrases.FRAGMENTS)]
    return Bank(header.voice.rstrip(b"\0").decode("ascii", "replace"), fragments)


def load(path: Path = PATH) -> Bank:
    """Raises BankError and OSError."""
    return read(path.read_bytes())


def _fragment(data: bytes, header: c.Container, number: int) -> Fragment:
    start = SECTOR + number * ENTRY.sizeof()
    raw = data[start : start + ENTRY.sizeof()]
    entry = ENTRY.parse(raw)
    if zlib.crc32(raw[ENTRY_CRC_FROM:]) != entry.crc:
        raise BankError("crc", f"fragment {number}: its entry is damaged")
    if entry.tag != header.crc + number & 0xFFFFFFFF:
        raise BankError("crc", f"fragment {number}: its entry is another fragment's or bank's")
    text = entry.text.rstrip(b"\0")
    printable = all(32 <= byte <= 126 for byte in text)
    if not 1 <= entry.samples <= LONGEST or not printable or not 0 < len(text) < len(entry.text):
        raise BankError("header", f"fragment {number}: its length or its text is impossible")
    count = adpcm.blocks(entry.samples) * adpcm.BLOCK
    if entry.offset % SECTOR or not FIRST <= entry.offset <= len(data) - count:
        raise BankError("bounds", f"fragment {number}: its sound lies askew or outside the file")
    sound = data[entry.offset : entry.offset + count]
    if zlib.crc32(sound) != entry.sound:
        raise BankError("crc", f"fragment {number}: its sound is damaged")
    return Fragment(text.decode(), entry.samples, sound)


def _padded(text: str, size: int) -> bytes:
    return text.encode("ascii")[: size - 1].ljust(size, b"\0")
