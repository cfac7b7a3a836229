"""Run a packed model through every decoder that we have and compare their bytes."""

import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from whim import bank, cat_net, decoder, dice, packing
from whim.device import find_program
from whim.model import Model

BATCH = 500  # pictures at a time, to bound the memory of the vectorised decoders
MACS = 10**7  # of a picture: what has more is large
LARGE_BATCH, LARGE_INPUTS, INPUTS = 4, 20, 10_000

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
    """`count` int8 inputs: for a cat normal, as its latents are; else uniform over all values, but
    every other one as it will be: for the die a real die's, for digits of pixels from 0 to 15.
    """
    rng = np.random.default_rng(seed)
    if name in packing.CATS:
        return cat_net.latents(count, rng, model.inputs)
    inputs = rng.integers(-128, 128, (count, model.inputs)).astype(np.int8)
    if name == "die":
        half = len(inputs[::2])
        pips, turn = rng.integers(1, 7, half), rng.integers(0, 256, half)
        inputs[::2] = dice.inputs(pips, turn, rng.integers(-127, 128, (half, len(dice.LATENT))))
    if name in packing.DIGITS:
        inputs[::2] &= 15
    return inputs


def compare(
    path: Path,
    count: int | None = None,
    seed: int = 0,
    program: Path | None = None,
    progress=iter,
    checkpoint: Path | None = None,
) -> dict:
    """Decode `count` inputs everywhere; without a count as many as the model's size allows.

    Answers the model's name, `inputs`, and per decoder None or a dict of `crc32`, of all its bytes,
    and `differ`, how many of them differ from the NumPy decoder's. `progress` wraps the batches.
    With `checkpoint`, a cat generator in floating point, which needs PyTorch, a cat has `psnr` too:
    in dB, of each picture against that generator's.
    """
    model = decoder.load(path)
    large = model.macs > MACS
    count = count or (LARGE_INPUTS if large else INPUTS)
    step = LARGE_BATCH if large else BATCH
    inputs = test_inputs(path.stem, model, count, seed)
    compared = checkpoint and path.stem in packing.CATS
    psnr = []
    ways = decoders(path, model, program)
    result = {name: way and dict(crc32=0, differ=0) for name, way in ways.items()}
    for start in progress(range(0, count, step)):
        batch = inputs[start : start + step]
        truth = None
        for name, way in ways.items():
            if way is None:
                continue
            made = np.ascontiguousarray(way(batch)).reshape(-1)
            truth = made if truth is None else truth
            result[name]["crc32"] = zlib.crc32(made, result[name]["crc32"])
            same = made.shape == truth.shape
            result[name]["differ"] += int((made != truth).sum()) if same else truth.size
        if compared:
            psnr += _psnr(truth, checkpoint, batch)
    return dict(model=path.stem, inputs=count, decoders=result) | (
        dict(psnr=psnr) if compared else {}
    )


def compare_bank(path: Path, program: Path | None = None) -> dict:
    """Decode all fragments of a phrase bank in NumPy and in C, and check their CRCs in both.

    Answers what `compare` does; a fragment is an input. Raises BankError, EngineError.
    """
    fragments = bank.load(path).fragments
    truth = np.concatenate([fragment.sound() for fragment in fragments])
    done = subprocess.run([find_program(program), "speech", path], capture_output=True)
    if done.returncode:
        raise EngineError(done.stderr.decode(errors="replace").strip())
    made = np.frombuffer(done.stdout, "<i2")
    same = made.shape == truth.shape
    differ = int((made != truth).sum()) if same else truth.size
    ways = {"numpy": (truth, 0), "c engine": (made, differ)}
    return dict(
        model=path.stem,
        inputs=len(fragments),
        decoders={
            name: dict(crc32=zlib.crc32(sound.astype("<i2").tobytes()), differ=differ)
            for name, (sound, differ) in ways.items()
        },
    )


def _psnr(made: np.ndarray, checkpoint: Path, batch: np.ndarray) -> list[float]:
    from whim import torch_reference

    wanted = torch_reference.float_pictures(checkpoint, batch)
    error = ((made.reshape(wanted.shape) + 128.0 - wanted) ** 2).mean((1, 2, 3))
    return [float(one) for one in 10 * np.log10(255**2 / error)]
