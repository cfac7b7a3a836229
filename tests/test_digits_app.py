"""The device that reads digits, as a person and a program meet it: the simulator, and the images
that are flashed, on their virtual chips."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import built
from PIL import Image, ImageDraw
from test_shell import PROMPT, answer, seen, type_in
from test_sim import read_photo

from whim import decoder, digits, digits_app, digits_photo, self_test
from whim.board import Board
from whim.device import Device, DeviceError, lines
from whim.display import Display
from whim.serial_line import Bridge

ROOT = Path(__file__).resolve().parents[1]
TOOL = [sys.executable, str(ROOT / "host/digits.py")]
MNIST = ROOT.parent / "shared/data/mnist"
WHOLE = ["digits", "digits_v003", "digits_v002"]  # with a shell, and pictures of their own
TINY = ["digits_v003_large", "digits_v003_dense", "digits_v002_large"]

GLYPHS = """
..######.. ....##.... ..######.. ..######.. ......##..
.########. ...###.... .########. .########. .....###..
###....### ..####.... ###....### ###....### ....####..
##......## ..####.... ##......## ##......## ...#####..
##......## ....##.... ........## ........## ..###.##..
##......## ....##.... .......### .......### .###..##..
##......## ....##.... ....#####. ....####.. ##....##..
##......## ....##.... ...#####.. ....####.. ##....##..
##......## ....##.... ..###..... .......### ##########
##......## ....##.... .###...... ........## ##########
##......## ....##.... ##........ ##......## ......##..
###....### ....##.... ##........ ###....### ......##..
.########. ..######.. ########## .########. ......##..
..######.. ..######.. ########## ..######.. ......##..

########## ..######.. ########## ..######.. ..######..
########## .########. ########## .########. .########.
##........ ###....### ........## ###....### ###....###
##........ ##......## ........## ##......## ##......##
########.. ##........ ......###. ##......## ##......##
#########. ###....... .....###.. ###....### ###....###
.......### ########.. ....###... ..######.. .#########
........## #########. ...###.... ..######.. ..########
........## ###....### ..###..... ###....### .......###
........## ##......## ..##...... ##......## ........##
##......## ##......## ..##...... ##......## ##......##
###....### ###....### ..##...... ###....### ###....###
.########. .########. ..##...... .########. .########.
..######.. ..######.. ..##...... ..######.. ..######..
"""
BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])


def expected_screen(picture: np.ndarray, said: digits_app.Answer) -> np.ndarray:
    """What docs/SHELL.md promises: bool (64, 128)."""
    level = np.kron(picture.astype(int), np.ones((4, 4), int))
    lit = level + (level >= 8) > np.tile(BAYER, (16, 16))
    rows = GLYPHS.split("\n\n")[said.digit // 5].split("\n")
    rows = [row.split()[said.digit % 5] for row in rows if row]
    glyph = np.array([[pixel == "#" for pixel in row] for row in rows])
    right = np.zeros((64, 64), bool)
    right[:56, 12:52] = np.kron(glyph, np.ones((4, 4), bool))
    right[58:63, : said.margin // 2] = True
    return np.hstack([lit, right])


def net(environment: str) -> decoder.Model:
    return decoder.load(ROOT / f"data/digits-{digits_app.environment(environment)[1]}.whim")


def by_numpy(model, pictures: np.ndarray) -> np.ndarray:
    return decoder.decode(model, pictures.reshape(-1, 256)).reshape(-1, 10).astype(int)


def some_pictures(count: int) -> np.ndarray:
    """MNIST's test pictures where they are, else the built-in ones, moved and with noise; and a few
    of no digit at all."""
    rng = np.random.default_rng(18)
    strange = [np.zeros((16, 16)), np.full((16, 16), 15), *rng.integers(0, 16, (3, 16, 16))]
    if (MNIST / "t10k-images-idx3-ubyte.gz").exists():
        usual = digits.picture(digits.load(MNIST, digits.TEST)[0][:count])
    else:
        own = digits_app.built_in().astype(int)
        usual = [
            np.roll(own[i % 10], rng.integers(-2, 3, 2), (0, 1)) + rng.integers(-2, 3, (16, 16))
            for i in range(count)
        ]
    mixed = [*strange, *usual][:count]
    return np.clip(mixed, 0, 15).astype(np.int8)


def switched_on(environment: str, **options):
    built(environment, "program" if environment == "digits" else "firmware.elf")
    if environment == "digits":
        return Device(program=built("digits_sanitize"), **options)
    return Board(environment, **options)


def settle(device, ms: float = 2000) -> str:
    """Wait until it has a prompt, and for what it draws; what it has said by now."""
    assert device.run_until(lambda: device.console.endswith("\n" + PROMPT), ms)
    device.run(ms=50)
    return device.console


def ask(device, command: str) -> digits_app.Answer:
    device.type(command + "\r")
    device.run(ms=20)
    return digits_app.answer(settle(device).rsplit(PROMPT, 2)[1])


def press(device) -> digits_app.Answer:
    start = len(device.console)
    device.press()
    device.run(ms=200)
    return digits_app.answer(settle(device)[start:])


@pytest.fixture(params=WHOLE)
def device(request, emulator):
    with switched_on(request.param) as device:
        device.environment = request.param
        device.run(ms=5)
        settle(device)
        yield device


@pytest.fixture
def simulated():
    with switched_on("digits") as device:
        device.run(ms=500)
        yield device


def test_at_first_it_reads_the_first_built_in_picture(device):
    said = digits_app.answer(device.console)
    picture = digits_app.built_in()[0]
    assert said.logits == by_numpy(net(device.environment), picture)[0].tolist()
    assert (device.screen() == expected_screen(picture, said)).all()


def test_a_press_reads_the_next_of_ten_pictures(device):
    pictures = digits_app.built_in()
    wanted = by_numpy(net(device.environment), pictures)
    for number in [*range(1, 10), 0, 1]:
        said = press(device)
        assert said.logits == wanted[number].tolist(), number
        assert (device.screen() == expected_screen(pictures[number], said)).all(), number


def test_the_built_in_pictures_are_read_right(device):
    pictures = digits_app.built_in()
    assert by_numpy(net(device.environment), pictures).argmax(1).tolist() == list(range(10))


@pytest.mark.parametrize("environment", [*WHOLE, *TINY])
def test_its_logits_are_numpys(environment, emulator):
    pictures = some_pictures(100 if environment == "digits" else 25)
    wanted = by_numpy(net(environment), pictures)
    with switched_on(environment) as device:
        line = digits_app.Line(device)
        for picture, logits in zip(pictures, wanted):
            said = line.read(picture)
            assert said.logits == logits.tolist()
            first, second = sorted(logits)[:-3:-1]
            assert (said.digit, said.margin) == (logits.argmax(), first - second)
            assert (said.cycles > 0) == (environment != "digits")
        device.run(ms=100)
        shown = "WHIM_DIGITS_DISPLAY=0" not in digits_app.setting(environment, "build_flags")
        assert (device.screen() == shown * expected_screen(picture, said)).all()


def test_the_program_for_this_pc_classifies_many(simulated):
    for name in digits_app.NETS:
        path = ROOT / f"data/digits-{name}.whim"
        pictures = some_pictures(100)
        run = subprocess.run(
            [built("digits_sanitize"), "classify", "--model", path],
            input=pictures.tobytes(), capture_output=True, check=True,
        )  # fmt: skip
        made = np.frombuffer(run.stdout, np.int8).reshape(-1, 10)
        assert (made == by_numpy(decoder.load(path), pictures)).all(), name


@pytest.mark.parametrize("environment", [*WHOLE, *TINY])
def test_a_wrong_line_is_told_and_the_next_one_is_read(environment, emulator):
    """With lines at full speed, so that nothing of them may be lost."""
    picture = digits_app.built_in()[4]
    good = digits_app.typed(picture)
    cases = [
        (good[:-2] + b"\r", "image: needs 256 hex digits, and got 255"),
        (good[:-1] + b"0\r", "image: needs 256 hex digits, and got 257"),
        (good[:-1] + 300 * b"7" + b"\r", "image: needs 256 hex digits, and got 556"),
        (good[:30] + b"x" + good[31:], "image: no hex digit at place 25"),
        (good[:-2] + b"g\r", "image: no hex digit at place 256"),
        (good[:40] + b"\x03", "image: needs 256 hex digits, and got 34"),
    ]
    with switched_on(environment) as device:
        line = digits_app.Line(device)
        for typed, told in cases:
            said = line.ask(typed).split("\n")
            assert told in said and "digit value" not in "".join(said)
        said = line.read(picture)
        assert said.logits == by_numpy(net(environment), picture)[0].tolist()
        spaced = b" ".join(good[i : i + 16] for i in range(6, 262, 16))
        variants = [good.upper().replace(b"IMAGE", b"image"), good.replace(b"\r", b"\r\n")]
        variants += [b"image " + spaced + b"\r"] + [b"  " + good] * (environment in WHOLE)
        for same in variants:
            again = digits_app.answer(line.ask(same))
            assert again == said._replace(cycles=again.cycles)


def test_a_line_that_stops_is_given_up(device):
    device.type(b"image 0123")
    device.run(ms=4500)
    assert "image: " not in device.console
    device.run(ms=1500)
    assert "image: needs 256 hex digits, and got 4\n" + PROMPT in device.console
    assert ask(device, "digit 3").digit == 3


def test_short_pictures_are_refused_like_any_wrong_argument(device):
    assert answer(device, "image") == ["image: needs 256 hex digits, and got 0"]
    assert answer(device, "image 12") == ["image: needs 256 hex digits, and got 2"]
    for word in ("10", "x", "-1", "1 2"):
        assert answer(device, f"digit {word}") == ["digit: 0 to 9, or nothing for the next"]
    assert answer(device, "dig 3") == ["unknown: try help"]


def test_a_built_in_picture_is_read_by_its_number_or_as_the_next(device):
    for word, digit in (("digit 8", 8), ("digit", 9), ("digit", 0), ("digit 0", 0)):
        assert ask(device, word).digit == digit


def test_help_lists_every_command_and_so_does_the_manual(device):
    source = (ROOT / "src/app/digits/app.c").read_text()
    table = re.search(r"commands\[\] = \{\n(.*?)\};", source, re.DOTALL)[1]
    names = re.findall(r'\{"(\S+)', table)
    assert [line.split()[0] for line in answer(device, "help")] == names
    assert {"help", "image", "digit", "selftest", "model", "stats"} < set(names)
    manual = (ROOT / "docs/SHELL.md").read_text()
    manual = manual[manual.index("## Handwritten digits") :]
    assert all(f"`{name}" in manual for name in names if not name.startswith("Ctrl"))


def test_model_and_stats_say_what_they_know(device):
    model = net(device.environment)
    (said,) = lines("\n".join([*answer(device, "model"), ""]), "model")
    assert said["inputs"] == 256 and said["layers"] == len(model.layers)
    assert said["macs"] == model.macs
    (stats,) = lines("\n".join([*answer(device, "stats"), ""]), "stats")
    assert (stats["classified"], stats["i2c_errors"]) == (1, 0)
    assert stats["arena_bytes"] == said["arena_bytes"] and 0 < stats["state_bytes"] <= 256


def test_the_button_works_while_somebody_types(device):
    device.type("sta")
    device.run(ms=50)
    device.press()
    typed = "\n" + PROMPT + "sta"
    assert device.run_until(lambda: device.console.count(typed) == 2, 2000)
    assert type_in(device, "ts\r")[1].startswith("stats ")


def test_verify_compares_its_layers_with_the_decoder(device):
    path = ROOT / f"data/digits-{digits_app.environment(device.environment)[1]}.whim"
    crcs = self_test.expected(decoder.load(path))
    with Bridge(device) as bridge:
        words = [sys.executable, ROOT / "host/verify.py", "--port", bridge.name, "--json", path]
        run = subprocess.run(words, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    said = json.loads(run.stdout)
    assert [layer["device"] for layer in said["layers"]] == crcs and said["differ"] == 0


def test_without_a_display_it_answers_and_finds_one_plugged_in_later(emulator):
    for environment in ("digits", "digits_v003"):
        with switched_on(environment, display=False) as device:
            device.run(ms=5)
            assert digits_app.answer(settle(device)).digit == 0
            assert "error: i2c, while drawing the digit" in device.console
            device.display = Display()
            said = ask(device, "digit 6")
            assert (device.screen() == expected_screen(digits_app.built_in()[6], said)).all()


def test_a_fault_at_any_i2c_write_is_named_and_healed(simulated):
    start = simulated.transactions
    press(simulated)
    healthy = simulated.transactions - start
    for bad in range(healthy):
        broken = simulated.transactions + bad
        simulated.i2c_fault = lambda number, *write: number == broken  # noqa: B023
        before = simulated.console.count("error: i2c, while drawing the digit")
        press(simulated)
        assert simulated.console.count("error: i2c, while drawing the digit") == before + 1, bad
    said = ask(simulated, "digit 2")
    assert (simulated.screen() == expected_screen(digits_app.built_in()[2], said)).all()


def test_a_model_of_something_else_is_named(tmp_path):
    damaged = bytearray((ROOT / "data/digits-small.whim").read_bytes())
    damaged[-5] ^= 1
    (tmp_path / "damaged.whim").write_bytes(damaged)
    cases = {ROOT / "data/die.whim": "model shape", tmp_path / "damaged.whim": "model crc"}
    for path, name in cases.items():
        with switched_on("digits", model=path) as device:
            for count in (1, 2):
                device.run(ms=500)
                told = re.findall("^error: .*", device.console, re.MULTILINE)
                assert told == [f"error: {name}, while opening the model"] * count
                device.press()
            device.run(ms=500)
            assert seen(device.console)[-1] == PROMPT


def test_the_built_in_pictures_are_the_training_sets_first():
    pictures = digits_app.built_in()
    assert pictures.shape == (10, 16, 16) and pictures.min() == 0 and pictures.max() == 15
    if (MNIST / "train-images-idx3-ubyte.gz").exists():
        given, labels = digits.load(MNIST, digits.TRAIN)
        first = [int(np.argmax(labels == digit)) for digit in range(10)]
        assert (pictures == digits.picture(given[first])).all()


# python host/digits.py


def tool(*words) -> subprocess.CompletedProcess:
    return subprocess.run([*TOOL, *map(str, words)], capture_output=True, text=True)


@pytest.mark.parametrize("environment", ["digits", "digits_v003"])
def test_classify_says_what_it_read_in_a_line_of_json(environment, emulator, tmp_path):
    screen = tmp_path / "screen.png"
    run = tool("classify", "--image", 7, "--board", environment, "--png", screen)
    assert (run.returncode, run.stderr, run.stdout.count("\n")) == (0, "", 1)
    said = json.loads(run.stdout)
    logits = by_numpy(net(environment), digits_app.built_in()[7])[0].tolist()
    assert (said["digit"], said["logits"], said["net"]) == (7, logits, "small")
    if environment != "digits":
        assert said["cycle_model"] == "qingke-v2a-2"
        assert said["ms"] == pytest.approx(said["cycles"] / 48_000, abs=0.01)
    shown = digits_app.Answer(7, said["margin"], 0, [])
    assert (read_photo(screen) == expected_screen(digits_app.built_in()[7], shown)).all()


def drawing(dark: int, light: int, shadow: int = 0, size: tuple = (640, 480)) -> Image.Image:
    """A seven, drawn with a thick pen, small and in a corner."""
    picture = Image.new("L", size, light)
    pen = ImageDraw.Draw(picture)
    pen.line([(60, 80), (170, 80), (100, 260)], fill=dark, width=18, joint="curve")
    slope = np.linspace(0, shadow, size[0])[None] * np.ones((size[1], 1))
    return Image.fromarray(np.clip(np.asarray(picture) - slope, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("colours", [(30, 250), (240, 20), (90, 200, 60), (10, 140)])
def test_a_drawing_is_read_whatever_its_colours_size_and_place(colours, tmp_path):
    reference = digits_photo.read(_saved(drawing(0, 255), tmp_path / "reference.png"))
    made = digits_photo.read(_saved(drawing(*colours), tmp_path / "drawing.png"))
    assert np.abs(made.astype(int) - reference).mean() < 0.6
    run = tool("classify", tmp_path / "drawing.png")
    assert json.loads(run.stdout)["digit"] == 7


def _saved(picture: Image.Image, path: Path) -> Path:
    picture.save(path)
    return path


def test_a_picture_is_centred_as_mnists_are(tmp_path):
    picture = digits_photo.centred(255 - np.asarray(drawing(0, 255)).astype(float))
    rows, columns = (np.flatnonzero((picture > 60).any(axis)) for axis in (1, 0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(20, abs=1)
    places = (np.arange(28) + 0.5) * picture.astype(float).sum(1) / picture.sum()
    assert 14 <= places.sum() <= 15


def test_pictures_of_the_nets_own_size_are_taken_as_they_are(tmp_path):
    own = digits_app.built_in()[5]
    path = _saved(Image.fromarray((own * 17).astype(np.uint8)), tmp_path / "own.png")
    assert (digits_photo.read(path) == own).all()
    rng = np.random.default_rng(4)
    mnist = rng.integers(0, 256, (28, 28)).astype(np.uint8)
    path = _saved(Image.fromarray(mnist), tmp_path / "mnist.png")
    assert (digits_photo.read(path) == digits.picture(mnist)).all()


def test_what_is_no_picture_of_a_digit_is_told(tmp_path):
    blank = _saved(Image.new("L", (300, 200), 180), tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("no picture")
    for path, words in (
        (blank, "nothing on it"),
        (tmp_path / "text.png", "no picture"),
        (tmp_path / "none.png", "No such file"),
    ):
        run = tool("classify", path)
        assert run.returncode == 1 and not run.stdout
        assert run.stderr.startswith("digits.py: ") and words in run.stderr


def small_mnist(folder: Path, count: int) -> Path:
    """A test set in MNIST's format, of the built-in pictures, made larger."""
    own = digits_app.built_in()
    pictures = np.zeros((count, 28, 28), np.uint8)
    for i in range(count):
        large = Image.fromarray((own[i % 10] * 17).astype(np.uint8)).resize((24, 24))
        pictures[i, 2:26, 2:26] = np.asarray(large)
    head = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in pictures.shape)
    (folder / "t10k-images-idx3-ubyte").write_bytes(head + pictures.tobytes())
    labels = bytes(i % 10 for i in range(count))
    head = bytes([0, 0, 8, 1]) + count.to_bytes(4, "big")
    (folder / "t10k-labels-idx1-ubyte").write_bytes(head + labels)
    return folder


def test_accuracy_counts_what_is_right_and_what_differs(emulator, tmp_path):
    built("digits_v003", "firmware.elf")
    run = tool("accuracy", "--data", small_mnist(tmp_path, 30), "--board", "digits_v003")
    assert (run.returncode, run.stderr) == (0, "")
    said = json.loads(run.stdout)
    assert (said["pictures"], said["net"]) == (30, "small")
    ways = said["decoders"]
    assert list(ways) == ["numpy", "c engine", "digits_v003"]
    assert {way["logits_differ"] for way in ways.values()} == {0}
    assert len({way["crc32"] for way in ways.values()}) == 1
    assert ways["numpy"]["accuracy"] > 80
    assert 1 < ways["digits_v003"]["ms_mean"] <= ways["digits_v003"]["ms_most"] < 20


def test_accuracy_asks_a_board_at_a_serial_port(simulated, tmp_path):
    with Bridge(simulated) as bridge:
        run = tool("accuracy", "--data", small_mnist(tmp_path, 10), "--port", bridge.name)
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)["decoders"][bridge.name]["logits_differ"] == 0


def test_what_is_missing_is_said_in_a_sentence(tmp_path):
    run = tool("accuracy", "--data", tmp_path)
    assert run.returncode == 1 and "t10k-images-idx3-ubyte is missing" in run.stderr
    run = tool("classify", "--image", 1, "--board", "ch32v003")
    assert run.returncode == 1 and "digits_v003" in run.stderr
    with pytest.raises(DeviceError, match="no environment"):
        digits_app.environment("nonsense")
