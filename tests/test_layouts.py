"""The order of the weights in the file: every layout holds the same layer, and tiles hold it in the
order of its use."""

import numpy as np
import pytest
from random_models import random_model, random_streamed

from whim import decoder, format, layouts, plan
from whim.encodings import LANES, Encoding, decode_lanes, encode_lanes
from whim.model import Layer, Layout, Op

TILED = [Encoding.INT8, Encoding.INT4, Encoding.INT2]


def weights_of(encoding: Encoding, shape, rng) -> np.ndarray:
    limit = encoding.limit
    if encoding is Encoding.INT2:
        return 2 * rng.integers(0, 4, shape) - 3
    return rng.integers(-limit, limit, shape)


@pytest.mark.parametrize("make", [lambda rng: (random_model(rng), {}), random_streamed])
def test_any_model_survives_the_file_in_any_layout(make):
    seen = set()
    for seed in range(120):
        rng = np.random.default_rng(seed)
        model, how = make(rng)
        file = format.write(model, **how)
        again = format.read(file)
        assert format.write(again, **how) == file, seed
        z = rng.integers(-128, 128, (2, model.inputs)).astype(np.int8)
        assert np.array_equal(decoder.decode(again, z), decoder.decode(model, z)), seed
        for layer, other in zip(model.layers, again.layers):
            assert layer.layout is other.layout
            for name in ("weights", "bias", "multiplier", "shift", "table"):
                assert np.array_equal(getattr(layer, name), getattr(other, name)), (seed, name)
            seen.add((layer.op, layer.encoding, layer.layout))
    assert {(op, e, Layout.TILES) for op in (Op.CONV, Op.CONV_TRANSPOSE) for e in TILED} <= seen


def test_sixteen_weights_lie_as_the_format_says():
    w = np.arange(-8, 8)
    assert encode_lanes(w, Encoding.INT8) == w.astype(np.int8).tobytes()
    words = np.frombuffer(encode_lanes(w, Encoding.INT4), "<u4").tolist()
    assert words == [
        sum((int(w[8 * j + 2 * k]) & 15) << 4 * k for k in range(4))
        + sum((int(w[8 * j + 2 * k + 1]) & 15) << 16 + 4 * k for k in range(4))
        for j in range(2)
    ]
    codes = np.arange(16) % 4
    word = int.from_bytes(encode_lanes(2 * codes - 3, Encoding.INT2), "little")
    assert word == sum(int(codes[n]) << 2 * (n // 2) + 16 * (n % 2) for n in range(16))


@pytest.mark.parametrize("encoding", TILED)
def test_sixteen_weights_survive(encoding):
    weights = weights_of(encoding, (50, LANES), np.random.default_rng(1))
    assert np.array_equal(decode_lanes(encode_lanes(weights, encoding), encoding), weights)


@pytest.mark.parametrize("kernel, stride, pad", [(4, 2, 1), (5, 3, 2), (3, 1, 0), (3, 3, 1)])
def test_tiles_lie_in_the_order_of_their_use(kernel, stride, pad):
    """As a decoder meets them that makes the output phase after phase, place after place."""
    channels, size = 3, 4
    side = (size - 1) * stride - 2 * pad + kernel
    how = dict(kernel=kernel, stride=stride, pad=pad, layout=Layout.TILES)
    layer = Layer(Op.CONV_TRANSPOSE, 17, side, side, Encoding.INT8, **how)
    rng = np.random.default_rng(0)
    layer.weights = rng.integers(-128, 128, (17, kernel**2 * channels))
    layer.bias, layer.multiplier, layer.shift = (np.arange(n, n + 17) for n in (5, 50, 10))
    source = (channels, size, size)
    data = layouts.encode(source, layer, narrow=True)
    assert len(data) == layouts.data_bytes(source, layer, narrow=True)

    x = rng.integers(-128, 128, (1, size, size, channels))
    total = np.zeros((side, side, 32), int)
    at = 0
    for tile in range(2):
        records = np.frombuffer(data, layouts.NUMPY_RECORD[True], LANES, at)
        at += records.nbytes
        wanted = list(range(5, 17 + 5))[16 * tile : 16 * tile + 16]
        assert records["bias"].tolist() == wanted + [0] * (16 - len(wanted))
        assert records["shift"].min() >= 1 and not records["multiplier"][len(wanted) :].any()
        for py, px in np.ndindex(stride, stride):
            for r, c in np.ndindex(kernel, kernel):
                if (r - pad - py) % stride or (c - pad - px) % stride:
                    continue
                weights = np.frombuffer(data, np.int8, channels * LANES, at)
                at += weights.nbytes
                for y in range(py, side, stride):
                    for column in range(px, side, stride):
                        i, j = (y + pad - r) // stride, (column + pad - c) // stride
                        if 0 <= i < size and 0 <= j < size:
                            total[y, column, 16 * tile : 16 * tile + 16] += x[0, i, j] @ (
                                weights.reshape(channels, LANES).astype(int)
                            )
    assert at == len(data)
    assert np.array_equal(total[..., :17], decoder.sums(layer, x)[0])


def test_no_two_outputs_of_a_streamed_model_meet_while_they_are_needed():
    for seed in range(60):
        model, _ = random_streamed(np.random.default_rng(seed))
        offsets, arena = plan.plan_streamed(model, tables=1)
        ends = [plan.tensor_end(layer, at) for layer, at in zip(model.layers, offsets)]
        for one in range(1, len(offsets)):
            assert ends[one] <= offsets[one - 1] or ends[one - 1] <= offsets[one], seed
        assert max(ends) + 2048 + 192 + 256 + 4096 <= arena and not any(at % 16 for at in offsets)
