#!/usr/bin/env python3
"""Fetch quantum random bytes for the device's card: its pool, each byte of which is used once.

    python host/entropy.py fetch --bytes 100000     until pool.bin holds that many
    python host/entropy.py status                   what is in it, where from, and how much is used
    python host/entropy.py check                    is the file sound, do the bytes look random?
    python host/entropy.py normal                   how exact are the normal values made of them?

A fetch that was stopped, by Ctrl-C or by a failure, goes on when it is started again. `auto` takes
ANU's quantum numbers: the present service if there is a key for it in the environment variable
ANU_API_KEY, else the old one, which gives two kilobytes a minute; and where that fails, LfD's.
A latent takes 200 bytes. docs/ENTROPY.md has the rest.
"""

import argparse
import contextlib
import errno
import os
import sys
from pathlib import Path

from tqdm import tqdm

from whim import sources
from whim.arguments import whole
from whim.pool import BYTES, LIMIT, Pool, PoolError
from whim.sources import SOURCES, SourceError

LATENT = 200  # bytes


def main() -> int:
    arguments = parse()
    try:
        return arguments.run(arguments) or 0
    except (PoolError, SourceError) as error:
        print(f"entropy.py: {error}", file=sys.stderr)
    except OSError as error:
        advice = ": make room, or put --pool elsewhere" if error.errno == errno.ENOSPC else ""
        where = error.filename or arguments.pool
        print(f"entropy.py: {where}: {error.strerror or error}{advice}", file=sys.stderr)
    except KeyboardInterrupt as stop:
        print(f"entropy.py: stopped. {stop}", file=sys.stderr)
        return 130
    return 1


def fetch(arguments: argparse.Namespace) -> None:
    chosen = choose(arguments)
    with contextlib.ExitStack() as stack:
        new = not arguments.pool.exists()
        pool = stack.enter_context((Pool.create if new else Pool.open)(arguments.pool))
        stack.callback(remove_if_empty, pool)
        bar = stack.enter_context(progress(len(pool), arguments.bytes))
        for source in chosen:
            try:
                fill(pool, source, arguments, bar)
                break
            except SourceError as error:
                if source is chosen[-1]:
                    raise SourceError(f"{error}. {kept(pool)}" if len(pool) else error) from None
                bar.write(f"{error}: asking {chosen[1].title}", file=sys.stderr)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(f"{kept(pool)}; the same command goes on") from None
        bar.close()
        print(kept(pool))


def choose(arguments: argparse.Namespace) -> list[sources.Source]:
    """The sources to ask, the next one where one fails."""
    if arguments.source == "auto":
        if arguments.url:
            raise SourceError("--url: say with --source whose answers are to be had there")
        first = "anu" if os.environ.get("ANU_API_KEY") else "anu-old"
        return [SOURCES[first], SOURCES["lfd"]]
    source = SOURCES[arguments.source]
    source = source._replace(url=arguments.url or source.url)
    sources.find_key(source)  # no key, no file
    return [source]


def fill(pool: Pool, source: sources.Source, arguments: argparse.Namespace, bar: tqdm) -> None:
    """Fetch from `source` until the pool is full. What has come is kept, answer by answer."""
    from whim import health

    starts = {pool.sector(number)[:8] for number in range(pool.sectors)}
    answers = sources.answers(source, arguments.type, bar.set_postfix_str)
    while len(pool) < arguments.bytes:
        data = next(answers)
        new = [data[i : i + 8] for i in range(0, len(data), BYTES)]
        if starts.intersection(new):
            raise SourceError(
                f"{source.title} sent bytes that this pool has already: somebody between answers"
                " from a cache. None of them were kept"
            )
        if illness := health.illness(health.figures(data)):
            raise SourceError(f"{source.title} sent bytes that are not random: {illness}")
        starts.update(new)
        pool.append(data, source.name, source.quantum)
        bar.set_postfix_str("", refresh=False)
        bar.update(len(data))


def remove_if_empty(pool: Pool) -> None:
    """Leave no pool behind in which there is nothing."""
    if not len(pool):
        pool.path.unlink()


def kept(pool: Pool) -> str:
    return f"{pool.path} holds {len(pool)} bytes, enough for {len(pool) // LATENT} latents"


def progress(done: int, wanted: int) -> tqdm:
    """A progress bar, on a terminal only."""
    return tqdm(total=wanted, initial=done, unit="B", unit_scale=True, disable=None, leave=False)


def status(arguments: argparse.Namespace) -> None:
    with Pool.open(arguments.pool, write=False) as pool:
        print(kept(pool))
        for part in pool.parts:
            days = part.first if part.first == part.last else f"{part.first} to {part.last}"
            print(f"  {part.count} bytes from {part.source}, {days}")
        used = pool.used()
        if used is None:
            print("used before, and the pool.pos that tells how far is not here")
        else:
            print(f"used: {used * BYTES} bytes, by the pool.pos beside it" if used else "not used")


def check(arguments: argparse.Namespace) -> int:
    from whim import health

    with Pool.open(arguments.pool, write=False) as pool:
        if not len(pool):
            raise PoolError(f"{pool.path}: there is nothing in it yet")
        data = b"".join(map(pool.sector, tqdm(range(pool.sectors), disable=None, leave=False)))
    found = health.figures(data)
    illness = health.illness(found)
    print(f"{arguments.pool}: every CRC matches")
    print(f"ones: {100 * found.ones:.3f} % of {8 * len(data)} bits, chance {found.bits:.3f}")
    print(f"byte values: chance {found.values:.3f}")
    print(f"8-byte words that come twice: {found.repeats}")
    print(f"not random: {illness}" if illness else "looks random")
    return 1 if illness else 0


def normal(_: argparse.Namespace) -> None:
    from scipy import stats

    from whim.normal import accuracy, normal

    found = accuracy()
    print("of 1/65536, by comparison of every radius and every angle with floating point:")
    print(f"  a radius is {found.radius:.3f} off at most")
    print(f"  a sine or cosine, {found.wave:.3f} at the greatest radius")
    print(f"  a value, rounding included, {found.value:.3f}")
    print(f"deviation of all values {found.deviation:.6f}, the largest {found.largest:.4f}")
    test = stats.kstest(normal(os.urandom(200_000)) / 65536, "norm")
    print(f"100,000 values: Kolmogorov-Smirnov {test.statistic:.5f}, chance {test.pvalue:.3f}")


def parse() -> argparse.Namespace:
    manners = {"formatter_class": argparse.RawDescriptionHelpFormatter}
    summary, examples = __doc__.split("\n\n", 1)
    parser = argparse.ArgumentParser(description=summary, epilog=examples, **manners)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--pool", type=Path, default=Path("pool.bin"), metavar="FILE", help="(pool.bin)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("fetch", parents=[common], help="fill a pool, or go on with it")
    command.add_argument(
        "--bytes",
        type=whole(1, LIMIT * BYTES),
        required=True,
        metavar="N",
        help="how many it shall hold, at least",
    )
    command.add_argument("--source", choices=["auto", *SOURCES], default="auto", help="(auto)")
    command.add_argument(
        "--type",
        choices=list(sources.KINDS),
        default="uint16",
        help="what to ask ANU for: 1,016 bytes an answer, 2,032 (uint16, asked for where nothing"
        " is said) or 20,320",
    )
    command.add_argument("--url", help="another address of the source")
    command.set_defaults(run=fetch)
    command = commands.add_parser("status", parents=[common], help="say what is in a pool")
    command.set_defaults(run=status)
    command = commands.add_parser("check", parents=[common], help="check a pool's file and bytes")
    command.set_defaults(run=check)
    command = commands.add_parser("normal", help="say how exact the normal values are")
    command.set_defaults(run=normal)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
