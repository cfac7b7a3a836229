"""Digit nets of many sizes in every encoding: how much does a kilobyte of weights read?

All are trained alike and shortly, without the held-out pictures, and judged by these in integers:
the figures compare encodings, and the test set has no part in them. Each finished net becomes a row
of data/digits-sweep.json at once, so a sweep that was stopped goes on where it was.
"""

import json
import os
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from whim import layouts, packing
from whim.model import is_narrow

ROOT = Path(__file__).parents[2]
ROWS = ROOT / "data/digits-sweep.json"
PAGE, PICTURE = ROOT / "docs/DIGITS.md", ROOT / "docs/pictures/digits-sweep.png"
COMMAND = "python host/train.py digits sweep"
BEGIN, END = f"<!-- begin: written by `{COMMAND} --render` -->\n", "<!-- end -->"

STEPS, BATCH, SEED = 2000, 256, 0
DENSE = {  # widths of two hidden layers, for about 1.5, 3, 6 and 12 kB
    "ternary": ((21, 20), (44, 36), (88, 56), (152, 88)),
    "int2": ((17, 16), (36, 32), (72, 48), (120, 80)),
    "int4": ((9, 10), (18, 18), (36, 32), (72, 48)),
    "power": ((9, 10), (18, 18), (36, 32), (72, 48)),
}
CONV = {  # channels of three convolutions
    "ternary": ((6, 12, 18), (12, 24, 36)),
    "int2": ((6, 12, 18), (12, 24, 36)),
    "int4": ((6, 12, 18),),
    "power": ((6, 12, 18),),
}
NAMES = {"ternary": "ternary", "int2": "2 bits", "int4": "4 bits", "power": "power of two"}
COLOURS = {"ternary": "#1f4e79", "int2": "#2e8b57", "int4": "#b03030", "power": "#b8860b"}


class Net(NamedTuple):
    """One net of the sweep."""

    family: str
    encoding: str
    widths: tuple[int, ...]

    @property
    def words(self) -> str:
        if self.family == "fully connected":
            layers = [f"dense{width}" for width in self.widths]
        else:
            a, b, c = self.widths
            layers = [f"conv{a}-same-pool", f"conv{b}-same-pool", f"conv{c}"]
        return " ".join(f"{layer}-{self.encoding}" for layer in (*layers, "dense10"))


NETS = [Net("fully connected", encoding, w) for encoding, sizes in DENSE.items() for w in sizes]
NETS += [Net("convolutional", encoding, w) for encoding, sizes in CONV.items() for w in sizes]


def load() -> list[dict]:
    """The rows that exist."""
    return json.loads(ROWS.read_text()) if ROWS.exists() else []


def run(data: Path, runs: Path) -> None:
    """Train and judge every net that has no row yet."""
    from whim import digits, digits_training

    plan = digits_training.Plan("", STEPS, BATCH)
    everything = digits_training.lesson(data, runs, plan)
    kept, held_out = digits.split(len(everything.labels))
    lesson = everything.only(kept)
    seen = everything.pictures[0, held_out].astype(np.int8), everything.labels[held_out]
    for net in NETS:
        if any((row["words"], row["steps"]) == (net.words, STEPS) for row in load()):
            continue
        started = time.process_time()
        path = runs / f"sweep-{net.words.replace(' ', '_')}.pt"
        trained = digits_training.train(plan._replace(words=net.words), lesson, SEED, path)
        row = dict(family=net.family, encoding=net.encoding, words=net.words, steps=STEPS)
        model = trained.export()
        row |= dict(bytes=size(model), macs=model.macs, widths=net.widths)
        row |= dict(wrong=trained.wrong(*seen), count=len(held_out))
        row["seconds"] = round(time.process_time() - started, 1)
        rows = [old for old in load() if old["words"] != net.words] + [row]
        temporary = ROWS.with_suffix(".part")
        temporary.write_text(json.dumps(rows, indent=1) + "\n")
        os.replace(temporary, ROWS)
        path.unlink()
        print(f"{net.words}: {row['bytes']:,} bytes, {accuracy(row):.2%}", flush=True)


def size(model) -> int:
    """Bytes of weights and records in the file."""
    steps = packing.laid_out(model).steps()
    return sum(layouts.data_bytes(*step, is_narrow(*step)) for step in steps)


def accuracy(row: dict) -> float:
    """The share that is read right."""
    return 1 - row["wrong"] / row["count"]


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table."""
    lines = ["| net | weights | widths | bytes | MACs | read right |", "|---|---|---|--:|--:|--:|"]
    for row in rows:
        widths = "-".join(map(str, row["widths"]))
        lines.append(
            f"| {row['family']} | {NAMES[row['encoding']]} | {widths}-10 | {row['bytes']:,} "
            f"| {row['macs']:,} | {accuracy(row):.2%} |"
        )
    return "\n".join(lines)


def render() -> str:
    """Write the table and the plot from the rows that exist; returns the table."""
    families, encodings = ("fully connected", "convolutional"), list(NAMES)
    rows = sorted(
        load(),
        key=lambda row: (
            families.index(row["family"]),
            encodings.index(row["encoding"]),
            row["bytes"],
        ),
    )
    _plot(rows)
    text = table(rows) + "\n"
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + text + END + rest.split(END, 1)[1])
    return text


def _plot(rows: list[dict]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.5, 4.8), dpi=110, layout="constrained")
    title = "Digits read wrong, over the size of the weights"
    axes.set(title=title, xscale="log", yscale="log")
    axes.set(xlabel="kilobytes of weights and records", ylabel="read wrong, % of 6,000 held out")
    for family, marker, line in (("fully connected", "o", "-"), ("convolutional", "s", "--")):
        for encoding, name in NAMES.items():
            found = [r for r in rows if r["family"] == family and r["encoding"] == encoding]
            x = [row["bytes"] / 1000 for row in found]
            y = [100 - 100 * accuracy(row) for row in found]
            label = f"{family}, {name}"
            axes.plot(x, y, marker=marker, linestyle=line, color=COLOURS[encoding], label=label)
    ticks = {"x": (1, 2, 3, 4, 6, 8, 12), "y": (0.8, 1, 1.5, 2, 3, 5, 8)}
    axes.set_xticks(ticks["x"], map(str, ticks["x"]))
    axes.set_yticks(ticks["y"], map(str, ticks["y"]))
    axes.minorticks_off()
    axes.grid(True, alpha=0.25)
    axes.legend(fontsize=8)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE)
    pyplot.close(figure)
