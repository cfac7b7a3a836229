#!/usr/bin/env python3
"""Turn a trained cat generator, in floating point, into the integers that the device runs: quickly,
by rounding. `host/train.py cat8` and `cat4` lose less, and need PyTorch.

example:
  python host/quantise.py --checkpoint cat.npz                  8-bit weights, to data/cat.npz
  python host/quantise.py --checkpoint cat.npz --weights int4   4-bit weights, to data/cat4.npz

then `python host/pack.py` makes the files for the card.
"""

import argparse
import sys
import zipfile
from pathlib import Path

from tqdm import tqdm

from whim import cat_net, integers, packing
from whim.encodings import Encoding

NAMES = {"int8": "cat", "int4": "cat4"}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--checkpoint", type=Path, required=True, help="the generator's state dict, an .npz"
    )
    parser.add_argument("--weights", choices=NAMES, default="int8", help="default: int8")
    parser.add_argument("--output", type=Path, help="default: data/cat.npz or data/cat4.npz")
    args = parser.parse_args()

    output = args.output or packing.DATA / f"{NAMES[args.weights]}.npz"
    try:
        model = cat_net.quantise(
            args.checkpoint,
            Encoding[args.weights.upper()],
            lambda stages: tqdm(stages, desc=args.weights, unit="layer", disable=None),
        )
        integers.save(model, output)
    except (OSError, zipfile.BadZipFile, cat_net.CheckpointError) as error:
        print(f"quantise.py: {error}", file=sys.stderr)
        return 1
    print(f"{output}: {len(model.layers)} layers, {output.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
