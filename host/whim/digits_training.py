"""Train the digit nets: pictures made beforehand, a teacher's answers to them, several seeds.

A net learns the labels and, more than these, the answers of a float net (Hinton et al., 2015,
arXiv:1503.02531). While its rate falls to zero, more and more of its weights are fixed. Everything
is kept in a folder of runs, and a call that was killed goes on where it was when it is made again.

Settings are chosen by `--validate`, which trains without 6,000 of the training pictures and judges
by these. The test set is opened by `judge` alone, after all seeds are trained at these settings.
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from whim import digits, digits_pictures, digits_teacher, integers
from whim.die_training import Checkpoint
from whim.digits_net import DigitNet, images

DATA = Path(__file__).parents[2] / "data"
RESULTS = DATA / "digits.json"

RATE, WARM_UP_STEPS = 5e-3, 300  # of weights in units of their mean; half of it for all else
FREE, FIXED = 0.4, 0.95  # shares of a run before which no weight is fixed and after which all are
FIX_STEPS, CHECKPOINT_STEPS, LINE_SECONDS = 50, 500, 60
TAUGHT, TEMPERATURE = 0.7, 2.0  # the teacher's share of the loss, and how soft its answers are
PLAIN, CALM_PLAIN = 0.15, 0.5  # share of pictures as they are in the files; while it is calm
MILD, STRONG = 0.7, 1.0  # strengths of digits_pictures.bent
MEASURED = 20_000  # plain pictures by which the norms of a net that ends calmly are measured
TEACHER_SEED = 1


class Plan(NamedTuple):
    """How a net is trained."""

    words: str
    steps: int
    batch: int = 128
    strengths: tuple[float, ...] = (MILD,)
    variants: int = 12  # of every picture and strength
    calm: float = 0.0  # share of the steps, the last ones, that see more pictures as they are
    bfloat16: bool = False  # faster for wide maps


NETS = {  # large's "high75": 432 values of at most 75 have sums below 2^15, see TRIPLES
    "small": Plan(
        "conv12-same-pool-ternary conv21-same-pool-ternary conv42-ternary dense10-ternary", 36_000
    ),
    "large": Plan(
        "conv21-same-pool-ternary conv48-same-pool-ternary-high75 conv64-ternary dense10-ternary",
        100_000,
        strengths=(MILD, STRONG),
        variants=24,
        calm=0.2,
        bfloat16=True,
    ),
    "dense": Plan("dense150-ternary dense90-ternary dense10-ternary", 60_000, batch=256),
}


class Lesson(NamedTuple):
    """What is trained on, variant by variant, the plain pictures first."""

    pictures: np.ndarray  # uint8 (variants, N, 16, 16)
    answers: np.ndarray  # the teacher's logits, float16 (variants, N, 10)
    labels: np.ndarray  # (N,)

    def only(self, rows: np.ndarray) -> "Lesson":
        return Lesson(self.pictures[:, rows], self.answers[:, rows], self.labels[rows])

    def batch(self, count: int, plain: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Pictures (count, 1, 16, 16), a share `plain` of them as they are, answers and labels,
        drawn by PyTorch's generator."""
        rows = torch.randint(0, len(self.labels), (count,)).numpy()
        variants = torch.randint(1, max(len(self.pictures), 2), (count,))
        variants[torch.rand(count) < plain] = 0
        variants = np.minimum(variants.numpy(), len(self.pictures) - 1)
        x = torch.from_numpy(self.pictures[variants, rows]).float()[:, None]
        answers = torch.from_numpy(self.answers[variants, rows]).float()
        return x, answers, torch.from_numpy(self.labels[rows].astype(np.int64))


def lesson(data: Path, runs: Path, plan: Plan) -> Lesson:
    """All 60,000 training pictures with their variants; what exists in `runs` is not made again."""
    pictures, labels = digits.load(data, digits.TRAIN)
    runs.mkdir(parents=True, exist_ok=True)
    names = ["plain"] + [f"bent-{s}-{v}" for s in plan.strengths for v in range(plan.variants)]
    paths = [runs / f"{name}.npz" for name in names]
    if not all(path.exists() for path in paths):
        kept, held_out = digits.split(len(labels))
        sets = pictures[kept], labels[kept], pictures[held_out], labels[held_out]
        teacher = digits_teacher.train(*sets, runs / "teacher.pt", TEACHER_SEED)
        for path in tqdm([path for path in paths if not path.exists()], "pictures", disable=None):
            _make(path, pictures, teacher)
    parts = []
    for path in paths:
        with np.load(path) as file:
            parts.append((file["pictures"], file["answers"]))
    return Lesson(np.stack([p for p, _ in parts]), np.stack([a for _, a in parts]), labels)


def _make(path: Path, pictures: np.ndarray, teacher: torch.nn.Module) -> None:
    """One variant of all `pictures`, and what the teacher says to it."""
    _, _, bent = path.stem.partition("-")
    strength, _, variant = (bent or "0-0").partition("-")
    generator = torch.Generator().manual_seed(500 + int(variant) + round(1e6 * float(strength)))
    made, answers = [], []
    for begin in range(0, len(pictures), 1000):
        part = pictures[begin : begin + 1000]
        where = digits_pictures.bent(len(part), float(strength), generator) if bent else None
        points = digits_pictures.points(part, where)
        made.append(digits_pictures.students(points).numpy() if bent else digits.picture(part))
        answers.append(digits_teacher.answers(teacher, points).half().numpy())
    temporary = path.with_name(path.stem + ".part.npz")
    made = np.concatenate(made).astype(np.uint8)
    np.savez(temporary, pictures=made, answers=np.concatenate(answers))
    os.replace(temporary, path)


def fixed_share(progress: float) -> float:
    """Which share of the weights is fixed at `progress` (0-1): many early, the last slowly."""
    return 1 - min(max((FIXED - progress) / (FIXED - FREE), 0), 1) ** 2


def rate(step: int, steps: int) -> float:
    """A short warm-up, then half a cosine to zero."""
    return RATE * min(1, (step + 1) / WARM_UP_STEPS) * (1 + math.cos(math.pi * step / steps)) / 2


class Run:
    """A net and its optimiser, step by step."""

    def __init__(self, plan: Plan, lesson: Lesson, seed: int):
        torch.manual_seed(seed)
        self.plan, self.lesson = plan, lesson
        self.net = DigitNet(plan.words).to(memory_format=torch.channels_last)
        weights = [layer.weight for layer in self.net.layers]
        others = [p for name, p in self.net.named_parameters() if not name.endswith(".weight")]
        groups = [dict(params=weights, factor=1.0), dict(params=others, factor=0.5)]
        self.optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99), fused=True)

    def step(self, step: int) -> torch.Tensor:
        """Learn from a batch; answers the loss."""
        if step % FIX_STEPS == 0:
            self.net.fix(fixed_share(step / self.plan.steps))
        for group in self.optimiser.param_groups:
            group["lr"] = group["factor"] * rate(step, self.plan.steps)
        calm = step >= (1 - self.plan.calm) * self.plan.steps
        x, answers, labels = self.lesson.batch(self.plan.batch, CALM_PLAIN if calm else PLAIN)
        self.net.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.plan.bfloat16):
            logits = self.net(images(x)).float()
        said, meant = (F.log_softmax(z / TEMPERATURE, 1) for z in (logits, answers))
        taught = F.kl_div(said, meant, log_target=True, reduction="batchmean") * TEMPERATURE**2
        loss = TAUGHT * taught + (1 - TAUGHT) * F.cross_entropy(logits, labels)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.detach()


def train(plan: Plan, lesson: Lesson, seed: int, path: Path, held_out=None) -> DigitNet:
    """A trained net. `path`: its checkpoint, from which a later call goes on, beside its log.

    `held_out`: pictures and labels by which the log also judges.
    """
    run = Run(plan, lesson, seed)
    checkpoint = Checkpoint(path, run.net, run.optimiser)
    done = checkpoint.load(0, plan.steps)
    last, mean = time.monotonic(), 0.0
    with tqdm(total=plan.steps, initial=done, disable=None, desc=path.stem) as bar:
        for step in range(done, plan.steps):
            loss = run.step(step)
            mean += (loss - mean) * 0.01
            bar.update()
            if (step + 1) % CHECKPOINT_STEPS and step + 1 < plan.steps:
                continue
            checkpoint.save(step + 1)
            if time.monotonic() - last > LINE_SECONDS or step + 1 == plan.steps:
                last = time.monotonic()
                line = f"{path.stem} step {step + 1} of {plan.steps}: loss {float(mean):.4f}"
                if held_out:
                    run.net.eval()
                    line += f", {run.net.wrong(*held_out)} of {len(held_out[1])} wrong"
                tqdm.write(line, file=sys.stderr)
                with path.with_suffix(".log").open("a") as log:
                    print(line, file=log)
    if plan.calm:
        plain = torch.from_numpy(lesson.pictures[0, :MEASURED]).float()[:, None]
        run.net.measure(plain)
    return run.net.eval()


def validate(plan: Plan, name: str, data: Path, runs: Path, seeds) -> dict[int, float]:
    """Train without the held-out pictures; the share of them that each seed's integers read."""
    everything = lesson(data, runs, plan)
    kept, held_out = digits.split(len(everything.labels))
    taught = everything.only(kept)
    seen = everything.pictures[0, held_out].astype(np.int8), everything.labels[held_out]
    shares = {}
    for seed in seeds:
        path = runs / f"{name}-{plan.steps}-{seed}-validate.pt"
        wrong = train(plan, taught, seed, path, seen).wrong(*seen)
        shares[seed] = 1 - wrong / len(held_out)
    return shares


def train_all(plan: Plan, name: str, data: Path, runs: Path, seeds) -> dict[int, DigitNet]:
    """Train on all 60,000 pictures, once for each seed."""
    everything = lesson(data, runs, plan)
    return {
        seed: train(plan, everything, seed, runs / f"{name}-{plan.steps}-{seed}.pt")
        for seed in seeds
    }


def judge(name: str, plan: Plan, nets: dict[int, DigitNet], data: Path) -> dict:
    """Open the test set, judge the net of every seed by it, and keep the median one."""
    pictures, labels = digits.load(data, digits.TEST)
    pictures = digits.picture(pictures)
    wrong = {seed: net.wrong(pictures, labels) for seed, net in nets.items()}
    median = sorted(wrong, key=wrong.get)[len(wrong) // 2]
    integers.save(nets[median].export(), DATA / f"digits-{name}.npz")
    row = dict(words=plan.words, steps=plan.steps, batch=plan.batch, count=len(labels))
    row |= dict(wrong={str(seed): count for seed, count in wrong.items()}, median=median)
    rows = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(rows | {name: row}, indent=1) + "\n")
    return row
