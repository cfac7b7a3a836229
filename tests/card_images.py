"""Images of cards for tests: whether the programs that make and check them are here."""

import os

import pytest

from whim import volume


def require_tools() -> None:
    """Skip a test where Debian's tools for cards are not installed."""
    missing = volume.missing_packages()
    if missing:
        sentence = f"not installed: apt-get install {' '.join(missing)}"
        if os.environ.get("WHIM_REQUIRE_CARD_TOOLS"):
            pytest.fail(sentence)
        pytest.skip(sentence)
