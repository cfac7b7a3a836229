"""The cat in 4 bits and fewer, by a net so small that it takes seconds. Skipped without PyTorch."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from whim import cat_gptq, cat_net, decoder, integers, torch_reference  # noqa: E402
from whim.encodings import Encoding  # noqa: E402

CHANNELS = (24, 20, 16, 8, 3)


@pytest.fixture(scope="module", autouse=True)
def few_latents():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cat_gptq, "LATENTS", 512)
        yield


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A state dict whose layers' inputs are correlated, as those of trained nets are."""
    rng = np.random.default_rng(6)
    state, inputs, hidden = {}, 100, 6
    for number, out in enumerate(CHANNELS):
        weights = rng.normal(0, 1, (inputs, hidden)) @ rng.normal(0, 1, (hidden, out * 16))
        weights = weights.reshape(inputs, out, 4, 4) / hidden**0.5
        weights += rng.normal(0, 0.3, weights.shape)
        state[f"{3 * number}.weight"] = weights * (0.5 if number else 1) / inputs**0.5
        if number + 1 == len(CHANNELS):
            state[f"{3 * number}.bias"] = np.zeros(out)
            break
        norm = dict(weight=1, bias=0, running_mean=0, running_var=1)
        for name, value in norm.items():
            state[f"{3 * number + 1}.{name}"] = np.full(out, float(value))
        inputs = out
    path = tmp_path_factory.mktemp("checkpoint") / "cat.npz"
    np.savez(path, **state)
    return path


def error(model, checkpoint):
    z = cat_net.latents(16, np.random.default_rng(9))
    made = torch_reference.decode(model, z) + 128.0
    return np.square(made - torch_reference.float_pictures(checkpoint, z)).mean()


def test_making_up_for_errors_beats_plain_rounding(checkpoint):
    four = cat_gptq.quantise(checkpoint, ["int4"] * 5)
    plain = cat_net.quantise(checkpoint, Encoding.INT4)
    assert error(four, checkpoint) < 0.85 * error(plain, checkpoint)
    eight = cat_gptq.quantise(checkpoint, ["int8"] * 5)
    assert error(eight, checkpoint) < error(four, checkpoint)


def test_each_layer_has_the_encoding_that_was_asked_for_and_weights_that_it_can_hold(
    checkpoint, tmp_path
):
    model = cat_gptq.quantise(checkpoint, ["int8", "int2", "int4", "int3", "int8"])
    encodings = [Encoding.INT8, Encoding.INT2, Encoding.INT4, Encoding.INT4, Encoding.INT8]
    assert [layer.encoding for layer in model.layers] == encodings
    assert set(np.unique(model.layers[1].weights)) == {-3, -1, 1, 3}
    assert model.layers[2].weights.min() >= -8 and model.layers[2].weights.max() <= 7
    assert model.layers[3].weights.min() >= -4 and model.layers[3].weights.max() <= 3
    integers.save(model, tmp_path / "cat.npz")
    again = integers.load(tmp_path / "cat.npz")
    z = cat_net.latents(2, np.random.default_rng(3))
    assert np.array_equal(decoder.decode(again, z), torch_reference.decode(model, z))


def test_the_same_checkpoint_gives_the_same_integers(checkpoint):
    models = [cat_gptq.quantise(checkpoint, ["int4"] * 5) for _ in range(2)]
    for one, other in zip(*(model.layers for model in models)):
        assert np.array_equal(one.weights, other.weights)
        assert np.array_equal(one.bias, other.bias)
