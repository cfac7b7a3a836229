"""The simulated device: roll its die, make a cat, hear it, without a screen or in a terminal.

    python host/sim.py demo                              the device in this terminal
    python host/sim.py roll --seed 7 --png roll.png      one roll, as a picture and a line of JSON
    python host/sim.py roll --seed 7 --gif roll.gif      the whole throw
    python host/sim.py roll --grey dice.npz --count 500  what the decoder draws, in grey
    python host/sim.py generate --seed 7 --png cat.png   one cat, as a picture and a line of JSON
    python host/sim.py generate --seed 7 --oled oled.png --gif oled.gif    the display with it
    python host/sim.py generate --seed 7 --wav verdict.wav                 what it says of the cat
    python host/sim.py say --index 12345 --wav verdict.wav                 any verdict
    python host/sim.py generate --z cats/00001.bmp --png cat.png           a kept cat, once more
    python host/sim.py generate --seed 7 --npy cats.npy --count 500        many, to judge them

It needs the firmware, built for this PC: `make demo` does all, `pio run -e sim` only that.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from PIL import Image

from whim import cats, dac, oled, phrases, sheets, sound, terminal
from whim.arguments import POSITIVE, SEED, VERDICT, add_cat_files
from whim.device import Device, DeviceError, find_program
from whim.outcome import film, progress, rolled, save, save_film, save_sound, written

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
    with Device(arguments.seed, program=arguments.program) as device:
        frames = film(device) if arguments.gif else []
        device.run(ms=1000)
        answer = rolled(device, arguments.seed)
        screen = device.screen()
    if arguments.png:
        save(oled.photo(screen), arguments.png)
    if arguments.gif:
        save_film(frames, arguments.gif)
    if arguments.grey:
        save_grey(arguments)
    print(json.dumps(answer | written(arguments, "png", "gif", "grey")))


def generate(arguments: argparse.Namespace) -> None:
    """Press long, tell the result as a line of JSON, write what was asked for."""
    seed, frames = arguments.seed, []
    if arguments.npy and seed is None:
        seed = cats.random_seed()
    cat = cats.generate(
        seed,
        arguments.weights,
        latent=arguments.z,
        folder=arguments.card,
        program=arguments.program,
        on_frame=(lambda *frame: frames.append(frame)) if arguments.gif else None,
    )
    if arguments.png:
        save(Image.fromarray(cat.picture), arguments.png)
    if arguments.oled:
        save(oled.photo(cat.screen), arguments.oled)
    if arguments.gif:
        save_film(frames, arguments.gif)
    if arguments.wav:
        save_sound(cat.sound, arguments.wav)
    if arguments.npy:
        save_cats(arguments, seed)
    keeps = seed is None and arguments.z is None
    print(json.dumps({
        "seed": seed,
        "mood": cat.mood,
        "verdict": cat.verdict,
        "sentence": cat.sentence,
        "seconds": round(len(cat.sound) / dac.RATE, 2),
        "crc32": zlib.crc32(cat.picture.tobytes()),
        "weights": cat.weights,
        "entropy": cat.entropy,
        "z": cat.z.tolist(),
        "arena_bytes": cat.stats["arena_bytes"],
        "card_bytes_read": cat.stats["card_bytes"],
        "card_retries": cat.stats["retries"],
        **({"kept": str(arguments.card / f"cats/{cat.kept:05}.bmp")} if keeps else {}),
        **written(arguments, "png", "oled", "gif", "wav", "npy"),
    }))  # fmt: skip


def say(arguments: argparse.Namespace) -> None:
    """Have a verdict said, tell it as a line of JSON, write what was asked for."""
    frames = []
    said = cats.say(
        arguments.index,
        bank=arguments.bank or cats.bank_file(arguments.card),
        volume=arguments.volume,
        program=arguments.program,
        on_frame=(lambda *frame: frames.append(frame)) if arguments.gif else None,
    )
    if arguments.wav:
        sound.write(arguments.wav, said.sound)
    if arguments.gif:
        save_film(frames, arguments.gif)
    print(json.dumps({
        "verdict": arguments.index,
        "mood": phrases.MOODS[arguments.index >> 16],
        "sentence": said.sentence,
        "speech_seconds": said.seconds,
        "seconds": round(len(said.sound) / dac.RATE, 2),
        "volume": arguments.volume,
        **written(arguments, "wav", "gif"),
    }))  # fmt: skip


def save_cats(arguments: argparse.Namespace, seed: int) -> None:
    """The first cats that a device generates by a seed, all made by the engine."""
    z, _ = cats.latents(seed, arguments.count)
    model = cats.model_file(arguments.card, arguments.weights)
    with progress(arguments.count, "cats") as bar:
        made = cats.pictures(model, z, program=arguments.program, done=bar.update)
    with open(arguments.npy, "wb") as file:  # np.save would append .npy to another name
        np.save(file, made)


def sheet(arguments: argparse.Namespace) -> None:
    """The first cat of each of the seeds 0 to 15; or, with a float net, its cats beside the
    device's, and how far apart they are."""
    if not arguments.float:
        z = np.concatenate([cats.latents(seed, 1)[0] for seed in range(16)])
        model = cats.model_file(arguments.card, "int4")
        save(sheets.sheet(cats.pictures(model, z, program=arguments.program), 4), arguments.png)
        return
    try:
        from whim import contact_sheet
    except ModuleNotFoundError as error:
        raise cats.CatError(f"{error.name} is missing: `make train-setup` installs it") from None
    if arguments.count % contact_sheet.COLUMNS:
        raise cats.CatError(f"--count must be a multiple of {contact_sheet.COLUMNS}")
    seed = 7 if arguments.seed is None else arguments.seed
    try:
        picture, psnr = contact_sheet.contact_sheet(
            arguments.float, seed, arguments.count, arguments.card, arguments.program
        )
    except (ValueError, BadZipFile) as error:
        raise cats.CatError(f"{arguments.float}: {error}") from None
    save(picture, arguments.png)
    psnr = {f"psnr_{weights}_db": round(value, 2) for weights, value in psnr.items()}
    print(json.dumps({"seed": seed, "count": arguments.count, **psnr, "png": str(arguments.png)}))


def demo(arguments: argparse.Namespace) -> None:
    """Play in the terminal, with sound if this machine has a player; without a terminal, roll once,
    say a verdict, and tell where picture and sound are.
    """
    if not terminal.usable():
        with Device(arguments.seed, program=arguments.program) as device:
            pips = device.roll()["pips"]
            device.run(ms=100)
            save(oled.photo(device.screen()), arguments.png)
        path = arguments.png.resolve()
        print(f"No terminal to draw in: rolled a {pips}; the display is in {path}")
        verdict = secrets.randbelow(phrases.VERDICTS)
        if arguments.seed is not None:
            verdict = int(cats.verdicts(arguments.seed, 1)[0])
        spoken = cats.bank_file(arguments.card)
        said = cats.say(verdict, bank=spoken, program=arguments.program)
        sound.write(arguments.wav, said.sound)
        print(f"Verdict {verdict}: {said.sentence}\nIts sound is in", arguments.wav.resolve())
        return
    player = sound.Player()
    card = arguments.card if arguments.card.is_dir() else None
    where = dict(program=arguments.program, card=card, on_sound=player)
    with Device(arguments.seed, **where) as device:
        if arguments.seed is not None:  # a board with a pool on its card would rather use that
            device.type(f"seed {arguments.seed}\r")
        terminal.play(device, colour="NO_COLOR" not in os.environ)
        player.close()
        if player.silent and device.sounds:
            sound.write(arguments.wav, device.sounds[-1].values)
            print(f"{player.silent}; what it said last is in {arguments.wav.resolve()}")


def save_grey(arguments: argparse.Namespace) -> None:
    """The first pictures that a seed rolls, as the decoder draws them, before the display."""
    words = ["grey", "system" if arguments.seed is None else str(arguments.seed)]
    words = [find_program(arguments.program), *words, str(arguments.count)]
    records = bytearray()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        with progress(arguments.count, "dice") as bar:
            while got := process.stdout.read1():
                records += got
                bar.update(len(records) // (1 + PICTURE) - bar.n)
        if error := process.stderr.read().decode().strip():
            raise DeviceError(f"grey: {error}")
    values = np.frombuffer(records, np.uint8).reshape(arguments.count, 1 + PICTURE)
    with open(arguments.grey, "wb") as file:  # savez would append .npz to another name
        np.savez_compressed(file, x=values[:, 1:].reshape(-1, 32, 32), y=values[:, 0])


def parse() -> argparse.Namespace:
    summary, _, examples = __doc__.partition("\n\n")
    manners = {"epilog": examples, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser(description=summary, **manners)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--seed",
        type=SEED,
        metavar="N",
        help="always the same bytes; without it, the card's pool or the system's entropy",
    )
    common.add_argument("--program", type=Path, help="another build of the simulator")
    slot = argparse.ArgumentParser(add_help=False)
    slot.add_argument(
        "--card",
        type=Path,
        metavar="FOLDER",
        default=cats.CARD,
        help="what is on the card (card/, which `python host/pack.py` makes)",
    )
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
    command.add_argument("--count", type=POSITIVE, default=100, metavar="N", help="how many (100)")
    command.set_defaults(run=roll)

    command = commands.add_parser(
        "generate", parents=[common, slot], help="generate a cat, without a screen", **manners
    )
    command.add_argument(
        "--z",
        type=Path,
        metavar="FILE",
        help="draw this latent again: a kept cat, or 100 int8 values in an .npy",
    )
    command.add_argument(
        "--weights", choices=cats.FILES, default="int4", help="of 4 bits (the default) or of 8"
    )
    add_cat_files(command)
    command.add_argument(
        "--npy", type=Path, metavar="FILE", help="the seed's first cats, uint8 (N, 64, 64, 3)"
    )
    command.add_argument("--count", type=POSITIVE, default=100, metavar="N", help="how many (100)")
    command.set_defaults(run=generate)

    command = commands.add_parser(
        "say", parents=[common, slot], help="say a verdict, without a screen", **manners
    )
    command.add_argument(
        "--index", type=VERDICT, metavar="N", required=True, help="which, 0 to 131071"
    )
    command.add_argument("--bank", type=Path, metavar="FILE", help="in place of the card's")
    command.add_argument("--wav", type=Path, metavar="FILE", help="what the DAC gets: 64 kHz")
    command.add_argument("--gif", type=Path, metavar="FILE", help="the display all the while")
    command.add_argument(
        "--volume", type=int, choices=range(11), default=10, metavar="N", help="0 to 10 (10)"
    )
    command.set_defaults(run=say)

    command = commands.add_parser(
        "sheet",
        parents=[common, slot],
        help="many cats, beside the float net's if it is given",
        **manners,
    )
    command.add_argument(
        "--float",
        type=Path,
        metavar="FILE",
        help="the net's checkpoint, of which the card's models were made; without it, one cat of 4"
        " bits for each of the seeds 0 to 15",
    )
    command.add_argument("--png", type=Path, metavar="FILE", required=True, help="the sheet")
    command.add_argument("--count", type=POSITIVE, default=24, metavar="N", help="how many (24)")
    command.set_defaults(run=sheet)

    command = commands.add_parser(
        "demo", parents=[common, slot], help="the device in this terminal", **manners
    )
    command.add_argument(
        "--png",
        type=Path,
        metavar="FILE",
        default=Path("roll.png"),
        help="the picture to write where there is no terminal (roll.png)",
    )
    command.add_argument(
        "--wav",
        type=Path,
        metavar="FILE",
        default=Path("verdict.wav"),
        help="the sound to write where there is no terminal, or no player (verdict.wav)",
    )
    command.set_defaults(run=demo)
    arguments = parser.parse_args()
    if vars(arguments).get("z") and (arguments.npy or arguments.seed is not None):
        parser.error("--z is one latent: it goes with neither --seed nor --npy")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
