#!/usr/bin/env python3
"""Judge a packed model by figures: how near its pictures are, and whether they can be read.

example:
  python host/evaluate.py die                   10,000 rolls over all angles
  python host/evaluate.py die --sheet FILE.png  also made and drawn dice to look at
"""

import argparse
import json
import sys
from pathlib import Path

from whim import evaluation, packing


def die(args: argparse.Namespace) -> None:
    report = evaluation.die(packing.DATA / "die.whim", args.count, args.seed)
    if args.sheet:
        evaluation.die_sheet(packing.DATA / "die.whim", args.sheet)
    if args.json:
        print(json.dumps(report))
        return
    print(
        f"die.whim, {report['rolls']} rolls over all angles, seed {args.seed}\n"
        f"  MSE against the true drawings     {report['mse']:.5f}\n"
        f"  read right in grey                {report['read_grey']:.2%}\n"
        f"  read right as the display shows   {report['read_display']:.2%}\n"
        f"  true drawings, read right         {report['read_drawn']:.2%}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("die", help="the shipped die, data/die.whim")
    command.add_argument("--count", type=int, default=10_000, help="rolls (default: 10000)")
    command.add_argument("--seed", type=int, default=1, help="of the rolls (default: 1)")
    command.add_argument("--sheet", type=Path, metavar="FILE.png", help="dice to look at")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=die)
    args = parser.parse_args()
    args.run(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
