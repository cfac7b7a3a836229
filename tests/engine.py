"""The engine's streamed executor, and a card of which every answer is the test's."""

import ctypes
from collections.abc import Callable

import numpy as np

OK, DONE, BUSY, MISSING, READ = 0, 1, 2, -16, -17
POINTER, U32, U16, U8 = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint16, ctypes.c_uint8


class Source(ctypes.Structure):
    pass


START = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Source), U32, POINTER, U32)
POLL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Source))
Source._fields_ = [("length", U32), ("start", START), ("poll", POLL)]


class Model(ctypes.Structure):
    _fields_ = [
        ("file", POINTER), ("arena_bytes", U32), ("macs", U32), ("inputs", U16), ("width", U16),
        ("height", U16), ("channels", U16), ("layers", U8),
    ]  # fmt: skip


class Loader(ctypes.Structure):
    _fields_ = [
        ("source", POINTER), ("buffers", POINTER * 2), ("held", U32 * 2), ("first", U32),
        ("chunk_bytes", U32), ("chunks", U32), ("wanted", U32), ("reading", U32), ("asked", U32),
        ("bytes_read", U32), ("retries", U16), ("tries", U8),
    ]  # fmt: skip


class Generator(ctypes.Structure):
    _fields_ = [
        ("model", Model), ("picture", POINTER), ("loader", Loader), ("layer", U8),
        ("rest", ctypes.c_uint8 * 2048),
    ]  # fmt: skip


class Card:
    """A file on a card that answers as `fault` says: fault(number, offset, count) is called for
    each read and answers how it ends, OK or an error; or bytes to deliver in place of the file's.
    `delay`: how often each read is busy first.
    """

    def __init__(self, file: bytes, fault: Callable | None = None, delay: int = 0):
        self.file, self.fault, self.delay = file, fault, delay
        self.reads: list[tuple[int, int]] = []
        self._under_way: tuple | None = None
        self._start, self._poll = START(self.start), POLL(self.poll)
        self.source = Source(len(file), self._start, self._poll)

    def start(self, _, offset: int, to: int, count: int) -> int:
        assert self._under_way is None, "a read began while another was under way"
        assert offset % 512 == 0 and offset + count <= len(self.file)
        self.reads.append((offset, count))
        self._under_way = (self.delay, offset, to, count)
        return OK

    def poll(self, _) -> int:
        delay, offset, to, count = self._under_way
        self._under_way = (delay - 1, offset, to, count)
        if delay:
            return BUSY
        self._under_way = None
        ends = self.fault(len(self.reads) - 1, offset, count) if self.fault else OK
        data = ends if isinstance(ends, bytes) else self.file[offset : offset + count]
        if not isinstance(ends, int) or ends == OK:
            ctypes.memmove(to, data, count)
            return OK
        return ends


class Engine:
    """One generator with memory of its own, which guards surround."""

    def __init__(self, library):
        self.library = ctypes.CDLL(str(library))
        self.library.whim_generate_open.argtypes = [POINTER, POINTER, POINTER, U32]
        self.library.whim_generate_start.argtypes = [POINTER, POINTER, POINTER, U32]
        for name in ("step", "stop", "percent"):
            getattr(self.library, f"whim_generate_{name}").argtypes = [POINTER]
        self.library.whim_status_name.restype = ctypes.c_char_p
        self.generator = Generator()
        self.steps: list[int] = []
        self.percents: list[int] = []

    def picture(
        self, card: Card, z: np.ndarray, buffers: int = 1 << 20, arena: int | None = None
    ) -> np.ndarray | str:
        """The picture of int8 `z` with `buffers` bytes of buffers, or the error's name."""
        g = ctypes.byref(self.generator)
        self.memory = Guarded(buffers)
        self.library.whim_generate_open(g, ctypes.byref(card.source), self.memory.place, buffers)
        status = self._run(g)
        if status != DONE:
            return self.name(status)
        model = self.generator.model
        arena = model.arena_bytes if arena is None else arena
        self.arena = Guarded(arena)
        z = np.ascontiguousarray(z, np.int8)
        status = self.library.whim_generate_start(g, z.ctypes.data, self.arena.place, arena)
        if status == OK:
            status = self._run(g)
        assert self.memory.whole() and self.arena.whole(), "written beside a buffer"
        if status != DONE:
            return self.name(status)
        shape = (model.height, model.width, model.channels)
        return np.frombuffer(
            ctypes.string_at(self.generator.picture, int(np.prod(shape))), np.int8
        ).reshape(shape)

    def _run(self, g) -> int:
        status, turns = OK, 0
        while status in (OK, BUSY):
            status = self.library.whim_generate_step(g)
            self.steps.append(status)
            self.percents.append(self.library.whim_generate_percent(g))
            turns += 1
            assert turns < 1_000_000, "the engine hangs"
        return status

    def name(self, status: int) -> str:
        return self.library.whim_status_name(status).decode()


class Guarded:
    """Memory aligned to 16 bytes, between bytes that nobody may change."""

    def __init__(self, size: int):
        self.size = size
        self.bytes = np.full(size + 96, 0xA5, np.uint8)
        self.offset = 32 + -(self.bytes.ctypes.data + 32) % 16
        self.place = self.bytes.ctypes.data + self.offset

    def whole(self) -> bool:
        ends = self.bytes[: self.offset], self.bytes[self.offset + self.size :]
        return all((end == 0xA5).all() for end in ends)
