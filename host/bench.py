"""What pictures of streamed models cost, layer by layer, on a virtual machine that counts.

    python host/bench.py                                       the cats of the folder card/
    python host/bench.py card/cat8.whim --profile              and which functions take it
    python host/bench.py --card bandwidth=3MB/s,latency=1ms    with a slower card
    python host/bench.py --card pause=100ms@0.001              with one that pauses: before each
                                                               512 bytes, with this chance
    python host/bench.py --json                                a line of JSON for each
    python host/bench.py --encodings                           instructions a weight of a dense
                                                               layer, for each encoding

The machine has the core V5F and the memories of a CH32H417; what its cycles assume stands in
docs/BENCH.md. It needs `pio run -e emulator -e bench`, and models that `python host/pack.py` makes;
--encodings needs `pio run -e emulator -e measure_rv32ec -e measure_rv32imac`.
"""

import argparse
import json
import sys
import zlib
from pathlib import Path

import numpy as np

from whim import bench, decoder, encodings_bench, format, layouts, model as m
from whim.arguments import POSITIVE, SEED, card_manners
from whim.device import ROOT, DeviceError

FOLDER = ROOT / "card"
KB = 1024


def main() -> int:
    arguments = parse()
    if arguments.encodings:
        return encodings(arguments)
    files = arguments.models or sorted(FOLDER.glob("*.whim"))
    try:
        if not files:
            raise DeviceError(f"no model in {FOLDER.name}/: make them with `python host/pack.py`")
        reports = [measure(file, arguments) for file in files]
    except (DeviceError, OSError, format.FormatError) as error:
        print(f"bench.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0 if all(report["right"] for report in reports) else 1


def encodings(arguments: argparse.Namespace) -> int:
    """Print instructions a weight for each encoding."""
    try:
        report = encodings_bench.report(arguments.seed)
    except DeviceError as error:
        print(f"bench.py: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report) if arguments.json else encodings_bench.table(report))
    return 0 if report["right"] else 1


def measure(file: Path, arguments: argparse.Namespace) -> dict:
    """Make a picture of a model, print what it took, and answer that."""
    data = file.read_bytes()
    model = format.read(data)
    if not format.HEADER.parse(data).chunk:
        raise DeviceError(f"{file} is a model for flash; the bench runs streamed ones")
    inputs = latent(model, arguments.seed)
    with progress(file.name, len(data)) as bar:
        picture = bench.run(
            data,
            inputs,
            arguments.card,
            buffer_bytes=arguments.buffers * KB,
            profile=arguments.profile,
            progress=lambda machine: bar.update(machine.reads[-1].offset - bar.n),
        )
    if picture.pixels is None:
        raise DeviceError(f"{file}: {picture.error}")
    expected = decoder.decode(model, inputs)[0]
    report = {
        "model": file.name,
        "right": bool(np.array_equal(picture.pixels, expected)),
        **figures(model, picture),
    }
    print(json.dumps(report)) if arguments.json else show(report)
    return report


def latent(model: m.Model, seed: int) -> np.ndarray:
    """Some input: int8 (1, inputs)."""
    z = np.random.default_rng(seed).normal(0, 32, (1, model.inputs))
    return np.clip(np.rint(z), -128, 127).astype(np.int8)


def figures(model: m.Model, picture: bench.Picture) -> dict:
    layers = []
    for (source, layer), count in zip(model.steps(), picture.layers):
        macs = m.macs(source, layer)
        layers.append({
            "layer": name(layer),
            "macs": macs,
            "instructions": count.instructions,
            "per_mac": round(count.instructions / macs, 3),
            "cycles": count.computing,
            "waiting": count.waiting,
            "bytes": layouts.data_bytes(source, layer, m.is_narrow(source, layer)),
        })  # fmt: skip
    seconds = {
        "seconds": picture.cycles,
        "computing": picture.computing,
        "waiting": picture.waiting,
        "card": picture.reading,
        "card_paused": picture.paused,
        "bound": picture.bound(),
    }
    return {
        "crc32": f"{zlib.crc32((picture.pixels.view(np.uint8) ^ 128).tobytes()):08x}",
        "cycle_model": picture.cycle_model,
        "macs": model.macs,
        "instructions": picture.instructions,
        "per_mac": round(picture.instructions / model.macs, 3),
        "cycles": picture.computing,
        **{key: round(cycles / bench.HERTZ, 4) for key, cycles in seconds.items()},
        "bytes": sum(read.count for read in picture.reads),
        "reads": len(picture.reads),
        "retries": picture.retries,
        "arena_bytes": picture.arena_bytes,
        "buffer_bytes": picture.buffer_bytes,
        "state_bytes": picture.state_bytes,
        "stack_bytes": picture.stack_bytes,
        "layers": layers,
        "functions": picture.functions,
    }


def name(layer: m.Layer) -> str:
    words = layer.op.name.lower().replace("_", " ")
    if layer.kernel:
        words += f" {layer.kernel}x{layer.kernel}/{layer.stride} {layer.encoding.name.lower()}"
    return f"{words} -> {layer.height}x{layer.width}x{layer.channels}"


def show(report: dict) -> None:
    right = "the NumPy decoder's" if report["right"] else "WRONG: not the NumPy decoder's"
    print(f"{report['model']}: picture {report['crc32']}, {right}")
    print(f"{'':44}{'MACs':>13}{'instructions':>14}{'/MAC':>7}{'cycles':>14}{'bytes':>12}")
    for line in [*report["layers"], report | {"layer": "all"}]:
        print(
            f"  {line['layer']:42}{line['macs']:13,}{line['instructions']:14,}"
            f"{line['per_mac']:7.3f}{line['cycles']:14,}{line['bytes']:12,}"
        )
    print(
        f"  cycles: computing, by {report['cycle_model']}; bytes: a layer's records and weights, of"
        " all what was read"
    )
    over = report["seconds"] / report["bound"] - 1
    print(
        f"  {report['seconds']:.3f} s = {report['computing']:.3f} computing"
        f" + {report['waiting']:.3f} waiting; card busy {report['card']:.3f}"
        f" (pauses {report['card_paused']:.3f}), {report['reads']} reads,"
        f" {report['retries']} again; {over:+.2%} over perfect overlap"
    )
    sizes = [report[part + "_bytes"] for part in ("arena", "buffer", "state")]
    print(
        "  RAM: arena {:,} + buffers {:,} + engine {:,} = {:,} bytes; stack {:,}".format(
            *sizes, sum(sizes), report["stack_bytes"]
        )
    )
    for function, (instructions, cycles) in report["functions"].items():
        if cycles >= report["cycles"] / 500:
            share = cycles / report["cycles"]
            print(f"  {share:7.1%}{cycles:15,} cycles{instructions:15,} instructions  {function}")


def progress(words: str, total: int):
    """A progress bar, on a terminal only."""
    from tqdm import tqdm

    bar = dict(unit="B", unit_scale=True, desc=words, disable=None, leave=False)
    return tqdm(total=total, **bar)


def card(text: str) -> bench.Card:
    """A card by the words of --card."""
    return bench.Card(**card_manners(text))


def parse() -> argparse.Namespace:
    summary, _, examples = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "models", nargs="*", type=Path, metavar="MODEL", help="streamed models (those in card/)"
    )
    parser.add_argument(
        "--card",
        type=card,
        default=bench.Card(),
        metavar="HOW",
        help="how slow it is (bandwidth=10MB/s, without latency and pauses)",
    )
    parser.add_argument("--seed", type=SEED, default=7, metavar="N", help="of the picture (7)")
    parser.add_argument(
        "--buffers", type=POSITIVE, default=48, metavar="KB", help="of both stream buffers (48)"
    )
    parser.add_argument("--profile", action="store_true", help="list the functions that take most")
    parser.add_argument(
        "--encodings", action="store_true", help="what a weight of each encoding takes instead"
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each model")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
