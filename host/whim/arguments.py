"""Types for the command lines of host/."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from whim import phrases

UNITS = {"": 1, "k": 1e3, "M": 1e6, "m": 1e-3, "u": 1e-6}


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
VERDICT = whole(0, phrases.VERDICTS - 1)


def quantity(text: str, unit: str) -> float:
    """A number with a unit: "3MB/s", "1.5ms"."""
    found = re.fullmatch(rf"(\d+\.?\d*|\.\d+)([kMmu]?){re.escape(unit)}", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number with the unit {unit}")
    return float(found[1]) * UNITS[found[2]]


def card_manners(text: str) -> dict:
    """How slow a card is: "bandwidth=3MB/s,latency=1ms,pause=100ms@0.001,noise=1", or parts of it,
    as `bandwidth` in bytes a second, `latency` and `pause` in seconds, `pause_chance`, `noise`."""
    found = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        match key:
            case "bandwidth":
                found["bandwidth"] = quantity(value, "B/s")
            case "latency":
                found["latency"] = quantity(value, "s")
            case "pause":
                length, _, chance = value.partition("@")
                found["pause"] = quantity(length, "s")
                found["pause_chance"] = quantity(chance, "")
            case "noise":
                found["noise"] = int(quantity(value, ""))
            case _:
                raise argparse.ArgumentTypeError(
                    f"{part!r}: a card has bandwidth, latency, pause and noise"
                )
    return found


def add_cat_files(command: argparse.ArgumentParser) -> None:
    """What a command that generates a cat can write."""
    for name, what in (
        ("--png", "the picture, 64x64 in colour"),
        ("--oled", "the display with it"),
        ("--gif", "the display all the while"),
        ("--wav", "what it says: 64 kHz, 16 bits"),
    ):
        command.add_argument(name, type=Path, metavar="FILE", help=what)
