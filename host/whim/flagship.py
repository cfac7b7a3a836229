"""The virtual CH32H417: two cores, a card, a loudspeaker, and the manners of whim.device.Device.

    with Flagship(seed=7, card=SdCard(Path("card.img"))) as board:
        board.press(ms=1000)
        board.run(ms=10_000)
        board.sounds       # what its DAC was given
        board.pull()       # the card, out of its slot

Core 0 is V3F, which does everything but computing, and core 1 is V5F, which computes. The chip is
host/emulator/ch32h417; what is assumed of its time stands in docs/BENCH.md.
"""

import copy
import ctypes

import numpy as np

from whim.board import Board
from whim.device import Sound
from whim.machine import SD_FATE
from whim.sd_card import SdCard

V3F, V5F = 0, 1
CORES = "v3f", "v5f"
WIRINGS = "sdmmc", "spi"  # of the card's slot
TICKS_PER_US = 400
PAINT = 0x5AA5C33C
STACKS = {  # of each core: the symbols between which it lies
    "v3f": ("port_stack_limit", "port_stack_top"),
    "v5f": ("second_stack_limit", "second_stack_top"),
}
PERIOD = 1e6 * TICKS_PER_US / 64_000  # ticks between two values of the DAC
REST = 10 * PERIOD  # after which another sound begins
ROOM = 65_536  # values that the machine keeps for us


class Flagship(Board):
    """A CH32H417 board that has just been switched on.

    `card`: an SdCard, or None for an empty slot; `wiring`: the bus that the slot hangs on. The rest
    is Board's.
    """

    RAM_SIZES = {"ch32h417": 512 << 10}
    TICKS_PER_MS = 1000 * TICKS_PER_US
    RAM = 0x2010_0000
    BUTTON = "PA0"

    def __init__(
        self,
        name: str | None = None,
        seed: int | None = None,
        *,
        card: SdCard | None = None,
        wiring: str = "sdmmc",
        **options,
    ):
        self.card, self._wiring = card, wiring
        self._sounds: list[tuple[float, list[np.ndarray]]] = []
        self._due = -np.inf  # the tick of the DAC's last value
        self._values = (ctypes.c_uint16 * ROOM)(), (ctypes.c_uint64 * ROOM)()
        super().__init__(name, seed, **options)

    def _prepare(self) -> None:
        second = self._image.with_name("v5f.elf")
        if second.is_file():
            self.machine.learn(second)
        for core, option in (("v3f", "stack_limit"), ("v5f", "stack_limit_v5f")):
            self.machine.option(option, self.machine.addresses.get(STACKS[core][0], 0))
        self.machine.option("sd_wiring", WIRINGS.index(self._wiring))
        if not self.card:
            return
        image = self.card.image
        self._kept = (ctypes.c_uint8 * len(image)).from_buffer(image), SD_FATE(self._fate)
        self.machine.call("sd", ctypes.addressof(self._kept[0]), len(image))
        self.machine.call("sd_fate", ctypes.cast(self._kept[1], ctypes.c_void_p))
        self.manners()
        self.insert()

    def close(self) -> None:
        super().close()
        self._kept = None  # the card's bytes are its own again

    def manners(self) -> None:
        """Let the card behave as its fields say now."""
        for name, value in self.card.options().items():
            self.machine.option(name, value)

    def insert(self) -> None:
        """Put the card into its slot."""
        self.machine.call("sd_insert", 1)

    def pull(self) -> None:
        """Pull it out, whatever it is doing."""
        self.machine.call("sd_insert", 0)

    @property
    def sounds(self) -> list[Sound]:
        """What the DAC was given since the board was switched on first: each sound begins where
        values come after a rest without any."""
        return [Sound(ms, np.concatenate(parts)) for ms, parts in self._sounds]

    @property
    def late(self) -> int:
        """How often the DAC was due and had nothing new."""
        return self.machine.dac_figure("late")

    def cores(self) -> dict[str, dict]:
        """Of each core, since power came: instructions, cycles, and how many of them asleep."""
        return {
            core: {
                "instructions": self.machine.figure("retired", number),
                "cycles": self.machine.figure("cycles", number),
                "slept": self.machine.figure("slept", number),
            }
            for number, core in enumerate(CORES)
        }

    def stacks(self) -> dict[str, tuple[int, int, int]]:
        """Of each core's stack, in bytes: how deep it has been by its stack pointer, how deep by
        its paint, and what there is."""
        found = {}
        for number, core in enumerate(CORES):
            if STACKS[core][0] not in self.machine.addresses:
                continue  # another image, without the second core's symbols beside it
            limit, top = (self.machine.addresses[name] for name in STACKS[core])
            words = np.frombuffer(self.machine.read(limit, top - limit), "<u4")
            gone = words != PAINT
            painted = 4 * (len(words) - int(np.argmax(gone))) if gone.any() else 0
            lowest = self.machine.figure("lowest_sp_address", number)
            found[core] = top - lowest, painted, top - limit
        return found

    def stack_bytes(self) -> int:
        return self.stacks()["v3f"][0]

    def stack_painted(self) -> int:
        return self.stacks()["v3f"][1]

    def snapshot(self) -> tuple:
        self._look()
        machine, world = super().snapshot()
        return machine, (world, copy.deepcopy((self._sounds, self._due)))

    def restore(self, snapshot: tuple) -> None:
        machine, (world, sounds) = snapshot
        super().restore((machine, world))
        self._drain()
        self._sounds, self._due = copy.deepcopy(sounds)

    def _look(self) -> None:
        """Take what the DAC was given."""
        values, ticks = self._drain()
        if not len(values):
            return
        rested = np.diff(ticks.astype(float), prepend=self._due) > REST
        begins = [0, *np.flatnonzero(rested[1:]) + 1]
        self._due = float(ticks[-1])
        for begin, end in zip(begins, [*begins[1:], len(values)]):
            if rested[begin]:  # its first trigger gives out the rest, and fetches the first value
                self._sounds.append((int(ticks[begin]) / self.TICKS_PER_MS, []))
                begin += 1
            self._sounds[-1][1].append(values[begin:end])

    def _drain(self) -> tuple[np.ndarray, np.ndarray]:
        count = self.machine.call("dac", *self._values, ROOM)
        return tuple(np.array(part[:count]) for part in self._values)

    def _fate(self, write: int, block: int) -> int:
        try:
            return self.card.fate(bool(write), block) if self.card.fate else 0
        except Exception as error:  # C cannot carry it: run_until raises it
            self._error = error
            self.machine.call("halt")
            return 0
