"""A seed means the same everywhere, rolls are fair, and normal values are normal."""

import ctypes
import itertools
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from whim import dice, entropy, normal

ROOT = Path(__file__).resolve().parent.parent


def rolls(program, seed, count) -> np.ndarray:
    words = [program, "rolls", str(seed), str(count)]
    return np.frombuffer(subprocess.run(words, capture_output=True, check=True).stdout, np.uint8)


def test_the_generator_is_the_chacha20_of_rfc_8439():
    nonce = bytes.fromhex("000000090000004a00000000")
    block = entropy.chacha20_block(bytes(range(32)), 1, nonce)  # section 2.3.2
    assert block.hex().startswith("10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3")
    zero = bytes(itertools.islice(entropy.keystream(0), 128))  # appendix A.1, vectors 1 and 2
    assert zero.hex().startswith("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7")
    assert zero[64:].hex().startswith("9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e")


@pytest.mark.parametrize("seed", [0, 7, 2**32, 2**64 - 1])
def test_a_seed_rolls_the_same_in_c_and_in_python(simulator, seed):
    stream = entropy.keystream(seed)
    assert [entropy.roll(stream).pips for _ in range(500)] == rolls(simulator, seed, 500).tolist()


@pytest.mark.parametrize("seed", [1, 2])
def test_600_000_rolls_are_fair(simulator, seed):
    pips = rolls(simulator, seed, 600_000)
    assert set(pips) == set(range(1, 7))
    # The seeds are fixed, so this cannot fail by chance; one part in 256 too many of any face
    # would.
    assert stats.chisquare(np.bincount(pips)[1:]).pvalue > 0.01
    pairs = np.bincount(6 * (pips[:-1:2].astype(int) - 1) + pips[1::2] - 1, minlength=36)
    assert stats.chisquare(pairs).pvalue > 0.01, "a roll depends on the one before"


def test_a_modulo_bias_would_be_seen():
    biased = np.random.default_rng(1).integers(0, 256, 600_000) % 6
    assert stats.chisquare(np.bincount(biased)).pvalue < 1e-9


def test_without_a_seed_no_two_runs_agree(simulator):
    assert (rolls(simulator, "system", 100) != rolls(simulator, "system", 100)).any()


def test_the_models_input_is_the_same_in_c_and_in_python(sanitized):
    turn, size = (field.reshape(-1) for field in np.mgrid[0:256, -127:128])
    rng = np.random.default_rng(5)
    pips = rng.integers(1, 7, turn.size)
    latent = np.column_stack([size, rng.integers(-127, 128, (turn.size, 3))])
    records = np.column_stack([pips, turn, latent]).astype(np.uint8).tobytes()
    run = subprocess.run([sanitized, "inputs"], input=records, capture_output=True, check=True)
    values = np.frombuffer(run.stdout, np.int8).reshape(-1, 11)
    assert (values == dice.inputs(pips, turn, latent)).all()


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """src/engine/normal.c as a library that stops at undefined behaviour."""
    library = tmp_path_factory.mktemp("engine") / "normal.so"
    command = ["cc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared"]
    command += ["-fPIC", "-fsanitize=undefined", "-fno-sanitize-recover=all"]
    files = ["-I", ROOT / "include", ROOT / "src/engine/normal.c", "-o", library]
    subprocess.run(command + files, check=True)
    return ctypes.CDLL(str(library))


def random_bytes(count, seed=1):
    return np.random.default_rng(seed).bytes(count)


def test_normal_values_are_the_same_in_c_and_in_python(engine):
    """Every radius with some angle, every angle with some radius."""
    all_of_them = np.arange(65536, dtype="<u2")
    other = np.frombuffer(random_bytes(131072), "<u2")
    pairs = np.concatenate(
        [np.column_stack([all_of_them, other]), np.column_stack([other, all_of_them])]
    )
    data, pair = pairs.tobytes(), (ctypes.c_int32 * 2)()
    found = []
    for at in range(0, len(data), 4):
        engine.whim_normal(data[at : at + 4], pair)
        found += pair
    assert np.array_equal(found, normal.normal(data))


def test_normal_values_are_exact_to_their_last_place():
    """Compared with floating point: every radius, every angle, and a million pairs."""
    found = normal.accuracy()
    assert found.value < 0.57 and found.largest < 5
    assert abs(found.deviation - 1) < 1e-5
    data = random_bytes(4_000_000)
    n, m = (np.frombuffer(data, "<u2").reshape(-1, 2).T + 0.5) / 65536
    size = 65536 * np.sqrt(-2 * np.log(n))
    exact = np.stack([size * np.cos(2 * np.pi * m), size * np.sin(2 * np.pi * m)], axis=1)
    assert np.abs(normal.normal(data) - exact.reshape(-1)).max() < found.value


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_100_000_normal_values_are_normal(seed):
    values = normal.normal(random_bytes(200_000, seed)) / 65536
    assert stats.kstest(values, "norm").pvalue > 0.01
    assert abs(values.mean()) < 4 / np.sqrt(1e5) and abs(values.var() - 1) < 4 * np.sqrt(2 / 1e5)
    for limit in 2, 3, 4:  # how many lie farther out, within four deviations of that number
        expected = 2e5 * stats.norm.sf(limit)
        assert abs((np.abs(values) > limit).sum() - expected) < 4 * np.sqrt(expected)
    pairs = values.reshape(-1, 2)
    assert abs((pairs[:, 0] * pairs[:, 1]).mean()) < 4 / np.sqrt(5e4), "of a pair, both are one"
    assert abs((pairs[:-1] * pairs[1:]).mean()) < 4 / np.sqrt(1e5)


def test_every_radius_at_many_angles_is_normal():
    """A million values, spread evenly over all that bytes can say: they must be nearer to the
    normal distribution than a million random ones would be."""
    pairs = np.empty((65536, 8, 2), "<u2")
    pairs[:, :, 0] = np.arange(65536)[:, None]
    offsets = np.frombuffer(random_bytes(65536 * 8 * 2), "<u2").reshape(65536, 8)
    pairs[:, :, 1] = 8192 * np.arange(8) + offsets % 8192
    values = normal.normal(pairs.tobytes()) / 65536
    assert stats.kstest(values, "norm").statistic < 0.0005


def test_a_worse_generator_would_be_seen():
    """Such as the mean of four bytes."""
    sums = np.frombuffer(random_bytes(400_000), np.uint8).reshape(-1, 4).mean(axis=1)
    assert stats.kstest((sums - 127.5) / sums.std(), "norm").pvalue < 1e-4


@pytest.mark.parametrize("count", [2, 14, 16, 18, 100, 256])
def test_a_latent_takes_two_bytes_a_value_in_small_pieces(engine, count):
    drawn = []

    def draw(to, size):
        drawn.append(random_bytes(size, seed=len(drawn)))
        ctypes.memmove(to, drawn[-1], size)
        return 0

    source = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32)
    z = (ctypes.c_int8 * (count + 1))(*[99] * (count + 1))
    assert engine.whim_latent(source(draw), z, count) == 0
    assert sum(map(len, drawn)) == 2 * count and max(map(len, drawn)) <= 32
    assert np.array_equal(z[:count], normal.latent(b"".join(drawn))) and z[count] == 99
    assert engine.whim_latent(source(lambda to, size: -14), z, count) == -14


def test_a_latent_is_rounded_and_clamped():
    data = random_bytes(4_000_000)
    values, z = normal.normal(data) / 65536 * 32, normal.latent(data)
    inside = np.abs(values) < 127
    assert np.abs(values - z)[inside].max() <= 0.5
    assert set(z[~inside]) == {-127, 127} and (np.sign(z) == np.sign(values))[~inside].all()
