"""The PyTorch integer reference: a packed model run by PyTorch's own layers, exactly.

It shares no arithmetic with the NumPy decoder. Convolutions run in float64, which holds every
integer below 2^53 exactly, and the format's sums stay below 2^31; scaling is done in int64.
"""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from whim.model import Layer, Model, Op


@torch.no_grad()
def decode(model: Model, inputs: np.ndarray) -> np.ndarray:
    """As decoder.decode: int8 (N, inputs) to int8 (N, height, width, channels)."""
    channels, height, width = model.input_shape
    x = torch.tensor(np.asarray(inputs)).double().reshape(-1, height, width, channels)
    x = x.permute(0, 3, 1, 2)
    for layer in model.layers:
        x = _run(layer, x)
    return x.permute(0, 2, 3, 1).to(torch.int8).numpy()


@torch.no_grad()
def float_pictures(checkpoint: Path, z: np.ndarray) -> np.ndarray:
    """What a cat generator in floating point makes of int8 latents (N, inputs): grey values from
    0 to 255, not rounded, float (N, height, width, channels).

    It is run from its state dict as it was trained, batch norms and all: cat_net.load describes
    the file, and shares no code with this.
    """
    with np.load(checkpoint) as file:
        state = {name: torch.tensor(file[name].astype(np.float32)) for name in file.files}
    x = torch.tensor(z / 32).float().reshape(len(z), -1, 1, 1)
    for index in range(0, 1000, 3):
        stride, pad = (2, 1) if index else (1, 0)
        weights, bias = state[f"{index}.weight"], state.get(f"{index}.bias")
        x = F.conv_transpose2d(x, weights, bias, stride=stride, padding=pad)
        norm = {name: state.get(f"{index + 1}.{name}") for name in _NORM}
        if norm["weight"] is None:
            break
        x = F.relu(F.batch_norm(x, **norm))
    return (x.tanh() + 1).mul(127.5).permute(0, 2, 3, 1).numpy()


_NORM = ("running_mean", "running_var", "weight", "bias")


def _run(layer: Layer, x: torch.Tensor) -> torch.Tensor:
    """One layer on float64 (N, channels, height, width)."""
    match layer.op:
        case Op.NEAREST:
            return F.interpolate(x, scale_factor=layer.stride, mode="nearest")
        case Op.DENSE:
            flat = x.permute(0, 2, 3, 1).flatten(1)
            total = F.linear(flat, torch.tensor(layer.weights).double())
            total = total.reshape(-1, *_size(layer)).permute(0, 3, 1, 2)
        case Op.CONV:
            kernel = _kernel(layer, x.shape[1])
            total = F.conv2d(x, kernel, stride=layer.stride, padding=layer.pad)
            if layer.pooled:
                total = F.max_pool2d(total, 2)
        case Op.CONV_TRANSPOSE:
            kernel = _kernel(layer, x.shape[1]).transpose(0, 1)
            total = F.conv_transpose2d(x, kernel, stride=layer.stride, padding=layer.pad)
        case Op.BILINEAR:
            # A value is a whole number of 1 / ((height - 1) * (width - 1)): rounding restores it.
            size = (layer.height, layer.width)
            steps = max(layer.height - 1, 1) * max(layer.width - 1, 1)
            total = F.interpolate(x, size=size, mode="bilinear", align_corners=True)
            total = (total * steps).round()

    per_channel = [
        torch.tensor(v)[:, None, None] for v in (layer.bias, layer.multiplier, layer.shift)
    ]
    bias, multiplier, shift = per_channel
    total = total.long() + bias
    half = torch.bitwise_left_shift(torch.ones_like(shift), shift - 1)
    value = torch.bitwise_right_shift(total * multiplier + half, shift).clamp(layer.low, layer.high)
    if layer.table is not None:
        value = torch.tensor(layer.table.astype(np.int64))[value + 128]
    return value.double()


def _kernel(layer: Layer, channels: int) -> torch.Tensor:
    """(units, channels, kernel, kernel), PyTorch's order."""
    weights = torch.tensor(layer.weights).double()
    return weights.reshape(-1, layer.kernel, layer.kernel, channels).permute(0, 3, 1, 2)


def _size(layer: Layer) -> tuple[int, int, int]:
    return layer.height, layer.width, layer.channels
