"""How weights are written: from a byte each down to five to a byte."""

import enum

import numpy as np


LANES = 16  # weights of as many output channels lie side by side in a tile


class Encoding(enum.IntEnum):
    """How a weight is written. The value of `limit` is the largest magnitude that it can hold."""

    NONE = 0  # the layer has no weights
    INT8 = 1  # a byte, two's complement
    INT4 = 2  # a nibble, two's complement, low nibble first
    INT2 = 3  # two bits: 0, 1, 2, 3 mean -3, -1, 1, 3; low bits first
    TERNARY = 4  # five weights of -1, 0, 1 to a byte
    POWER = 5  # a nibble: bit 3 the sign, bits 0-2 c: 0 for c = 0, else 2^(c-1); low nibble first

    @property
    def limit(self) -> int:
        return (0, 128, 8, 3, 1, 64)[self]

    @property
    def per_byte(self) -> int:
        return (1, 1, 2, 4, 5, 2)[self]


def encode_weights(weights: np.ndarray, encoding: Encoding) -> bytes:
    """Pack int (units, fan_in) weights; each unit starts on a byte, spare places hold code 0."""
    units, fan_in = weights.shape
    n = encoding.per_byte
    padded = -(-fan_in // n) * n
    codes = np.zeros((units, padded), np.int64)
    match encoding:
        case Encoding.INT8 | Encoding.INT4:
            codes[:, :fan_in] = weights & (0xFF if encoding is Encoding.INT8 else 0xF)
        case Encoding.INT2:
            codes[:, :fan_in] = (weights + 3) // 2
        case Encoding.TERNARY:
            codes[:, :fan_in] = weights + 1
        case Encoding.POWER:
            magnitudes = np.abs(weights)
            code = np.where(weights, np.log2(np.maximum(magnitudes, 1)).astype(int) + 1, 0)
            assert np.array_equal(magnitudes, _POWERS[code]), "not all powers of two up to 64"
            codes[:, :fan_in] = code | 8 * (weights < 0)
    codes = codes.reshape(units, -1, n)
    if encoding is Encoding.TERNARY:
        number = codes @ 3 ** np.arange(4, -1, -1)  # first weight is the leading digit
        return (-(-number * 256 // 243)).astype(np.uint8).tobytes()
    bits = 8 // n
    return (codes << np.arange(0, 8, bits)).sum(-1).astype(np.uint8).tobytes()


def decode_weights(data: bytes, units: int, fan_in: int, encoding: Encoding) -> np.ndarray:
    """The inverse of encode_weights: int64 (units, fan_in)."""
    packed = np.frombuffer(data, np.uint8).astype(np.int64).reshape(units, -1, 1)
    n = encoding.per_byte
    if encoding is Encoding.TERNARY:
        # The byte is a fraction of 256: times three, what passes 256 is the next digit.
        digits = []
        for _ in range(n):
            packed = packed * 3
            digits.append(packed >> 8)
            packed = packed & 0xFF
        codes = np.concatenate(digits, axis=-1)
    else:
        bits = 8 // n
        codes = packed >> np.arange(0, 8, bits) & ((1 << bits) - 1)
    codes = codes.reshape(units, -1)[:, :fan_in]
    match encoding:
        case Encoding.INT8 | Encoding.INT4:
            sign = encoding.limit
            return (codes ^ sign) - sign
        case Encoding.INT2:
            return codes * 2 - 3
        case Encoding.POWER:
            return np.where(codes & 8, -1, 1) * _POWERS[codes & 7]
    return codes - 1


_POWERS = np.array([0, 1, 2, 4, 8, 16, 32, 64])


def packed_bytes(units: int, fan_in: int, encoding: Encoding) -> int:
    """Length of encode_weights' answer for (units, fan_in) weights."""
    return 0 if encoding is Encoding.NONE else units * -(-fan_in // encoding.per_byte)


def encode_lanes(weights: np.ndarray, encoding: Encoding) -> bytes:
    """Pack int weights (..., LANES) for the layout TILES, LANES after LANES.

    Below 8 bits they lie in little-endian words, the even weights from bit 0 up and the odd ones
    from bit 16 up: one AND leaves two weights in the two halves of a word.
    """
    if encoding is Encoding.INT8:
        return weights.astype(np.int8).tobytes()
    codes = (weights + 3) // 2 if encoding is Encoding.INT2 else weights & 0xF
    words = codes.reshape(-1, *_word(encoding)).astype(np.uint32) << _places(encoding)
    return words.sum((-1, -2)).astype("<u4").tobytes()


def decode_lanes(data: bytes, encoding: Encoding) -> np.ndarray:
    """The inverse of encode_lanes: int8 (records, LANES)."""
    if encoding is Encoding.INT8:
        return np.frombuffer(data, np.int8).reshape(-1, LANES)
    words = np.frombuffer(data, "<u4").reshape(-1, 1, 1)
    limit = encoding.limit
    if encoding is Encoding.INT2:
        weights = (words >> _places(encoding) & 3).astype(np.int8) * 2 - limit
    else:
        weights = ((words >> _places(encoding) & 0xF).astype(np.int8) ^ limit) - limit
    return weights.reshape(-1, LANES)


def lane_bytes(encoding: Encoding) -> int:
    """Length of a record of LANES weights."""
    return LANES // encoding.per_byte


def _word(encoding: Encoding) -> tuple[int, int]:
    """A 32-bit word's weights: (pairs, 2)."""
    return 2 * encoding.per_byte, 2


def _places(encoding: Encoding) -> np.ndarray:
    """The lowest bit of each weight of a word, as _word: uint32 (pairs, 2)."""
    pairs, _ = _word(encoding)
    return np.arange(pairs, dtype=np.uint32)[:, None] * np.uint32(16 // pairs) + np.array(
        [0, 16], np.uint32
    )
