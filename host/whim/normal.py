"""Normal values from random bytes, in integers: what src/engine/normal.c computes, in NumPy.

The method of Box and Muller, in fixed point; docs/ENTROPY.md has the formula and the errors. A
number "in Qn" is that number times 2^n.
"""

from typing import NamedTuple

import numpy as np

LOG_BITS = 27
TWO_LN_2 = 2977044472  # in Q31
SINE = 161942, 5016767, 85564854, 693597876, 1686629674  # in Q30, of t^9, t^7, ... t


def radius(n: np.ndarray) -> np.ndarray:
    """sqrt(-2 ln((n + 1/2) / 65536)) in Q24, for n from 0 to 65535."""
    part = (2 * n.astype(np.uint64) + 1) << 15
    minus_log2 = np.ones_like(part)
    for _ in range(16):
        small = part < 1 << 31
        part, minus_log2 = part << small, minus_log2 + small
    for _ in range(LOG_BITS):
        part = part * part >> 31
        bit = part >> 32
        part, minus_log2 = part >> bit, 2 * minus_log2 - bit
    square = minus_log2 * TWO_LN_2 >> 10
    root = np.zeros_like(part)
    for shift in range(26, -1, -1):
        more = root | 1 << shift
        root = np.where(more * more <= square, more, root)
    return root


def sine(t: np.ndarray) -> np.ndarray:
    """sin of t quarter turns in Q30, for t in Q15 from 0 to 1."""
    t = t.astype(np.uint64)
    total = np.uint64(SINE[0])
    for term in SINE[1:]:
        total = term - (total * (t * t) >> 30)
    return total * t >> 15


def normal(data: bytes) -> np.ndarray:
    """Two normal values, 65536 meaning 1.0, for every four bytes: int32, whim_normal's."""
    n, m = np.frombuffer(data, "<u2").reshape(-1, 2).T
    size, turn = radius(n), 2 * (m.astype(np.int64) & 16383) + 1
    values = []
    for quarter in m // 16384 + 1, m // 16384:  # cos is sin, a quarter turn later
        wave = sine(np.where(quarter & 1, 32768 - turn, turn))
        value = (size * wave + (1 << 37) >> 38).astype(np.int32)
        values.append(np.where(quarter & 2, -value, value))
    return np.stack(values, axis=1).reshape(-1)


def latent(data: bytes) -> np.ndarray:
    """A latent value, 32 meaning 1.0, for every two bytes: int8, whim_latent's."""
    return np.clip(normal(data) + 1024 >> 11, -127, 127).astype(np.int8)


class Accuracy(NamedTuple):
    """Errors are those of values, in units of 1/65536."""

    radius: float  # the greatest of all 65,536 radii
    wave: float  # of all sines and cosines, where the radius is greatest
    value: float  # what no value can exceed: both, and rounding
    deviation: float  # standard deviation of all 2^32 values
    largest: float  # of all values


def accuracy() -> Accuracy:
    """Compare every radius and every sine with floating point."""
    n = np.arange(65536)
    exact = np.sqrt(-2 * np.log((n + 0.5) / 65536))
    radii = radius(n) / 2**24
    turn = np.arange(1, 32768, 2)
    waves = sine(turn) / 2**30
    radius_error = np.abs(radii - exact).max() * 65536
    wave_error = np.abs(waves - np.sin(np.pi / 65536 * turn)).max() * 65536 * exact.max()
    deviation = np.sqrt((radii**2).mean() * (waves**2).mean())
    return Accuracy(
        radius_error,
        wave_error,
        0.5 + radius_error * waves.max() + wave_error,
        deviation,
        radii.max() * waves.max(),
    )
