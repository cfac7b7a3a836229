"""Cats and verdicts by the virtual flagship: what whim.cats does with the simulator, and what it
cost.

`seconds` is what a picture took, as the device counts it; `computing` of that is what V5F's cycles
come to, `waiting` what V5F waited for the card, `card` how long the card was busy. All are seconds
by the cycle models that `cores` names.
"""

from typing import NamedTuple

import numpy as np

from whim import cats, kept, volume
from whim.device import DeviceError, lines
from whim.flagship import CORES, TICKS_PER_US, Flagship

START_MS = 1500  # until it asks for a press
PATIENCE_MS = 120_000
HERTZ = 1e6 * TICKS_PER_US


class Made(NamedTuple):
    """A cat that the board made. `cat`: what the card keeps of it. `result`: what the console says
    of it, and `sentence`, what was said; `sound`: what the DAC was given, uint16; `figures`: what
    it cost, by the names above."""

    cat: kept.Kept
    screen: np.ndarray
    result: dict
    sentence: str | None
    sound: np.ndarray
    figures: dict


def start(board: Flagship) -> Flagship:
    """Let it start, and see that it asks for a press; its seed comes before a pool on its card."""
    if not board.run_until(lambda: ">>> " in board.console, START_MS):
        raise DeviceError(f"it does not start; the console says: {board.console!r}")
    if board.seed is not None:
        ask(board, f"seed {board.seed}")
    return board


def ask(board: Flagship, command: str, ms: float = PATIENCE_MS) -> str:
    """Type a line, and answer what the device says until its next prompt."""
    begin = len(board.console)
    board.type(f"{command}\r")
    return listen(board, begin, ms)


def listen(board: Flagship, begin: int, ms: float = PATIENCE_MS) -> str:
    """What the console says from `begin` on, until its next prompt."""
    if not board.run_until(lambda: board.console[begin:].endswith("\n>>> "), ms):
        raise DeviceError(f"no end within {ms / 1000:.0f} s; it says: {board.console[begin:]!r}")
    board.run(ms=20)
    return board.console[begin:]


def generate(board: Flagship, weights: str = "int4") -> Made:
    """A long press, on a board that has started, until the cat is made, kept and judged."""
    ask(board, f"weights {weights}")
    begin, before = len(board.console), _spent(board)
    board.press(ms=1000)

    def over() -> bool:
        return any(sign in board.console[begin:] for sign in ("\ncat ", "error: "))

    if not board.run_until(over, PATIENCE_MS):
        raise DeviceError(f"no cat within two minutes; it says: {board.console[begin:]!r}")
    spent = {key: value - before[key] for key, value in _spent(board).items()}
    said = listen(board, begin)
    cats.raise_error(said)
    (result,) = lines(said, "cat")
    counted = ask(board, "stats")
    picture, memory, sound = (lines(counted, word)[0] for word in ("picture", "memory", "sound"))
    figures = {
        "seconds": picture["ms"] / 1000,
        "computing": round(spent["v5f", "awake"] / HERTZ, 3),
        "waiting": picture["wait_ms"] / 1000,
        "card": picture["card_ms"] / 1000,
        "card_paused": round(spent["card", "paused"] / HERTZ, 3),
        "cores": {
            core: {
                "cycle_model": board.machine.core_model(number),
                "instructions": spent[core, "instructions"],
                "cycles": spent[core, "awake"],
            }
            for number, core in enumerate(CORES)
        },
        "card_hertz": board.machine.sd_figure("hertz"),
        "card_wires": board.machine.sd_figure("wires"),
        "card_bytes_read": picture["card_bytes"],
        "card_retries": picture["retries"],
        "arena_bytes": memory["arena_bytes"],
        "fades": sound["fades"],
        "late": sound["late"] + board.late,
    }
    return Made(
        kept.read(read_file(board, f"cats/{result['kept']:05}.bmp")),
        board.screen(),
        result,
        cats.sentence(said),
        board.sounds[-1].values if board.sounds else np.zeros(0, np.uint16),
        figures,
    )


def say(board: Flagship, verdict: int, loudness: int = 10) -> cats.Said:
    """A verdict by the shell, on a board that has started, with a bank on its card."""
    ask(board, f"volume {loudness}")
    said = ask(board, f"say {verdict}")
    cats.raise_error(said)
    seconds = lines(said, "say")[-1]["ms"] / 1000
    return cats.Said(cats.sentence(said), seconds, board.sounds[-1].values)


def read_file(board: Flagship, name: str) -> bytes:
    """A file of the card in the slot, as other computers read it."""
    files = volume.contents(board.card.image)
    if name not in files:
        raise DeviceError(f"{name} is not on the card")
    return files[name]


def _spent(board: Flagship) -> dict[tuple[str, str], int]:
    """What goes up: instructions and cycles awake of each core, ticks of the card's pauses."""
    found = {("card", "paused"): board.machine.sd_figure("paused_ticks")}
    for core, counts in board.cores().items():
        found[core, "instructions"] = counts["instructions"]
        found[core, "awake"] = counts["cycles"] - counts["slept"]
    return found
