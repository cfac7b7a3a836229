"""From real scales to the integers that the format knows."""

import numpy as np


def multiplier_and_shift(scale: np.ndarray, bits: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Integers m < 2^bits and s with m / 2^s nearest to each positive `scale`.

    m uses all its bits, so it errs by at most 2^-bits of itself; s stays within 1..62.
    """
    scale = np.asarray(scale, np.float64)
    shift = np.floor(np.log2((2**bits - 0.5) / scale)).astype(np.int64)
    shift = np.clip(shift, 1, 31 if bits <= 8 else 62)
    multiplier = np.minimum(np.rint(scale * 2.0**shift), 2**bits - 1).astype(np.int64)
    return multiplier, shift
