"""The model file, defined once: what host/pack.py writes and every decoder reads. docs/FORMAT.md
explains it.

    header | layer entries | chunk, chunk, ...

All numbers are little-endian. The chunks carry the payload: the activation tables and then, layer
after layer, records (bias, multiplier, shift) and weights, as layouts.py puts them. A file for
flash has one chunk, and a model is run there row by row; a streamed one has many of a size, which
arrive one after another from a card. This module knows bytes only: what a layer means is in
model.py, the arithmetic in decoder.py.
"""

import contextlib
import math
import zlib

import construct as c
import numpy as np

from whim import layouts, model as m, plan
from whim.encodings import Encoding
from whim.layouts import NARROW_RECORD, WIDE_RECORD  # noqa: F401 (they are part of the format)

VERSION = 3
CRC_FROM = 8  # the header's CRC covers everything from here to the first chunk
NARROW = 1  # layer flag: short records, and 32 bits suffice to requantise
POOLED = 2  # layer flag: of a convolution's sums, the largest of each 2x2 is requantised
CHUNK_UNIT = 16  # bytes of payload
FLASH_ALIGNMENT = 2  # log2: models in flash begin their chunk on a word
CARD_ALIGNMENT = 9  # log2: streamed models are read in whole sectors

HEADER = c.Struct(
    "magic" / c.Bytes(4),  # "WHIM"
    "crc" / c.Int32ul,  # CRC-32 of all bytes from CRC_FROM to the first chunk
    "version" / c.Int8ul,
    "layers" / c.Int8ul,
    "tables" / c.Int8ul,  # of 256 bytes each, at the start of the payload
    "alignment" / c.Int8ul,  # log2 of what chunk offsets are multiples of: 2 in flash, 9 on a card
    # From here on much as in a layer entry: the first layer finds its source where others do.
    "channels" / c.Int16ul,  # of the input, as height and width
    "height" / c.Int16ul,
    "width" / c.Int16ul,
    "chunk" / c.Int16ul,  # payload of each chunk, in CHUNK_UNITs; 0: all in one, not streamed
    "arena" / c.Int32ul,  # RAM that running it takes, bytes
    "length" / c.Int32ul,  # of the whole file, bytes
)

LAYER = c.Struct(
    "op" / c.Int8ul,
    "encoding" / c.Int8ul,
    "layout" / c.Int8ul,  # order of records and weights
    "table" / c.Int8ul,  # activation: 0 none, else the number of a table, counted from 1
    "kernel" / c.Int8ul,  # rows and columns of a convolution's kernel
    "stride" / c.Int8ul,  # of a convolution; the factor of NEAREST
    "pad" / c.Int8ul,
    "flags" / c.Int8ul,
    "channels" / c.Int16ul,  # of the output, as height and width
    "height" / c.Int16ul,
    "width" / c.Int16ul,
    "low" / c.Int8sl,  # requantised values are clamped to low .. high; ReLU is low = 0
    "high" / c.Int8sl,
    "arena" / c.Int32ul,  # where this layer's output lies in the arena
    "data" / c.Int32ul,  # where this layer's records and weights lie in the payload
)

TRAILER = c.Struct(  # of each chunk, behind its payload
    "tag" / c.Int32ul,  # the header's CRC + the number of the chunk, mod 2^32
    "crc" / c.Int32ul,  # CRC-32 of payload and tag
)


class FormatError(ValueError):
    """A model that cannot be written or read. `status` names the C engine's error for the same
    file.
    """

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status


def write(model: m.Model, alignment: int = FLASH_ALIGNMENT, chunk: int = 0) -> bytes:
    """Serialise `model`. Chunks begin at multiples of 2^alignment and carry `chunk` CHUNK_UNITs of
    payload each; with 0 there is one, and the model is for flash.
    """
    for index, (source, layer) in enumerate(model.steps()):
        with _naming(index):
            before = model.layers[index - 1] if index else None
            _may_be(before, source, layer, chunk)
            if layer.pooled and not m.may_pool(layer):
                raise FormatError("header", f"a {layer.op.name} layer cannot be pooled, here")
            _refuse(_problem(before, source, layer))
    tables = list(dict.fromkeys(_table(e) for e in model.layers if e.table is not None))
    if chunk:
        offsets, arena = plan.plan_streamed(model, len(tables))
    else:
        offsets, arena = plan.plan(model)

    payload = bytearray(b"".join(tables))
    entries = b""
    for (source, layer), offset in zip(model.steps(), offsets):
        narrow = m.is_narrow(source, layer)
        payload += bytes(-len(payload) % _data_alignment(chunk))
        entries += LAYER.build(
            dict(
                vars(layer),
                table=0 if layer.table is None else 1 + tables.index(_table(layer)),
                flags=NARROW * narrow | POOLED * layer.pooled,
                arena=offset,
                data=len(payload),
            )
        )
        payload += layouts.encode(source, layer, narrow)

    start = _align(HEADER.sizeof() + len(entries), alignment)
    if chunk:
        payload += bytes(-len(payload) % CHUNK_UNIT)
        length = start + chunks_bytes(len(payload), chunk, alignment)
    else:
        length = _align(start + len(payload) + TRAILER.sizeof(), alignment)
        payload += bytes(length - start - TRAILER.sizeof() - len(payload))
    header = dict(
        magic=b"WHIM",
        crc=0,
        version=VERSION,
        layers=len(model.layers),
        tables=len(tables),
        length=length,
        arena=arena,
        **dict(zip(("channels", "height", "width"), model.input_shape)),
        alignment=alignment,
        chunk=chunk,
    )
    head = (HEADER.build(header) + entries).ljust(start, b"\0")
    if chunk:  # so that the header's CRC, and the chunks' tags, are of this model alone
        head = head[:-4] + zlib.crc32(payload).to_bytes(4, "little")
    header["crc"] = zlib.crc32(head[CRC_FROM:])
    file = bytearray(HEADER.build(header) + head[HEADER.sizeof() :])
    step = CHUNK_UNIT * chunk or len(payload)
    for number in range(_count(len(payload), step)):
        part = payload[number * step : (number + 1) * step]
        part += _tag(header["crc"], number)
        file += part + zlib.crc32(part).to_bytes(4, "little")
        file += bytes(_align(len(file), alignment) - len(file))
    return bytes(file)


def read(data: bytes) -> m.Model:
    """Parse and check a model file. Raises FormatError for whatever the C engine refuses, too."""
    header, entries, start = _head(data)
    if header.chunk:
        return _read_streamed(data, header, entries, start)
    payload = _only_chunk(data, header, start)
    tables = _tables(payload, header)
    model = m.Model(_input_shape(header), [])
    source, before = model.input_shape, None
    for index, entry in enumerate(entries):
        with _naming(index):
            layer = _shape(header, entry, before, source)
            end = entry.data + layouts.data_bytes(source, layer, _narrow(entry))
            if entry.data % 4 or end > len(payload):
                raise FormatError("bounds", "records or weights lie askew or outside the file")
            _fill(layer, entry, source, payload[entry.data : end], tables)
        if before:
            _check_rows(header, entries[index - 1], before, layer)
        source, before = layer.shape, layer
        model.layers.append(layer)
    _check_rows(header, entries[-1], before, None)
    return model


def _read_streamed(data, header, entries, start) -> m.Model:
    """First the head, for all layers; then the chunks; then what they carry."""
    model = m.Model(_input_shape(header), [])
    source = model.input_shape
    end = 256 * header.tables
    placed = 0, 0  # where the layer's source lies in the arena: begin, end
    for index, entry in enumerate(entries):
        with _naming(index):
            layer = _shape(header, entry, None, source)
            if entry.data != _round_up(end):
                raise FormatError("bounds", "its data do not follow what lies before them")
            end = entry.data + layouts.data_bytes(source, layer, _narrow(entry))
            output = entry.arena, plan.tensor_end(layer, entry.arena)
            top = plan.sums_end(layer, entry.arena, placed[1])
            if entry.arena % plan.STREAMED_ALIGNMENT or top > header.arena:
                raise FormatError("bounds", "output or sums lie askew or outside the arena")
            if output[0] < placed[1] and placed[0] < output[1]:
                raise FormatError("bounds", "its output lies over what it is made from")
        placed = output
        source = layer.shape
        model.layers.append(layer)
    arena = plan.arena_streamed(model.layers, [entry.arena for entry in entries], header.tables)
    if arena > header.arena:
        raise FormatError("bounds", f"the arena takes {arena} bytes, not {header.arena}")
    length = _round_up(end)
    if len(data) != start + chunks_bytes(length, header.chunk, header.alignment):
        raise FormatError("bounds", "the chunks do not fill the file")

    payload = bytearray()
    step = CHUNK_UNIT * header.chunk
    for number in range(_count(length, step)):
        size = min(step, length - len(payload))
        at = start + number * _align(step + TRAILER.sizeof(), header.alignment)
        payload += _payload(data[at : at + size + TRAILER.sizeof()], header, number)
    payload = bytes(payload)
    tables = _tables(payload, header)
    for index, (entry, (source, layer)) in enumerate(zip(entries, model.steps())):
        end = entry.data + layouts.data_bytes(source, layer, _narrow(entry))
        with _naming(index):
            _fill(layer, entry, source, payload[entry.data : end], tables)
    return model


def chunks_bytes(length: int, chunk: int, alignment: int = CARD_ALIGNMENT) -> int:
    """All chunks of a streamed file with `length` bytes of payload."""
    step = CHUNK_UNIT * chunk
    full = _count(length, step) - 1
    last = length - full * step
    each, rest = (_align(size + TRAILER.sizeof(), alignment) for size in (step, last))
    return full * each + rest


def payload_bytes(data: bytes) -> int:
    """How much payload the streamed file `data` has, which has been read before."""
    header, entries, _ = _head(data)
    source, end = _input_shape(header), 0
    for entry in entries:
        layer = _shape(header, entry, None, source)
        end = entry.data + layouts.data_bytes(source, layer, _narrow(entry))
        source = layer.shape
    return _round_up(end)


def _head(data: bytes) -> tuple[c.Container, list[c.Container], int]:
    """Header, layer entries, and where the first chunk begins."""
    if len(data) < HEADER.sizeof():
        raise FormatError("truncated", f"{len(data)} bytes are no whole header")
    header = HEADER.parse(data)
    if header.magic != b"WHIM":
        raise FormatError("magic", "not a Whim model")
    if header.version != VERSION:
        raise FormatError("version", f"format version {header.version}; this reads {VERSION}")
    if len(data) != header.length:
        status = "truncated" if len(data) < header.length else "oversized"
        raise FormatError(status, f"{len(data)} bytes; its header says {header.length}")
    if (
        not 1 <= header.layers <= m.MAX_LAYERS
        or not 1 <= math.prod(_input_shape(header)) <= m.MAX_SIDE
        or not 2 <= header.alignment <= 16
        or (header.chunk and header.alignment != CARD_ALIGNMENT)
    ):
        raise FormatError("header", "layers, input or alignment out of range")
    end = HEADER.sizeof() + header.layers * LAYER.sizeof()
    start = _align(end, header.alignment)
    if start > len(data):
        raise FormatError("truncated", "the file ends within its header")
    if zlib.crc32(data[CRC_FROM:start]) != header.crc:
        raise FormatError("crc", "the header is damaged: its CRC does not match")
    return header, list(LAYER[header.layers].parse(data[HEADER.sizeof() : end])), start


def _only_chunk(data: bytes, header: c.Container, start: int) -> bytes:
    """The payload of a file for flash: all between its head and its last bytes, the trailer."""
    if len(data) - start < TRAILER.sizeof() or len(data) % 4:
        raise FormatError("bounds", "there is no chunk, or its trailer lies askew")
    payload = _payload(data[start:], header, 0)
    if header.tables * 256 > len(payload):
        raise FormatError("bounds", "the tables end beyond the file")
    return payload


def _payload(chunk: bytes, header: c.Container, number: int) -> bytes:
    """What a chunk carries, if it is the right one and undamaged."""
    payload, trailer = chunk[: -TRAILER.sizeof()], TRAILER.parse(chunk[-TRAILER.sizeof() :])
    tag = _tag(header.crc, number)
    if trailer.tag != int.from_bytes(tag, "little"):
        raise FormatError("crc", f"chunk {number} is of another place or file")
    if trailer.crc != zlib.crc32(tag, zlib.crc32(payload)):
        raise FormatError("crc", f"chunk {number} is damaged: its CRC does not match")
    return payload


def _tables(payload: bytes, header: c.Container) -> list[np.ndarray]:
    return [np.frombuffer(payload, np.int8, 256, 256 * n) for n in range(header.tables)]


def _input_shape(header: c.Container) -> m.Shape:
    return header.channels, header.height, header.width


def _narrow(entry: c.Container) -> bool:
    return bool(entry.flags & NARROW)


def _may_be(before, source: m.Shape, layer: m.Layer | c.Container, chunk: int) -> None:
    """Whether such a layer exists, here, behind `before`, None for the input."""
    if layer.op not in list(m.Op) or (chunk and layer.op == m.Op.DENSE):
        raise FormatError("op", f"unknown layer {layer.op}, or one that cannot be streamed")
    convolves = layer.op in (m.Op.CONV, m.Op.CONV_TRANSPOSE)
    if chunk:
        may = layer.layout == (m.Layout.TILES if convolves else m.Layout.PLAIN)
    else:
        may = layer.layout in list(m.Layout)
    match layer.layout:
        case m.Layout.TILES:
            may = may and m.may_tile(layer)
        case m.Layout.TRIPLES:
            may = may and m.may_triple(before, source, layer)
        case m.Layout.COLUMNS:
            may = may and m.may_column(layer)
    if layer.encoding not in list(Encoding) or not may:
        raise FormatError(
            "encoding", f"encoding {layer.encoding} and layout {layer.layout} cannot be, here"
        )


def _problem(before: m.Layer | None, source: m.Shape, layer: m.Layer) -> tuple[str, str] | None:
    if layer.layout is m.Layout.TRIPLES and not m.triples_fit(before, source, layer):
        return m.problem(source, layer) or ("sum", "a sum of its triples could leave 16 bits")
    return m.problem(source, layer)


def _shape(header, entry: c.Container, before: m.Layer | None, source: m.Shape) -> m.Layer:
    """The layer that `entry` describes behind `before`, as far as it is known without its data."""
    _may_be(before, source, entry, header.chunk)
    if entry.flags & POOLED and not m.may_pool(entry):
        raise FormatError("header", "such a layer cannot be pooled")
    if entry.flags & ~(NARROW | POOLED) or entry.table > header.tables or entry.low > entry.high:
        raise FormatError("header", "unknown flags, no such table, or an empty clamp")
    layer = m.Layer(
        op=m.Op(entry.op),
        encoding=Encoding(entry.encoding),
        layout=m.Layout(entry.layout),
        pooled=bool(entry.flags & POOLED),
        **{name: entry[name] for name in _SAME},
    )
    _refuse(_problem(before, source, layer))
    return layer


_SAME = ("channels", "height", "width", "low", "high", "kernel", "stride", "pad")


def _fill(layer: m.Layer, entry: c.Container, source: m.Shape, data: bytes, tables) -> None:
    """Add records, weights and table to `layer`."""
    narrow = _narrow(entry)
    layouts.decode(data, source, layer, narrow)
    _refuse(m.problem(source, layer))
    if narrow and not m.is_narrow(source, layer):
        raise FormatError("sum", "called narrow, but 32 bits do not suffice")
    if not layouts.means_something(data, source, layer):
        raise FormatError("encoding", "its weights have codes that do not exist")
    for name in layouts.FILL_UP:  # all records are in order; those of spare channels may go
        setattr(layer, name, getattr(layer, name)[: m.records(layer)])
    if entry.table:
        layer.table = tables[entry.table - 1]


def _check_rows(header, entry, layer: m.Layer, consumer: m.Layer | None) -> None:
    end = entry.arena + m.rows_held(consumer, layer.height) * layer.width * layer.channels
    if sums := plan.columns_bytes(layer):
        end = plan.aligned(end, plan.ALIGNMENT) + sums
    if end > header.arena:
        raise FormatError("bounds", f"rows or sums of a {layer.op.name} lie outside the arena")


def _refuse(problem: tuple[str, str] | None) -> None:
    if problem:
        raise FormatError(*problem)


@contextlib.contextmanager
def _naming(index: int):
    """Say in an error which layer it is about."""
    try:
        yield
    except FormatError as error:
        raise FormatError(error.status, f"layer {index}: {error}") from None


def _table(layer: m.Layer) -> bytes:
    return layer.table.astype(np.int8).tobytes()


def _tag(crc: int, number: int) -> bytes:
    return (crc + number & 0xFFFFFFFF).to_bytes(4, "little")


def _count(length: int, step: int) -> int:
    """Chunks of `length` bytes of payload, `step` in each: at least one."""
    return max(1, -(-length // max(step, 1)))


def _data_alignment(chunk: int) -> int:
    return CHUNK_UNIT if chunk else 4


def _round_up(offset: int) -> int:
    return -(-offset // CHUNK_UNIT) * CHUNK_UNIT


def _align(offset: int, alignment: int) -> int:
    return -(-offset >> alignment) << alignment
