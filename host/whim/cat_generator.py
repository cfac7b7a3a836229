"""The cat generator in floats: a DCGAN of 12.6 million weights, and its files."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

LATENT = 100
CHANNELS = (1024, 512, 256, 128)


def generator(channels: tuple[int, ...] = CHANNELS) -> nn.Sequential:
    """z (N, 100, 1, 1) to pictures (N, 3, 64, 64), RGB, -1 to 1. Transposed convolutions are at 0,
    3, 6, 9 and 12 of the sequence, each but the last with a BatchNorm behind it."""
    layers, last = [], LATENT
    for index, count in enumerate(channels):
        place = (4, 2, 1) if index else (4, 1, 0)
        layers += [nn.ConvTranspose2d(last, count, *place, bias=False)]
        layers += [nn.BatchNorm2d(count), nn.ReLU(inplace=True)]
        last = count
    net = nn.Sequential(*layers, nn.ConvTranspose2d(last, 3, 4, 2, 1), nn.Tanh())
    for layer in net:
        if isinstance(layer, nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, std=0.02)
    nn.init.zeros_(net[-2].bias)
    return net.to(memory_format=torch.channels_last)


def latents(count: int, seed: int) -> np.ndarray:
    """float32 (N, 100), normal; the same for the same seed."""
    return np.random.default_rng(seed).standard_normal((count, LATENT), np.float32)


@torch.no_grad()
def pictures(net, z: np.ndarray, batch: int = 100) -> np.ndarray:
    """What the net makes of latents float32 (N, 100): uint8 (N, 64, 64, 3)."""
    net.eval()
    device = next(net.parameters()).device
    parts = torch.from_numpy(z)[:, :, None, None].split(batch)
    made = torch.cat([net(part.to(device)).cpu() for part in parts])
    made = ((made + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return made.permute(0, 2, 3, 1).contiguous().numpy()


@torch.no_grad()
def measure_norms(net, batches: int = 20, batch: int = 100) -> None:
    """Measure every BatchNorm's mean and variance anew: averaged weights have others."""
    device = next(net.parameters()).device
    z = torch.from_numpy(latents(batches * batch, seed=2))[:, :, None, None]
    norms = [layer for layer in net if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    net.train()
    for part in z.split(batch):
        with torch.autocast(device.type, torch.bfloat16):
            net(part.to(device))
    for norm in norms:
        norm.momentum = 0.1
    net.eval()


def save(path: Path, net) -> None:
    """Write the state dict's arrays, by their names and in float16, at once or not at all."""
    arrays = {
        name: value.cpu().numpy().astype(np.float16)
        for name, value in net.state_dict().items()
        if "num_batches" not in name
    }
    temporary = path.with_suffix(".part.npz")
    np.savez_compressed(temporary, **arrays)
    temporary.replace(path)


def load(path: Path) -> nn.Sequential:
    """The generator of a file that `save` wrote. Raises ValueError where it is of another net."""
    net = generator()
    own = net.state_dict()
    with np.load(path) as file:
        for name in (name for name in own if "num_batches" not in name):
            if name not in file or file[name].shape != own[name].shape:
                raise ValueError(f"{path}: {name} of {tuple(own[name].shape)} is not in it")
            own[name].copy_(torch.from_numpy(file[name].astype(np.float32)))
    return net
