"""The model file, defined once: what host/pack.py writes and every decoder reads. docs/FORMAT.md
explains it.

    header | layer entries | chunk table | chunk, chunk, ...

All numbers are little-endian. The chunks hold the activation tables and then, layer after layer,
each channel's record (bias, multiplier, shift) and the weights. This module knows bytes only:
what a layer means is in model.py, the arithmetic in decoder.py.
"""

import zlib

import construct as c
import numpy as np

from whim import model as m
from whim.encodings import Encoding, decode_weights, encode_weights
from whim.plan import plan

VERSION = 1
CRC_FROM = 8  # the header's CRC covers everything from here to the first chunk
NARROW = 1  # layer flag: short records, and 32 bits suffice to requantise

HEADER = c.Struct(
    "magic" / c.Bytes(4),  # "WHIM"
    "crc" / c.Int32ul,  # CRC-32 of all bytes from CRC_FROM to the first chunk
    "version" / c.Int8ul,
    "layers" / c.Int8ul,
    "tables" / c.Int8ul,  # of 256 bytes each, at the start of the first chunk
    "alignment" / c.Int8ul,  # log2 of what chunk offsets are multiples of: 2 in flash, 9 on a card
    "length" / c.Int32ul,  # of the whole file, bytes
    "arena" / c.Int32ul,  # RAM for the rows of all layers, bytes
    "inputs" / c.Int16ul,  # int8 values that condition a picture
    "chunks" / c.Int16ul,
)

LAYER = c.Struct(
    "op" / c.Int8ul,
    "encoding" / c.Int8ul,
    "layout" / c.Int8ul,  # order of the weights; 0: unit, kernel row, kernel column, input channel
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
    "arena" / c.Int32ul,  # where this layer's rows lie in the arena
    "data" / c.Int32ul,  # where this layer's records and weights lie in the file: a multiple of 4
)

CHUNK = c.Struct("length" / c.Int32ul, "crc" / c.Int32ul)  # chunks follow each other, each aligned

NARROW_RECORD = c.Struct("bias" / c.Int16sl, "multiplier" / c.Int8ul, "shift" / c.Int8ul)
WIDE_RECORD = c.Struct("bias" / c.Int32sl, "multiplier" / c.Int32ul, "shift" / c.Int32ul)


class FormatError(ValueError):
    """A model that cannot be written or read. `status` names the C engine's error for the same
    file.
    """

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status


def write(model: m.Model, alignment: int = 2) -> bytes:
    """Serialise `model`, its tables and weights in one chunk that begins at a multiple of
    2^alignment.
    """
    steps = model.steps()
    offsets, arena = plan(model)
    fixed = HEADER.sizeof() + len(steps) * LAYER.sizeof() + CHUNK.sizeof()
    start = _align(fixed, alignment)

    tables: list[bytes] = []
    for layer in model.layers:
        if layer.table is not None and layer.table.astype(np.int8).tobytes() not in tables:
            tables.append(layer.table.astype(np.int8).tobytes())
    chunk = b"".join(tables)

    entries = b""
    for index, (source, layer) in enumerate(steps):
        if found := m.problem(source, layer):
            raise FormatError(found[0], f"layer {index}: {found[1]}")
        narrow = m.is_narrow(source, layer)
        chunk += bytes(-len(chunk) % 4)
        entries += LAYER.build(
            dict(
                vars(layer),
                layout=0,
                table=0 if layer.table is None else 1 + tables.index(layer.table.tobytes()),
                flags=NARROW if narrow else 0,
                arena=offsets[index],
                data=start + len(chunk),
            )
        )
        record = NARROW_RECORD if narrow else WIDE_RECORD
        for bias, multiplier, shift in zip(layer.bias, layer.multiplier, layer.shift):
            chunk += record.build(
                dict(bias=int(bias), multiplier=int(multiplier), shift=int(shift))
            )
        if layer.weights is not None:
            chunk += encode_weights(layer.weights, layer.encoding)

    header = dict(
        magic=b"WHIM",
        crc=0,
        version=VERSION,
        layers=len(steps),
        tables=len(tables),
        length=start + len(chunk),
        arena=arena,
        inputs=model.inputs,
        alignment=alignment,
        chunks=1,
    )
    table = CHUNK.build(dict(length=len(chunk), crc=zlib.crc32(chunk)))
    head = (HEADER.build(header) + entries + table).ljust(start, b"\0")
    header["crc"] = zlib.crc32(head[CRC_FROM:])
    return HEADER.build(header) + head[HEADER.sizeof() :] + chunk


def read(data: bytes) -> m.Model:
    """Parse and check a model file. Raises FormatError for whatever the C engine refuses, too."""
    header = _header(data)
    position = HEADER.sizeof()
    entries = []
    for _ in range(header.layers):
        entries.append(LAYER.parse(data[position : position + LAYER.sizeof()]))
        position += LAYER.sizeof()
    first = _chunks(data, header, position)

    tables = [
        np.frombuffer(data, np.int8, 256, first + 256 * number) for number in range(header.tables)
    ]
    source = (header.inputs, 1, 1)
    layers = []
    for index, entry in enumerate(entries):
        try:
            layers.append(_layer(data, entry, source, tables, first))
        except FormatError as error:
            raise FormatError(error.status, f"layer {index}: {error}") from None
        source = layers[-1].shape
        if index:
            _check_rows(header, entries[index - 1], *layers[-2:])
    _check_rows(header, entries[-1], layers[-1], None)
    return m.Model(header.inputs, layers)


def _header(data: bytes) -> c.Container:
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
        or not 1 <= header.inputs <= m.MAX_SIDE
        or not 2 <= header.alignment <= 16
        or not 1 <= header.chunks
    ):
        raise FormatError("header", "layers, inputs, alignment or chunks out of range")
    return header


def _chunks(data: bytes, header: c.Container, position: int) -> int:
    """Check the chunk table at `position` and every CRC; answer where the first chunk begins."""
    end = position + header.chunks * CHUNK.sizeof()
    first = offset = _align(end, header.alignment)
    if first > len(data):
        raise FormatError("truncated", "the file ends within its header")
    if zlib.crc32(data[CRC_FROM:first]) != header.crc:
        raise FormatError("crc", "the header is damaged: its CRC does not match")
    for number in range(header.chunks):
        offset = _align(offset, header.alignment)
        chunk = CHUNK.parse(data[position + number * CHUNK.sizeof() :])
        if offset > len(data) or chunk.length > len(data) - offset:
            raise FormatError("bounds", f"chunk {number} ends beyond the file")
        if zlib.crc32(data[offset : offset + chunk.length]) != chunk.crc:
            raise FormatError("crc", f"chunk {number} is damaged: its CRC does not match")
        offset += chunk.length
    if offset != len(data):
        raise FormatError("bounds", "the chunks do not fill the file")
    if header.tables * 256 > len(data) - first:
        raise FormatError("bounds", "the tables end beyond the file")
    return first


def _layer(data, entry, source, tables, first) -> m.Layer:
    if entry.op not in list(m.Op):
        raise FormatError("op", f"unknown layer {entry.op}")
    if entry.encoding not in list(Encoding) or entry.layout:
        raise FormatError("encoding", f"unknown encoding {entry.encoding} or layout {entry.layout}")
    if entry.flags & ~NARROW or entry.table > len(tables) or entry.low > entry.high:
        raise FormatError("header", "unknown flags, no such table, or an empty clamp")
    layer = m.Layer(
        op=m.Op(entry.op),
        encoding=Encoding(entry.encoding),
        table=tables[entry.table - 1] if entry.table else None,
        **{name: entry[name] for name in _SAME},
    )
    if found := m.problem(source, layer):  # the shapes: no record has been read yet
        raise FormatError(*found)

    record = NARROW_RECORD if entry.flags & NARROW else WIDE_RECORD
    count = m.records(layer)
    weights_at = entry.data + count * record.sizeof()
    end = weights_at + m.weight_bytes(source, layer)
    if entry.data % 4 or entry.data < first or end > len(data):
        raise FormatError("bounds", "records or weights lie askew or outside the file")
    parsed = record[count].parse(data[entry.data :])
    for name in ("bias", "multiplier", "shift"):
        setattr(layer, name, np.array([one[name] for one in parsed], np.int64))
    if layer.encoding is not Encoding.NONE:
        layer.weights = decode_weights(
            data[weights_at:end], m.units(layer), m.fan_in(source, layer), layer.encoding
        )
    if found := m.problem(source, layer):
        raise FormatError(*found)
    if entry.flags & NARROW and not m.is_narrow(source, layer):
        raise FormatError("sum", "called narrow, but 32 bits do not suffice")
    return layer


_SAME = ("channels", "height", "width", "low", "high", "kernel", "stride", "pad")


def _check_rows(header, entry, layer: m.Layer, consumer: m.Layer | None) -> None:
    rows = m.rows_held(consumer, layer.height)
    if entry.arena + rows * layer.width * layer.channels > header.arena:
        raise FormatError("bounds", f"the rows of a {layer.op.name} layer lie outside the arena")


def _align(offset: int, alignment: int) -> int:
    return -(-offset >> alignment) << alignment
