"""From data/sweep.json to what people read: the table in docs/EXPERIMENTS.md and its pictures."""

from pathlib import Path

import numpy as np
from PIL import Image

from whim import sheets, sweep

DOCS = Path(__file__).parents[2] / "docs"
PAGE, PICTURES = DOCS / "EXPERIMENTS.md", DOCS / "pictures"
COMMAND = "python host/train.py sweep"
BEGIN, END = f"<!-- begin: written by `{COMMAND} --render` -->\n", "<!-- end -->"


def render() -> str:
    """Write the table and the pictures from the rows that exist; returns the table."""
    import matplotlib

    matplotlib.use("Agg")
    rows = _sorted(sweep.load())
    PICTURES.mkdir(parents=True, exist_ok=True)
    slope, scale = fit(rows)
    _plot_loss(rows, slope, scale)
    _plot_read(rows)
    _sheet(rows)
    fitted = f"Fitted to the d-d-d-d nets: MSE = {scale:.3g} x parameters^({slope:.2f})."
    text = f"{table(rows)}\n\n{fitted}\n"
    page = PAGE.read_text() if PAGE.exists() else f"# Experiments\n\n{BEGIN}{END}\n"
    before, rest = page.split(BEGIN)
    PAGE.write_text(before + BEGIN + text + END + rest.split(END, 1)[1])
    return text


def fit(rows: list[dict]) -> tuple[float, float]:
    """(slope, scale) of MSE = scale * parameters^slope, least squares in logarithms, over the nets
    whose four channel counts are equal."""
    ladder = [row for row in rows if _family(row) == "d-d-d-d"]
    if len(ladder) < 2:
        return float("nan"), float("nan")
    x, y = (np.log([row[field] for row in ladder]) for field in ("parameters", "mse"))
    slope, offset = np.polyfit(x, y, 1)
    return float(slope), float(np.exp(offset))


def table(rows: list[dict]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| net | told of the die, beside pips | parameters | MACs | MSE | read right |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for row in rows:
        macs = f"{row['macs']:,}"
        lines.append(
            f"| {row['name']} | {_told(row)} | {row['parameters']:,} | {macs} "
            f"| {row['mse']:.4f} | {row['read']:.2%} |"
        )
    return "\n".join(lines)


def _told(row: dict) -> str:
    if row["kind"] == "shipped":
        return row.get("told", "angle, latent; int4 weights, as shipped")
    angle = {"cos, sin": "angle (cos, sin)", "plain": "angle (one number)", "": ""}[row["angle"]]
    what = f"CVAE's z of {row['z']}" if row["z"] else "latent"
    if row.get("beta", 1) > 1:
        what += f", beta {row['beta']}"
    if row.get("same"):
        what = "and all dice alike"
    if row.get("times", 1) > 1:
        what += f"; {row['times']} times the steps"
    return f"{angle}, {what}" if angle else what


def _family(row: dict) -> str:
    if row["kind"] == "shipped":
        return "shipped die"
    if row["kind"] == "cvae":
        return "CVAE"
    if row.get("same"):
        return "dice all alike"
    if row.get("times", 1) > 1:
        return "4 times the steps"
    if row["angle"] == "plain":
        return "angle as one number"
    if "+" in row["name"]:
        return "+ 2 layers at 32x32"
    return "d-d-d-d" if len(set(row["name"].split("-"))) == 1 else "other channels"


STYLES = {  # family: marker, colour
    "d-d-d-d": ("o", "#1f4e79"),
    "other channels": ("s", "#6aa0d0"),
    "+ 2 layers at 32x32": ("D", "#2e8b57"),
    "angle as one number": ("v", "#b8860b"),
    "CVAE": ("x", "#b03030"),
    "dice all alike": ("^", "#8a63a8"),
    "4 times the steps": ("P", "#555555"),
    "shipped die": ("*", "#d4006a"),
}


def _sorted(rows: list[dict]) -> list[dict]:
    """By family, in the order of STYLES, then by size; the shipped die first of all."""
    order = {name: place for place, name in enumerate(STYLES)}

    def place(row):
        known = (row.get("z", 0), row.get("angle", ""), row.get("beta", 1))
        return row["kind"] != "shipped", order[_family(row)], row["parameters"], *known

    return sorted(rows, key=place)


def _axes(title: str, what: str):
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.5, 4.8), dpi=110, layout="constrained")
    axes.set(title=title, xscale="log", xlabel="parameters of the decoder", ylabel=what)
    axes.grid(True, which="both", alpha=0.25)
    return figure, axes


def _points(axes, rows: list[dict], field: str, factor: float = 1) -> None:
    for family, (marker, colour) in STYLES.items():
        points = [row for row in rows if _family(row) == family]
        if points:
            axes.scatter(
                [row["parameters"] for row in points],
                [factor * row[field] for row in points],
                s=220 if family == "shipped die" else 42,
                marker=marker,
                color=colour,
                label=family,
                zorder=3,
            )


def _save(figure, name: str, mode: str = "RGB") -> None:
    from matplotlib import pyplot

    figure.savefig(PICTURES / name)
    pyplot.close(figure)
    with Image.open(PICTURES / name) as picture:
        picture.convert(mode).save(PICTURES / name, optimize=True)  # without transparency


def _plot_loss(rows: list[dict], slope: float, scale: float) -> None:
    figure, axes = _axes("Loss over parameters", "MSE on held-out dice")
    axes.set_yscale("log")
    _points(axes, rows, "mse")
    x = np.array([200.0, 32000.0])
    axes.plot(
        x, scale * x**slope, "--", color="#1f4e79", label=f"fit to d-d-d-d: slope {slope:.2f}"
    )
    anchor = scale * 2500**slope  # the field's slope, through our line's middle, to compare
    axes.plot(
        x, anchor * (x / 2500) ** (-2 / 3), ":", color="grey", label="the field's slope, -2/3"
    )
    axes.legend(fontsize=8)
    _save(figure, "sweep-loss.png")


def _plot_read(rows: list[dict]) -> None:
    figure, axes = _axes("Dice read right over parameters", "read right, %")
    _points(axes, rows, "read", 100)
    ladder = [row for row in rows if _family(row) == "d-d-d-d"]
    axes.plot(
        [row["parameters"] for row in ladder],
        [100 * row["read"] for row in ladder],
        color="#1f4e79",
    )
    axes.axhline(100 / 6, color="grey", linestyle=":", label="by chance")
    axes.set_ylim(0, 103)
    axes.legend(fontsize=8, loc="lower right")
    _save(figure, "sweep-read.png")


def _sheet(rows: list[dict]) -> None:
    """Eight dice of each net, the true ones on top."""
    from matplotlib import pyplot

    from whim import dice

    with np.load(sweep.SAMPLES) as file:
        strips = [("true", dice.draw(sweep.shown_dice()))]
        strips += [(row["key"], file[row["key"]]) for row in rows if row["key"] in file]
    figure, grid = pyplot.subplots(len(strips), 1, figsize=(6.4, 0.45 * len(strips)), dpi=110)
    figure.subplots_adjust(0.42, 0.005, 0.995, 0.995, hspace=0.05)
    for axes, (label, pictures) in zip(grid, strips):
        axes.imshow(sheets.sheet(pictures, sweep.SHOWN, 1, 1), cmap="gray", vmin=0, vmax=255)
        axes.set(xticks=[], yticks=[])
        axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    _save(figure, "sweep-dice.png", "L")
