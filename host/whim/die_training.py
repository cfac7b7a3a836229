"""Train the shipped die: rounded as its integers from the first step to the last.

The loss is the squared error against the true drawings and nothing else: the reader that judges
dice takes no part. Deterministic from its seed, and a killed run goes on from its last checkpoint.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from whim import dice, evaluation, sheets
from whim.die_net import DieNet, inputs
from whim.integers import save
from whim.model import Model

TRAINING_DICE, BATCH = 32768, 64
# Peak learning rates: weights in units of their last bit, biases in radians, scales as logarithms.
RATES = {"bits": 4e-2, "bias": 1e-2, "log_scale": 2e-3}
CHECKPOINT_STEPS = 2000
FIX_STEPS = 50


class Round(NamedTuple):
    """All weights are let go, and by the end of the round all are integers.

    `share` of all steps; `rate`, a factor to RATES; `free` and `fixed`, shares of the round before
    which no weight is fixed and after which all are.
    """

    share: float
    rate: float
    free: float
    fixed: float

    def fixed_share(self, progress: float) -> float:
        """Which share of the weights is fixed at `progress` (0-1): many early, the last slowly."""
        left = (self.fixed - progress) / (self.fixed - self.free)
        return 1 - min(max(left, 0), 1) ** 2


ROUNDS = (Round(0.78, 1, 0.4, 0.95), Round(0.22, 0.5, 0.2, 0.93))


def train(out: Path, runs: Path, shape: tuple[int, int], steps: int, seed: int) -> Model:
    """Train a DieNet of `shape` (waves, features), save its integers to `out` and answer them.

    `runs`: a folder for the checkpoint that a later call goes on from, and a sheet of samples.
    """
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    truth = dice.sample(TRAINING_DICE, np.random.default_rng(seed))
    pictures, conditions = torch.tensor(dice.draw(truth))[:, None], inputs(truth)
    net = DieNet(*shape)
    runs.mkdir(parents=True, exist_ok=True)
    name = f"die-{shape[0]}-{shape[1]}-{steps}-{seed}"
    path = runs / f"{name}.pt"

    begin = 0
    for round_ in ROUNDS:
        length = round(round_.share * steps)
        groups = [
            dict(params=[p for name, p in net.named_parameters() if name.endswith(kind)])
            for kind in RATES
        ]
        optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99))
        peaks = [round_.rate * rate for rate in RATES.values()]
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, peaks, total_steps=length, pct_start=0.05
        )
        checkpoint = Checkpoint(path, net, optimiser, schedule)
        done = max(checkpoint.load(begin, begin + length) - begin, 0)
        if not done:
            net.let_go()
        for now in tqdm(range(done, length), initial=done, total=length, disable=None):
            pick = torch.randint(0, len(pictures), (BATCH,))
            picture = net(conditions[pick])
            # Beyond black and white a tenth of the error is left: no pixel is lost for good.
            picture = picture + 0.9 * (picture.clamp(0, 1) - picture)
            loss = F.mse_loss(picture, pictures[pick].float() / 255)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            for layer in net.rounded():
                if now % FIX_STEPS:
                    layer.hold()
                else:
                    layer.fix(round_.fixed_share(now / length))
            if (now + 1) % CHECKPOINT_STEPS == 0 or now + 1 == length:
                checkpoint.save(begin + now + 1)
                model = net.export()
                report = f"step {begin + now + 1} of {steps}: MSE {error(model, 1024):.5f}"
                tqdm.write(report, file=sys.stderr)
                sheets.sheet(samples(model), 12).save(runs / f"{name}.png")
        begin += length
    model = net.export()
    save(model, out)
    return model


class Checkpoint:
    """All that a run needs to go on as if it had not been interrupted, in one file."""

    def __init__(self, path: Path, *parts):
        self.path, self.parts = path, parts

    def save(self, step: int) -> None:
        state = dict(step=step, random=torch.get_rng_state())
        state["parts"] = [part.state_dict() for part in self.parts]
        torch.save(state, self.path.with_suffix(".new"))
        self.path.with_suffix(".new").replace(self.path)

    def load(self, begin: int, end: int) -> int:
        """The step to go on from, 0 without a checkpoint; one from `begin` to `end` is restored."""
        if not self.path.exists():
            return 0
        state = torch.load(self.path, weights_only=True)
        if begin < state["step"] <= end:
            for part, saved in zip(self.parts, state["parts"]):
                part.load_state_dict(saved)
            torch.set_rng_state(state["random"])
        return min(state["step"], end)


def error(model: Model, count: int) -> float:
    """Mean squared error of a packed die against the true drawings, on a scale of 0 to 1."""
    made, drawn = evaluation.pictures(model, evaluation.rolls(count, 1))
    return float(np.square((made.astype(float) - drawn) / 255).mean())


def samples(model: Model) -> np.ndarray:
    """Rows of twelve to look at: made, the same drawn, and so on. uint8 (96, 32, 32)."""
    pairs = evaluation.pictures(model, evaluation.rolls(48, 2))
    rows = [picture.reshape(4, 12, dice.SIZE, dice.SIZE) for picture in pairs]
    return np.stack(rows, axis=1).reshape(-1, dice.SIZE, dice.SIZE)
