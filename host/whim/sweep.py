"""The field's experiment on our dice: how good is a decoder of a given size, shape and input?

Every net gets the same pictures, the same number of steps and the same held-out dice. Each finished
net becomes a row of data/sweep.json at once, so a sweep that was stopped goes on where it was. The
reader only judges; no net is trained through it. sweep_report.py makes the table and the plots.
"""

import functools
import json
import os
import time
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from whim import dice, reader

DATA = Path(__file__).parents[2] / "data"
ROWS, SAMPLES = DATA / "sweep.json", DATA / "sweep.npz"

TRAIN_SEED, TEST_SEED = 3001, 3002
TRAIN_DICE, TEST_DICE = 32768, 4096
STEPS, BATCH, RATE = 6000, 64, 2e-2
SHOWN = 8  # dice of each net kept in data/sweep.npz


class Plan(NamedTuple):
    """One net to train. `angle`: how it is told the angle, "cos, sin", "plain", "" for not at all;
    `z`: 0 for a decoder that is given the true latent, else the size of a CVAE's; `same`: on dice
    that differ in pips and angle alone, as the field's do; `times`: how many times the steps;
    `beta`: how much more than its due a CVAE's divergence weighs."""

    dims: tuple[int, int, int, int]
    extra: int = 0
    angle: str = "cos, sin"
    z: int = 0
    same: bool = False
    times: int = 1
    beta: int = 1

    @property
    def name(self) -> str:
        return "-".join(map(str, self.dims)) + (f" + {self.extra}" if self.extra else "")

    @property
    def key(self) -> str:
        known = f"z {self.z}" if self.z else "same latent" if self.same else "latent"
        steps = f" | {self.times}x steps" if self.times > 1 else ""
        beta = f" | beta {self.beta}" if self.beta > 1 else ""
        return f"{self.name} | {self.angle or 'no angle'} | {known}{steps}{beta}"


def _ladder() -> list[Plan]:
    widths = (2, 3, 4, 6, 8, 12, 16, 20, 24, 29)
    return [Plan((d, d, d, d)) for d in widths]


PLANS = [
    *_ladder(),
    Plan((4, 2, 2, 1)),
    # One size, about 6,200 parameters, spent in different places.
    Plan((4, 4, 16, 16)),
    Plan((16, 16, 16, 4)),
    Plan((22, 22, 4, 4)),
    Plan((24, 16, 8, 4)),
    Plan((8, 8, 12, 12), extra=2),
    # The field's net with two more layers at full resolution, and a smaller one.
    Plan((8, 8, 8, 8), extra=2),
    Plan((4, 4, 4, 4), extra=2),
    # One number for the angle, as the field gave it.
    Plan((4, 4, 16, 16), angle="plain"),
    # An encoder in place of the known latent; without an angle, z must carry that as well.
    Plan((4, 4, 16, 16), z=4),
    Plan((4, 4, 16, 16), angle="", z=1),
    Plan((4, 4, 16, 16), angle="", z=4),
    Plan((4, 4, 16, 16), angle="", z=10),
    Plan((4, 4, 16, 16), z=4, beta=10),
    Plan((4, 4, 16, 16), z=4, beta=100),
    Plan((4, 4, 16, 16), angle="", z=1, beta=10),
    Plan((4, 4, 16, 16), angle="", z=4, beta=10),
    Plan((4, 4, 16, 16), angle="", z=4, beta=100),
    Plan((4, 4, 16, 16), angle="", z=10, beta=100),
    # Is it the data or the training? The field's dice, and four times the steps.
    Plan((4, 4, 4, 4), same=True),
    Plan((8, 8, 8, 8), same=True),
    Plan((4, 4, 4, 4), times=4),
    Plan((8, 8, 8, 8), times=4),
]


def condition(plan: Plan, truth: dice.Dice) -> np.ndarray:
    """What the net of `plan` is told about dice, float32: pips one-hot, angle, known latent."""
    columns = [np.eye(6)[truth.pips - 1]]
    if plan.angle == "cos, sin":
        columns += [np.cos(truth.angle)[:, None], np.sin(truth.angle)[:, None]]
    elif plan.angle == "plain":
        columns += [truth.angle[:, None] / np.pi - 1]
    if not plan.z and not plan.same:
        columns += [truth.latent]
    return np.hstack(columns).astype(np.float32)


def run(steps: int = STEPS) -> None:
    """Train and judge every planned net that has no row yet."""
    done = {(row["key"], row.get("steps")) for row in load()}
    for plan in PLANS:
        if (plan.key, plan.times * steps) in done:
            continue
        train_set = _draw(TRAIN_DICE, TRAIN_SEED, plan.same)
        test_set = _draw(TEST_DICE, TEST_SEED, plan.same)
        row, shown = _train_and_judge(plan, plan.times * steps, train_set, test_set)
        record(row, shown)
        line = "{key:38} {parameters:6} parameters, MSE {mse:.4f}, read {read:.2%}, {seconds:.0f} s"
        print(line.format(**row), flush=True)


def load() -> list[dict]:
    """The rows that exist."""
    return json.loads(ROWS.read_text()) if ROWS.exists() else []


def record(row: dict, shown: np.ndarray) -> None:
    """Add `row`, or replace the one of the same key. `shown`: what it made of `shown_dice`.

    A net of another architecture has kind "shipped" and says in `told` what its inputs are.
    """
    missing = {"key", "kind", "name", "parameters", "macs", "mse", "read"} - row.keys()
    if missing:
        raise ValueError(f"the row lacks {', '.join(sorted(missing))}")
    rows = [old for old in load() if old["key"] != row["key"]] + [row]
    samples = {}
    if SAMPLES.exists():
        with np.load(SAMPLES) as file:
            samples = dict(file)
    samples[row["key"]] = shown
    temporary = SAMPLES.with_suffix(".part.npz")
    np.savez_compressed(temporary, **samples)
    os.replace(temporary, SAMPLES)
    temporary = ROWS.with_suffix(".part")
    temporary.write_text(json.dumps(rows, indent=1) + "\n")
    os.replace(temporary, ROWS)  # last: a row that exists has its pictures


def record_shipped() -> None:
    """Judge data/die.whim, in integers as the device runs it, over all angles; add its row."""
    from whim import decoder, evaluation, packing

    path = DATA / "die.whim"
    model = decoder.load(path)
    report = evaluation.die(path)
    truth = shown_dice()
    turn = np.rint(truth.angle * (256 / (2 * np.pi))).astype(int) % 256
    given = dice.inputs(truth.pips, turn, np.rint(127 * truth.latent).astype(int))
    row = {
        "key": "shipped",
        "kind": "shipped",
        "name": "the shipped die",
        "told": "angle (cos, sin over size), shade, light; weights of 4 bits",
        "parameters": packing.report("die", model, path.read_bytes())["parameters"],
        "macs": model.macs,
        "mse": round(report["mse"], 6),
        "read": round(report["read_grey"], 5),
        "crc": zlib.crc32(path.read_bytes()),  # of the file that was judged
    }
    record(row, decoder.grey(decoder.decode(model, given)))


def shown_dice() -> dice.Dice:
    """The dice that every net shows: 1-6, and the 5 and 6 once more, each in its own pose."""
    truth = dice.sample(SHOWN, np.random.default_rng(3003))
    return truth._replace(pips=np.array([1, 2, 3, 4, 5, 6, 5, 6]))


@functools.lru_cache(maxsize=2)  # one set to train on and one to judge by
def _draw(count: int, seed: int, same: bool) -> tuple[dice.Dice, np.ndarray]:
    truth = dice.sample(count, np.random.default_rng(seed))
    if same:
        truth = truth._replace(latent=np.zeros_like(truth.latent))
    return truth, dice.draw(truth)


def _train_and_judge(plan, steps, train_set, test_set) -> tuple[dict, np.ndarray]:
    import torch
    from tqdm import tqdm

    from whim import nets

    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    truth, pictures = train_set
    known = torch.from_numpy(condition(plan, truth))
    goal = torch.from_numpy(pictures)
    if plan.z:
        net = nets.CVAE(known.shape[1], plan.z, plan.dims, plan.extra)
        decoder = net.decoder
    else:
        net = decoder = nets.FieldDecoder(known.shape[1], plan.dims, plan.extra)
    net.to(memory_format=torch.channels_last)  # twice as fast on a CPU
    optimizer = torch.optim.Adam(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    started = time.monotonic()
    order = np.zeros(0, np.int64)
    for _ in tqdm(range(steps), plan.key, disable=None, leave=False):
        if len(order) < BATCH:
            order = rng.permutation(len(goal))
        rows, order = order[:BATCH], order[BATCH:]
        x, y = known[rows], goal[rows].float() / 255
        if plan.z:
            loss = _cvae_loss(net, x, y, plan.beta)
        else:
            loss = torch.nn.functional.mse_loss(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    seconds = time.monotonic() - started

    with torch.no_grad():
        truth, pictures = test_set
        x, y = torch.from_numpy(condition(plan, truth)), torch.from_numpy(pictures).float() / 255
        shown = torch.from_numpy(condition(plan, shown_dice()))
        if plan.z:
            again = net.decode(x, net.encode(y, x)[0])  # for the loss: z is the encoder's mean
            made = net.decode(x, torch.randn(len(x), plan.z))  # to be read: z comes from the prior
            shown = net.decode(shown, torch.randn(len(shown), plan.z))
        else:
            again = made = net(x)
            shown = net(shown)
        mse = torch.nn.functional.mse_loss(again, y).item()
    row = {
        "key": plan.key,
        "kind": "cvae" if plan.z else "decoder",
        "name": plan.name,
        "angle": plan.angle,
        "z": plan.z,
        "same": plan.same,
        "times": plan.times,
        "beta": plan.beta,
        "parameters": sum(p.numel() for p in decoder.parameters()),
        "macs": decoder.macs(),
        "mse": round(mse, 6),
        "read": round(reader.Reader().share(_to_grey(made), truth.pips), 5),
        "steps": steps,
        "seconds": round(seconds, 1),
    }
    return row, _to_grey(shown)


def _to_grey(pictures) -> np.ndarray:
    return np.rint(pictures.numpy() * 255).astype(np.uint8)


def _cvae_loss(net, x, y, beta):
    """Minus the evidence bound of a picture, with the pixels' variance at its best: the batch MSE.

    That sets how much the divergence weighs (Rybkin et al. 2021, "Simple and Effective VAE Training
    with Calibrated Decoders"); `beta` times that, for a z nearer to its prior and duller pictures.
    """
    import torch

    mean, log_variance = net.encode(y, x)
    z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
    mse = torch.nn.functional.mse_loss(net.decode(x, z), y)
    divergence = (mean**2 + log_variance.exp() - 1 - log_variance).sum(1).mean() / 2
    return y[0].numel() / 2 * mse.log() + beta * divergence
