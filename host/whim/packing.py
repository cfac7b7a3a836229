"""Pack a model, and account for it: bytes, multiply-accumulates and RAM, layer by layer.

The die and the digits lie in flash and run row by row; the cats lie on a card and are streamed
through two buffers, so their weights are laid out in tiles, and chunks are made to fill a buffer.
"""

import dataclasses
import math
from pathlib import Path

import numpy as np

from whim import format, integers, layouts, model as m, plan

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"
CARD = ROOT / "card"
CATS = {"cat8": "cat", "cat4": "cat4"}  # file on the card: integers in data/
DIGITS = ("digits-small", "digits-large", "digits-dense")  # in data/, as integers and packed
SECTOR = 1 << format.CARD_ALIGNMENT
MAX_BUFFER = SECTOR * (16 * 0xFFFF // SECTOR)
DEFAULT_BUFFER = 24 * 1024
OTHER_BUFFERS = (1, 2, 4, 8, 16, 24, 32)  # KiB each


def pack(model: m.Model) -> bytes:
    """The model file for flash, read back and found equal to `model` before it is given out."""
    return _proven(format.write(model), model)


def pack_streamed(model: m.Model, buffer: int = DEFAULT_BUFFER) -> bytes:
    """The model file for a card, likewise; its chunks fill two buffers of `buffer` bytes each, a
    multiple of SECTOR up to MAX_BUFFER.
    """
    return _proven(format.write(tiled(model), format.CARD_ALIGNMENT, chunk_units(buffer)), model)


def in_flash() -> list[str]:
    """The models that are packed for flash: the die, and those digits whose integers are there."""
    return ["die"] + [name for name in DIGITS if (DATA / f"{name}.npz").exists()]


def pack_flash(name: str) -> bytes:
    """What belongs into data/<name>.whim: the integers of that name, packed for flash."""
    model = integers.load(DATA / f"{name}.npz")
    return pack(laid_out(model) if name in DIGITS else model)


def _proven(packed: bytes, model: m.Model) -> bytes:
    for one, other in zip(model.layers, format.read(packed).layers, strict=True):
        for name in integers.ARRAYS:
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
    return packed


def cats(folder: Path = CARD) -> list[Path]:
    """The packed cats in `folder`; those that are missing are packed first."""
    paths = [folder / f"{name}.whim" for name in CATS]
    for path in paths:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pack_streamed(integers.load(DATA / f"{CATS[path.stem]}.npz")))
    return paths


def tiled(model: m.Model) -> m.Model:
    """`model` with the layout of streamed models wherever there is a choice."""
    layers = [
        dataclasses.replace(e, layout=m.Layout.TILES) if m.may_tile(e) else e for e in model.layers
    ]
    return m.Model(model.input_shape, layers)


def laid_out(model: m.Model) -> m.Model:
    """`model` with the layouts of fast ternary kernels wherever they can be."""
    layers: list[m.Layer] = []
    for source, layer in model.steps():
        before = layers[-1] if layers else None
        layout = layer.layout
        if m.may_triple(before, source, layer) and m.triples_fit(before, source, layer):
            layout = m.Layout.TRIPLES
        elif m.may_column(layer):
            layout = m.Layout.COLUMNS
        layers.append(dataclasses.replace(layer, layout=layout))
    return m.Model(model.input_shape, layers)


def chunk_units(buffer: int) -> int:
    """The header's `chunk`: no sector of the card is wasted when a chunk fills its buffer."""
    if buffer % SECTOR or not SECTOR <= buffer <= MAX_BUFFER:
        raise ValueError(f"a buffer of {buffer} bytes: not 0.5, 1, 1.5 .. {MAX_BUFFER / 1024} KiB")
    return (buffer - format.TRAILER.sizeof()) // format.CHUNK_UNIT


def report(name: str, model: m.Model, packed: bytes) -> dict:
    """What each layer and the whole need, as host/pack.py prints it. Bytes are exact."""
    header = format.HEADER.parse(packed)
    model = tiled(model) if header.chunk else format.read(packed)
    layers = []
    consumers = [*model.layers[1:], None]
    for (source, layer), consumer in zip(model.steps(), consumers):
        held = layer.height if header.chunk else m.rows_held(consumer, layer.height)
        narrow = m.is_narrow(source, layer)
        weights = m.weight_bytes(source, layer)
        layers.append(
            dict(
                op=layer.op.name.lower() + ("+pool" if layer.pooled else ""),
                shape=f"{layer.channels}x{layer.height}x{layer.width}",
                kernel=f"{layer.kernel}/{layer.stride}" if layer.kernel else "",
                encoding=layer.encoding.name.lower()
                + ("+table" if layer.table is not None else ""),
                layout=layer.layout.name.lower(),
                requantise="narrow" if narrow else "wide",
                weight_bytes=weights,
                record_bytes=layouts.data_bytes(source, layer, narrow) - weights,
                macs=m.macs(source, layer),
                ram_bytes=held * layer.channels * layer.width + plan.columns_bytes(layer),
            )
        )
    weights = sum(layer["weight_bytes"] + layer["record_bytes"] for layer in layers)
    needs = dict(
        model=name,
        layers=layers,
        parameters=sum(m.units(e) * m.fan_in(s, e) + len(e.bias) for s, e in model.steps()),
        weights_and_tables_bytes=weights + 256 * header.tables,
        file_bytes=len(packed),
        macs=model.macs,
        arena_bytes=header.arena,
    )
    if not header.chunk:
        together = max(header.arena, plan.input_place(model) + model.inputs)
        return needs | dict(arena_and_input_bytes=together)
    chunk = header.chunk * format.CHUNK_UNIT + format.TRAILER.sizeof()
    buffer = -(-chunk // SECTOR) * SECTOR
    others = [streaming(packed, kib * 1024) for kib in OTHER_BUFFERS]
    return needs | streaming(packed, buffer) | dict(other_buffers=others)


def streaming(packed: bytes, buffer: int) -> dict:
    """What the streamed model in `packed` takes with two buffers of `buffer` bytes each."""
    header = format.HEADER.parse(packed)
    length = format.payload_bytes(packed)
    chunk = chunk_units(buffer)
    return dict(
        buffer_bytes=buffer,
        chunks=math.ceil(length / (chunk * format.CHUNK_UNIT)),
        card_bytes=SECTOR + format.chunks_bytes(length, chunk),
        arena_and_buffers_bytes=header.arena + 2 * buffer,
    )


def table(report: dict) -> str:
    """`report` for people."""
    lines = [f"{report['model']}: {report['parameters']} parameters"]
    lines += _columns(report["layers"])
    lines += [
        f"weights, biases, multipliers and tables {report['weights_and_tables_bytes']} bytes, "
        f"file {report['file_bytes']} bytes, {report['macs']} MACs",
        f"arena, exactly what the device needs for activations: {report['arena_bytes']} bytes",
    ]
    if "arena_and_input_bytes" in report:
        lines[-1] += f"; {report['arena_and_input_bytes']} bytes with the input in it"
    if "chunks" in report:
        lines[-1] = (
            f"arena, exactly what the device needs beside the buffers: {report['arena_bytes']} "
            f"bytes; two buffers of {report['buffer_bytes']} bytes, together "
            f"{report['arena_and_buffers_bytes']} bytes"
        )
        lines.append(
            f"read from the card for a picture: {report['card_bytes']} bytes in "
            f"{report['chunks']} chunks; with other buffers (--buffers):"
        )
        lines += _columns(report["other_buffers"])
    return "\n".join(lines)


def _columns(rows: list[dict]) -> list[str]:
    """Rows of cells under their names, in columns."""
    cells = [list(rows[0])] + [[f"{cell}" for cell in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in cells]
