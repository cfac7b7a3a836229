"""A virtual board: run the very image that people flash, instruction by instruction.

    python host/board.py ch32v003 roll --seed 7 --png roll.png   one roll: picture, line of JSON
    python host/board.py ch32v003 roll --seed 7 --gif roll.gif   the whole throw
    python host/board.py ch32v003 profile --seed 7               where a roll's cycles go
    python host/board.py ch32v003 serial                         its serial line, for a terminal
    python host/board.py ch32v003 run --ms 2000                  what the console says at start

It needs the emulator and the board's image: `pio run -e emulator -e ch32v003` builds both. Figures
of time are those of a cycle model, whose name stands beside them: host/emulator/core.h has its
assumptions.
"""

import argparse
import json
import sys
from pathlib import Path

from sim import changes  # the same manners
from whim import oled
from whim.arguments import SEED
from whim.board import Board, find_image
from whim.board_figures import picture_figures
from whim.device import DeviceError, lines


def main() -> int:
    arguments = parse()
    try:
        return arguments.run(arguments) or 0
    except (DeviceError, OSError) as error:
        print(f"board.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def make(arguments: argparse.Namespace) -> Board:
    image = find_image(arguments.board, arguments.image)
    return Board(arguments.board, arguments.seed, image=image, noise=arguments.noise)


def roll(arguments: argparse.Namespace) -> None:
    """Press once, tell the result as a line of JSON, write what was asked for."""
    frames = []
    with make(arguments) as board:
        if arguments.gif:
            board.on_frame = lambda ms: frames.append((ms, board.screen()))
        board.run(ms=1500)
        before = board.transactions
        result = board.roll()
        board.run(ms=100)
        if "error:" in board.console:
            raise DeviceError(board.console[board.console.index("error:") :].strip())
        (model,) = lines(board.console, "model")
        screen = board.screen()
        figures = picture_figures(board.transfers[before:], model["macs"])
        figures |= {"cycle_model": board.cycle_model, "stack_bytes": board.stack_bytes()}
    if arguments.png:
        oled.photo(screen).save(arguments.png)
    if arguments.gif:
        oled.animation(changes(frames), arguments.gif)
    written = {name: getattr(arguments, name) for name in ("png", "gif")}
    print(json.dumps({
        "board": arguments.board,
        "pips": result["pips"],
        "seed": arguments.seed,
        "entropy": result["entropy"],
        "turn": result["turn"],
        "latent": result["latent"],
        "arena_bytes": model["arena_bytes"],
        "macs": model["macs"],
        **figures,
        **{name: str(path) for name, path in written.items() if path},
    }))  # fmt: skip


def profile(arguments: argparse.Namespace) -> None:
    """Press once, and list what each function cost until the result."""
    with make(arguments) as board:
        board.run(ms=1500)
        board.machine.call("profile_start")
        board.roll()
        functions = board.machine.profile()
        total = sum(cycles for _, cycles in functions.values())
        print(f"   share        cycles  instructions  function ({board.cycle_model})")
        for name, (instructions, cycles) in functions.items():
            if cycles >= total / 1000:
                print(f"{cycles / total:8.1%}  {cycles:12,}  {instructions:12,}  {name}")


def serial(arguments: argparse.Namespace) -> None:
    """Be at the other end of a pseudo-terminal, until stopped; its name is the first line."""
    from whim.serial_line import SerialLine  # not on Windows, which has no pseudo-terminals

    with make(arguments) as board:
        line = SerialLine(board)
        print(line.name, flush=True)
        while True:
            line.run(ms=10, as_fast_as_possible=arguments.fast)


def run(arguments: argparse.Namespace) -> None:
    """Switch on, let time pass, and show what the console says."""
    with make(arguments) as board:
        try:
            board.run(ms=arguments.ms)
        finally:
            print(board.console, end="")


def parse() -> argparse.Namespace:
    summary, _, examples = __doc__.partition("\n\n")
    manners = {"epilog": examples, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser(description=summary, **manners)
    parser.add_argument("board", choices=["ch32v003"], help="which board")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--seed",
        type=SEED,
        metavar="N",
        help="always the same bytes; without it, the chip's own noise",
    )
    common.add_argument(
        "--noise", type=SEED, default=1, metavar="N", help="repeatable noise of this number (1)"
    )
    common.add_argument("--image", type=Path, metavar="FILE", help="another image, an ELF file")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser(
        "roll", parents=[common], help="roll once, without a screen", **manners
    )
    command.add_argument("--png", type=Path, metavar="FILE", help="the display after the roll")
    command.add_argument("--gif", type=Path, metavar="FILE", help="the display all the while")
    command.set_defaults(run=roll)

    command = commands.add_parser(
        "profile", parents=[common], help="list what each function of a roll costs", **manners
    )
    command.set_defaults(run=profile)

    command = commands.add_parser(
        "serial", parents=[common], help="offer the serial line as a device of this PC", **manners
    )
    command.add_argument("--fast", action="store_true", help="do not keep to real time")
    command.set_defaults(run=serial)

    command = commands.add_parser(
        "run", parents=[common], help="switch on and show the console", **manners
    )
    command.add_argument("--ms", type=float, default=1000, help="for how long (1000)")
    command.set_defaults(run=run)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
