"""A model on a virtual core with RAM alone, which counts instructions: what the engine's kernels
take, on the chips' instruction sets but without their memories.

It needs `pio run -e emulator -e measure_rv32ec -e measure_rv32imac`.
"""

import struct
from dataclasses import dataclass

import numpy as np

from whim import model as m
from whim.device import ROOT
from whim.format import write
from whim.machine import ECALL, TIME, BoardError, Machine

E, M, C, ZMMUL = 1, 2, 4, 64  # host/emulator/isa.h
CORES = {"rv32ec": E | C, "rv32ec_zmmul": E | C | ZMMUL, "rv32imac": M | C}
DONE = 1  # WHIM_DONE
ENOUGH = 4_000_000_000


@dataclass
class Result:
    """What a model made of an input, and the instructions from its start to its end."""

    output: np.ndarray  # int8 (height, width, channels)
    instructions: int


class Core(Machine):
    """The core `name` with the engine for it."""

    def __init__(self, name: str):
        image = ROOT / f".pio/build/measure_{name}/firmware.elf"
        if not image.exists():
            raise BoardError(f"{image.parent.name} is not built: run `pio run -e measure_{name}`")
        super().__init__(image, isa=CORES[name])
        self.name = name
        self._fresh = self.snapshot()

    def run(self, model: m.Model, inputs: np.ndarray, slice_ticks: int = 0, visit=None) -> Result:
        """Run `model`; every `slice_ticks` instructions stop for visit()."""
        self.restore(self._fresh)
        file = write(model)
        self.write(self.addresses["measure_model"], file)
        self.write(self.addresses["measure_input"], inputs.astype(np.int8).tobytes())
        self.write(self.addresses["measure_length"], struct.pack("<I", len(file)))
        self.call("set_pc", self.entry)
        while (why := self.call("run", slice_ticks or ENOUGH)) == TIME and visit:
            visit()
        if why != ECALL:
            raise BoardError(self.fault())
        if (status := self._word("measure_status")) != DONE:
            raise BoardError(f"the engine answered {status}")
        channels, height, width = model.layers[-1].shape
        made = self.read(self.addresses["measure_output"], channels * height * width)
        output = np.frombuffer(made, np.int8).reshape(height, width, channels)
        return Result(output, self._word("measure_instructions"))

    def _word(self, name: str) -> int:
        return struct.unpack("<I", self.read(self.addresses[name], 4))[0]
