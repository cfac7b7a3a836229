"""See what a device makes, as it is made: its cats in colour, what it says of them, its dice.

    python host/monitor.py --port /dev/ttyUSB0               a board, real or virtual, at this port
    python host/monitor.py --port /dev/ttyUSB0 --png seen    and each picture as a file in seen/
    python host/monitor.py --port /dev/ttyUSB0 --install 30  a cat every 30 seconds, from now on
    python host/monitor.py --simulated --count 2             two by the simulator, from card/

A long press of the device's button makes a cat; with --generate it is asked for one at once. The
port of a virtual board is what `python host/board.py ch32h417 serial` says. Colours are for
terminals, and not where the environment has NO_COLOR; --plain does without them, too.
"""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from whim import cats, monitor, oled
from whim.arguments import POSITIVE, SEED, whole
from whim.card import Card
from whim.device import Device, DeviceError
from whim.dither import dither

BAUD = 115200
TURN_MS = 50  # of a simulated device's time between looks at its console
SCALE = 4  # of a picture's pixels in a file
INSTALL = whole(1, 86400)
AGAIN = 3  # seconds after which a device that has not answered is spoken to again


class MonitorError(Exception):
    """Why nothing can be seen, in a sentence."""


class Port:
    """A device at a serial port."""

    def __init__(self, name: str):
        import serial

        self._name, self._lost = name, (serial.SerialException, OSError)
        try:
            self._line = serial.Serial(name, BAUD, timeout=0.2, write_timeout=5)
        except self._lost as error:
            reason = getattr(error, "strerror", None) or error
            raise MonitorError(f"{name}: {reason}") from None

    def read(self) -> str:
        try:
            return self._line.read(max(1, self._line.in_waiting)).decode(errors="replace")
        except self._lost:
            raise MonitorError(f"{self._name} has gone: was the board unplugged?") from None

    def write(self, text: str) -> None:
        try:
            for character in text:  # a board keeps a line that is typed, and no more
                self._line.write(character.encode())
        except self._lost:
            raise MonitorError(f"{self._name} takes nothing: is it the right port?") from None

    def close(self) -> None:
        self._line.close()


class Simulated:
    """The simulator; in a terminal it takes the time that a device takes."""

    def __init__(self, arguments: argparse.Namespace):
        cats.model_file(arguments.card, "int4")
        card = Card(arguments.card, keep=arguments.seed is None)
        self._device = Device(arguments.seed, program=arguments.program, card=card)
        self._heard, self._due = 0, time.monotonic()

    def read(self) -> str:
        self._device.run(ms=TURN_MS)
        self._due = max(self._due + TURN_MS / 1000, time.monotonic() - 1)
        if sys.stdout.isatty():
            time.sleep(max(0, self._due - time.monotonic()))
        fresh = self._device.console[self._heard :]
        self._heard += len(fresh)
        return fresh

    def write(self, text: str) -> None:
        self._device.type(text)

    def close(self) -> None:
        self._device.close()


def main() -> int:
    arguments = parse()
    try:
        if arguments.png:
            arguments.png.mkdir(parents=True, exist_ok=True)
        device = Simulated(arguments) if arguments.simulated else Port(arguments.port)
        try:
            watch(device, arguments)
        finally:
            device.close()
    except (MonitorError, DeviceError, OSError) as error:
        print(f"monitor.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def watch(device: Port | Simulated, arguments: argparse.Namespace) -> None:
    """Show what comes, until somebody has seen enough."""
    listener, seen, tail, ready, due = monitor.Listener(), 0, "", False, 0.0
    asks = arguments.generate or arguments.simulated
    wish = f"install {arguments.install}\r" if arguments.install else "generate\r" * asks
    if sys.stdout.isatty():
        print("A long press of the button makes a cat; Ctrl-C ends this.", flush=True)
    while True:
        if not ready and time.monotonic() > due:
            device.write(monitor.START)
            due = time.monotonic() + AGAIN
        heard = device.read()
        tail = (tail + heard)[-len(monitor.PROMPT) :]
        for event in listener.hear(heard):
            show(event, arguments)
            match event:
                case monitor.Started():
                    ready, due = False, 0
                case monitor.Ready() if not ready:
                    ready = True
                    device.write(wish)
                case monitor.Picture():
                    seen += 1
                    if wish.startswith("g") and seen != arguments.count:
                        device.write(wish)
        if arguments.count and seen >= arguments.count and tail == monitor.PROMPT:
            return  # and it has been spoken of


def show(event: monitor.Event, arguments: argparse.Namespace) -> None:
    """An event as text, with its picture where there is a place for it."""
    match event:
        case monitor.Roll(roll):
            print(f"roll {roll['pips']}, by {roll['entropy']}")
        case monitor.Caption(verdict, text):
            print(f'"{text}" ({verdict})')
        case monitor.Trouble(text, advice):
            print(f"error: {text}: {advice}")
        case monitor.Started(board):
            print(f"the device has started: {board}")
        case monitor.Picture():
            show_picture(event, arguments)
    sys.stdout.flush()


def show_picture(event: monitor.Picture, arguments: argparse.Namespace) -> None:
    cat = event.cat
    if sys.stdout.isatty():
        print("\n".join(drawn(event.picture, arguments.plain, shutil.get_terminal_size().columns)))
    words = [f"cat {cat['kept'] or '(not kept)'}", str(cat["mood"]), str(cat["weights"])]
    words += [f"by {cat['entropy']}", f"crc {cat['crc']}"]
    if not event.right:
        words.append(f"damaged on its way: {event.missing} of {monitor.LINES} lines are missing")
    if arguments.png:
        name = f"{cat['kept']:05}-{cat['crc']}.png"
        size = (SCALE * monitor.SIZE,) * 2
        image = Image.fromarray(event.picture).resize(size, Image.Resampling.NEAREST)
        image.save(arguments.png / name)
        words.append(str(arguments.png / name))
    print(", ".join(words))


def drawn(picture: np.ndarray, plain: bool, columns: int) -> list[str]:
    """A picture as lines for a terminal of so many columns."""
    if plain:
        screen = np.zeros((monitor.SIZE, 2 * monitor.SIZE), bool)
        screen[:, : monitor.SIZE] = dither(picture)
        text = oled.half_blocks if columns >= monitor.SIZE else oled.braille
        return [line[: monitor.SIZE if columns >= monitor.SIZE else 32] for line in text(screen)]
    if columns < monitor.SIZE:
        picture = picture.reshape(32, 2, 32, 2, 3).mean((1, 3)).astype(int)
    return oled.colours(picture)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    device = parser.add_mutually_exclusive_group(required=True)
    device.add_argument("--port", metavar="DEVICE", help="the serial port of a board")
    device.add_argument("--simulated", action="store_true", help="the simulator")
    parser.add_argument("--png", metavar="FOLDER", type=Path, help="keep each picture there")
    parser.add_argument("--count", type=POSITIVE, metavar="N", help="end after so many cats")
    parser.add_argument("--generate", action="store_true", help="ask for a cat, and for the next")
    parser.add_argument("--install", type=INSTALL, metavar="SECONDS", help="installation mode")
    parser.add_argument("--plain", action="store_true", help="no colours")
    parser.add_argument("--seed", type=SEED, help="of the simulator (default: by chance)")
    parser.add_argument("--card", type=Path, default=cats.CARD, help="folder (default: card/)")
    parser.add_argument("--program", type=Path, help="the simulator's program, if built elsewhere")
    arguments = parser.parse_args()
    arguments.plain = arguments.plain or bool(os.environ.get("NO_COLOR"))
    return arguments


if __name__ == "__main__":
    sys.exit(main())
