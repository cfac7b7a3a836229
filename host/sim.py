"""The simulated device: roll its die, without a screen or in a terminal.

    python host/sim.py demo                              the device in this terminal
    python host/sim.py roll --seed 7 --png roll.png      one roll, as a picture and a line of JSON
    python host/sim.py roll --seed 7 --gif roll.gif      the whole throw
    python host/sim.py roll --grey dice.npz --count 500  what the decoder draws, in grey

It needs the firmware, built for this PC: `make demo` does all, `pio run -e sim` only that.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from whim import oled, terminal
from whim.device import Device, DeviceError, find_program, lines

PICTURE = 32 * 32


def main() -> int:
    arguments = parse()
    try:
        return arguments.run(arguments) or 0
    except (DeviceError, OSError) as error:
        print(f"sim.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def roll(arguments: argparse.Namespace) -> None:
    """Press once, tell the result as a line of JSON, write what was asked for."""
    frames = []
    with Device(arguments.seed, program=arguments.program) as device:
        if arguments.gif:
            device.on_frame = lambda ms: frames.append((ms, device.screen()))
        device.run(ms=1000)
        result = device.roll()
        device.run(ms=100)
        if "error:" in device.console:
            raise DeviceError(device.console[device.console.index("error:") :].strip())
        (model,) = lines(device.console, "model")
        screen = device.screen()
    if arguments.png:
        oled.photo(screen).save(arguments.png)
    if arguments.gif:
        oled.animation(changes(frames), arguments.gif)
    if arguments.grey:
        save_grey(arguments)
    written = {name: getattr(arguments, name) for name in ("png", "gif", "grey")}
    print(json.dumps({
        "pips": result["pips"],
        "seed": arguments.seed,
        "entropy": result["entropy"],
        "turn": result["turn"],
        "latent": result["latent"],
        "arena_bytes": model["arena_bytes"],
        "macs": model["macs"],
        **{name: str(path) for name, path in written.items() if path},
    }))  # fmt: skip


def demo(arguments: argparse.Namespace) -> None:
    """Play in the terminal; without one, roll once and say where the picture is."""
    if not terminal.usable():
        with Device(arguments.seed, program=arguments.program) as device:
            pips = device.roll()["pips"]
            device.run(ms=100)
            oled.photo(device.screen()).save(arguments.png)
        path = arguments.png.resolve()
        print(f"No terminal to draw in: rolled a {pips}; the display is in {path}")
        return
    with Device(arguments.seed, program=arguments.program) as device:
        terminal.play(device, colour="NO_COLOR" not in os.environ)


def save_grey(arguments: argparse.Namespace) -> None:
    """The first pictures that a seed rolls, as the decoder draws them, before the display."""
    words = ["grey", "system" if arguments.seed is None else str(arguments.seed)]
    words = [find_program(arguments.program), *words, str(arguments.count)]
    records = bytearray()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        with progress(arguments.count) as bar:
            while got := process.stdout.read1():
                records += got
                bar.update(len(records) // (1 + PICTURE) - bar.n)
        if error := process.stderr.read().decode().strip():
            raise DeviceError(f"grey: {error}")
    values = np.frombuffer(records, np.uint8).reshape(arguments.count, 1 + PICTURE)
    with open(arguments.grey, "wb") as file:  # savez would append .npz to another name
        np.savez_compressed(file, x=values[:, 1:].reshape(-1, 32, 32), y=values[:, 0])


def changes(frames: list[tuple[float, np.ndarray]]) -> list[tuple[np.ndarray, float]]:
    """The screens that differ from the one before, with durations in ms; the last is held."""
    kept = [frames[0]]
    kept += [new for old, new in zip(frames, frames[1:]) if (old[1] != new[1]).any()]
    ends = [ms for ms, _ in kept[1:]] + [kept[-1][0] + 2000]
    return [(screen, end - ms) for (ms, screen), end in zip(kept, ends)]


def progress(count: int):
    """A progress bar, on a terminal only."""
    from tqdm import tqdm

    return tqdm(total=count, unit="dice", disable=None, leave=False)


def seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) >= 2**64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 2^64 - 1")
    return int(text)


def positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1,000,000")
    return int(text)


def parse() -> argparse.Namespace:
    summary, _, examples = __doc__.partition("\n\n")
    manners = {"epilog": examples, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser(description=summary, **manners)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--seed",
        type=seed,
        metavar="N",
        help="always the same bytes; without it, the system's entropy",
    )
    common.add_argument("--program", type=Path, help="another build of the simulator")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser(
        "roll", parents=[common], help="roll once, without a screen", **manners
    )
    command.add_argument("--png", type=Path, metavar="FILE", help="the display after the roll")
    command.add_argument("--gif", type=Path, metavar="FILE", help="the display all the while")
    command.add_argument(
        "--grey",
        type=Path,
        metavar="FILE",
        help="what the decoder draws for the first rolls, as .npz: x uint8 (N, 32, 32), y the pips",
    )
    command.add_argument("--count", type=positive, default=100, metavar="N", help="how many (100)")
    command.set_defaults(run=roll)

    command = commands.add_parser(
        "demo", parents=[common], help="the device in this terminal", **manners
    )
    command.add_argument(
        "--png",
        type=Path,
        metavar="FILE",
        default=Path("roll.png"),
        help="the picture to write where there is no terminal (roll.png)",
    )
    command.set_defaults(run=demo)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
