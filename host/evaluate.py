#!/usr/bin/env python3
"""Judge models by figures: how near their pictures are to real ones, and whether dice can be read.

examples:
  python host/evaluate.py die                   10,000 rolls over all angles
  python host/evaluate.py die --sheet FILE.png  also made and drawn dice to look at
  python host/evaluate.py cat --data CATS --model runs/cat/generator.npz --model card/cat4.whim
  python host/evaluate.py cat --data CATS --model card/cat4.whim --neighbours FILE.png
  python host/evaluate.py cat --data CATS --model card/cat4.whim --net inception     true FID
"""

import argparse
import json
import sys
from pathlib import Path

from whim import cat_metrics, evaluation, packing


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


def cat(args: argparse.Namespace) -> None:
    from whim import cat_evaluation

    kept = packing.DATA.parent / "runs/features"
    report = cat_evaluation.judge(
        args.data, args.model, args.count, args.seed, args.net, kept, args.made
    )
    if args.neighbours:
        model = args.model[-1]
        near = cat_evaluation.neighbours(
            args.data, model, args.seed, args.net, kept, args.neighbours
        )
        report["nearest"] = near
    if args.json:
        print(json.dumps(report))
        return
    print(f"{report['net']}, against {report['real']} real pictures, latents of seed {args.seed}")
    print(cat_evaluation.table(report))
    if args.neighbours:
        print(
            f"median cosine to the nearest real picture: {near['made']:.3f} of 16 made ones,"
            f" {near['real']:.3f} of real ones to another"
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

    command = commands.add_parser("cat", help="cats, in floats or packed; takes minutes a model")
    command.add_argument(
        "--data", type=Path, required=True, metavar="FILE_OR_FOLDER", help="real pictures of 64x64"
    )
    command.add_argument(
        "--model",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a float generator (.npz), a packed one (.whim) or pictures (.npy); again for more",
    )
    command.add_argument("--count", type=int, default=5000, help="pictures of each (default: 5000)")
    command.add_argument("--made", type=int, help="pictures of each model (default: as many)")
    command.add_argument("--seed", type=int, default=1, help="of the latents (default: 1)")
    command.add_argument(
        "--net", choices=cat_metrics.NETS, default="lite0", help="the judge (default: lite0)"
    )
    command.add_argument(
        "--neighbours",
        type=Path,
        metavar="FILE.png",
        help="16 of the last model, nearest real ones",
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=cat)
    args = parser.parse_args()
    try:
        args.run(args)
    except (ValueError, OSError) as error:  # of files that are not what they should be
        print(f"evaluate.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
