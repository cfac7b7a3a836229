"""One answer everywhere: the NumPy decoder, PyTorch and the C engine give the same bytes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from random_models import random_model, random_streamed

from whim import decoder, format, packing
from whim.encodings import Encoding, decode_weights, encode_weights
from whim.model import Layout, Op
from whim.verification import engine

MODELS = 60
CATS = all((packing.DATA / f"{source}.npz").exists() for source in packing.CATS.values())


@pytest.mark.parametrize("encoding", [e for e in Encoding if e is not Encoding.NONE])
def test_weights_survive_packing(encoding):
    rng = np.random.default_rng(0)
    weights = {
        Encoding.INT8: rng.integers(-128, 128, (7, 13)),
        Encoding.INT4: rng.integers(-8, 8, (7, 13)),
        Encoding.INT2: 2 * rng.integers(0, 4, (7, 13)) - 3,
        Encoding.TERNARY: rng.integers(-1, 2, (7, 13)),
        Encoding.POWER: rng.choice([-64, -8, -1, 0, 1, 2, 4, 16, 32], (7, 13)),
    }[encoding]
    packed = encode_weights(weights, encoding)
    assert len(packed) == 7 * -(-13 // encoding.per_byte)
    assert np.array_equal(decode_weights(packed, 7, 13, encoding), weights)


@pytest.mark.parametrize("seed", range(MODELS))
def test_the_engine_decodes_any_model_as_numpy_does(sanitized, reference, tmp_path, seed):
    rng = np.random.default_rng(seed)
    path = tmp_path / "random.whim"
    path.write_bytes(format.write(random_model(rng)))
    _same_everywhere(rng, path, sanitized, reference)


@pytest.mark.parametrize("seed", range(MODELS // 2))
def test_the_engine_streams_any_model_as_numpy_decodes_it(sanitized, reference, tmp_path, seed):
    rng = np.random.default_rng(seed)
    path = tmp_path / "random.whim"
    model, how = random_streamed(rng)
    path.write_bytes(format.write(model, **how))
    _same_everywhere(rng, path, sanitized, reference)


def _same_everywhere(rng, path, *programs):
    model = decoder.load(path)
    inputs = rng.integers(-128, 128, (4, model.inputs)).astype(np.int8)
    picture = decoder.decode(model, inputs).reshape(-1)
    for program in programs:
        assert np.array_equal(engine(path, inputs, program), picture), program


def test_pytorch_decodes_any_model_as_numpy_does():
    if not os.environ.get("WHIM_REQUIRE_TORCH"):
        pytest.importorskip("torch", reason="PyTorch is not installed: make train-setup")
    from whim import torch_reference

    for seed in range(MODELS):
        rng = np.random.default_rng(seed)
        model = random_model(rng, streamed=seed % 2 == 1)
        inputs = rng.integers(-128, 128, (4, model.inputs)).astype(np.int8)
        assert np.array_equal(
            torch_reference.decode(model, inputs), decoder.decode(model, inputs)
        ), seed


def test_random_models_cover_what_the_format_knows():
    models = [random_model(np.random.default_rng(seed)) for seed in range(MODELS)]
    layers = [layer for model in models for layer in model.layers]
    assert len({(layer.op, layer.encoding) for layer in layers}) == 3 * 5 + 2
    assert {layer.table is None for layer in layers} == {True, False}
    columns = {layer.encoding for layer in layers if layer.layout is Layout.COLUMNS}
    assert columns == set(Encoding) - {Encoding.NONE}
    triples = {(e.pooled, e.pad) for e in layers if e.layout is Layout.TRIPLES}
    assert triples == {(pooled, pad) for pooled in (False, True) for pad in (0, 1)}
    assert {(e.pooled, e.stride > 1) for e in layers if e.op is Op.CONV} == {
        (pooled, strided) for pooled in (False, True) for strided in (False, True)
    }
    assert {min(model.input_shape[1:]) > 1 for model in models} == {True, False}


def test_verify_finds_no_mismatch_in_10000_inputs(simulator):
    assert verify(simulator, "data/die.whim")[0]["inputs"] == 10_000


@pytest.mark.parametrize("name", packing.DIGITS)
def test_verify_finds_no_mismatch_in_the_digits(simulator, name):
    verify(simulator, f"data/{name}.whim", "--inputs", "400")


@pytest.mark.skipif(not CATS, reason="data/ has no integers of cats")
def test_verify_finds_no_mismatch_in_the_cats(simulator):
    """Two of each; host/verify.py, without words, takes 20."""
    results = verify(simulator, "--inputs", "2", *packing.cats())
    assert [result["model"] for result in results] == list(packing.CATS)


def verify(simulator, *words) -> list[dict]:
    """What host/verify.py says, which has found no mismatch."""
    require = ["--require", "pytorch"] if os.environ.get("WHIM_REQUIRE_TORCH") else []
    done = subprocess.run(
        [sys.executable, "host/verify.py", "--json", "--program", simulator, *require, *words],
        capture_output=True,
        text=True,
        cwd=packing.DATA.parent,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    for result in results:
        ways = [way for way in result["decoders"].values() if way]
        assert len(ways) >= 2 and all(way["differ"] == 0 for way in ways)
        assert len({way["crc32"] for way in ways}) == 1
    return results


def test_verify_fails_when_a_byte_differs(simulator, monkeypatch, capsys):
    import verify

    true_decode = decoder.decode
    monkeypatch.setattr(decoder, "decode", lambda model, x: true_decode(model, x) ^ np.int8(1))
    words = ["verify.py", "data/die.whim", "--inputs", "10", "--program", str(simulator)]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.chdir(packing.ROOT)
    assert verify.main() == 1
    assert "mismatches" in capsys.readouterr().out


def test_the_packed_files_are_those_that_pack_makes():
    for path in packing.DATA.glob("*.whim"):
        assert packing.pack_flash(path.stem) == path.read_bytes(), (
            f"{path.name}: run python host/pack.py"
        )
