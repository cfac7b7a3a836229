"""Run a packed model through every decoder that we have and compare their bytes."""

import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from whim import decoder, dice
from whim.device import find_program
from whim.model import Model

BATCH = 500  # pictures at a time, to bound the memory of the vectorised decoders

Decode = Callable[
    [np.ndarray], np.ndarray
]  # inputs int8 (N, I) to int8 (N, height, width, channels)


class EngineError(RuntimeError):
    """The C engine refused a model; the message is its name for the reason."""


def engine(path: Path, inputs: np.ndarray, program: Path | None = None) -> np.ndarray:
    """Decode with the C engine, built for this PC: flat int8."""
    done = subprocess.run(
        [find_program(program), "decode", path], input=inputs.tobytes(), capture_output=True
    )
    if done.returncode:
        raise EngineError(done.stderr.decode(errors="replace").strip())
    return np.frombuffer(done.stdout, np.int8)


def decoders(path: Path, model: Model, program: Path | None = None) -> dict[str, Decode | None]:
    """The decoders by name, the judge first; None for one that is not installed."""
    try:
        from whim import torch_reference
    except ModuleNotFoundError as missing:
        if missing.name != "torch":
            raise
        torch_reference = None
    return {
        "numpy": lambda inputs: decoder.decode(model, inputs),
        "pytorch": torch_reference and (lambda inputs: torch_reference.decode(model, inputs)),
        "c engine": lambda inputs: engine(path, inputs, program),
    }


def test_inputs(name: str, model: Model, count: int, seed: int) -> np.ndarray:
    """`count` int8 inputs: uniform over all values; for the die every other one a real die's."""
    rng = np.random.default_rng(seed)
    inputs = rng.integers(-128, 128, (count, model.inputs)).astype(np.int8)
    if name == "die":
        half = len(inputs[::2])
        pips, turn = rng.integers(1, 7, half), rng.integers(0, 256, half)
        inputs[::2] = dice.inputs(pips, turn, rng.integers(-127, 128, (half, len(dice.LATENT))))
    return inputs


def compare(
    path: Path, count: int, seed: int = 0, program: Path | None = None, progress=iter
) -> dict:
    """Decode `count` inputs everywhere.

    Answers the model's name, `inputs`, and per decoder None or a dict of `crc32`, of all its bytes,
    and `differ`, how many of them differ from the NumPy decoder's. `progress` wraps the batches.
    """
    model = decoder.load(path)
    inputs = test_inputs(path.stem, model, count, seed)
    ways = decoders(path, model, program)
    result = {name: way and dict(crc32=0, differ=0) for name, way in ways.items()}
    for start in progress(range(0, count, BATCH)):
        batch = inputs[start : start + BATCH]
        truth = None
        for name, way in ways.items():
            if way is None:
                continue
            made = np.ascontiguousarray(way(batch)).reshape(-1)
            truth = made if truth is None else truth
            result[name]["crc32"] = zlib.crc32(made, result[name]["crc32"])
            same = made.shape == truth.shape
            result[name]["differ"] += int((made != truth).sum()) if same else truth.size
    return dict(model=path.stem, inputs=count, decoders=result)
