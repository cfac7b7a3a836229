"""Do bytes look random? Simple figures that see a source that has died, sticks or repeats itself.

They cannot see more: what passes may still be predictable. For random bytes each of the two
chances is spread evenly from 0 to 1; less than 1 in 10^9 counts as an illness, so that no healthy
source is refused by bad luck.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from whim.pool import BYTES

ILL = 1e-9
ENOUGH = 1016  # bytes, for the frequencies of all 256 values to mean something


class Figures(NamedTuple):
    ones: float  # part of all bits
    bits: float  # the chance of random bits to be as uneven
    values: float  # the chance of random bytes' frequencies to be as uneven, or as even
    repeats: int  # words of 8 bytes, counted from a sector's start, that were there before


def figures(data: bytes) -> Figures:
    """`data`: whole sectors of a pool, at least one."""
    values = np.frombuffer(data, np.uint8)
    ones = int(np.unpackbits(values).sum())
    distance = abs(2 * ones - 8 * len(data)) / np.sqrt(8 * len(data))
    likely = 1.0
    if len(data) >= ENOUGH:
        likely = stats.chisquare(np.bincount(values, minlength=256)).pvalue
        likely = 2 * min(likely, 1 - likely)
    words = values.reshape(-1, BYTES)[:, : BYTES // 8 * 8].reshape(-1, 8).view("<u8")
    repeats = len(words) - len(np.unique(words))
    return Figures(ones / (8 * len(data)), 2 * stats.norm.sf(distance), likely, repeats)


def illness(found: Figures) -> str:
    """What is wrong, in words; empty if nothing is."""
    if found.repeats:
        return f"{found.repeats} of its 8-byte words come twice"
    if found.bits < ILL:
        return f"{100 * found.ones:.1f} % of its bits are ones"
    if found.values < ILL:
        return "its bytes are not spread as random ones are"
    return ""
