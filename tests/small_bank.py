"""Phrase banks of a few tones, made quickly: for tests of all around them."""

from functools import cache

import numpy as np

from whim import adpcm, bank, phrases

LOUD = 20000


@cache
def tone(samples: int, period: float) -> bytes:
    """Encoded; it begins and ends at zero, as fragments do."""
    time = np.arange(samples)
    edges = np.minimum(1, np.minimum(time, time[::-1]) / 100)
    sound = np.round(LOUD * edges * np.sin(2 * np.pi * time / period)).astype(np.int16)
    return adpcm.encode(sound, width=1)


def small_bank(lengths: tuple[int, int, int, int]) -> bank.Bank:
    """A bank whose verdicts 0 and 65536 have fragments of so many samples; its others are short."""
    fragments = []
    for number in range(phrases.FRAGMENTS):
        slot, choice = divmod(number % 64, 16)
        samples = 100 if choice else lengths[slot]
        text = f"slot {slot} of some mood says what number {number} is"
        fragments.append(bank.Fragment(text, samples, tone(samples, 20 + slot)))
    return bank.Bank("tones", fragments)
