#!/usr/bin/env python3
"""Make the data, train the nets, repeat the experiments. Training needs: pip install .[train]"""

import argparse
import sys
from pathlib import Path

from whim.arguments import POSITIVE, SEED

DATA = Path(__file__).resolve().parents[1] / "data"
EXAMPLES = """examples:
  python host/train.py die-data --out dice.npz    dice: x (N, 32, 32), y pips, angle, latent
  python host/train.py die-data --sheet dice.png  a sheet of dice to look at
  python host/train.py reader                     train the judge, data/reader.npz (10 minutes)
  python host/train.py reader --judge             only print what it reads right
  python host/train.py die                        train the shipped die, data/die.npz
  python host/train.py crop PHOTOS CATS            a folder of photos to squares of 64x64
  python host/train.py cat --data CATS             train the cat generator on a zip or folder
  python host/train.py cat4 --checkpoint runs/cat/generator.npz   the same in 4 bits; cat8: in 8
  python host/train.py digits small --data MNIST   small, large or dense: three seeds, judged once
  python host/train.py digits small --data MNIST --validate    by held-out training pictures
  python host/train.py digits sweep --data MNIST   nets of many sizes and encodings
  python host/train.py sweep                      decoders of many sizes; goes on where it stopped
  python host/train.py sweep --render             only make the table and plots again
  python host/train.py sweep --shipped            judge data/die.whim beside them
"""


def die_data(args):
    import numpy as np
    from whim import dice, sheets

    truth = dice.sample(args.count, np.random.default_rng(args.seed))
    pictures = dice.draw(truth)
    if args.out:
        np.savez_compressed(
            args.out, x=pictures, y=truth.pips, angle=truth.angle, latent=truth.latent
        )
    if args.sheet:
        sheets.sheet(pictures[:96], 12).save(args.sheet)


def reader(args):
    from whim import reader

    if not args.judge:
        reader.train(args.steps)
    print(f"{args.count} fresh dice of seed {reader.TEST_SEED}, read right:")
    for name, share in reader.table(reader.Reader(), args.count).items():
        print(f"  {name:10s}{share:9.3%}")


def die(args):
    from whim import die_training

    die_training.train(args.out, args.runs, tuple(args.shape), args.steps, args.seed)
    print(f"{args.out} is trained; now: python host/pack.py, then python host/evaluate.py die")


def crop(args):
    from whim import cat_data

    count = cat_data.crop(args.photos, args.out)
    print(f"{count} pictures of 64x64 are in {args.out}: look at them, and remove what is no cat")


def cat(args):
    import torch
    from whim import cat_data, cat_training

    torch.set_num_threads(args.threads)
    cat_training.train(cat_data.load(args.data), args.out, args.steps, args.seed, args.start)
    print(f"{args.out}/generator.npz is trained; judge it with python host/evaluate.py cat")


def cat_integers(args):
    from tqdm import tqdm
    from whim import cat_gptq, cat_net, integers

    layers = len(cat_net.load(args.checkpoint))
    if len(args.weights) not in (1, layers):
        raise ValueError(f"--weights has {len(args.weights)} values: give 1 or {layers}")
    widths = args.weights * (layers // len(args.weights))

    def bar(stages):
        return tqdm(stages, desc="rounding", unit="layer", disable=None)

    integers.save(cat_gptq.quantise(args.checkpoint, widths, bar), args.out)
    print(f"{args.out} is made; now: python host/pack.py")


def digits(args):
    import torch
    from whim import digits_sweep, digits_training

    torch.set_num_threads(args.threads)
    if args.data is None and not args.render:
        raise ValueError("digits needs --data, a folder with the four files of MNIST")
    if args.net == "sweep":
        if not args.render:
            digits_sweep.run(args.data, args.runs)
        print(digits_sweep.render())
        return
    plan = digits_training.NETS[args.net]
    plan = plan._replace(steps=args.steps or plan.steps)
    seeds = range(args.seeds) if args.seed is None else [args.seed]
    whole = plan, args.net, args.data, args.runs, seeds
    if args.validate:
        for seed, share in digits_training.validate(*whole).items():
            print(f"{args.net}, seed {seed}: {share:.2%} of the held-out training pictures")
        return
    nets = digits_training.train_all(*whole)
    if args.seed is not None:
        print(f"seed {args.seed} is trained; without --seed the test set judges all")
        return
    row = digits_training.judge(args.net, plan, nets, args.data)
    for seed, wrong in row["wrong"].items():
        print(f"{args.net}, seed {seed}: {wrong} of {row['count']:,} test pictures wrong")
    print(f"data/digits-{args.net}.npz is the median, seed {row['median']}; now: host/pack.py")


def sweep(args):
    from whim import sweep, sweep_report

    if args.shipped:
        sweep.record_shipped()
    elif not args.render:
        sweep.run()
    print(sweep_report.render())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("die-data", help="draw dice, for training or to look at")
    command.add_argument("--count", type=int, default=8192)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--out", type=Path, metavar="FILE.npz")
    command.add_argument("--sheet", type=Path, metavar="FILE.png", help="the first 96, enlarged")
    command.set_defaults(run=die_data)

    command = commands.add_parser("reader", help="train and judge the net that reads pips")
    command.add_argument("--judge", action="store_true", help="do not train")
    command.add_argument("--steps", type=int, default=3000)
    command.add_argument("--count", type=int, default=10_000, help="fresh dice to judge it by")
    command.set_defaults(run=reader)

    command = commands.add_parser("die", help="train the shipped die, or go on where it stopped")
    command.add_argument(
        "--shape", type=int, nargs=2, default=(16, 9), metavar=("WAVES", "FEATURES")
    )
    command.add_argument("--steps", type=int, default=72_000)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--out", type=Path, default=DATA / "die.npz", metavar="FILE.npz")
    command.add_argument("--runs", type=Path, default=DATA.parent / "runs", metavar="FOLDER")
    command.set_defaults(run=die)

    command = commands.add_parser("crop", help="make 64x64 squares of a folder of photos")
    command.add_argument("photos", type=Path, help="a zip or folder")
    command.add_argument("out", type=Path, help="the folder to write to")
    command.set_defaults(run=crop)

    command = commands.add_parser("cat", help="train the cat generator, or go on where it stopped")
    command.add_argument(
        "--data", type=Path, required=True, metavar="FILE_OR_FOLDER", help="pictures of 64x64"
    )
    command.add_argument("--out", type=Path, default=DATA.parent / "runs/cat", metavar="FOLDER")
    command.add_argument("--steps", type=int, default=6_500)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--start", type=Path, metavar="FILE.npz", help="a generator to go on from")
    command.add_argument("--threads", type=int, default=2, help="processor cores (default: 2)")
    command.set_defaults(run=cat)

    for name, weights, file in (("cat8", "int8", "cat.npz"), ("cat4", "int4", "cat4.npz")):
        command = commands.add_parser(name, help=f"the trained cat in {weights}, data/{file}")
        command.add_argument("--checkpoint", type=Path, required=True, metavar="FILE.npz")
        command.add_argument("--out", type=Path, default=DATA / file, metavar="FILE.npz")
        command.add_argument(
            "--weights",
            nargs="+",
            choices=("int8", "int4", "int3", "int2"),
            default=[weights],
            help="of all layers, or one for each; int3 is kept in 4 bits, to be judged",
        )
        command.set_defaults(run=cat_integers)

    command = commands.add_parser("digits", help="nets that read handwritten digits")
    command.add_argument("net", choices=("small", "large", "dense", "sweep"))
    command.add_argument("--data", type=Path, metavar="FOLDER", help="the four files of MNIST")
    command.add_argument("--seeds", type=POSITIVE, default=3, help="how many (default: 3)")
    command.add_argument("--seed", type=SEED, help="only this one, and do not judge it")
    command.add_argument("--steps", type=POSITIVE, help="of a run, instead of the net's own")
    command.add_argument(
        "--validate", action="store_true", help="hold out training pictures; open no test set"
    )
    command.add_argument("--render", action="store_true", help="only the sweep's table and plot")
    command.add_argument("--runs", type=Path, default=DATA.parent / "runs/digits", metavar="FOLDER")
    command.add_argument("--threads", type=POSITIVE, default=1, help="processor cores (default: 1)")
    command.set_defaults(run=digits)

    command = commands.add_parser("sweep", help="decoders of many sizes: docs/EXPERIMENTS.md")
    command.add_argument(
        "--render", action="store_true", help="only the table and plots, no training"
    )
    command.add_argument("--shipped", action="store_true", help="judge data/die.whim, no training")
    command.set_defaults(run=sweep)

    args = parser.parse_args()
    try:
        args.run(args)
    except (ValueError, OSError) as error:  # of files that are not what they should be
        sys.exit(f"train.py: {error}")


if __name__ == "__main__":
    main()
