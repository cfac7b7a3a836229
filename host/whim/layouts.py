"""A layer's records and weights as bytes, in each layout of docs/FORMAT.md.

PLAIN: all records, then unit after unit. TILES: for LANES output channels at a time, what making
them takes, in the order of its use: their records, then for each phase of the output each place of
the kernel that it meets, and for each input channel there LANES weights, side by side. TRIPLES: all
records, then for each output channel, for each row of its kernel, words of 16 bits, each of which
has that row's weights for three input channels. COLUMNS: all records, then for each input value its
weights to all units.
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
    match layer.layout:
        case m.Layout.PLAIN if layer.weights is None:
            return records.tobytes()
        case m.Layout.PLAIN:
            return records.tobytes() + encode_weights(layer.weights, layer.encoding)
        case m.Layout.TRIPLES:
            return records.tobytes() + _encode_triples(layer.weights, source[0])
        case m.Layout.COLUMNS:
            return records.tobytes() + encode_weights(layer.weights.T, layer.encoding)

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
    elif layer.layout is m.Layout.TRIPLES:
        layer.weights = _decode_triples(rest, source[0])
    elif layer.layout is m.Layout.COLUMNS:
        shape = m.fan_in(source, layer), m.units(layer)
        layer.weights = np.ascontiguousarray(decode_weights(rest, *shape, layer.encoding).T)
    elif layer.encoding is not Encoding.NONE:
        shape = m.units(layer), m.fan_in(source, layer)
        layer.weights = decode_weights(rest, *shape, layer.encoding)


def means_something(data: bytes, source: m.Shape, layer: m.Layer) -> bool:
    """Whether the weights that `data` end with are codes that exist: in TRIPLES some do not."""
    if layer.layout is not m.Layout.TRIPLES:
        return True
    words = np.frombuffer(data[-m.weight_bytes(source, layer) :], "<u2")
    words = words.reshape(-1, m.triple_words(source[0]))
    last = np.arange(words.shape[1]) == words.shape[1] - 1
    codes = (words[..., None] >> _CODE_PLACES & 31).reshape(len(words), -1)
    spare = codes[:, source[0] :]
    return bool((codes < 27).all() and (spare == _NO_WEIGHTS).all() and (words >> 15 == last).all())


_CODE_PLACES = np.array([0, 5, 10], np.uint16)  # of three input channels, in a word
_DIGITS = np.array([9, 3, 1])  # of a kernel row's columns, in a code
_NO_WEIGHTS = 13  # the code of three zeros


def _encode_triples(weights: np.ndarray, channels: int) -> bytes:
    """For each output channel and kernel row, words of three codes, one for each input channel: a
    code is 9a + 3b + c, with a, b, c = 1 + the weights of the row's columns. A row's last word has
    bit 15, too.
    """
    codes = (weights.reshape(-1, 3, channels) + 1).swapaxes(1, 2) @ _DIGITS  # (rows, channels)
    spare = 3 * m.triple_words(channels) - channels
    codes = np.pad(codes, ((0, 0), (0, spare)), constant_values=_NO_WEIGHTS)
    words = (codes.reshape(len(codes), -1, 3) << _CODE_PLACES).sum(-1)
    words[:, -1] |= 1 << 15
    return words.astype("<u2").tobytes()


def _decode_triples(data: bytes, channels: int) -> np.ndarray:
    words = np.frombuffer(data, "<u2").astype(np.int64).reshape(-1, m.triple_words(channels), 1)
    codes = (words >> _CODE_PLACES & 31).reshape(len(words), -1)[:, :channels]
    weights = codes[..., None] // _DIGITS % 3 - 1  # (rows, channels, columns)
    return weights.swapaxes(1, 2).reshape(-1, 9 * channels)


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
