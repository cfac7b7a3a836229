"""The promises of the dice data: one seed one set, nothing clipped, all that should vary varies."""

import numpy as np
import pytest
from scipy import stats

from whim import dice


def one(pips=6, angle=0.3, latent=(0.0, 0.0, 0.0, 0.0)):
    fields = np.broadcast_arrays(pips, angle)
    shape = fields[0].reshape(-1).shape
    return dice.Dice(
        fields[0].reshape(-1), fields[1].reshape(-1).astype(float), np.tile(latent, (*shape, 1))
    )


def test_one_seed_gives_one_set():
    first, again, other = (dice.sample(50, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert (dice.draw(first) == dice.draw(again)).all()
    assert (dice.draw(first) != dice.draw(other)).any()


def test_a_die_does_not_depend_on_the_others_in_its_batch():
    truth = dice.sample(70, np.random.default_rng(7))
    whole = dice.draw(truth)
    assert (dice.draw(truth, batch=11) == whole).all()
    assert (dice.draw(dice.Dice(*(field[33:34] for field in truth)))[0] == whole[33]).all()
    assert dice.draw(dice.sample(0, np.random.default_rng(0))).shape == (0, 32, 32)


@pytest.mark.parametrize("size", [-1, 0, 1])
def test_nothing_is_clipped_at_any_angle(size):
    """By geometry the round corner ends inside the outermost drawn pixel, soft edge included. By
    the pictures no light is lost at any angle: under even light its sum is the area that is there.
    """
    half = dice.HALF_SIDE + dice.HALF_SIDE_SPREAD * size
    reach = half * (np.sqrt(2) * (1 - dice.CORNER) + dice.CORNER)
    assert reach + 0.5 * 2 / dice.DRAWN < 1 - 2 / dice.DRAWN
    light = dice.draw(one(1, np.arange(720) * (np.pi / 360), (size, 1, 0, 0))).sum((1, 2), float)
    assert np.ptp(light) < 0.005 * light.mean()


def test_no_tone_is_clipped_to_white():
    latents = np.array(np.meshgrid([-1, 1], [1], [-1, 1], [-1, 1])).reshape(4, -1).T
    for latent in latents:
        assert dice.draw(one(1, np.arange(64) * (np.pi / 32), latent)).max() < 255


def test_every_number_of_pips_shows_that_many():
    from scipy import ndimage

    for pips in range(1, 7):
        angles = np.arange(40) * 0.157
        for picture in dice.draw(one(pips, angles, (1, 1, 0, 0))):
            face = ndimage.binary_fill_holes(picture > 100)
            assert ndimage.label(face & (picture < 100))[1] == pips


@pytest.mark.parametrize("which", range(len(dice.LATENT)), ids=dice.LATENT)
def test_each_latent_varies_what_it_names(which):
    low, high = np.zeros(4), np.zeros(4)
    low[which], high[which] = -1, 1
    low, high = (dice.draw(one(4, 0.2, latent))[0].astype(float) for latent in (low, high))
    lit = high - low
    if dice.LATENT[which] == "size":
        assert (high > 64).sum() > 1.2 * (low > 64).sum()
    elif dice.LATENT[which] == "shade":
        assert lit.min() >= 0 and lit.max() > 40
    else:
        halves = (lit[:, :16], lit[:, 16:]) if which == 2 else (lit[:16], lit[16:])
        assert halves[0].sum() < -1000 and halves[1].sum() > 1000


def test_the_angle_turns_the_die_and_a_quarter_turn_brings_1_4_5_back():
    angles = np.array([0.1, 0.5, 0.1 + np.pi / 2, 0.1 + np.pi])
    for pips in range(1, 7):
        start, turned, quarter, half = dice.draw(one(pips, angles)).astype(int)
        assert abs(start - turned).max() > 60
        assert (abs(start - quarter).max() <= 1) == (pips in (1, 4, 5))
        assert abs(start - half).max() <= 1


def test_pips_angles_and_latents_are_uniform():
    truth = dice.sample(60_000, np.random.default_rng(8))
    assert stats.chisquare(np.bincount(truth.pips, minlength=7)[1:]).pvalue > 0.001
    assert stats.kstest(truth.angle / (2 * np.pi), "uniform").pvalue > 0.001
    for column in truth.latent.T:
        assert stats.kstest((column + 1) / 2, "uniform").pvalue > 0.001


def test_model_inputs_stay_in_int8_and_name_the_die():
    pips, turn = (a.ravel() for a in np.meshgrid(np.arange(1, 7), np.arange(256)))
    for extreme in (-127, 0, 127):
        latent = np.full((len(pips), 4), extreme)
        given = dice.inputs(pips, turn, latent)
        assert given.dtype == np.int8 and given.shape == (len(pips), 11)
        assert given.min() >= -127  # -128 would have no negative; the format does not use it
        assert (given[:, :6].argmax(1) + 1 == pips).all() and set(given[:, :6].ravel()) == {0, 127}
        # The axis, as real numbers say it: the angle's cosine and sine over the size.
        size = dice.HALF_SIDE / (dice.HALF_SIDE + dice.HALF_SIDE_SPREAD * extreme / 127)
        angle = turn * (2 * np.pi / 256)
        axis = dice.AXIS * size * np.column_stack([np.cos(angle), np.sin(angle)])
        assert abs(given[:, 6:8] - axis).max() < 1
        assert (given[:, 8:] == extreme).all()


def test_integers_and_reals_ask_for_the_same_dice():
    pips, turn = np.array([3, 5]), np.array([64, 200])
    truth = dice.from_integers(pips, turn, np.array([[127, -127, 0, 64], [0, 0, 0, 0]]))
    assert truth.pips.tolist() == [3, 5] and truth.angle[0] == pytest.approx(np.pi / 2)
    assert abs(truth.latent).max() == 1
