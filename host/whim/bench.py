"""The bench: a virtual machine that makes pictures of streamed models, and counts.

    picture = bench.run(Path("card/cat8.whim").read_bytes(), z, bench.Card(bandwidth=10e6))
    picture.pixels     # int8 (height, width, channels)
    picture.layers     # what each of them took
    picture.seconds    # by picture.cycle_model

The machine has the core V5F and the memories of a CH32H417, 400 MHz, and a card reader of our own;
it runs src/ports/bench. What it assumes: docs/BENCH.md.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from whim.device import ROOT
from whim.machine import CARD_BEGINS, CARD_ENDS, ECALL, FAULT, BoardError, Machine

HERTZ = 400_000_000
BLOCK = 512
IMAGE = ROOT / ".pio/build/bench/firmware.elf"
BUFFER_BYTES = 48 * 1024
GOOD, READ_ERROR, CORRUPT = 0, 1, 2  # what becomes of a read
PATIENCE_S = 600  # of the machine's own time, for a picture
SLICE = HERTZ // 20  # cycles between two looks at the progress
PAINT = 0x5AA5C33C
RESULT = struct.Struct("<Ii I 4I 4I I")  # `bench` of src/ports/bench/main.c, up to `layers`
LAYER = struct.Struct("<3Q")
MAX_LAYERS = 12


@dataclass
class Card:
    """A card with one file, and how slow it is. `bandwidth` in bytes/s; `latency` in s from a
    command until its first block begins; before each block it pauses for `pause` s with a chance
    of `pause_chance`. `noise` seeds that. `length`: what it says of the file's length.
    `fate(number, offset, count)`: asked for each read, counted from 0; answers GOOD, READ_ERROR or
    CORRUPT.
    """

    bandwidth: float = 10e6
    latency: float = 0.0
    pause: float = 0.0
    pause_chance: float = 0.0
    noise: int = 1
    length: int | None = None
    fate: Callable[[int, int, int], int] | None = None


@dataclass
class Read:
    """One command to the card, in bytes and cycles. `paused` lies between `began` and `ended`."""

    offset: int
    count: int
    fate: int
    began: int = 0
    ended: int = 0
    paused: int = 0

    @property
    def cycles(self) -> int:
        return self.ended - self.began


class Bench(Machine):
    """The machine, loaded with `image`, and a card with `file` in its reader."""

    def __init__(self, file: bytes, card: Card = Card(), image: Path | None = None):
        image = image or IMAGE
        if not image.is_file():
            raise BoardError("the bench's program is not built: run `pio run -e bench`")
        super().__init__(None, "bench")
        self.reads: list[Read] = []
        self._card = card
        self._file = file + bytes(-len(file) % BLOCK)  # the machine reads it in its place
        self._kept = CARD_BEGINS(self._begins), CARD_ENDS(self._ends)
        self.call("card", self._file, len(self._file), card.noise, *self._kept)
        self.option("card_length", len(file) if card.length is None else card.length)
        self.option("card_bandwidth", round(card.bandwidth))
        self.option("card_latency", round(card.latency * HERTZ))
        self.option("card_pause", round(card.pause * HERTZ))
        self.option("card_pause_chance", min(round(card.pause_chance * 2**32), 2**32 - 1))
        noise = np.random.default_rng(card.noise)  # RAM holds anything when power comes
        for address, size in ((0x200C_0000, 256 << 10), (0x2010_0000, 512 << 10)):
            self.write(address, noise.bytes(size))
        self.load(image)
        self.option("stack_limit", self.addresses["bench_stack_limit"])
        self.call("set_pc", self.entry)

    def finish(self, progress: Callable[[int], None] = lambda cycles: None) -> None:
        """Run to the program's end. BoardError where it does what it must not, or never ends."""
        for _ in range(PATIENCE_S * HERTZ // SLICE):
            why = self.call("run", SLICE)
            if why == FAULT:
                raise BoardError(self.fault())
            if why == ECALL:
                return
            progress(self.figure("cycles"))
        raise BoardError(f"no end after {PATIENCE_S} s of the machine's time")

    def stack_painted(self) -> int:
        """The deepest stack so far: how far the paint is gone."""
        limit, top = self.addresses["bench_stack_limit"], self.addresses["bench_stack_top"]
        gone = np.frombuffer(self.read(limit, top - limit), "<u4") != PAINT
        return 4 * (len(gone) - int(np.argmax(gone))) if gone.any() else 0

    def _begins(self, offset: int, count: int) -> int:
        fate = self._card.fate(len(self.reads), offset, count) if self._card.fate else GOOD
        self.reads.append(Read(offset, count, fate))
        return fate

    def _ends(self, began: int, ended: int, paused: int) -> None:
        read = self.reads[-1]
        read.began, read.ended, read.paused = began, ended, paused


@dataclass
class LayerCount:
    """What a layer took: instructions, and cycles computing and waiting for the card."""

    instructions: int
    computing: int
    waiting: int


@dataclass
class Picture:
    """A picture, and what it took; times in cycles of HERTZ unless their names say otherwise."""

    error: str  # as whim_status_name says, or nothing
    pixels: np.ndarray | None  # int8 (height, width, channels)
    layers: list[LayerCount]
    chunks: np.ndarray  # cycles of computing with each chunk
    opening: list[Read]  # what was read before the picture began
    reads: list[Read]  # for the picture
    arena_bytes: int
    buffer_bytes: int
    state_bytes: int
    stack_bytes: int
    retries: int
    bytes_read: int
    cycle_model: str
    functions: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def instructions(self) -> int:
        return sum(layer.instructions for layer in self.layers)

    @property
    def computing(self) -> int:
        return sum(layer.computing for layer in self.layers)

    @property
    def waiting(self) -> int:
        return sum(layer.waiting for layer in self.layers)

    @property
    def reading(self) -> int:
        """How long the card was busy."""
        return sum(read.cycles for read in self.reads)

    @property
    def paused(self) -> int:
        """Of that, how long it paused."""
        return sum(read.paused for read in self.reads)

    @property
    def cycles(self) -> int:
        return self.computing + self.waiting

    @property
    def seconds(self) -> float:
        return self.cycles / HERTZ

    def bound(self) -> int:
        """The cycles that it should take where reading and computing overlap perfectly: the first
        read, and then for each chunk what is longer, computing with it or reading the next one.
        """
        reads = [read.cycles for read in self.reads]
        after = [*reads[1:], 0]
        return reads[0] + sum(max(int(c), read) for c, read in zip(self.chunks, after))


def run(
    file: bytes,
    inputs: np.ndarray,
    card: Card = Card(),
    *,
    buffer_bytes: int = BUFFER_BYTES,
    profile: bool = False,
    image: Path | None = None,
    progress: Callable[[Bench], None] = lambda machine: None,
) -> Picture:
    """Make the picture of int8 `inputs` of the streamed model `file`, which lies on `card`.

    `buffer_bytes`: of both stream buffers. `profile`: count each function's instructions and
    cycles. `progress(machine)`: called now and then; machine.reads has grown. A model or a card
    that fails is no exception here, but Picture.error, and no pixels.
    """
    machine = Bench(file, card, image)
    place = machine.addresses
    machine.write(place["bench"], struct.pack("<I", buffer_bytes))
    machine.write(place["bench_input"], np.asarray(inputs, np.int8).tobytes())
    if profile:
        machine.call("profile_start")
    machine.finish(lambda cycles: progress(machine))

    data = machine.read(place["bench"], RESULT.size + MAX_LAYERS * LAYER.size)
    buffers, status, words, at, *numbers, opened = RESULT.unpack_from(data)
    height, width, channels, arena, state, retries, bytes_read = numbers
    layers = [LayerCount(*values) for values in LAYER.iter_unpack(data[RESULT.size :])]
    reads = [read for read in machine.reads if read.began >= opened]
    chunks = np.frombuffer(machine.read(place["bench_chunks"], 4 * 8192), "<u4")
    pixels = None
    if status == 1:
        pixels = np.frombuffer(machine.read(at, height * width * channels), np.int8)
        pixels = pixels.reshape(height, width, channels)
    return Picture(
        error="" if pixels is not None else machine.read(words, 32).split(b"\0")[0].decode(),
        pixels=pixels,
        layers=[layer for layer in layers if layer.instructions],
        chunks=np.trim_zeros(chunks, "b"),
        opening=[read for read in machine.reads if read.began < opened],
        reads=reads,
        arena_bytes=arena,
        buffer_bytes=buffers,
        state_bytes=state,
        stack_bytes=machine.stack_painted(),
        retries=retries,
        bytes_read=bytes_read,
        cycle_model=machine.cycle_model,
        functions=machine.profile() if profile else {},
    )
