"""Trained integers on disk: a Model as an .npz, before it is packed. Readable by NumPy alone."""

import json
from pathlib import Path

import numpy as np

from whim.encodings import Encoding
from whim.model import Layer, Model, Op

ARRAYS = ("weights", "bias", "multiplier", "shift", "table")
NUMBERS = ("channels", "height", "width", "low", "high", "kernel", "stride", "pad", "pooled")


def save(model: Model, path: Path) -> None:
    """Write `model`: `layers` is JSON, the arrays are named like `2.weights`, in small integers.
    The layout is not kept: packing chooses it.
    """
    arrays, layers = {}, []
    for index, layer in enumerate(model.layers):
        numbers = {name: int(getattr(layer, name)) for name in NUMBERS}
        layers.append(dict(op=layer.op.name, encoding=layer.encoding.name, **numbers))
        for name in ARRAYS:
            if (array := getattr(layer, name)) is not None:
                arrays[f"{index}.{name}"] = array.astype(_smallest(array))
    shape = np.array(model.input_shape, np.int16)
    np.savez_compressed(path, input_shape=shape, layers=json.dumps(layers), **arrays)


def _smallest(array: np.ndarray) -> type:
    """The smallest signed kind that holds all of `array`."""
    low, high = array.min(initial=0), array.max(initial=0)
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return kind
    return np.int64


def load(path: Path) -> Model:
    """The inverse of save."""
    with np.load(path) as file:
        layers = []
        for index, fields in enumerate(json.loads(str(file["layers"]))):
            fields["op"], fields["encoding"] = Op[fields["op"]], Encoding[fields["encoding"]]
            for name in ARRAYS:
                if (key := f"{index}.{name}") in file:
                    kind = np.int8 if name == "table" else np.int64
                    fields[name] = file[key].astype(kind)
            fields["pooled"] = bool(fields.get("pooled"))
            layers.append(Layer(**fields))
        if "input_shape" not in file:  # older files: values without a place
            return Model((int(file["inputs"]), 1, 1), layers)
        return Model(tuple(int(side) for side in file["input_shape"]), layers)
