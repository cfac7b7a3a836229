"""From a generator in floating point to integers, and into files for the card."""

import json
import os
import sys

import numpy as np
import pytest

from whim import cat_net, decoder, format, integers, packing
from whim.encodings import Encoding
from whim.model import Layout

CHANNELS = (24, 20, 16, 8, 3)  # a cat's little sister: five stages, up to 64x64 pixels


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A state dict like a trained one: its channels differ a hundredfold in loudness."""
    rng = np.random.default_rng(4)
    state, inputs = {}, 12
    for number, out in enumerate(CHANNELS):
        at = 3 * number
        state[f"{at}.weight"] = rng.normal(0, 0.3 / inputs**0.5, (inputs, out, 4, 4))
        if number + 1 == len(CHANNELS):
            state[f"{at}.bias"] = rng.normal(0, 0.1, out)
            break
        state[f"{at + 1}.weight"] = np.exp(rng.normal(0, 1, out))
        state[f"{at + 1}.bias"] = rng.normal(0, 0.2, out)
        state[f"{at + 1}.running_mean"] = rng.normal(0, 0.1, out)
        state[f"{at + 1}.running_var"] = np.exp(rng.normal(-1, 0.5, out))
        inputs = out
    path = tmp_path_factory.mktemp("checkpoint") / "cat.npz"
    np.savez(path, **{name: value.astype(np.float16) for name, value in state.items()})
    return path


def psnr(made: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / ((made + 128.0 - wanted) ** 2).mean()))


def test_eight_bits_make_the_pictures_of_the_float_net_and_four_come_near(checkpoint):
    if not os.environ.get("WHIM_REQUIRE_TORCH"):
        pytest.importorskip("torch", reason="PyTorch is not installed: make train-setup")
    from whim import torch_reference

    z = cat_net.latents(8, np.random.default_rng(9), 12)
    wanted = torch_reference.float_pictures(checkpoint, z)
    assert wanted.shape == (8, 64, 64, 3)
    eight, four = (
        psnr(decoder.decode(cat_net.quantise(checkpoint, encoding), z), wanted)
        for encoding in (Encoding.INT8, Encoding.INT4)
    )
    assert eight > 35 and 15 < four < eight


@pytest.mark.parametrize("encoding", [Encoding.INT8, Encoding.INT4])
def test_a_quantised_generator_survives_its_files(checkpoint, encoding, tmp_path):
    model = cat_net.quantise(checkpoint, encoding)
    integers.save(model, tmp_path / "cat.npz")
    integers.save(cat_net.quantise(checkpoint, encoding), tmp_path / "again.npz")
    again = integers.load(tmp_path / "again.npz")
    for one, other in zip(model.layers, again.layers):  # the same integers each time
        assert np.array_equal(one.weights, other.weights)
        assert np.array_equal(one.multiplier, other.multiplier)
        assert np.abs(one.bias - other.bias).max() == 0
    packed = packing.pack_streamed(integers.load(tmp_path / "cat.npz"), 1024)
    z = cat_net.latents(2, np.random.default_rng(1), 12)
    assert np.array_equal(decoder.decode(format.read(packed), z), decoder.decode(model, z))


def test_a_latent_is_its_nearest_thirty_second():
    assert cat_net.latent(np.array([0, 0.02, -1, 3.9, 9, -9])).tolist() == [
        0, 1, -32, 125, 127, -127,
    ]  # fmt: skip


def test_a_file_that_is_no_generator_is_named(tmp_path, capsys, monkeypatch):
    import quantise

    path = tmp_path / "other.npz"
    np.savez(path, a=np.zeros(3))
    monkeypatch.setattr(sys, "argv", ["quantise.py", "--checkpoint", str(path)])
    assert quantise.main() == 1
    assert "no such generator: '0.weight'" in capsys.readouterr().err


@pytest.mark.parametrize("kib", [0.5, 1, 3, 24])
def test_chunks_fill_their_buffers_and_the_report_is_of_the_file(checkpoint, kib):
    model = cat_net.quantise(checkpoint, Encoding.INT8)
    packed = packing.pack_streamed(model, int(kib * 1024))
    report = packing.report("cat", model, packed)
    assert report["card_bytes"] == len(packed) == report["file_bytes"] and len(packed) % 512 == 0
    assert report["buffer_bytes"] == kib * 1024
    assert report["arena_and_buffers_bytes"] == report["arena_bytes"] + 2 * kib * 1024
    assert report["chunks"] == -(-(len(packed) - 512) // (kib * 1024))
    assert {layer["layout"] for layer in report["layers"]} == {"tiles"}
    assert [other["buffer_bytes"] for other in report["other_buffers"]][0] == 1024


def test_buffers_that_are_no_sectors_are_refused():
    for size in (0, 100, 513, 1 << 24):
        with pytest.raises(ValueError, match="0.5, 1, 1.5"):
            packing.chunk_units(size)


def test_the_cat_fits_the_flagship():
    """Activations, stream buffers and state in 272 KiB: the architecture alone decides it."""
    from whim.model import Layer, Model, Op
    from whim.plan import plan_streamed

    layers, side = [], 2
    for number, channels in enumerate((1024, 512, 256, 128, 3)):
        side *= 2
        shape = dict(kernel=4, stride=2 if number else 1, pad=1 if number else 0)
        layer = Layer(Op.CONV_TRANSPOSE, channels, side, side, Encoding.INT8, **shape)
        layer.layout = Layout.TILES
        layers.append(layer)
    _, arena = plan_streamed(Model((100, 1, 1), layers), tables=1)
    assert arena == 219_584 and arena + 2 * packing.DEFAULT_BUFFER + 8192 <= 272 * 1024


def test_pack_says_what_other_buffers_would_need(checkpoint, tmp_path, monkeypatch, capsys):
    import pack

    monkeypatch.setattr(packing, "DATA", tmp_path)
    monkeypatch.setattr(packing, "CATS", {"cat8": "cat"})
    integers.save(cat_net.quantise(checkpoint, Encoding.INT8), tmp_path / "cat.npz")
    die = packing.ROOT / "data/die.npz"
    (tmp_path / "die.npz").write_bytes(die.read_bytes())
    card = str(tmp_path / "card")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["pack.py", "--card", card, *words])
        status = pack.main()
        return status, capsys.readouterr().out

    status, out = run("--buffers", "2", "--json")
    cat = json.loads(out.splitlines()[1])
    assert status == 0 and cat["buffer_bytes"] == 2048
    assert [o["buffer_bytes"] // 1024 for o in cat["other_buffers"]] == [1, 2, 4, 8, 16, 24, 32]
    assert run("--check", "--buffers", "2")[0] == 0
    assert run("--check")[0] == 1  # it was packed for buffers of another size
    status, out = run()
    assert status == 0 and "two buffers of 24576 bytes" in out
    (tmp_path / "cat.npz").unlink()
    assert run()[0] == 1
