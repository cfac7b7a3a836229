"""The promises of the reader, the judge of decoders: what it reads, and without PyTorch."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from whim import crisp, degrade, dice
from whim.reader import LAYERS, WEIGHTS, Reader

FRESH_SEED = 90210  # neither the training's nor the seed that `train.py reader` reports


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.fixture(scope="module")
def fresh():
    truth = dice.sample(3000, np.random.default_rng(FRESH_SEED))
    return truth, dice.draw(truth)


@pytest.mark.parametrize("name", degrade.CONDITIONS)
def test_the_reader_keeps_its_promise(reader, fresh, name):
    truth, pictures = fresh
    pictures = degrade.condition(name, pictures, np.random.default_rng(FRESH_SEED))
    assert reader.share(pictures, truth.pips) >= (0.999 if name == "clean" else 0.99)


def test_what_the_display_shows_of_true_dice_is_read(reader, fresh):
    truth, pictures = fresh
    shade = np.rint(127 * truth.latent[:, dice.LATENT.index("shade")])
    assert reader.share(crisp.as_seen(crisp.crisp(pictures, shade)), truth.pips) >= 0.99


def test_no_number_is_read_worse_than_the_others(reader, fresh):
    truth, pictures = fresh
    pictures = degrade.condition("combined", pictures, np.random.default_rng(1))
    right = reader.read(pictures) == truth.pips
    assert min(right[truth.pips == pips].mean() for pips in range(1, 7)) >= 0.98


def test_ten_thousand_pictures_take_well_under_a_minute(reader, fresh):
    started = time.process_time()
    reader.read(fresh[1][:1000])
    assert time.process_time() - started < 4


def test_numpy_says_what_pytorch_says(reader, fresh):
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(fresh[1][:200, None].astype(np.float32) / 255)
    for i, ((_, stride, pad, _), (w, b)) in enumerate(zip(LAYERS, reader.layers)):
        x = torch.relu(x) if i else x
        x = torch.nn.functional.conv2d(x, torch.from_numpy(w), torch.from_numpy(b), stride, pad)
    np.testing.assert_allclose(reader.scores(fresh[1][:200]), x.flatten(1), rtol=1e-3, atol=1e-3)


def test_reading_needs_no_pytorch():
    program = "import sys; sys.modules['torch'] = None; from whim.reader import Reader; Reader()"
    host = Path(__file__).parents[1] / "host"
    subprocess.run([sys.executable, "-c", program], cwd=host, check=True)


def test_wrong_pictures_are_refused(reader):
    for wrong in (np.zeros((1, 32, 32)), np.zeros((1, 28, 28), np.uint8)):
        with pytest.raises(ValueError, match="need uint8"):
            reader.scores(wrong)
    assert reader.read(np.zeros((0, 32, 32), np.uint8)).shape == (0,)


def test_the_weights_are_small():
    assert WEIGHTS.stat().st_size < 300_000


def test_dithers_are_one_bit_and_keep_the_mean():
    ramp = np.tile(np.linspace(20, 235, 32, dtype=np.float32), (3, 32, 1))
    for dither in (degrade.dither_ordered, degrade.dither_floyd):
        out = dither(ramp)
        assert set(np.unique(out)) == {0, 255}
        assert abs(out.mean() - ramp.mean()) < 6


def test_floyd_steinberg_spreads_its_error_by_sixteenths():
    # 100 goes to 0; 7/16 of it to the right make 143.75, which goes to 255 and leaves -111.25.
    # Below, 100 + 5/16 * 100 - 3/16 * 111.25 = 110.4 goes to 0; on its right arrive 1/16 of 100,
    # 5/16 of -111.25 and 7/16 of 110.4: 119.8 goes to 0.
    picture = np.full((1, 2, 2), 100, np.uint8)
    assert degrade.dither_floyd(picture).tolist() == [[[0, 255], [0, 0]]]
    picture[0, 1, 1] = 110  # 129.8
    assert degrade.dither_floyd(picture).tolist() == [[[0, 255], [0, 255]]]


def test_a_shift_moves_and_a_blur_keeps_the_light():
    picture = np.zeros((2, 32, 32), np.uint8)
    picture[:, 10, 12] = 200
    moved = degrade.move(picture, np.array([[2, -3], [0.5, 0]]), np.zeros(2))
    assert moved[0, 12, 9] == pytest.approx(200) and moved[1, 10:12, 12] == pytest.approx(
        [100, 100]
    )
    blurred = degrade.move(picture, np.zeros((2, 2)), np.ones(2))
    assert blurred.sum((1, 2)) == pytest.approx([200, 200], rel=1e-3)
    assert blurred[0, 10, 12] == pytest.approx(200 / (2 * np.pi), rel=1e-2)
