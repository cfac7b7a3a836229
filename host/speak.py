#!/usr/bin/env python3
"""Speech: render the phrases into a bank, judge how clear it is, hear a verdict.

example:
  python host/speak.py say 12345                    what verdict 12345 is
  python host/speak.py say 12345 --wav verdict.wav  and what the DAC gets for it
  python host/speak.py render                       data/phrases.toml to data/phrases.bank
  python host/speak.py render --voice flite-slt --phrases my.toml --out my.bank
  python host/speak.py judge                        how well a recogniser hears the shipped bank
  python host/speak.py measure                      the spectrum of what the DAC gets

Only `render` and `judge` need more than the tools for the other commands: docs/SPEECH.md.
"""

import argparse
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from tqdm import tqdm

from whim import adpcm, bank, dac, phrases, speech, voices
from whim.arguments import VERDICT, whole


def main() -> int:
    arguments = parse()
    try:
        return arguments.run(arguments) or 0
    except (phrases.PhraseError, voices.VoiceError, bank.BankError, OSError) as error:
        print(f"speak.py: {error}", file=sys.stderr)
    except ModuleNotFoundError as error:
        print(f"speak.py: {error}: run ./setup.sh speak", file=sys.stderr)
    return 1


def say(arguments: argparse.Namespace) -> None:
    """Tell the sentence, and write what the DAC gets for it."""
    spoken = bank.load(arguments.bank)
    print(spoken.sentence(arguments.verdict))
    if not arguments.wav:
        return
    values = dac.convert(spoken.sound(arguments.verdict), arguments.volume)
    # 12 bits around their middle, in the upper bits of the WAV file's 16.
    wavfile.write(arguments.wav, dac.RATE, (values.astype(np.int32) - 2048 << 4).astype(np.int16))


def render(arguments: argparse.Namespace) -> None:
    """Phrases and a voice to a bank."""
    texts = phrases.load(arguments.phrases)
    voice = voices.VOICES[arguments.voice]()
    fragments, power, lost = [], 0.0, 0.0
    sounds = speech.render(voice, texts, partial(tqdm, desc=voice.name, disable=None))
    for text, sound in zip(texts, sounds):
        samples = np.round(sound * 32767).astype(np.int16)
        data = adpcm.encode(samples, arguments.width)
        fragments.append(bank.Fragment(text, len(samples), data))
        power += np.square(samples, dtype=float).sum()
        lost += np.square(fragments[-1].sound() - samples.astype(float)).sum()
    made = bank.Bank(voice.name, fragments)
    data = bank.write(made)
    arguments.out.write_bytes(data)
    longest = ", ".join(f"{seconds:.1f} s" for seconds in made.longest())
    print(f"{arguments.out}: {len(data):,} bytes; the moods' longest verdicts take {longest};"
          f" SNR {10 * np.log10(power / max(lost, 1)):.1f} dB")  # fmt: skip


def judge(arguments: argparse.Namespace) -> None:
    """Word error rates and bandwidths of banks, as a table."""
    from whim import hearing

    reports = []
    for path in arguments.banks:
        bar = partial(tqdm, desc=path.name, disable=None)
        reports.append(hearing.judge(bank.load(path), arguments.count, bar))
    if arguments.json:
        print(json.dumps(reports))
        return
    print(f"{'voice':18}{'sentences':>10}{'words':>7}{'WER':>8}{'WER, any English':>18}"
          f"{'bandwidth':>11}")  # fmt: skip
    for report in reports:
        print(f"{report['voice']:18}{report['sentences']:10}{report['words']:7}"
              f"{report['wer']:8.1%}{report['wer_default']:18.1%}"
              f"{report['bandwidth']:8.0f} Hz")  # fmt: skip


def measure(arguments: argparse.Namespace) -> None:
    """The DAC's figures, and a plot of them."""
    from whim import spectra

    for name, figure in spectra.figures().items():
        print(f"{name:58}{figure:>12}")
    if arguments.plot:
        spectra.plot(arguments.plot)


def parse() -> argparse.Namespace:
    summary, _, examples = __doc__.partition("\n\n")
    manners = {"epilog": examples, "formatter_class": argparse.RawDescriptionHelpFormatter}
    parser = argparse.ArgumentParser(description=summary, **manners)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("say", help="a verdict, as text and as sound", **manners)
    command.add_argument("verdict", type=VERDICT, metavar="N", help="0 to 131071")
    command.add_argument("--wav", type=Path, metavar="FILE", help="what the DAC gets: 64 kHz")
    command.add_argument("--bank", type=Path, default=bank.PATH, help="another bank")
    volume = whole(0, dac.LOUD)
    command.add_argument("--volume", type=volume, default=dac.LOUD, help="0 to 256 (256)")
    command.set_defaults(run=say)

    command = commands.add_parser("render", help="make a bank of phrases and a voice", **manners)
    command.add_argument("--voice", choices=voices.VOICES, default="tiny", help="who speaks (tiny)")
    command.add_argument("--phrases", type=Path, default=phrases.PATH, help="the phrases")
    command.add_argument("--out", type=Path, default=bank.PATH, help="the bank")
    command.add_argument(
        "--width", type=whole(1, 64), default=16, metavar="N",
        help="how wide the encoder searches, 1 to 64: more is slower and comes nearer (16)",
    )  # fmt: skip
    command.set_defaults(run=render)

    command = commands.add_parser("judge", help="how clear banks are", **manners)
    command.add_argument("banks", nargs="*", type=Path, default=[bank.PATH], help="banks")
    command.add_argument("--count", type=int, default=60, metavar="N", help="sentences (60)")
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=judge)

    command = commands.add_parser("measure", help="the spectrum of what the DAC gets", **manners)
    command.add_argument("--plot", type=Path, metavar="FILE", help="draw it, too")
    command.set_defaults(run=measure)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
