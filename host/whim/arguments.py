"""Types for the command lines of host/."""

import argparse
from collections.abc import Callable


def whole(low: int, high: int, highest: str = "") -> Callable[[str], int]:
    """An argparse type: decimal digits from `low` to `high`, which errors write as `highest`."""

    def number(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            words = f"{text!r} is not a number from {low} to {highest or high}"
            raise argparse.ArgumentTypeError(words)
        return int(text)

    return number


SEED = whole(0, 2**64 - 1, "2^64 - 1")
POSITIVE = whole(1, 1_000_000, "1,000,000")
