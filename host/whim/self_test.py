"""A board's self-test, over its serial line: does it compute what the NumPy decoder computes?

The device makes six pictures of the die, or one of a cat, and says the CRC-32 of what each layer
made for them (src/app/selftest.h, trials.h); here stands what it should say.
"""

import re
import time
import zlib

import numpy as np

from whim import decoder
from whim.model import Model, Op

BAUD = 115200
PICTURES, STEP = 6, 89  # as in src/app/selftest.c
PROMPT = b">>> "
WAKE_S = 6  # seconds for a prompt: some boards restart when their serial line is opened
TEST_S = 20  # seconds for the next line of the self-test
ECHO = re.compile(rb"selftest( cat)?\r*\n")
WEIGHTS = {"cat8": "int8", "cat4": "int4"}  # what the shell calls the cats' models, by their names
LINE = re.compile(rb"selftest layer=(\d+) crc=([0-9a-f]{8})\r*\n")
END = re.compile(rb"selftest done\r*\n|error: [^\n]*\n|unknown[^\n]*\n")


class SelfTestError(RuntimeError):
    """The board said nothing, or something else than a self-test; a sentence for people."""


def inputs(model: Model, pictures: int = PICTURES) -> np.ndarray:
    """Those of the self-test: int8 (pictures, model.inputs)."""
    count = pictures * model.inputs
    values = np.arange(1, count + 1) * STEP % 256
    if model.input_shape[1] > 1:  # a picture, and not a latent: 4 bits of them
        values %= 16
    return values.astype(np.uint8).view(np.int8).reshape(pictures, model.inputs)


def expected(model: Model, pictures: int = PICTURES) -> list[int]:
    """The CRC-32 of each layer's rows, all pictures' one after another."""
    return [
        zlib.crc32(np.ascontiguousarray(layer).tobytes())
        for layer in decoder.trace(model, inputs(model, pictures))
    ]


def run(port: str, model: Model, name: str = "die") -> list[dict]:
    """Let the board at serial port `port` test itself: a dict for each layer of `model`, with `op`
    and the CRCs `device` (None where it said none) and `decoder`. `name`: of the model's file,
    "cat4" or "cat8" for one that is on the board's card.
    """
    said = ask(port, WEIGHTS.get(name))
    crcs = expected(model, 1 if name in WEIGHTS else PICTURES)
    layers = [
        {"op": Op(layer.op).name.lower(), "device": said.pop(number, None), "decoder": crc}
        for number, (layer, crc) in enumerate(zip(model.layers, crcs))
    ]
    return layers + [{"op": "?", "device": crc, "decoder": None} for crc in said.values()]


def ask(port: str, weights: str | None = None) -> dict[int, int]:
    """What the board says: the CRC of each layer that it has; of its card's cats, if these weights
    are named."""
    import serial

    try:
        with serial.Serial(port, BAUD, timeout=0.1, write_timeout=5) as line:
            find_prompt(port, line)
            if weights:
                line.write(f"weights {weights}\r".encode())
                find_prompt(port, line)
            text = _command(port, line, b"selftest cat" if weights else b"selftest")
    except (serial.SerialException, OSError) as error:
        raise SelfTestError(f"{port}: {getattr(error, 'strerror', None) or error}") from None
    end = END.search(text)[0].decode(errors="replace").strip()
    if not end.startswith("selftest"):
        raise SelfTestError(f"the board at {port} could not test itself: {end}")
    return {int(number): int(crc, 16) for number, crc in LINE.findall(text)}


def find_prompt(port: str, line) -> None:
    """Ctrl-C forgets what was half typed, and asks for a prompt."""
    heard, end = b"", time.monotonic() + WAKE_S
    while time.monotonic() < end:
        line.write(b"\x03")
        again = time.monotonic() + 0.5
        while time.monotonic() < again:
            heard += line.read(max(1, line.in_waiting))
            if heard.endswith(PROMPT):
                return
    if heard:
        raise SelfTestError(
            f"what comes from {port} is not Whim's shell: is it the right port, and does nothing"
            f" else use it? It says {heard[-60:]!r}"
        )
    raise SelfTestError(
        f"no answer from {port}: is the board powered, is this its port, are TX and RX crossed,"
        f" and does it speak {BAUD} baud?"
    )


def _command(port: str, line, words: bytes) -> bytes:
    """Run the self-test: all that the board says, up to its end."""
    line.write(words + b"\r")
    text, end = b"", time.monotonic() + TEST_S
    while time.monotonic() < end:
        got = line.read(max(1, line.in_waiting))
        text += got
        if b"\n" in got:
            end = time.monotonic() + TEST_S
        echo = ECHO.search(text)  # before it, the end of what the board did until then
        if echo and END.search(text, echo.end()):
            return text[echo.end() :]
    raise SelfTestError(f"the board at {port} has begun its self-test and fallen silent")
