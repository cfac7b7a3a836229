"""Train the cat generator on a few thousand pictures, on two CPU cores or on a GPU.

The heads of cat_discriminator.py judge real and made pictures, the generator tries to please them
(hinge loss), and what is kept is a moving average of its weights. A run that was killed goes on
from its last checkpoint as if it had not been.

Against noise the heads win at once, and the generator answers with one picture for all latents. So
a generator that begins from nothing first learns, without heads, to draw pictures from their
principal components: blurred, but as different as the pictures are.
"""

import copy
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from whim import cat_discriminator, cat_generator, cat_metrics, sheets
from whim.cat_generator import LATENT

BATCH = 32
RATE, BETAS = 2e-4, (0.0, 0.99)
FALLING = 0.125  # share of a run, its last, over which the rate falls to zero, linearly
AVERAGE_IMAGES = 10_000  # half-life of the moving average; a fifth of the run while it is young
BLURRED_STEPS = 500  # without heads, where a run begins from nothing
CHECKPOINT_STEPS, REPORT_STEPS = 50, 500
JUDGED = 500  # made pictures in a report's kernel distance, against twice as many real ones
LINE_SECONDS = 60  # between two lines of progress where there is no terminal


def train(pictures: np.ndarray, out: Path, steps: int, seed: int = 0, start: Path | None = None):
    """Train on `pictures`, uint8 (N, 64, 64, 3), until `steps` in all; keep in the folder `out`:

    state.pt, the checkpoint that a later call goes on from; with each report generator.npz, the
    averaged generator, sheet.png, what it makes of the same latents every time, and a line of
    log.txt, its kernel distance. `start`: a generator's .npz to begin with. The rate depends on
    `steps`: whoever goes on from a checkpoint gives the same.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    nets = cat_discriminator.Features(), cat_discriminator.Heads()
    begin = cat_generator.load(start) if start else cat_generator.generator()
    run = Run(pictures, begin, *nets, seed, device, blurred=0 if start else BLURRED_STEPS)
    run.load(out / "state.pt")
    report = Report(pictures, out)
    for _ in progress(run, steps):
        if run.step % REPORT_STEPS == 0 or run.step == steps:
            tqdm.write(report(run), file=sys.stderr)
        if run.step % CHECKPOINT_STEPS == 0 or run.step == steps:
            run.save(out / "state.pt")


def progress(run: "Run", steps: int):
    """Step by step, with a bar on a terminal and a line a minute elsewhere."""
    last = -math.inf
    with tqdm(total=steps, initial=run.step, disable=None, unit="step") as bar:
        while run.step < steps:
            losses = run.train_step(RATE * min(1, (1 - run.step / steps) / FALLING))
            bar.update()
            bar.set_postfix(losses, refresh=False)
            if bar.disable and time.monotonic() - last > LINE_SECONDS:
                last = time.monotonic()
                figures = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
                print(f"step {run.step} of {steps}: {figures}", file=sys.stderr, flush=True)
            yield


class Run:
    """The nets, their optimisers, and everything else that changes from step to step."""

    def __init__(self, pictures, generator, features, heads, seed=0, device="cpu", blurred=0):
        if len(pictures) < BATCH:
            raise ValueError(f"{len(pictures)} pictures: fewer than a batch of {BATCH}")
        self.pictures, self.seed, self.step = torch.from_numpy(pictures), seed, 0
        self.device, self.blurred = torch.device(device), blurred
        self.generator, self.features = generator.to(device), features.to(device)
        self.heads = heads.to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(generator).requires_grad_(False)
        features.normalise(torch.cat([self.real(step) for step in range(8)]))
        if blurred:
            some = torch.cat([self.real(step) for step in range(min(128, len(pictures) // BATCH))])
            self.components = Components(some)
        fused = dict(fused=True)
        self.generator_optimiser = torch.optim.Adam(generator.parameters(), RATE, BETAS, **fused)
        self.heads_optimiser = torch.optim.Adam(heads.parameters(), RATE, BETAS, **fused)

    def real(self, step: int):
        """The batch of a step, -1 to 1: every picture once an epoch, half of them mirrored."""
        epoch, place = divmod(step, len(self.pictures) // BATCH)
        random = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        order = torch.randperm(len(self.pictures), generator=random)
        mirrored = torch.rand(len(self.pictures), generator=random) < 0.5
        rows = order[place * BATCH : (place + 1) * BATCH]
        x = self.pictures[rows].permute(0, 3, 1, 2).float() / 127.5 - 1
        return torch.where(mirrored[rows, None, None, None], x.flip(3), x).to(self.device)

    def train_step(self, rate: float = RATE) -> dict[str, float]:
        """One more step; answers its losses."""
        for optimiser in (self.generator_optimiser, self.heads_optimiser):
            for group in optimiser.param_groups:
                group["lr"] = rate
        self.generator.train()
        losses = self.reconstruct() if self.step < self.blurred else self.compete()
        self.step += 1
        half_life = min(AVERAGE_IMAGES, self.step * BATCH / 5)
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.generator.parameters()):
                mean.lerp_(now, 1 - 0.5 ** (BATCH / half_life))
        return losses

    def make(self, z):
        with self.autocast():
            return self.generator(z[:, :, None, None].to(self.device)).float()

    def reconstruct(self) -> dict[str, float]:
        """An update of the generator towards real pictures, by their principal components."""
        real = self.real(self.step)
        loss = (self.make(self.components(real)) - real).abs().mean()
        self.generator_optimiser.zero_grad()
        loss.backward()
        self.generator_optimiser.step()
        return dict(reconstruction=loss.item())

    def compete(self) -> dict[str, float]:
        """An update of the heads, then one of the generator, on the same made pictures."""
        made = self.make(torch.randn(BATCH, LATENT))
        maps = self.features(cat_discriminator.augment(made))
        with torch.no_grad():
            real_maps = self.features(cat_discriminator.augment(self.real(self.step)))

        with self.autocast():
            on_real = self.heads(real_maps).float()
            on_made = self.heads([x.detach() for x in maps]).float()
        loss = (F.relu(1 - on_real) + F.relu(1 + on_made)).mean()
        self.heads_optimiser.zero_grad()
        loss.backward()
        self.heads_optimiser.step()

        self.heads.requires_grad_(False)
        with self.autocast():
            displeased = -self.heads(maps).float().mean()
        self.generator_optimiser.zero_grad()
        displeased.backward()
        self.generator_optimiser.step()
        self.heads.requires_grad_(True)
        return dict(heads=loss.item(), generator=displeased.item())

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16)

    def save(self, path: Path) -> None:
        """At once or not at all: whoever is killed meanwhile finds the checkpoint before it."""
        state = dict(step=self.step, random=torch.get_rng_state())
        state["parts"] = [part.state_dict() for part in self._parts()]
        torch.save(state, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint, if there is one."""
        if not path.exists():
            return
        state = torch.load(path, weights_only=True, map_location=self.device)
        for part, saved in zip(self._parts(), state["parts"], strict=True):
            part.load_state_dict(saved)
        torch.set_rng_state(state["random"].cpu())
        self.step = state["step"]

    def _parts(self):
        nets = self.generator, self.average, self.features, self.heads
        return *nets, self.generator_optimiser, self.heads_optimiser


class Components:
    """Principal components of pictures, of variance 1 as latents are; at most LATENT of them."""

    def __init__(self, pictures):
        """`pictures`: (N, 3, 64, 64)."""
        flat = pictures.flatten(1)
        _, spread, basis = torch.pca_lowrank(flat, min(LATENT, len(flat)))
        self.mean, self.basis = flat.mean(0), basis * (len(flat) ** 0.5 / spread.clamp(1e-3))

    def __call__(self, pictures):
        """Of each picture: (N, LATENT), zeros in the last where there are fewer."""
        found = (pictures.flatten(1) - self.mean) @ self.basis
        return F.pad(found, (0, LATENT - found.shape[1]))


class Report:
    """Every so often a sheet, and a kernel distance of few pictures: is it getting better?"""

    def __init__(self, pictures: np.ndarray, out: Path):
        self.out = out
        rows = np.random.default_rng(0).permutation(len(pictures))[: 2 * JUDGED]
        self.real = cat_metrics.features(pictures[rows], fast=True)

    def __call__(self, run: Run) -> str:
        cat_generator.measure_norms(run.average)
        made = cat_generator.pictures(run.average, cat_generator.latents(JUDGED, seed=1))
        distance = cat_metrics.kid(cat_metrics.features(made, fast=True), self.real, subsets=20)
        line = f"step {run.step}, {run.step * BATCH} pictures, KID x1000 {1000 * distance:.2f}"
        with (self.out / "log.txt").open("a") as log:
            log.write(line + "\n")
        cat_generator.save(self.out / "generator.npz", run.average)
        sheets.sheet(made[:96], 12, scale=2).save(self.out / "sheet.png")
        return line
