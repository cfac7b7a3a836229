"""An SD card for a virtual board's slot: all of its sectors, how slow it is, what goes wrong.

    card = SdCard(Path("card.img"), bandwidth=10e6, latency=500e-6)
    with Flagship(seed=7, card=card) as board: ...
    card.save(path)      # as it is now

The card itself, its registers, states and buses, is host/emulator/ch32h417/sd.c.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from whim.machine import BoardError

BLOCK = 512
GOOD, ERROR, CORRUPT = 0, 1, 2  # what becomes of a block: of one read, of one written
KINDS = "sdhc", "sdsc", "old"


@dataclass
class SdCard:
    """A card, with a copy of an image's sectors.

    `image`: a file, or bytes. `kind`: one of KINDS; an SDHC card is addressed by blocks, an SDSC
    card by bytes, and an old one knows neither CMD8 nor CMD6 besides.
    `bandwidth` in bytes/s, besides the bus's own; `latency` in s from a read command until its
    first block begins; before each block it pauses for `pause` s with a chance of `pause_chance`;
    after a block that was written it is busy for `busy` s. `torn`: a block that is being written
    when the power goes is then half old and half new, and not one of them. `high_speed`: False
    refuses 50 MHz. `fate(write, block)`: asked for each block before it is read or written, it
    answers GOOD, ERROR or CORRUPT. The board's noise says when it pauses.
    """

    image: bytes | bytearray | Path
    kind: str = "sdhc"
    bandwidth: float = 25e6
    latency: float = 200e-6
    pause: float = 0.0
    pause_chance: float = 0.0
    busy: float = 300e-6
    torn: bool = False
    high_speed: bool = True
    fate: Callable[[bool, int], int] | None = None

    def __post_init__(self):
        source = self.image
        self.image = bytearray(source.read_bytes() if isinstance(source, Path) else source)
        if not self.image or len(self.image) % BLOCK:
            raise BoardError(f"a card's image is whole sectors of {BLOCK} bytes, and not nothing")
        if len(self.image) >= 2**32:
            raise BoardError("a virtual card holds less than 4 GiB")

    def options(self) -> dict[str, int]:
        """What the machine is told of it."""
        return {
            "sd_kind": KINDS.index(self.kind),
            "sd_bandwidth": round(self.bandwidth),
            "sd_latency": round(1e6 * self.latency),
            "sd_pause": round(1e6 * self.pause),
            "sd_pause_chance": min(round(self.pause_chance * 2**32), 2**32 - 1),
            "sd_write": round(1e6 * self.busy),
            "sd_torn": int(self.torn),
            "sd_high_speed": int(self.high_speed),
        }

    def save(self, path: Path) -> None:
        """Write its sectors, as they are now, into an image file."""
        path.write_bytes(self.image)
