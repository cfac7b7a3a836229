"""Pack a model, and account for it: bytes, multiply-accumulates and RAM, layer by layer."""

from pathlib import Path

from whim import format, model as m

DATA = Path(__file__).parents[2] / "data"
FLASH_ALIGNMENT = 2  # log2: models in flash begin their chunks on words


def pack(model: m.Model) -> bytes:
    """The model file, read back and found equal to `model` before it is given out."""
    packed = format.write(model, FLASH_ALIGNMENT)
    assert format.write(format.read(packed), FLASH_ALIGNMENT) == packed
    return packed


def report(name: str, model: m.Model, packed: bytes) -> dict:
    """What each layer and the whole need, as host/pack.py prints it. Bytes are exact."""
    header = format.HEADER.parse(packed)
    layers = []
    consumers = [*model.layers[1:], None]
    for (source, layer), consumer in zip(model.steps(), consumers):
        held = m.rows_held(consumer, layer.height)
        record = format.NARROW_RECORD if m.is_narrow(source, layer) else format.WIDE_RECORD
        layers.append(
            dict(
                op=layer.op.name.lower(),
                shape=f"{layer.channels}x{layer.height}x{layer.width}",
                kernel=f"{layer.kernel}/{layer.stride}" if layer.kernel else "",
                encoding=layer.encoding.name.lower()
                + ("+table" if layer.table is not None else ""),
                layout="plain",
                requantise="narrow" if m.is_narrow(source, layer) else "wide",
                weight_bytes=m.weight_bytes(source, layer),
                record_bytes=m.records(layer) * record.sizeof(),
                macs=m.macs(source, layer),
                ram_bytes=held * layer.channels * layer.width,
            )
        )
    weights = sum(layer["weight_bytes"] + layer["record_bytes"] for layer in layers)
    return dict(
        model=name,
        layers=layers,
        parameters=sum(m.units(e) * m.fan_in(s, e) + len(e.bias) for s, e in model.steps()),
        weights_and_tables_bytes=weights + 256 * header.tables,
        file_bytes=len(packed),
        macs=model.macs,
        arena_bytes=header.arena,
    )


def table(report: dict) -> str:
    """`report` for people."""
    columns = list(report["layers"][0])
    rows = [columns] + [[f"{layer[c]}" for c in columns] for layer in report["layers"]]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]
    return "\n".join(
        [
            f"{report['model']}: {report['parameters']} parameters",
            *lines,
            f"weights, biases, multipliers and tables {report['weights_and_tables_bytes']} bytes, "
            f"file {report['file_bytes']} bytes, {report['macs']} MACs",
            f"arena, exactly what the device needs for activations: {report['arena_bytes']} bytes",
        ]
    )
