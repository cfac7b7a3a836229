"""What a seed means: the bytes that it expands into, and the rolls that come of them.

A second implementation, for the tests: include/whim/random.h and src/app/die.h say the same in C.
The bytes of a seed are the keystream of ChaCha20 (RFC 8439) with the seed, as 8 little-endian bytes
and 24 zero bytes, for a key, a nonce of zero and a block counter from 0.
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

MASK = 0xFFFFFFFF
DIAGONALS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip


class Roll(NamedTuple):
    """`pips` 1-6; `turn` in 256ths of a full turn; four `latent` values in [-127, 127]."""

    pips: int
    turn: int
    latent: tuple[int, int, int, int]


def chacha20_block(key: bytes, counter: int, nonce: bytes) -> bytes:
    """The 64 bytes of RFC 8439, section 2.3: 32 bytes of key, 12 of nonce."""
    state = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce)
    x = list(state)
    for _ in range(10):
        for a, b, c, d in DIAGONALS:
            steps = (a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)
            for one, other, onto, bits in steps:
                x[one] = (x[one] + x[other]) & MASK
                word = x[onto] ^ x[one]
                x[onto] = (word << bits | word >> (32 - bits)) & MASK
    return struct.pack("<16I", *((word + start) & MASK for word, start in zip(x, state)))


def keystream(seed: int) -> Iterator[int]:
    """The bytes that `seed`, 0 to 2^64 - 1, expands into."""
    key = struct.pack("<Q", seed) + bytes(24)
    counter = 0
    while True:
        yield from chacha20_block(key, counter, bytes(12))
        counter = (counter + 1) & MASK


def uniform(entropy: Iterator[int], sides: int) -> int:
    """A fair value below `sides`: bytes above the largest multiple of it are drawn again."""
    fair = 256 - 256 % sides
    return next(byte for byte in entropy if byte < fair) % sides


def roll(entropy: Iterator[int]) -> Roll:
    """One roll, in the order in which die_roll draws."""
    draw: Callable[[int], int] = lambda sides: uniform(entropy, sides)  # noqa: E731
    return Roll(1 + draw(6), draw(256), tuple(draw(255) - 127 for _ in range(4)))
