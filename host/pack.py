#!/usr/bin/env python3
"""Pack the trained integers in data/ into model files, and say what each needs on the device.

example:
  python host/pack.py                      data/die.npz to data/die.whim
  python host/pack.py --json               the same, told for machines
  python host/pack.py --check              only compare: exit status 1 when data/die.whim is out
  of date
"""

import argparse
import json
import sys

from whim import integers, packing

NAMES = ("die",)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when a file differs"
    )
    args = parser.parse_args()

    stale = []
    for name in NAMES:
        model = integers.load(packing.DATA / f"{name}.npz")
        packed = packing.pack(model)
        path = packing.DATA / f"{name}.whim"
        if args.check and (not path.exists() or path.read_bytes() != packed):
            stale.append(path.name)
        elif not args.check:
            path.write_bytes(packed)
        report = packing.report(name, model, packed)
        print(json.dumps(report) if args.json else packing.table(report))
    if stale:
        print(f"out of date: {', '.join(stale)}; run python host/pack.py", file=sys.stderr)
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
