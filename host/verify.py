#!/usr/bin/env python3
"""Check that every packed model gives the same bytes in NumPy, in PyTorch and in the C engine, and
that every fragment of the phrase bank has the right CRC and the same samples in NumPy and in C.

Each column shows the CRC-32 of all bytes that a decoder made. Exit status 1 if a byte differs, or
if a decoder is missing that --require names.

With --port, it is a board's turn: it tests itself, and says over its serial line what each layer of
its model made; each layer must be the NumPy decoder's.

example:
  python host/verify.py                      the die and the digits in data/ with 10,000 inputs
                                             each, the cats in card/ with 20 each, packed where they
                                             are missing; and the 128 fragments of data/phrases.bank
  python host/verify.py --inputs 100 data/die.whim
  python host/verify.py --require pytorch    as CI runs it
  python host/verify.py --float cat.npz      beside it, how near the cats come to the generator in
                                             floating point that they were quantised from
  python host/verify.py --port /dev/ttyUSB0  the board there, with data/die.whim in its flash
  python host/verify.py --port /dev/ttyUSB0 card/cat4.whim     and the cats on its card
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from whim import bank, decoder, packing, self_test, verification
from whim.device import DeviceError
from whim.format import FormatError


KNOWN = OSError, DeviceError, FormatError, bank.BankError, verification.EngineError


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, help="models, banks (default: all)")
    parser.add_argument("--inputs", type=int, help="per model (default: 10000, or 20 for a cat)")
    parser.add_argument("--seed", type=int, default=0, help="of the random inputs (default: 0)")
    parser.add_argument("--program", type=Path, help="the simulator's program, if built elsewhere")
    parser.add_argument("--require", choices=["pytorch"], help="fail where this is not installed")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--float", metavar="FILE", type=Path, help="the cat's state dict, an .npz")
    parser.add_argument("--port", metavar="DEVICE", help="test the board at this serial port")
    args = parser.parse_args()
    if args.port:
        return board(args)

    results = []
    in_flash = [packing.DATA / f"{name}.whim" for name in packing.in_flash()]
    for path in args.models or [*in_flash, *packing.cats(), bank.PATH]:
        try:
            if path.suffix == ".bank":
                results.append(verification.compare_bank(path, args.program))
                continue
            results.append(
                verification.compare(
                    path,
                    args.inputs,
                    args.seed,
                    args.program,
                    lambda batches: tqdm(batches, desc=path.stem, leave=False, disable=None),
                    args.float,
                )
            )
        except ModuleNotFoundError as error:
            print(f"--float needs PyTorch ({error}): make train-setup", file=sys.stderr)
            return 1
        except KNOWN as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
    print(json.dumps(results) if args.json else table(results))

    missing = any(r["decoders"].get(args.require, True) is None for r in results)
    if missing:
        print(f"{args.require} is required here and not installed", file=sys.stderr)
    differ = any(way and way["differ"] for r in results for way in r["decoders"].values())
    return int(missing or differ or not results)


def board(args: argparse.Namespace) -> int:
    """Compare a board's layers with the decoder's."""
    models = args.models or [packing.DATA / "die.whim"]
    try:
        layers = self_test.run(args.port, decoder.load(models[0]), models[0].stem)
    except (OSError, FormatError, self_test.SelfTestError) as error:
        print(f"verify.py: {error}", file=sys.stderr)
        return 1
    differ = sum(layer["device"] != layer["decoder"] for layer in layers)
    if args.json:
        print(json.dumps(dict(model=models[0].stem, layers=layers, differ=differ)))
        return int(differ > 0)
    print(f"{'layer':7}{'':16}{'device':10}{'decoder':10}")
    for number, layer in enumerate(layers):
        crcs = [layer["device"], layer["decoder"]]
        cells = "".join(f"{'none' if crc is None else f'{crc:08x}':10}" for crc in crcs)
        print(f"{number:<7}{layer['op']:16}{cells}{'same' if crcs[0] == crcs[1] else 'different'}")
    print(f"{len(layers)} layers, {differ} different")
    return int(differ > 0)


def table(results: list[dict]) -> str:
    names = max((list(result["decoders"]) for result in results), key=len)
    lines = [f"{'model':14}{'inputs':>8}" + "".join(f"{name:>16}" for name in names)]
    lines[0] += f"{'mismatches':>12}"
    for result in results:
        ways = [result["decoders"].get(name, {}) for name in names]  # {}: there is no such decoder
        cells = [
            "not installed" if way is None else f"{way['crc32']:08x}" if way else "" for way in ways
        ]
        differ = sum(way["differ"] for way in ways if way)
        lines.append(
            f"{result['model']:14}{result['inputs']:8}"
            + "".join(f"{c:>16}" for c in cells)
            + f"{differ:12}"
        )
        if psnr := result.get("psnr"):
            lines[-1] += f"   PSNR to float: mean {np.mean(psnr):.2f} dB, min {min(psnr):.2f} dB"
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
