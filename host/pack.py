#!/usr/bin/env python3
"""Pack the trained integers in data/ into model files, and say what each needs on the device: for
flash the die and the digits, as far as data/ has their integers, and for the card the cats, which
stream through two buffers. What the device says, data/phrases.bank, is copied onto the card.

example:
  python host/pack.py                      data/die.whim, digits-small.whim, digits-large.whim,
                                           digits-dense.whim; card/cat8.whim, cat4.whim,
                                           phrases.bank
  python host/pack.py --buffers 8          cats for two buffers of 8 KiB each, in place of 24
  python host/pack.py --card /media/card   all that the device wants, straight onto a mounted card
  python host/pack.py --image card.img     the same as the image of a card, FAT32 in a partition,
                                           for `python host/board.py ch32h417 --card`, or for a
                                           card, with dd
  python host/pack.py --json               the same, told for machines
  python host/pack.py --check              only compare: exit status 1 when a packed file is out of
                                           date; a cat that was never packed is not
"""

import argparse
import json
import shutil
import sys
from pathlib import Path

from tqdm import tqdm

from whim import bank, integers, packing, volume

REMEDY = (
    "host/train.py makes the die's integers and the digits', host/quantise.py the cats',"
    " host/speak.py the phrases"
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when a file differs"
    )
    parser.add_argument(
        "--buffers",
        metavar="KIB",
        type=float,
        default=packing.DEFAULT_BUFFER / 1024,
        help="size of each of the two stream buffers (default: 24)",
    )
    parser.add_argument(
        "--card",
        metavar="FOLDER",
        type=Path,
        default=packing.CARD,
        help="where the cats go (default: card/)",
    )
    parser.add_argument(
        "--image", metavar="FILE", type=Path, help="make an image of a card instead"
    )
    parser.add_argument(
        "--filesystem",
        choices=["fat16", "fat32", "exfat"],
        default="fat32",
        help="of the image (default: fat32)",
    )
    parser.add_argument(
        "--no-table", action="store_true", help="an image without a partition table"
    )
    args = parser.parse_args()
    try:
        buffer = int(args.buffers * 1024)
        packing.chunk_units(buffer)
    except (ValueError, OverflowError) as error:
        parser.error(str(error))

    if args.image and args.check:
        parser.error("--check compares files, and makes no image")
    in_flash = packing.in_flash()
    assets = {packing.DATA / f"{name}.whim": name for name in in_flash}
    assets |= {args.card / f"{name}.whim": source for name, source in packing.CATS.items()}
    if args.check:
        assets = {p: s for p, s in assets.items() if s in in_flash or p.exists()}
    stale, reports, on_card = [], [], {}
    try:
        for path, source in tqdm(assets.items(), desc="packing", leave=False, disable=None):
            model = integers.load(packing.DATA / f"{source}.npz")
            if source in in_flash:
                packed = packing.pack_flash(source)
            else:
                packed = packing.pack_streamed(model, buffer)
            if args.image and source not in in_flash:
                on_card[path.name] = packed
            elif not args.check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(packed)
            elif not path.exists() or path.read_bytes() != packed:
                stale.append(path.name)
            reports.append(packing.report(path.stem, model, packed))
        if args.image:
            on_card[bank.PATH.name] = bank.PATH
            args.image.parent.mkdir(parents=True, exist_ok=True)
            volume.make(args.image, on_card, filesystem=args.filesystem, table=not args.no_table)
        elif not args.check:
            shutil.copyfile(bank.PATH, args.card / bank.PATH.name)
        elif _differs(args.card / bank.PATH.name, bank.PATH):
            stale.append(bank.PATH.name)
    except FileNotFoundError as error:
        print(f"pack.py: {error}; {REMEDY}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:  # of a full card, or a tool that is not installed
        where = "" if getattr(error, "filename", None) else f"{args.image or args.card}: "
        print(f"pack.py: {where}{error}", file=sys.stderr)
        return 1
    for report in reports:
        print(json.dumps(report) if args.json else packing.table(report))
    if stale:
        print(f"out of date: {', '.join(stale)}; run python host/pack.py", file=sys.stderr)
    return bool(stale)


def _differs(copy: Path, original: Path) -> bool:
    return copy.exists() and copy.read_bytes() != original.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
