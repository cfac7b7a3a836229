"""The teacher of the digit nets: a float CNN that sees more of each picture than its students."""

import os
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from whim import digits_pictures

WIDTHS, EPOCHS = (32, 64, 128), 36
BATCH, RATE, DECAY, WARM_UP = 128, 3e-3, 0.02, 0.1
STRENGTHS = (0.7, 1.0)
AVERAGE = 0.999  # of the weights, a step


def network(widths: tuple[int, int, int] = WIDTHS) -> nn.Module:
    """From 32x32 points of 0 .. 1 to ten logits."""

    def convolution(before: int, after: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
        layer = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
        return [layer, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]

    a, b, c = widths
    layers = [*convolution(1, a, 5, 2), *convolution(a, a), nn.MaxPool2d(2)]
    layers += [*convolution(a, b), *convolution(b, b), nn.MaxPool2d(2)]
    layers += [*convolution(b, c), nn.Flatten(), nn.Dropout(0.3), nn.Linear(16 * c, 10)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def forward(net: nn.Module, values: torch.Tensor) -> torch.Tensor:
    """Logits for points of 0 .. 255, in bfloat16 where the processor is fast at it."""
    values = (values / 255).to(memory_format=torch.channels_last)
    with torch.autocast(values.device.type, torch.bfloat16):
        return net(values).float()


@torch.no_grad()
def answers(net: nn.Module, values: torch.Tensor) -> torch.Tensor:
    net.eval()
    return torch.cat([forward(net, part) for part in values.split(500)])


def train(
    pictures: np.ndarray,
    labels: np.ndarray,
    held_out: np.ndarray,
    held_labels: np.ndarray,
    path: Path,
    seed: int,
    epochs: int = EPOCHS,
    until: int | None = None,
) -> nn.Module:
    """A teacher trained on `pictures`, uint8 (N, 28, 28): the average of its weights over steps.

    `path` is written after every epoch, and a later call goes on from it; when all are done, it
    only reads it. `until`: stop after so many of the epochs.
    """
    run = Run(seed, epochs)
    run.load(path)
    seen = digits_pictures.points(held_out)
    while run.epoch < (epochs if until is None else until):
        started = time.monotonic()
        run.learn(pictures, labels)
        run.save(path)
        wrong = int((answers(run.average, seen).argmax(1).numpy() != held_labels).sum())
        line = f"teacher, epoch {run.epoch} of {epochs}: {wrong} of {len(seen)} wrong"
        print(f"{line}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return run.average.eval()


class Run:
    """A teacher and its average, epoch by epoch."""

    def __init__(self, seed: int, epochs: int):
        torch.manual_seed(seed)
        self.seed, self.epochs, self.epoch = seed, epochs, 0
        self.net, self.average = network(), network()
        self.average.load_state_dict(self.net.state_dict())
        self.optimiser = torch.optim.AdamW(self.net.parameters(), weight_decay=DECAY, fused=True)

    def learn(self, pictures: np.ndarray, labels: np.ndarray) -> None:
        """Another epoch, each picture bent by chance."""
        draw = 1000 * self.seed + self.epoch
        generator = torch.Generator().manual_seed(draw)
        torch.manual_seed(draw)  # of the dropout
        order = torch.randperm(len(pictures), generator=generator).numpy()
        steps = len(pictures) // BATCH
        self.net.train()
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            where = digits_pictures.bent(BATCH, STRENGTHS[step % 2], generator)
            meant = torch.from_numpy(labels[rows].astype(np.int64))
            logits = forward(self.net, digits_pictures.points(pictures[rows], where))
            for group in self.optimiser.param_groups:
                group["lr"] = rate((self.epoch + step / steps) / self.epochs)
            self.optimiser.zero_grad()
            F.cross_entropy(logits, meant).backward()
            self.optimiser.step()
            self.follow()
        self.epoch += 1

    @torch.no_grad()
    def follow(self) -> None:
        """The average moves a little towards the net."""
        for kept, new in zip(self.average.parameters(), self.net.parameters()):
            kept.lerp_(new, 1 - AVERAGE)
        for kept, new in zip(self.average.buffers(), self.net.buffers()):
            if kept.is_floating_point():
                kept.lerp_(new, 1 - AVERAGE)

    def save(self, path: Path) -> None:
        """At once or not at all."""
        state = {name: part.state_dict() for name, part in self.parts().items()}
        torch.save(state | dict(epoch=self.epoch), path.with_suffix(".part"))
        os.replace(path.with_suffix(".part"), path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one."""
        if path.exists():
            state = torch.load(path, weights_only=True)
            self.epoch = state["epoch"]
            for name, part in self.parts().items():
                part.load_state_dict(state[name])

    def parts(self) -> dict:
        return dict(net=self.net, average=self.average, optimiser=self.optimiser)


def rate(progress: float) -> float:
    """The learning rate at `progress` (0-1): straight up, and straight down to almost nothing."""
    return RATE * min(progress / WARM_UP, (1 - progress) / (1 - WARM_UP)) + 1e-6
