"""The kernels in assembly for RV32EC, on its virtual core: NumPy's bytes, for whatever layers."""

import numpy as np
import pytest

from conftest import built
from whim import decoder
from whim import model as m
from whim.encodings import Encoding
from whim.measure import CORES, Core

CODES = {
    Encoding.INT8: np.arange(-128, 128), Encoding.INT4: np.arange(-8, 8),
    Encoding.INT2: np.array([-3, -1, 1, 3]), Encoding.TERNARY: np.array([-1, 0, 1]),
    Encoding.POWER: np.array([-64, -32, -16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16, 32, 64]),
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("emulator")


@pytest.fixture(scope="module", params=CORES)
def core(request, emulator):
    built(f"measure_{request.param}", "firmware.elf")
    return Core(request.param)


def triples(rng, source, channels, pad=1, pooled=True, high=127, weights=None) -> m.Layer:
    """A layer in triples; `weights` is the one that all have, or the share of zeros."""
    side = 2 if pooled else 1
    height, width = ((size + 2 * pad - 2) // side for size in source[1:])
    if weights is None:
        weights = rng.integers(-1, 2, (channels, 9 * source[0]))
    return m.Layer(
        m.Op.CONV, channels, height, width, Encoding.TERNARY,
        np.broadcast_to(weights, (channels, 9 * source[0])).astype(np.int64),
        rng.integers(-900, 900, channels), rng.integers(20, 256, channels),
        rng.integers(4, 11, channels), 0, high, None, 3, 1, pad, m.Layout.TRIPLES, pooled,
    )  # fmt: skip


def stack(rng, shape, *layers, **more) -> m.Model:
    """Layers of (channels, pad, pooled), each as high as the next one can bear."""
    made, source = [], shape
    for channels, pad, pooled in layers:
        high = min(127, (2**15 - 1) // (9 * channels))
        made.append(triples(rng, source, channels, pad, pooled, high, **more))
        source = made[-1].shape
    return m.Model(shape, made)


def image(rng, shape, most=15) -> np.ndarray:
    return rng.integers(0, most + 1, np.prod(shape)) * (rng.random(np.prod(shape)) < 0.8)


def agree(core, model, inputs, **more) -> int:
    """That the core makes what NumPy makes; answers how many instructions it took."""
    result = core.run(model, inputs, **more)
    np.testing.assert_array_equal(result.output, decoder.decode(model, inputs[None])[0])
    return result.instructions


DIGITS = (1, 16, 16)


@pytest.mark.parametrize("seed", range(6))
def test_nets_of_any_channel_counts(core, seed):
    rng = np.random.default_rng(seed)
    first, second, third = (int(n) for n in rng.integers(1, 71, 3))
    if seed == 0:
        first, second, third = 1, 1, 1
    second = min(second, 40)
    model = stack(rng, DIGITS, (first, 1, True), (second, 1, True), (third, 0, False))
    agree(core, model, image(rng, DIGITS))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_last_layer_in_triples_has_its_channels_innermost(core, depth):
    rng = np.random.default_rng(depth)
    model = stack(rng, DIGITS, *[(7, 1, True), (8, 1, True), (9, 0, False)][:depth])
    agree(core, model, image(rng, DIGITS))


@pytest.mark.parametrize("weight", [-1, 1])
@pytest.mark.parametrize("most", [15, 127, -128])
def test_sums_at_the_ends_of_what_16_bits_hold(core, weight, most):
    """All weights alike, all values the largest: 9 * 28 * 127 = 32,004."""
    rng = np.random.default_rng(3)
    model = stack(rng, DIGITS, (28, 1, True), (28, 1, True), (3, 0, False), weights=weight)
    for layer in model.layers[:2]:
        layer.bias[:] = 127 - 9 * most * weight if layer is model.layers[0] else 30000
        layer.multiplier[:], layer.shift[:] = 255, 8
    agree(core, model, np.full(256, most))


@pytest.mark.parametrize(
    "shape, layers",
    [
        ((1, 16, 16), [(5, 0, False), (4, 1, False)]),
        ((1, 16, 16), [(5, 1, False), (4, 1, True)]),
        ((1, 9, 8), [(6, 1, False), (5, 1, True), (4, 0, False)]),
        ((1, 8, 8), [(6, 1, True), (5, 1, False), (3, 0, True)]),
        ((1, 7, 5), [(3, 1, False), (4, 0, True)]),
        ((1, 3, 3), [(3, 0, False)]),
        ((1, 33, 21), [(2, 1, True), (4, 1, True), (2, 1, False)]),
        ((1, 6, 16), [(9, 1, True), (6, 1, True)]),
        ((1, 18, 10), [(7, 0, False), (8, 1, True), (3, 0, False)]),
    ],
)
def test_shapes_that_have_no_kernel_of_their_own(core, shape, layers):
    rng = np.random.default_rng(5)
    model = stack(rng, shape, *layers)
    agree(core, model, image(rng, shape))
    agree(core, model, rng.integers(-128, 128, np.prod(shape)))


def test_an_input_beyond_0_to_15_is_as_right(core):
    rng = np.random.default_rng(6)
    model = stack(rng, DIGITS, (6, 1, True), (7, 1, True))
    inputs = image(rng, DIGITS)
    for value in (16, 127, -1, -128):
        inputs[rng.integers(256)] = value
        agree(core, model, inputs)


def test_wide_records_are_as_right(core):
    rng = np.random.default_rng(7)
    model = stack(rng, DIGITS, (6, 1, True), (7, 1, True), (3, 0, False))
    for layer in model.layers:
        layer.multiplier[:] = layer.multiplier * 2**14 + 77
        layer.shift[:] += 14
    agree(core, model, image(rng, DIGITS))


def dense(rng, inputs, units, encoding, share=0.5) -> m.Model:
    codes = CODES[encoding]
    layer = m.Layer(
        m.Op.DENSE, units, 1, 1, encoding, rng.choice(codes, (units, inputs)),
        rng.integers(-900, 900, units), rng.integers(0, 256, units), rng.integers(6, 16, units),
        -128, 127, layout=m.Layout.COLUMNS,
    )  # fmt: skip
    return m.Model((1, 1, inputs), [layer])


@pytest.mark.parametrize("encoding", CODES)
@pytest.mark.parametrize("inputs, units", [(1, 1), (17, 4), (40, 5), (144, 10), (256, 64), (90, 7)])
def test_columns(core, encoding, inputs, units):
    rng = np.random.default_rng(inputs)
    model = dense(rng, inputs, units, encoding)
    agree(core, model, rng.integers(-128, 128, inputs) * (rng.random(inputs) < 0.5))


@pytest.mark.parametrize("value", [127, -128])
@pytest.mark.parametrize("inputs", [255, 256, 257, 300])
def test_columns_where_sums_leave_16_bits(core, value, inputs):
    for weight in (-1, 1):
        model = dense(np.random.default_rng(1), inputs, 6, Encoding.TERNARY)
        model.layers[0].weights[:] = weight
        model.layers[0].multiplier[:], model.layers[0].shift[:] = 251, 17
        agree(core, model, np.full(inputs, value))


def digits(rng) -> m.Model:
    model = stack(rng, DIGITS, (12, 1, True), (24, 1, True), (36, 0, False))
    last = dense(rng, 144, 10, Encoding.TERNARY).layers
    return m.Model(DIGITS, model.layers + last)


def test_a_net_for_digits_takes_the_fast_kernels(core):
    """1.6 instructions a multiply-accumulate; the plain kernel takes more than 20."""
    rng = np.random.default_rng(8)
    model = digits(rng)
    taken = agree(core, model, image(rng, DIGITS))
    if "ec" in core.name:
        assert taken < 1.7 * model.macs


@pytest.mark.parametrize("step", [97, 101, 1009])
def test_an_interrupt_may_come_at_any_time(core, step):
    """What a handler needs: a stack that nothing lies below of, and gp as it was."""
    rng = np.random.default_rng(step)
    stacks, pointers = set(), set()

    def interrupt():
        sp = core.call("x", 2)
        core.write(sp - 256, rng.bytes(256))
        stacks.add(sp)
        pointers.add(core.call("x", 3))

    core.run(digits(rng), image(rng, DIGITS))
    agree(core, digits(rng), image(rng, DIGITS), slice_ticks=step, visit=interrupt)
    top = core.addresses["measure_stack_top"]
    assert len(stacks) > 3 and all(top - 2048 < sp <= top and sp % 4 == 0 for sp in stacks)
    assert len(pointers - {0}) == 1
