"""A layer's records and weights as bytes, in each layout of docs/FORMAT.md.

PLAIN: all records, then unit after unit. TILES: for LANES output channels at a time, what making
them takes, in the order of its use: their records, then for each phase of the output each place of
the kernel that it meets, and for each input channel there LANES weights, side by side.
"""

import construct as c
import numpy as np

from whim import model as m
from whim.encodings import (
    LANES,
    Encoding,
    decode_lanes,
    decode_weights,
    encode_lanes,
    encode_weights,
)

NARROW_RECORD = c.Struct("bias" / c.Int16sl, "multiplier" / c.Int8ul, "shift" / c.Int8ul)
WIDE_RECORD = c.Struct("bias" / c.Int32sl, "multiplier" / c.Int32ul, "shift" / c.Int32ul)


def _in_numpy(record: c.Struct) -> np.dtype:
    kinds = ["u" if field.fmtstr[-1].isupper() else "i" for field in record.subcons]
    return np.dtype([(f.name, f"<{kind}{f.sizeof()}") for f, kind in zip(record.subcons, kinds)])


NUMPY_RECORD = {True: _in_numpy(NARROW_RECORD), False: _in_numpy(WIDE_RECORD)}  # by narrow
FILL_UP = dict(bias=0, multiplier=0, shift=1)  # the record of a last tile's spare channels


def data_bytes(source: m.Shape, layer: m.Layer, narrow: bool) -> int:
    """Length of a layer's records and weights; of `layer` only its shape is looked at."""
    return m.records_filed(layer) * NUMPY_RECORD[narrow].itemsize + m.weight_bytes(source, layer)


def encode(source: m.Shape, layer: m.Layer, narrow: bool) -> bytes:
    """The records and weights of `layer`."""
    records = np.empty(m.records_filed(layer), NUMPY_RECORD[narrow])
    for name, spare in FILL_UP.items():
        records[name] = spare
        records[name][: m.records(layer)] = getattr(layer, name)
    if layer.layout is m.Layout.PLAIN:
        weights = b"" if layer.weights is None else encode_weights(layer.weights, layer.encoding)
        return records.tobytes() + weights

    spare = -3 if layer.encoding is Encoding.INT2 else 0  # what code 0 means
    weights = np.full((len(records), m.fan_in(source, layer)), spare, np.int8)
    weights[: layer.channels] = layer.weights
    tiles = weights.reshape(-1, LANES, layer.kernel**2, source[0])[:, :, places(layer)]
    tiles = encode_lanes(tiles.transpose(0, 2, 3, 1), layer.encoding)
    parts = [np.frombuffer(part, np.uint8) for part in (records.tobytes(), tiles)]
    return np.hstack([part.reshape(m.tiles(layer), -1) for part in parts]).tobytes()


def decode(data: bytes, source: m.Shape, layer: m.Layer, narrow: bool) -> None:
    """The inverse: fills in the records of `layer`, those that fill up a tile too, and its
    weights.
    """
    record, tiled = NUMPY_RECORD[narrow], layer.layout is m.Layout.TILES
    parts = np.frombuffer(data, np.uint8).reshape(m.tiles(layer) if tiled else 1, -1)
    head = m.records_filed(layer) // len(parts) * record.itemsize
    records = np.ascontiguousarray(parts[:, :head]).view(record).reshape(-1)
    for name in FILL_UP:
        setattr(layer, name, records[name].astype(np.int64))
    rest = parts[:, head:].tobytes()
    if tiled:
        order = places(layer)
        tiles = decode_lanes(rest, layer.encoding).reshape(-1, len(order), source[0], LANES)
        weights = tiles[:, np.argsort(order)].transpose(0, 3, 1, 2).astype(np.int64)
        layer.weights = weights.reshape(len(records), -1)[: layer.channels]
    elif layer.encoding is not Encoding.NONE:
        shape = m.units(layer), m.fan_in(source, layer)
        layer.weights = decode_weights(rest, *shape, layer.encoding)


def places(layer: m.Layer) -> np.ndarray:
    """The numbers (row * kernel + column) of the kernel's places, in the order of their use.

    A convolution meets all of them in every output value. In a transposed convolution, the output's
    rows y = phase (mod stride) meet the kernel's rows r = phase + pad (mod stride); columns alike.
    """
    step = layer.stride if layer.op is m.Op.CONV_TRANSPOSE else 1
    kernel = layer.kernel
    lines = [np.arange((phase + layer.pad) % step, kernel, step) for phase in range(step)]
    phases = [rows[:, None] * kernel + columns for rows in lines for columns in lines]
    return np.concatenate([phase.reshape(-1) for phase in phases])
