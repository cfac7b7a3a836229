"""The digits' pictures, and the training of nets so small that it takes seconds; needs PyTorch."""

import gzip
import itertools
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from whim import decoder, digits, digits_pictures, digits_teacher, digits_training  # noqa: E402
from whim import digits_net, digits_sweep, encodings, integers, model, packing  # noqa: E402
from whim.digits_net import DigitNet, rounded, stages  # noqa: E402

RNG = np.random.default_rng(8)
TINY = "conv4-same-pool-ternary conv6-same-pool-int2-high90 conv5-int4 dense8-power dense10-int2"
PLAN = digits_training.Plan("dense20-ternary dense15-power dense10-int2", 80, 32, variants=1)
CONV_PLAN = digits_training.Plan(TINY, 12, batch=16)
ENCODINGS = ("ternary", "int2", "int4", "power")


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """One thread; rates are high, and averages of batches true, within a few steps."""
    torch.set_num_threads(1)
    monkeypatch.setattr(digits_net, "MOMENTUM", 0.1)
    monkeypatch.setattr(digits_training, "WARM_UP_STEPS", 5)
    monkeypatch.setattr(digits_training, "RATE", 0.05)


def lesson(count=300):
    """Ten patterns and noise, told apart easily, with answers that a good teacher would give."""
    labels = np.arange(count) % 10
    patterns = RNG.integers(0, 16, (10, 16, 16))
    noise = RNG.integers(-5, 6, (2, count, 16, 16))
    pictures = (patterns[labels] + noise).clip(0, 15).astype(np.uint8)
    answers = np.repeat(8 * np.eye(10)[labels][None], 2, 0).astype(np.float16)
    return digits_training.Lesson(pictures, answers, labels.astype(np.uint8))


LESSON = lesson()


def write_idx(path, array, pack=gzip.compress):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(pack(header + array.tobytes()))


def write_mnist(folder, count=60):
    for name in (digits.TRAIN, digits.TEST):
        pictures = RNG.integers(0, 256, (count, 28, 28), np.uint8)
        write_idx(folder / f"{name}-images-idx3-ubyte.gz", pictures)
        write_idx(
            folder / f"{name}-labels-idx1-ubyte", np.arange(count, dtype=np.uint8) % 10, bytes
        )
    return folder


def test_idx_files_are_read_packed_and_not(tmp_path):
    write_mnist(tmp_path)
    pictures, labels = digits.load(tmp_path, digits.TRAIN)
    assert pictures.shape == (60, 28, 28) and labels.tolist() == [n % 10 for n in range(60)]


def test_who_has_no_mnist_is_told_where_it_is(tmp_path):
    with pytest.raises(ValueError, match=r"(?s)train-images-idx3-ubyte is missing.*https://"):
        digits.load(tmp_path, digits.TRAIN)


@pytest.mark.parametrize(("keep", "message"), [(-1, "cut short"), (7, "not an idx file")])
def test_a_broken_idx_file_is_refused(tmp_path, keep, message):
    write_mnist(tmp_path)
    path = tmp_path / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=message):
        digits.load(tmp_path, digits.TEST)


def test_a_picture_of_one_grey_keeps_it():
    for grey in (0, 17, 136, 255):
        assert np.all(digits.picture(np.full((28, 28), grey, np.uint8)) == grey // 17)


def test_a_picture_is_the_mean_of_the_points_that_the_teacher_sees():
    pictures = RNG.integers(0, 256, (20, 28, 28), np.uint8)
    points = digits_pictures.points(pictures).reshape(20, 16, 2, 16, 2).mean((2, 4)).numpy()
    assert np.abs(digits.picture(pictures) - points / 17).max() <= 0.5 + 1e-4


def test_held_out_pictures_are_not_trained_on():
    kept, held_out = digits.split(60_000)
    assert len(held_out) == 6000
    assert sorted([*kept, *held_out]) == list(range(60_000))


def test_bent_pictures_repeat_with_their_seed_and_are_bent():
    places = [
        digits_pictures.bent(4, 1.0, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    ]
    assert torch.equal(places[0], places[1]) and not torch.equal(places[0], places[2])
    assert 0.02 < (places[0] - digits_pictures.grid(4)).abs().mean() < 0.5


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_rounding_gives_just_what_the_encoding_holds(encoding):
    wanted = rounded(torch.linspace(-200, 200, 40_001)[:, None], encoding).long().numpy()
    kind = encodings.Encoding[encoding.upper()]
    packed = encodings.encode_weights(wanted, kind)
    assert np.array_equal(encodings.decode_weights(packed, *wanted.shape, kind), wanted)
    values = {"ternary": 3, "int2": 4, "int4": 15, "power": 15}
    assert len(np.unique(wanted)) == values[encoding]
    again = rounded(torch.from_numpy(wanted).float(), encoding)
    assert np.array_equal(again.numpy(), wanted), "a weight of the encoding stays what it is"


def test_words_that_say_no_net_are_refused():
    for words in (
        "",
        "conv4-ternary",
        "dense10-ternary conv4-ternary",
        "dense9-int4",
        "dense10-int5",
    ):
        with pytest.raises(ValueError):
            stages(words)
    with pytest.raises(ValueError, match="pooled"):
        DigitNet("conv4-same-pool-ternary conv4-pool-ternary conv4-pool-ternary dense10-ternary")


def test_training_teaches(tmp_path):
    seen = LESSON.pictures[0].astype(np.int8), LESSON.labels
    net = digits_training.train(PLAN, LESSON, 1, tmp_path / "run.pt", seen)
    assert net.wrong(*seen) < 30 and DigitNet(PLAN.words).eval().wrong(*seen) > 200
    assert "step 80 of 80: loss" in (tmp_path / "run.log").read_text()


@pytest.mark.parametrize("plan", [PLAN, CONV_PLAN])
def test_the_integers_are_what_the_decoder_says_and_what_was_trained(tmp_path, plan):
    net = digits_training.train(plan, LESSON, 1, tmp_path / "run.pt")
    integers.save(net.export(), tmp_path / "net.npz")
    exported = integers.load(tmp_path / "net.npz")
    assert all(model.is_narrow(*step) and not model.problem(*step) for step in exported.steps())
    pictures = LESSON.pictures[0, :50]
    said = decoder.decode(exported, pictures.reshape(50, -1).astype(np.int8)).reshape(50, 10)
    x = torch.from_numpy(pictures).float()[:, None]
    assert np.array_equal(said, net.run(x).numpy())
    assert len(np.unique(said)) > 20, "the logits are not all at an end"
    with torch.no_grad():
        trained = (net(x) * 8).numpy()
    assert np.abs(said - trained).mean() < 2, "in steps of a logit, of which 8 are 1"


def test_all_weights_are_fixed_at_the_end_and_stay():
    run = digits_training.Run(PLAN, LESSON, 1)
    net = run.net
    shares = [digits_training.fixed_share(step / 100) for step in range(101)]
    assert shares[:40] == [0] * 40 and shares[95:] == [1] * 6
    assert all(a <= b for a, b in itertools.pairwise(shares))
    for share in (0.5, 0.8):
        net.fix(share)
        before = [(layer.fixed.clone(), layer.integers().clone()) for layer in net.layers]
        for step in range(1, 4):  # at rates at which weights do move
            run.step(step + 20)
        for layer, (fixed, whole) in zip(net.layers, before):
            assert abs(fixed.float().mean() - share) < 0.05
            assert torch.equal(layer.integers()[fixed], whole[fixed])
    assert any(not torch.equal(a.integers(), w) for a, (_, w) in zip(net.layers, before))


def test_a_run_that_ends_calmly_sees_more_plain_pictures_and_measures_its_norms_by_them(tmp_path):
    seen = []

    class Watched(digits_training.Lesson):
        def batch(self, count, plain):
            seen.append(plain)
            return super().batch(count, plain)

    lesson = Watched(*LESSON)
    plan = CONV_PLAN._replace(calm=0.25)
    net = digits_training.train(plan, lesson, 1, tmp_path / "run.pt")
    assert seen == [digits_training.PLAIN] * 9 + [digits_training.CALM_PLAIN] * 3
    x = torch.from_numpy(lesson.pictures[0]).float()[:, None]
    for layer in net.layers[:-1]:
        sums = layer.sums(x, layer.integers())
        mean = sums.mean((0, 2, 3)) if sums.dim() == 4 else sums.mean(0)
        assert torch.allclose(layer.mean, mean, atol=1e-3)
        x = layer.run(x)
    model, pictures = net.export(), lesson.pictures[0].astype(np.int8)
    said = decoder.decode(model, pictures.reshape(len(pictures), -1)).reshape(len(pictures), -1)
    wrong = int((said.argmax(1) != lesson.labels).sum())
    assert wrong == net.wrong(pictures, lesson.labels), "the integers are those of the new norms"


def test_a_killed_run_goes_on_bit_for_bit(tmp_path, monkeypatch):
    monkeypatch.setattr(digits_training, "CHECKPOINT_STEPS", 30)
    whole = digits_training.train(PLAN, LESSON, 3, tmp_path / "whole.pt").state_dict()

    class Killed(Exception):
        pass

    class Mortal(digits_training.Run):
        def step(self, step):
            if step == 47:
                raise Killed
            return super().step(step)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(digits_training, "Run", Mortal)
        digits_training.train(PLAN, LESSON, 3, tmp_path / "killed.pt")
    torch.manual_seed(99)
    again = digits_training.train(PLAN, LESSON, 3, tmp_path / "killed.pt").state_dict()
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_only_the_judge_opens_the_test_set(tmp_path, monkeypatch):
    data = write_mnist(tmp_path)
    opened = []
    load = digits.load
    monkeypatch.setattr(
        digits, "load", lambda folder, name: opened.append(name) or load(folder, name)
    )
    monkeypatch.setattr(digits_training, "DATA", tmp_path)
    monkeypatch.setattr(digits_training, "RESULTS", tmp_path / "digits.json")
    teacher = digits_teacher.network((4, 4, 4))
    monkeypatch.setattr(digits_teacher, "train", lambda *_: teacher)
    plan = PLAN._replace(steps=2)
    whole = plan, "tiny", data, tmp_path / "runs"
    shares = digits_training.validate(*whole, [0])
    nets = digits_training.train_all(*whole, range(3))
    assert 0 <= shares[0] <= 1 and set(opened) == {digits.TRAIN}
    row = digits_training.judge("tiny", plan, nets, data)
    assert opened[-1] == digits.TEST and opened.count(digits.TEST) == 1
    assert row["wrong"][str(row["median"])] == sorted(row["wrong"].values())[1]
    kept = integers.load(tmp_path / "digits-tiny.npz")
    median = nets[row["median"]].export()
    assert all(np.array_equal(a.weights, b.weights) for a, b in zip(kept.layers, median.layers))


def test_a_teacher_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(digits_teacher, "WIDTHS", (4, 4, 4))
    monkeypatch.setattr(digits_teacher, "BATCH", 16)
    network = digits_teacher.network
    monkeypatch.setattr(digits_teacher, "network", lambda: network((4, 4, 4)))
    pictures, labels = digits.load(write_mnist(tmp_path), digits.TRAIN)
    sets = pictures, labels, pictures, labels
    whole = digits_teacher.train(*sets, tmp_path / "whole.pt", 1, epochs=2)
    digits_teacher.train(*sets, tmp_path / "parts.pt", 1, epochs=2, until=1)
    again = digits_teacher.train(*sets, tmp_path / "parts.pt", 1, epochs=2)
    states = whole.state_dict(), again.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("net", digits_sweep.NETS, ids=lambda net: net.words)
def test_the_nets_of_the_sweep_are_nets_of_their_encoding(net):
    exported = DigitNet(net.words).export()
    assert all(model.is_narrow(*step) and not model.problem(*step) for step in exported.steps())
    assert {layer.encoding.name.lower() for layer in exported.layers} == {net.encoding}
    assert 900 < digits_sweep.size(exported) < len(packing.pack(packing.laid_out(exported)))


def test_a_sweep_goes_on_where_it_was_and_is_written_down(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    data, nets = write_mnist(tmp_path), digits_sweep.NETS[3:6]
    monkeypatch.setattr(digits_teacher, "train", lambda *_: digits_teacher.network((4, 4, 4)))
    for name, value in dict(ROWS="sweep.json", PICTURE="sweep.png", PAGE="page.md").items():
        monkeypatch.setattr(digits_sweep, name, tmp_path / value)
    monkeypatch.setattr(digits_sweep, "STEPS", 1)
    digits_sweep.PAGE.write_text(f"before\n{digits_sweep.BEGIN}old\n{digits_sweep.END}\nafter\n")
    for count in (1, 3, 3):
        monkeypatch.setattr(digits_sweep, "NETS", nets[:count])
        digits_sweep.run(data, tmp_path / "runs")
    rows = digits_sweep.load()
    assert [row["words"] for row in rows] == [net.words for net in nets]
    table = digits_sweep.render()
    page = digits_sweep.PAGE.read_text()
    assert table in page and "old" not in page
    assert page.startswith("before") and page.endswith("after\n")
    assert digits_sweep.PICTURE.stat().st_size > 1000


@pytest.mark.parametrize("name", digits_training.NETS)
def test_the_kept_nets_are_the_median_of_the_seeds(name):
    rows = json.loads(digits_training.RESULTS.read_text())
    row, plan = rows[name], digits_training.NETS[name]
    assert (row["words"], row["steps"], row["batch"]) == (plan.words, plan.steps, plan.batch)
    counts = sorted(row["wrong"].values())
    assert len(counts) >= 3 and row["wrong"][str(row["median"])] == counts[len(counts) // 2]
    kept = integers.load(digits_training.DATA / f"digits-{name}.npz")
    assert [layer.channels for layer in kept.layers] == [s.channels for s in stages(plan.words)]
