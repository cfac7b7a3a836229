"""A virtual board: run the very image that people flash, instruction by instruction.

    python host/board.py ch32v003 roll --seed 7 --png roll.png   one roll: picture, line of JSON
    python host/board.py ch32v003 roll --seed 7 --gif roll.gif   the whole throw
    python host/board.py ch32h417 generate --seed 7 --png cat.png --wav verdict.wav
                                                                 one cat, and what is said of it
    python host/board.py ch32h417 generate --speed bandwidth=3MB/s,latency=1ms --bus spi
                                                                 from a slow card, by SPI
    python host/board.py ch32h417 say --index 12345 --wav verdict.wav     any verdict
    python host/board.py digits_v003 classify --image 3 --png screen.png         read a built-in
                                                                 picture: the digit, what it took
    python host/board.py digits_v003 profile                     where its cycles go: of any board
    python host/board.py ch32v003 serial                         its serial line, for a terminal
    python host/board.py ch32v003 run --ms 2000                  what the console says at start

It needs the emulator and the board's image: `pio run -e emulator -e ch32h417` builds both. A
CH32V003 or CH32V002 that reads digits is called after its image: digits_v003 and so on. The card
is an image of one (`python host/pack.py --image FILE`), or else has the files of the folder card/.
Figures of time are those of a cycle model, whose name stands beside them: host/emulator/core.h has
its assumptions.
"""

import argparse
import json
import sys
import tempfile
import zlib
from pathlib import Path

from PIL import Image

from whim import cats, dac, digits_app, flagship_cats, oled, phrases, sound, volume
from whim.arguments import SEED, VERDICT, add_cat_files, card_manners, whole
from whim.board import CHIPS, Board, find_image
from whim.board_figures import picture_figures
from whim.device import DeviceError
from whim.flagship import CORES, WIRINGS, Flagship
from whim.outcome import film, rolled, save, save_film, save_sound, written
from whim.sd_card import SdCard

DIGITS = [name for name in CHIPS if name.startswith("digits")]
BOARDS = {"ch32v003": Board, "ch32h417": Flagship} | dict.fromkeys(DIGITS, Board)
START_MS = 1500  # until every board asks for a press
DIGIT = 7  # the picture whose profile is taken


def main() -> int:
    arguments = parse()
    try:
        return arguments.run(arguments) or 0
    except (DeviceError, OSError) as error:
        print(f"board.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def make(arguments: argparse.Namespace, card: bool = False) -> Board:
    """The board, switched on. `card`: it is no use without one."""
    options = {
        "image": find_image(arguments.board, arguments.image),
        "noise": arguments.noise,
    }
    if arguments.board == "ch32h417":
        options |= {"card": find_card(arguments, card), "wiring": arguments.bus}
    return BOARDS[arguments.board](arguments.board, arguments.seed, **options)


def find_card(arguments: argparse.Namespace, needed: bool) -> SdCard | None:
    """The card by the arguments; one with the folder card/ on it, where none is named."""
    if arguments.card:
        return SdCard(arguments.card, **arguments.speed)
    if not needed:
        return None
    files = {name: cats.model_file(cats.CARD, weights) for weights, name in cats.FILES.items()}
    files[cats.BANK] = cats.bank_file()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "card.img"
        volume.make(path, files)
        return SdCard(path, **arguments.speed)


def roll(arguments: argparse.Namespace) -> None:
    """Press once, tell the result and what it cost as a line of JSON, write what was asked for."""
    with make(arguments) as board:
        frames = film(board) if arguments.gif else []
        board.run(ms=START_MS)
        before = board.transactions
        answer = {"board": arguments.board} | rolled(board, arguments.seed)
        screen = board.screen()
        answer |= picture_figures(board.transfers[before:], answer["macs"])
        answer |= {"cycle_model": board.cycle_model, "stack_bytes": board.stack_bytes()}
    if arguments.png:
        save(oled.photo(screen), arguments.png)
    if arguments.gif:
        save_film(frames, arguments.gif)
    print(json.dumps(answer | written(arguments, "png", "gif")))


def generate(arguments: argparse.Namespace) -> None:
    """Press long, tell the result and what it cost as a line of JSON, write what was asked for."""
    with make(arguments, card=True) as board:
        flagship_cats.start(board)
        frames = film(board) if arguments.gif else []
        made = flagship_cats.generate(board, arguments.weights)
        if arguments.card and arguments.seed is None:  # what was kept, and drawn from the pool
            board.card.save(arguments.card)
    if arguments.png:
        save(Image.fromarray(made.cat.picture), arguments.png)
    if arguments.oled:
        save(oled.photo(made.screen), arguments.oled)
    if arguments.gif:
        save_film(frames, arguments.gif)
    if arguments.wav:
        save_sound(made.sound, arguments.wav)
    print(json.dumps({
        "board": arguments.board,
        "bus": arguments.bus,
        "seed": arguments.seed,
        "mood": made.cat.mood,
        "verdict": made.cat.verdict,
        "sentence": made.sentence,
        "speech_seconds": round(len(made.sound) / dac.RATE, 2),
        "crc32": zlib.crc32(made.cat.picture.tobytes()),
        "weights": arguments.weights,
        "entropy": made.cat.entropy,
        "z": made.cat.z.tolist(),
        **made.figures,
        **written(arguments, "png", "oled", "gif", "wav"),
    }))  # fmt: skip


def say(arguments: argparse.Namespace) -> None:
    """Have a verdict said, tell it as a line of JSON, write its sound."""
    with make(arguments, card=True) as board:
        flagship_cats.start(board)
        said = flagship_cats.say(board, arguments.index, arguments.volume)
        late = board.late
    if arguments.wav:
        sound.write(arguments.wav, said.sound)
    print(json.dumps({
        "board": arguments.board,
        "verdict": arguments.index,
        "mood": phrases.MOODS[arguments.index >> 16],
        "sentence": said.sentence,
        "speech_seconds": said.seconds,
        "seconds": round(len(said.sound) / dac.RATE, 2),
        "volume": arguments.volume,
        "late": late,
        **written(arguments, "wav"),
    }))  # fmt: skip


def classify(arguments: argparse.Namespace) -> None:
    """Send a built-in picture over the serial line, tell the answer and its cost as a line of
    JSON."""
    picture = digits_app.built_in()[arguments.image]
    arguments.image, arguments.seed = None, None  # the image that is built, which takes no seed
    with make(arguments) as board:
        answer = digits_app.Line(board).read(picture)
        board.run(ms=100)
        screen = board.screen()
        said = digits_app.told(arguments.board, answer, board)
        said["stack_bytes"] = board.stack_bytes()
    if arguments.png:
        save(oled.photo(screen), arguments.png)
    print(json.dumps(said | written(arguments, "png")))


def profile(arguments: argparse.Namespace) -> None:
    """List what each function cost of the board's work: a cat, a digit or a roll."""
    flagship = arguments.board == "ch32h417"
    with make(arguments, card=flagship) as board:
        board.run(ms=START_MS)
        board.machine.call("profile_start")
        if flagship:
            flagship_cats.generate(board, arguments.weights)
        elif arguments.board in DIGITS:
            digits_app.Line(board).read(digits_app.built_in()[DIGIT])
        else:
            board.roll()
        for number, core in enumerate(CORES if flagship else [arguments.board]):
            functions = board.machine.profile(number)
            total = sum(cycles for _, cycles in functions.values())
            model = board.machine.core_model(number)
            print(f"   share        cycles  instructions  function of {core} ({model})")
            for name, (instructions, cycles) in functions.items():
                if cycles >= total / 1000:
                    print(f"{cycles / total:8.1%}  {cycles:12,}  {instructions:12,}  {name}")


def serial(arguments: argparse.Namespace) -> None:
    """Be at the other end of a pseudo-terminal, until stopped; its name is the first line."""
    from whim.serial_line import SerialLine  # not on Windows, which has no pseudo-terminals

    with make(arguments, card=arguments.board == "ch32h417") as board:
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
    parser.add_argument("board", choices=BOARDS, help="which board")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--seed",
        type=SEED,
        metavar="N",
        help="always the same bytes; without it, the card's pool or the chip's own noise",
    )
    common.add_argument(
        "--noise", type=SEED, default=1, metavar="N", help="repeatable noise of this number (1)"
    )
    common.add_argument("--image", type=Path, metavar="FILE", help="another image, an ELF file")
    slot = common.add_argument_group("boards with a card")
    slot.add_argument("--card", type=Path, metavar="FILE", help="an image of the card in the slot")
    slot.add_argument(
        "--bus", choices=WIRINGS, default=WIRINGS[0], help="how the slot is wired (sdmmc: 4 bits)"
    )
    slot.add_argument(
        "--speed",
        type=card_manners,
        default={},
        metavar="HOW",
        help="how fast the card is (bandwidth=25MB/s,latency=200us); also pause=100ms@0.001",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    weights = argparse.ArgumentParser(add_help=False)
    weights.add_argument(
        "--weights", choices=cats.FILES, default="int4", help="of 4 bits (the default) or of 8"
    )

    command = commands.add_parser(
        "roll", parents=[common], help="roll once, without a screen", **manners
    )
    command.add_argument("--png", type=Path, metavar="FILE", help="the display after the roll")
    command.add_argument("--gif", type=Path, metavar="FILE", help="the display all the while")
    command.set_defaults(run=roll)

    command = commands.add_parser(
        "generate", parents=[common, weights], help="generate a cat, without a screen", **manners
    )
    add_cat_files(command)
    command.set_defaults(run=generate)

    command = commands.add_parser(
        "say", parents=[common], help="say a verdict, without a screen", **manners
    )
    command.add_argument(
        "--index", type=VERDICT, metavar="N", required=True, help="which, 0 to 131071"
    )
    command.add_argument("--wav", type=Path, metavar="FILE", help="what the DAC gets: 64 kHz")
    command.add_argument(
        "--volume", type=int, choices=range(11), default=10, metavar="N", help="0 to 10 (10)"
    )
    command.set_defaults(run=say)

    command = commands.add_parser(
        "classify", help="read a picture of a digit, without a screen", **manners
    )
    command.add_argument(
        "--image", type=whole(0, 9), metavar="N", required=True, help="the built-in picture of N"
    )
    command.add_argument(
        "--noise", type=SEED, default=1, metavar="N", help="RAM at power-on holds this (1)"
    )
    command.add_argument("--png", type=Path, metavar="FILE", help="the display after it")
    command.set_defaults(run=classify, card=None, speed={}, bus=WIRINGS[0])

    command = commands.add_parser(
        "profile",
        parents=[common, weights],
        help="list what each function costs, of a roll, a cat or a digit",
        **manners,
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
    arguments = parser.parse_args()
    if arguments.board != "ch32h417":
        if arguments.card or arguments.speed or arguments.bus != WIRINGS[0]:
            parser.error(f"{arguments.board} has no card: --card, --bus and --speed are not for it")
        if arguments.run in (generate, say):
            parser.error(f"{arguments.board} makes no cats: try ch32h417")
    reads = arguments.board in DIGITS
    if (arguments.run is classify) != reads and arguments.run in (classify, roll):
        parser.error(f"{arguments.board} {'reads digits' if reads else 'rolls a die'}: it cannot"
                     f" {arguments.run.__name__}")
    if "noise" in arguments.speed:
        parser.error("--speed: it is --noise that decides when this card pauses")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
