"""Handwritten digits: read a picture, or all of MNIST's test set, with the firmware that does so.

    python host/digits.py classify --image 7 --png screen.png    the built-in picture of a 7, and
                                                                 the display with it
    python host/digits.py classify photo.png                     your own photo or drawing
    python host/digits.py classify photo.png --board digits_v003 on the virtual CH32V003
    python host/digits.py accuracy --data ../shared/data/mnist   all 10,000 test pictures, in NumPy
                                                                 and in C
    python host/digits.py accuracy --data MNIST --board digits_v003 --count 500     and by the image
                                                                 that is flashed, a part of them
    python host/digits.py accuracy --data MNIST --port /dev/ttyUSB0                 or by a board
    python host/digits.py pictures --data MNIST                  make the built-in pictures anew

A photo or drawing may be dark on light or light on dark; it is cropped and centred as MNIST's are.
It needs the firmware: `pio run -e digits` for this PC, `pio run -e emulator -e digits_v003` for the
virtual CH32V003. Times are those of a cycle model, whose name stands beside them.
"""

import argparse
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from whim import decoder, digits, digits_app, digits_photo, oled
from whim.arguments import POSITIVE, whole
from whim.board import Board
from whim.device import ROOT, Device, DeviceError
from whim.format import FormatError
from whim.outcome import progress, save, written

BATCH = 500  # pictures at a time, in NumPy
SHARE = 25  # pictures at a time that a process takes
SIMULATOR = "digits"


def main() -> int:
    arguments = parse()
    try:
        return arguments.run(arguments) or 0
    except (DeviceError, digits_photo.PhotoError, FormatError, OSError, ValueError) as error:
        print(f"digits.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def switched_on(name: str) -> Device | Board:
    """The device that one of PlatformIO's environments is for."""
    board, _ = digits_app.environment(name)
    if board != "sim":
        return Board(name)
    if not os.access(digits_app.PROGRAM, os.X_OK):
        shown = digits_app.PROGRAM.relative_to(ROOT)
        raise DeviceError(f"{shown} is not built: run `pio run -e {SIMULATOR}`")
    return Device(program=digits_app.PROGRAM)


def classify(arguments: argparse.Namespace) -> None:
    """Send a picture over the serial line, tell the answer as a line of JSON."""
    if arguments.image is not None:
        picture = digits_app.built_in()[arguments.image]
    elif arguments.test is not None:
        pictures, _ = digits.load(arguments.data, digits.TEST)
        picture = digits.picture(pictures[arguments.test])
    else:
        picture = digits_photo.read(arguments.file)
    with switched_on(arguments.board) as device:
        answer = digits_app.Line(device).read(picture)
        device.run(ms=100)
        screen = device.screen()
        said = digits_app.told(arguments.board, answer, device)
    if arguments.png:
        save(oled.photo(screen), arguments.png)
    print(json.dumps(said | written(arguments, "png")))


def accuracy(arguments: argparse.Namespace) -> int:
    """Read a set in every way that was asked for; a line of JSON says how often each was right, and
    how many of its logits are not the NumPy decoder's."""
    net = arguments.net or "small"
    if arguments.board:
        _, net = digits_app.environment(arguments.board)
    if arguments.net not in (None, net):
        raise DeviceError(f"{arguments.board} has the {net} net in its flash")
    pictures, labels = digits.load(arguments.data, arguments.set)
    pictures, labels = digits.picture(pictures[: arguments.count]), labels[: arguments.count]
    path = ROOT / f"data/digits-{net}.whim"
    model = decoder.load(path)
    truth = None
    report = {"net": net, "set": arguments.set, "pictures": len(labels), "decoders": {}}
    ways = {"numpy": partial(in_numpy, model), "c engine": partial(in_c, path)}
    if arguments.board:
        ways[arguments.board] = partial(on_boards, arguments.board)
    if arguments.port:
        ways[arguments.port] = partial(at_port, arguments.port)
    for name, way in ways.items():
        with progress(len(labels), "pictures") as bar:
            bar.set_description(name)
            logits = np.zeros((len(labels), digits_app.DIGITS), int)
            cycles = []
            for start, made, took in way(pictures):
                logits[start : start + len(made)] = made
                cycles += took
                bar.update(len(made))
        truth = logits if truth is None else truth
        right = int((logits.argmax(1) == labels).sum())
        report["decoders"][name] = {
            "right": right,
            "accuracy": round(100 * right / len(labels), 2),
            "logits_differ": int((logits != truth).sum()),
            "crc32": zlib.crc32(logits.astype(np.int8).tobytes()),
        }
        if any(cycles):
            milliseconds = np.array(cycles) / digits_app.MEGAHERTZ / 1000
            report["decoders"][name] |= {
                "ms_mean": round(float(milliseconds.mean()), 2),
                "ms_most": round(float(milliseconds.max()), 2),
            }
    print(json.dumps(report))
    return int(any(way["logits_differ"] for way in report["decoders"].values()))


Part = tuple[int, np.ndarray, list[int]]  # number of its first picture, logits, cycles of each


def in_numpy(model, pictures: np.ndarray) -> Iterator[Part]:
    for start in range(0, len(pictures), BATCH):
        inputs = pictures[start : start + BATCH].reshape(-1, digits.SIZE**2)
        yield start, decoder.decode(model, inputs).reshape(len(inputs), -1), []


def in_c(path: Path, pictures: np.ndarray) -> Iterator[Part]:
    """By the application's own function, built for this PC."""
    if not os.access(digits_app.PROGRAM, os.X_OK):
        raise DeviceError(f"the simulator is not built: run `pio run -e {SIMULATOR}`")
    words = [digits_app.PROGRAM, "classify", "--model", path]
    for start in range(0, len(pictures), BATCH):
        given = pictures[start : start + BATCH].tobytes()
        done = subprocess.run(words, input=given, capture_output=True)
        if done.returncode:
            raise DeviceError(f"{path.name}: {done.stderr.decode(errors='replace').strip()}")
        yield start, np.frombuffer(done.stdout, np.int8).reshape(-1, digits_app.DIGITS), []


def on_boards(name: str, pictures: np.ndarray) -> Iterator[Part]:
    """By the image that is flashed, on as many virtual boards as this PC has cores."""
    switched_on(name).close()  # what is missing is told here, and not in another process
    starts = range(0, len(pictures), SHARE)
    parts = [pictures[start : start + SHARE] for start in starts]
    with ProcessPoolExecutor() as pool:
        for start, answers in zip(starts, pool.map(partial(read_all, name), parts)):
            yield start, *_columns(answers)


def read_all(name: str, pictures: np.ndarray) -> list[digits_app.Answer]:
    with switched_on(name) as device:
        line = digits_app.Line(device)
        return [line.read(picture) for picture in pictures]


def at_port(port: str, pictures: np.ndarray) -> Iterator[Part]:
    line = digits_app.Port(port)
    for start, picture in enumerate(pictures):
        yield start, *_columns([line.read(picture)])


def _columns(answers: list[digits_app.Answer]) -> tuple[np.ndarray, list[int]]:
    return np.array([answer.logits for answer in answers]), [answer.cycles for answer in answers]


def make_pictures(arguments: argparse.Namespace) -> None:
    digits_app.write_pictures(arguments.data)
    print(digits_app.PICTURES)


def parse() -> argparse.Namespace:
    summary, _, examples = __doc__.partition("\n\n")
    manners = {"epilog": examples, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser(description=summary, **manners)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        default=ROOT.parent / "shared/data/mnist",
        help="MNIST's four files, as they come (../shared/data/mnist)",
    )

    command = commands.add_parser(
        "classify", parents=[data], help="classify one picture", **manners
    )
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a photo or drawing")
    which.add_argument("--image", type=whole(0, 9), metavar="N", help="the built-in picture of N")
    which.add_argument(
        "--test", type=whole(0, 9999), metavar="N", help="picture N of MNIST's test set"
    )
    command.add_argument(
        "--board", default=SIMULATOR, metavar="ENV", help="by this image: digits_v003 (digits)"
    )
    command.add_argument("--png", type=Path, metavar="FILE", help="the display with it")
    command.set_defaults(run=classify)

    command = commands.add_parser(
        "accuracy", parents=[data], help="classify MNIST's test set", **manners
    )
    command.add_argument("--net", choices=digits_app.NETS, help="which (small)")
    command.add_argument("--board", metavar="ENV", help="also on this virtual board: digits_v003")
    command.add_argument("--port", metavar="DEVICE", help="also on the board at this serial port")
    command.add_argument(
        "--count", type=POSITIVE, default=10_000, metavar="N", help="the first N only (10000)"
    )
    command.add_argument(
        "--set", choices=(digits.TEST, digits.TRAIN), default=digits.TEST, help="which set (t10k)"
    )
    command.set_defaults(run=accuracy)

    command = commands.add_parser(
        "pictures", parents=[data], help="make data/digits-pictures.txt", **manners
    )
    command.set_defaults(run=make_pictures)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
