"""Read the pips from a picture of a die: the judge of every decoder.

A small convolutional net, trained on true drawings only (see `train`), and never part of a
decoder's training. Its weights lie in data/reader.npz and it runs in NumPy alone, so that anyone
can judge pictures; PyTorch is needed only to train it again.
"""

from pathlib import Path

import numpy as np

from whim import degrade, dice

WEIGHTS = Path(__file__).parents[2] / "data" / "reader.npz"

# kernel, stride, padding, channels out; a ReLU after each but the last, whose 4x4 kernel sees all.
LAYERS = ((5, 2, 2, 24), (3, 1, 1, 32), (3, 2, 1, 48), (3, 2, 1, 64), (4, 1, 0, 6))

TRAIN_SEED, TEST_SEED = 2001, 2002
TRAIN_DICE, STEPS, BATCH, RATE = 49152, 3000, 256, 4e-3


class Reader:
    """The trained reader: `read` says the pips of pictures, `share` how many it reads right."""

    def __init__(self, path: Path = WEIGHTS):
        with np.load(path) as file:
            self.layers = [(file[f"w{i}"], file[f"b{i}"]) for i in range(len(LAYERS))]

    def scores(self, pictures: np.ndarray, batch: int = 256) -> np.ndarray:
        """Scores float32 (N, 6), column p for p + 1 pips, of uint8 pictures (N, 32, 32)."""
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (dice.SIZE, dice.SIZE):
            raise ValueError(f"need uint8 (N, 32, 32), got {pictures.dtype} {pictures.shape}")
        parts = [self._forward(pictures[i : i + batch]) for i in range(0, len(pictures), batch)]
        return np.concatenate(parts) if parts else np.zeros((0, 6), np.float32)

    def read(self, pictures: np.ndarray) -> np.ndarray:
        """The pips, 1-6, of each of uint8 pictures (N, 32, 32)."""
        return self.scores(pictures).argmax(1) + 1

    def share(self, pictures: np.ndarray, pips: np.ndarray) -> float:
        """Which share, 0-1, of `pictures` is read as `pips`."""
        return float(np.mean(self.read(pictures) == pips))

    def _forward(self, pictures: np.ndarray) -> np.ndarray:
        x = pictures[..., None].astype(np.float32) / 255  # (N, height, width, channels)
        for i, ((kernel, stride, pad, _), (w, b)) in enumerate(zip(LAYERS, self.layers)):
            if i:
                x = np.maximum(x, 0)
            x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
            windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (1, 2))
            # One matrix product a layer. w is (out, in, ky, kx), as PyTorch has it.
            x = np.tensordot(windows[:, ::stride, ::stride], w, ((3, 4, 5), (1, 2, 3))) + b
        return x.reshape(len(x), -1)


def table(reader: Reader, count: int, seed: int = TEST_SEED) -> dict[str, float]:
    """The share of `count` fresh dice read right under each of degrade.CONDITIONS."""
    rng = np.random.default_rng(seed)
    truth = dice.sample(count, rng)
    pictures = dice.draw(truth)
    return {
        name: reader.share(degrade.condition(name, pictures, rng), truth.pips)
        for name in degrade.CONDITIONS
    }


def train(steps: int = STEPS, path: Path = WEIGHTS) -> None:
    """Train a reader on true drawings, degraded in every way it must bear, and save it."""
    import torch
    from tqdm import tqdm

    from whim import nets

    torch.set_num_threads(1)  # the same sums on every machine, and room for others
    torch.manual_seed(TRAIN_SEED)
    rng = np.random.default_rng(TRAIN_SEED)
    truth = dice.sample(TRAIN_DICE, rng)
    pictures = dice.draw(truth)
    net = nets.ReaderNet(LAYERS)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    order = np.zeros(0, np.int64)
    for _ in tqdm(range(steps), "reader", disable=None):
        if len(order) < BATCH:
            order = rng.permutation(TRAIN_DICE)
        rows, order = order[:BATCH], order[BATCH:]
        seen = torch.from_numpy(_augment(pictures[rows], rng)[:, None].astype(np.float32) / 255)
        loss = torch.nn.functional.cross_entropy(net(seen), torch.from_numpy(truth.pips[rows] - 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    folded = [array for layer in net.eval().folded() for array in layer]
    names = [f"{kind}{i}" for i in range(len(LAYERS)) for kind in "wb"]
    np.savez_compressed(path, **dict(zip(names, folded)))


def _augment(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A little more than the promises ask for: each degradation strikes some pictures at random."""
    count = len(pictures)

    def some(share, values):
        return np.where(rng.random(count) < share, values, 0)

    shift = rng.uniform(-3.3, 3.3, (count, 2)) * (rng.random((count, 1)) < 0.6)
    seen = degrade.move(pictures, shift, some(0.5, rng.uniform(0, 1.2, count)))
    seen *= 1 + some(0.5, rng.uniform(-0.3, 0.2, count))[:, None, None]
    seen += some(0.5, rng.uniform(0, 30, count))[:, None, None] * rng.normal(0, 1, seen.shape)
    seen = np.clip(seen, 0, 255)
    # A third goes to one bit, in one of six ways: three dithers, at 32x32 and at twice that.
    way = rng.integers(0, 18, count)
    dithers = (
        degrade.dither_floyd,
        degrade.dither_ordered,
        lambda grey: degrade.dither_ordered(grey, 3),
    )
    for i, dither in enumerate(dithers):
        small, large = way == i, way == i + len(dithers)
        seen[small] = dither(seen[small])
        seen[large] = degrade.enlarged_dither(seen[large], dither)
    return degrade.to_grey(seen)
