"""How near made pictures are to real ones: Fréchet and kernel distance of what a net sees in them.

The judge is EfficientNet-Lite0, trained on ImageNet; pictures are enlarged to the 224 pixels that
it knows. "resnet" is a second one, and "inception" that of true FID.
"""

from collections.abc import Callable

import numpy as np

NETS = {
    "lite0": "EfficientNet-Lite0",
    "resnet": "the ResNet of open_nsfw",
    "inception": "Inception, so FD is FID",
}
WIDTH = 224


def features(pictures: np.ndarray, net: str = "lite0", fast: bool = False, batch: int = 50):
    """Pooled features float32 (N, 1280; resnet: 1024; inception: 2048) of pictures uint8
    (N, 64, 64, 3). ValueError where a judge's package is missing.

    `fast`: lite0 in bfloat16, to within some 5 %: to watch a run, not to judge it.
    """
    import torch
    from tqdm import tqdm

    judge, found = _judge(net, fast), []
    with torch.inference_mode():
        for start in tqdm(range(0, len(pictures), batch), "features", disable=None, leave=False):
            x = torch.from_numpy(pictures[start : start + batch])
            found.append(judge(x.permute(0, 3, 1, 2).float()))
    return np.concatenate(found)


def _judge(net: str, fast: bool) -> Callable:
    """A function from pictures (N, 3, 64, 64), 0 to 255, to features."""
    from whim import inception, resnet

    if net == "resnet":
        return resnet.judge()
    if net == "inception":
        return inception.judge()
    import torch

    from whim.lite import Lite

    device = "cuda" if torch.cuda.is_available() else "cpu"
    lite = Lite("0", torch.bfloat16 if fast else torch.float32).to(device)
    return lambda x: lite.pooled((x.to(device) - 127) / 128, WIDTH).cpu().numpy()  # as it learned


def kid(a: np.ndarray, b: np.ndarray, subsets: int = 50, size: int = 1000) -> float:
    """Kernel distance of two sets of features (Bińkowski et al. 2018): the unbiased squared MMD of
    the kernel (x.y / d + 1)^3, mean over random subsets of a fixed seed."""
    rng = np.random.default_rng(0)
    size = min(size, len(a), len(b))
    total = 0.0
    for _ in range(subsets):
        x, y = (each[rng.choice(len(each), size, replace=False)].astype(float) for each in (a, b))
        xx, yy, xy = ((p @ q.T / p.shape[1] + 1) ** 3 for p, q in ((x, x), (y, y), (x, y)))
        within = (xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)) / (size * (size - 1))
        total += within - 2 * xy.mean()
    return total / subsets


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two sets of features, each taken as a Gaussian (Heusel et al. 2017)."""
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # The trace of the root of a product of covariances: its eigenvalues are real and not below 0.
    roots = np.sqrt(np.maximum(np.linalg.eigvals(first @ second).real, 0))
    means = np.square(a.mean(0, dtype=float) - b.mean(0, dtype=float)).sum()
    return float(means + np.trace(first) + np.trace(second) - 2 * roots.sum())


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How alike each row of `a` is to each of `b`, at most 1: (len(a), len(b))."""
    a, b = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (a, b))
    return a @ b.T
