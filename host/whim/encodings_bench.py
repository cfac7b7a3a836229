"""Instructions a weight of a dense layer, 256 to 64, for each encoding of weights: plain and in
columns, on the instruction sets of the ten-cent chip and of the bench, with half of the inputs zero
and with none. BitNetMCU's stand beside them."""

import numpy as np

from whim import decoder
from whim import model as m
from whim.encodings import Encoding
from whim.measure import Core

INPUTS, UNITS = 256, 64
CORES = "rv32ec", "rv32imac"
WEIGHTS = {
    Encoding.INT8: np.arange(-127, 128), Encoding.INT4: np.arange(-8, 8),
    Encoding.INT2: np.array([-3, -1, 1, 3]), Encoding.TERNARY: np.array([-1, 0, 1]),
    Encoding.POWER: np.array([sign << n for n in range(7) for sign in (-1, 1)]),
}  # fmt: skip
# Instructions a weight of its fully connected layer of this size, half of the inputs zero and none:
# 4 bits, 2 bits, "shift" (powers of two), and 1 bit beside ternary.
BITNETMCU = {
    ("rv32ec", Encoding.INT4): (13.3, 19.4), ("rv32ec", Encoding.INT2): (7.9, 7.9),
    ("rv32ec", Encoding.TERNARY): (6.8, 6.8), ("rv32ec", Encoding.POWER): (8.0, 8.0),
    ("rv32imac", Encoding.INT4): (6.6, 10.0), ("rv32imac", Encoding.INT2): (7.8, 7.8),
    ("rv32imac", Encoding.TERNARY): (6.7, 6.7),
}  # fmt: skip


def layer(rng: np.random.Generator, encoding: Encoding, layout: m.Layout) -> m.Model:
    """The layer alone, with weights of all values alike."""
    weights = rng.choice(WEIGHTS[encoding], (UNITS, INPUTS))
    records = np.zeros(UNITS, np.int64), np.full(UNITS, 150), np.full(UNITS, 17)
    made = m.Layer(m.Op.DENSE, UNITS, 1, 1, encoding, weights, *records, layout=layout)
    return m.Model((INPUTS, 1, 1), [made])


def figure(core: Core, model: m.Model, inputs: np.ndarray) -> tuple[float, bool]:
    """Instructions a weight, and whether the result is NumPy's."""
    result = core.run(model, inputs)
    right = np.array_equal(result.output, decoder.decode(model, inputs[None])[0])
    return round(result.instructions / (INPUTS * UNITS), 2), right


def report(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    dense = rng.integers(1, 128, INPUTS)
    half = dense * (rng.permutation(INPUTS) % 2)
    rows, right = [], True
    for name in CORES:
        core = Core(name)
        for encoding in WEIGHTS:
            for layout in (m.Layout.PLAIN, m.Layout.COLUMNS):
                model = layer(rng, encoding, layout)
                measured = [figure(core, model, inputs) for inputs in (half, dense)]
                right &= all(good for _, good in measured)
                rows.append({
                    "core": name, "encoding": encoding.name.lower(),
                    "layout": layout.name.lower(),
                    "half_zero": measured[0][0], "dense": measured[1][0],
                    "bitnetmcu": BITNETMCU.get((name, encoding)),
                })  # fmt: skip
    return {"inputs": INPUTS, "units": UNITS, "right": right, "rows": rows}


def table(report: dict) -> str:
    lines = [
        f"dense {report['inputs']} -> {report['units']}: instructions a weight, all included;"
        " half of the inputs zero / none",
        f"{'':10}{'':9}{'plain':>16}{'columns':>16}{'BitNetMCU':>16}",
    ]
    rows = report["rows"]
    for plain, columns in zip(rows[::2], rows[1::2]):
        theirs = plain["bitnetmcu"]
        lines.append(
            f"{plain['core']:10}{plain['encoding']:9}"
            + "".join(
                f"{row['half_zero']:9.2f}{row['dense']:7.2f}" for row in (plain, columns)
            )
            + (f"{theirs[0]:9.1f}{theirs[1]:7.1f}" if theirs else "")
        )
    if not report["right"]:
        lines.append("WRONG: not the NumPy decoder's")
    return "\n".join(lines)
