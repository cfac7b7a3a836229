"""Cats by the simulated device: one as a person makes it, or many at once for whoever judges them.
"""

import os
import re
import secrets
import subprocess
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from whim import bank, entropy, format, kept, normal
from whim.card import Card
from whim.device import ROOT, Device, DeviceError, find_program, lines

CARD = ROOT / "card"
FILES = {"int8": "cat8.whim", "int4": "cat4.whim"}
SIZE, LATENT = kept.SIZE, kept.LATENT
PICTURE = 3 * SIZE * SIZE
ONE = 32  # of a latent's integers mean 1.0
DRAWN = 2 * LATENT + 3  # bytes of entropy that one cat takes: its latent, mood, verdict
BANK = "phrases.bank"
PATIENCE_MS = 600_000


class CatError(DeviceError):
    """A latent that is none, a card without models, or a cat that the device did not make."""


class Cat(NamedTuple):
    """A cat that the device made: `picture` uint8 (64, 64, 3), and `screen` as people see it, bool
    (64, 128). `mood` is None if the latent came without one. `kept`: its number on the card.
    `stats`: what the device counted, by the names of its console. `verdict` and `sentence`: what it
    said of the cat, and `sound` what the DAC was given, uint16; with no bank, None and nothing."""

    picture: np.ndarray
    screen: np.ndarray
    z: np.ndarray
    mood: str | None
    entropy: str
    weights: str
    kept: int
    stats: dict
    verdict: int | None
    sentence: str | None
    sound: np.ndarray


def model_file(folder: Path, weights: str) -> Path:
    """The model of a card's folder; a CatError that says how to make it where it is missing."""
    path = folder / FILES[weights]
    if not path.is_file():
        where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        raise CatError(f"{where} is missing: run `python host/pack.py`")
    return path


def bank_file(folder: Path = CARD) -> Path:
    """The bank of a card's folder, or the project's, where it has none."""
    return folder / BANK if (folder / BANK).is_file() else bank.PATH


def verdicts(seed: int, count: int) -> np.ndarray:
    """The verdicts of the first cats that a device makes by a seed: int (count,)."""
    drawn = _drawn(seed, count)[:, -3:].astype(int)
    return drawn[:, 0] % 2 << 16 | drawn[:, 1] << 8 | drawn[:, 2]


def _drawn(seed: int, count: int) -> np.ndarray:
    """The bytes that a device draws for its first cats by a seed: (count, DRAWN)."""
    stream = entropy.keystream(seed)
    data = bytes(next(stream) for _ in range(DRAWN * count))
    return np.frombuffer(data, np.uint8).reshape(count, DRAWN)


def latents(seed: int, count: int) -> tuple[np.ndarray, list[str]]:
    """The first latents, int8 (count, 100), and moods that a device draws from a seed."""
    data = _drawn(seed, count)
    z = normal.latent(data[:, :-3].tobytes()).reshape(count, LATENT)
    return z, [kept.MOODS[mood & 1] for mood in data[:, -3]]


def read_latent(path: Path) -> tuple[np.ndarray, str | None, kept.Kept | None]:
    """A latent, its mood if it is known, and all the rest if the file is a kept cat."""
    data = path.read_bytes()
    if data[:2] == b"BM":
        try:
            cat = kept.read(data)
        except kept.NotKept as error:
            raise CatError(f"{path}: {error}") from None
        return cat.z, cat.mood, cat
    try:
        z = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise CatError(f"{path}: neither a kept cat nor an array that np.save wrote") from None
    if not isinstance(z, np.ndarray) or z.size != LATENT:
        raise CatError(f"{path}: a latent has {LATENT} values")
    if z.dtype != np.int8:
        raise CatError(
            f"{path}: values of {z.dtype}, and the device takes int8, {ONE} meaning 1.0:"
            f" np.clip(np.rint({ONE} * z), -127, 127).astype(np.int8)"
        )
    return z.reshape(LATENT), None, None


def generate(
    seed: int | None = None,
    weights: str = "int4",
    *,
    latent: Path | None = None,
    folder: Path = CARD,
    program: Path | None = None,
    on_frame: Callable[[float, np.ndarray], None] | None = None,
) -> Cat:
    """Let the device make a cat, by a long press; or by the latent in a file, drawn again.

    Without a seed it draws from the pool on the card or from the system, and keeps the cat on the
    card; else nothing is written there. `on_frame(ms, screen)` sees the display all the while.
    """
    path = model_file(folder, weights)
    if seed is None and latent is None:
        card = Card(folder)
    else:  # only these, so that it is the same whatever else the card has
        files = {name: folder / name for name in FILES.values()} | {BANK: bank_file(folder)}
        card = Card({name: file.read_bytes() for name, file in files.items() if file.is_file()})
    if latent:
        z, mood, old = read_latent(latent)
        blank = np.zeros((SIZE, SIZE, 3), np.uint8)
        crc = old.model if old else format.HEADER.parse(path.read_bytes()).crc
        verdict = old.verdict if old else None
        given = kept.Kept(z, mood, crc, old.entropy if old else "file", blank, verdict)
        number = int(latent.stem) if re.fullmatch("[0-9]{5}", latent.stem) else 0
        number = number or 1  # another file's name says nothing
        card.written[f"cats/{number:05}.bmp"] = bytearray(kept.write(given))
    with Device(seed, program=program, card=card) as device:
        device.run(ms=500)
        device.type(f"weights {weights}\r")
        device.run(ms=100)
        if on_frame:
            device.on_frame = lambda ms: on_frame(ms, device.screen())
        start = len(device.console)
        if latent:
            device.type(f"redraw {number}\r")
        else:
            device.press(ms=1000)
        if not device.run_until(lambda: _over(device.console[start:]), PATIENCE_MS):
            raise CatError(f"no cat within ten minutes; it says: {device.console[start:]!r}")
        device.run(ms=100)
        screen = device.screen()
        device.type("stats\r")
        device.run(ms=100)
        said = device.console[start:]
        sound = device.sounds[-1].values if device.sounds else np.zeros(0, np.uint16)
    raise_error(said)
    (result,) = lines(said, "cat")
    stats = lines(said, "picture")[0] | lines(said, "memory")[0]

    if latent:
        used = model_file(folder, result["weights"])
        (picture,) = pictures(used, z[None], program=program)
    else:
        cat = kept.read(card.read(f"cats/{result['kept']:05}.bmp"))
        z, mood, picture = cat.z, cat.mood, cat.picture
    if f" crc={zlib.crc32(picture.tobytes()):08x} " not in said:
        raise CatError("the device's picture is another than the one in its file")
    return Cat(
        picture, screen, z, mood, result["entropy"], result["weights"], result["kept"], stats,
        result.get("verdict"), sentence(said), sound,
    )  # fmt: skip


class Said(NamedTuple):
    """A verdict as the device said it; `sound`: what the DAC was given, uint16, 64 kHz."""

    sentence: str
    seconds: float
    sound: np.ndarray


def say(
    verdict: int,
    *,
    bank: Path = bank.PATH,
    volume: int = 10,
    program: Path | None = None,
    on_frame: Callable[[float, np.ndarray], None] | None = None,
    on_sound: Callable[[bytes], None] | None = None,
) -> Said:
    """Let the device say a verdict, by its shell, with such a bank on its card."""
    card = Card({BANK: bank.read_bytes()})
    with Device(program=program, card=card, on_sound=on_sound) as device:
        device.run(ms=500)
        device.type(f"volume {volume}\r")
        device.run(ms=100)
        if on_frame:
            device.on_frame = lambda ms: on_frame(ms, device.screen())
        start = len(device.console)
        device.type(f"say {verdict}\r")
        over = lambda: device.console[start:].endswith("\n>>> ")  # noqa: E731
        if not device.run_until(over, PATIENCE_MS):
            raise CatError(f"no end within ten minutes; it says: {device.console[start:]!r}")
        said, sounds = device.console[start:], device.sounds
    raise_error(said)
    return Said(sentence(said), lines(said, "say")[-1]["ms"] / 1000, sounds[-1].values)


def raise_error(said: str) -> None:
    """A CatError with the device's own words, where it has told an error."""
    if "error: " in said:
        name, advice = said[said.index("error: ") + 7 :].split("\n")[:2]
        raise CatError(f"{name}: {advice.strip()}")


def sentence(said: str) -> str | None:
    """What the device said last, as its console has it: a line of figures, then the text."""
    found = re.findall(r"^say verdict=.*\n  (.*)$", said, re.MULTILINE)
    return found[-1] if found else None


def _over(said: str) -> bool:
    """Whether a command that made a cat, or failed, has ended."""
    return said.endswith("\n>>> ") and ("\nerror: " in said or "\ncat " in said)


def pictures(
    model: Path,
    z: np.ndarray,
    *,
    program: Path | None = None,
    done: Callable[[int], None] = lambda count: None,
) -> np.ndarray:
    """The engine's pictures for latents int8 (N, inputs): uint8 (N, 64, 64, 3).

    One process for each core. `done(count)` is called for so many that are finished.
    """
    words = [find_program(program), "decode", model]
    parts = np.array_split(z, min(len(z), os.cpu_count() or 1))

    def run(part: np.ndarray) -> bytes:
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with subprocess.Popen(words, **pipes) as process, ThreadPoolExecutor(1) as feeder:
            feeder.submit(_feed, process.stdin, part.tobytes())
            made = bytearray()
            while got := process.stdout.read(PICTURE):
                made += got
                done(1)
            if error := process.stderr.read().decode().strip():
                raise CatError(f"{model.name}: {error}")
        return bytes(made)

    with ThreadPoolExecutor(len(parts)) as pool:
        values = b"".join(pool.map(run, parts))
    return np.frombuffer(values, np.uint8).reshape(len(z), SIZE, SIZE, 3) ^ 128


def _feed(pipe, data: bytes) -> None:
    try:
        with pipe:
            pipe.write(data)
    except BrokenPipeError:
        pass  # it has said why


def random_seed() -> int:
    return secrets.randbits(64)
