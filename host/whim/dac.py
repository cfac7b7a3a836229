"""From samples to a DAC's values, the judge of src/engine/upsample.c: four values for each sample,
in integers, with the same roundings. docs/BANK.md has the arithmetic.
"""

import numpy as np

RATE, FACTOR, TAPS = 64000, 4, 32
SETTLE, LOUD, SLEW = 4096, 256, 64
FRACTION = 18  # bits below the DAC's last one
SHAPER = 115  # / 64 = 2 cos(0.454): the error's two zeros lie at 4.6 kHz


def filter_taps() -> np.ndarray:
    """The interpolating low pass as (FACTOR, TAPS) integers, each row summing to 2^14: a windowed
    sinc that halves 7.76 kHz.
    """
    time = np.arange(FACTOR * TAPS) - (FACTOR * TAPS - 1) / 2
    ideal = np.sinc(0.97 * time / FACTOR) * np.kaiser(FACTOR * TAPS, 6.0)
    rows = ideal.reshape(TAPS, FACTOR).T
    rows = np.round(rows / rows.sum(1, keepdims=True) * 2**14).astype(np.int64)
    middle = np.abs(rows).argmax(1)
    rows[np.arange(FACTOR), middle] += 2**14 - rows.sum(1)  # roundings, at most a few
    return rows


def convert(samples: np.ndarray, volume: int = LOUD) -> np.ndarray:
    """All that a DAC gets for int16 samples (N,) from its rest at 0 and back, as uint16."""
    dac = Dac()
    dac.volume, dac.on = volume, True
    rise = dac.convert(np.zeros(SETTLE, np.int16))
    sound = dac.convert(samples)
    dac.on = False
    return np.concatenate([rise, sound, dac.convert(np.zeros(SETTLE, np.int16))])


class Dac:
    """struct whim_dac: `volume` 0 to LOUD and `on` may be set at any time."""

    def __init__(self):
        self.past = np.zeros(TAPS - 1, np.int64)
        self.error = 0, 0
        self.gain = self.height = self.volume = 0
        self.on = False

    def convert(self, samples: np.ndarray) -> np.ndarray:
        """Four values, 0 to 4095, for each of int16 samples."""
        count = len(samples)
        gain = self._way("gain", SLEW, self.volume * 128, count)
        height = self._way("height", 1, SETTLE if self.on else 0, count)
        sound = np.asarray(samples, np.int64) * gain + 2**14 >> 15
        sound = np.concatenate([self.past, sound])
        self.past = sound[-(TAPS - 1) :]
        windows = np.lib.stride_tricks.sliding_window_view(sound, TAPS)[:, ::-1]
        sums = windows @ filter_taps().T  # |sum| < 37,236 * 2^15 < 1.23e9
        # A smooth way to 2^29: faster and faster to its middle, then slower and slower.
        early = height < SETTLE // 2
        middle = np.where(early, 64 * height**2, 2**29 - 64 * (SETTLE - height) ** 2)
        return self._shape(sums.reshape(-1), np.repeat(middle, FACTOR))

    def _way(self, name: str, step: int, to: int, count: int) -> np.ndarray:
        """Where a value is at each sample that goes to `to` by steps."""
        start = getattr(self, name)
        steps = step * np.arange(1, count + 1)
        way = np.minimum(start + steps, to) if to > start else np.maximum(start - steps, to)
        if count:
            setattr(self, name, int(way[-1]))
        return way.astype(np.int64)

    def _shape(self, sums: np.ndarray, middle: np.ndarray) -> np.ndarray:
        """Round to whole values; what is cut off comes back in the next two, with such weights that
        little of it is left where people hear.
        """
        out = np.zeros(len(sums), np.uint16)
        one, two = self.error
        half, limit = 1 << FRACTION - 1, 1 << FRACTION
        for i, (value, where) in enumerate(zip(sums.tolist(), middle.tolist())):
            if not value:
                one = two = 0  # in silence the output stands still
            if not where:
                continue
            want = value + where + (SHAPER * one >> 6) - two
            got = min(max(want + half >> FRACTION, 0), 4095)
            one, two = min(max(want - (got << FRACTION), -limit), limit), one
            out[i] = got
        self.error = one, two
        return out
