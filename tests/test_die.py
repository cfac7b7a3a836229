"""The shipped die is as good as the README says, by the reader that never took part in training."""

import os

import numpy as np
import pytest

from whim import evaluation, packing


@pytest.fixture(scope="module")
def figures() -> dict:
    return evaluation.die(packing.DATA / "die.whim", count=10_000)


def test_its_pictures_are_near_the_true_ones(figures):
    assert figures["mse"] <= 0.0050


def test_its_pips_are_read_right_in_grey_and_on_the_display(figures):
    assert figures["read_grey"] >= 0.995
    assert figures["read_display"] >= 0.99


def test_a_killed_training_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    if not os.environ.get("WHIM_REQUIRE_TORCH"):
        pytest.importorskip("torch", reason="PyTorch is not installed: make train-setup")
    from whim import die_training, integers

    monkeypatch.setattr(die_training, "TRAINING_DICE", 256)
    monkeypatch.setattr(die_training, "CHECKPOINT_STEPS", 20)
    monkeypatch.setattr(die_training, "FIX_STEPS", 5)

    def train(name):
        die_training.train(tmp_path / f"{name}.npz", tmp_path / name, (6, 4), steps=60, seed=3)
        return integers.load(tmp_path / f"{name}.npz")

    whole = train("whole")

    save = die_training.Checkpoint.save

    def save_and_die(checkpoint, step):
        save(checkpoint, step)
        if step == 40:
            raise KeyboardInterrupt

    with monkeypatch.context() as power:
        power.setattr(die_training.Checkpoint, "save", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            train("killed")
    resumed = train("killed")
    for one, other in zip(whole.layers, resumed.layers):
        for name in integers.ARRAYS:
            assert np.array_equal(getattr(one, name), getattr(other, name)), (one.op, name)
