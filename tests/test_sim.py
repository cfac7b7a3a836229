"""The simulator's tools: what they write, and that they leave nothing behind."""

import codecs
import fcntl
import json
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from small_cats import packed, small_cat
from whim import cats, entropy, kept, oled, terminal
from whim import device as device_module
from whim.decoder import decode, load
from whim.device import Device, DeviceError
from whim.dither import dither
from whim.encodings import Encoding

SIM = [sys.executable, str(Path(__file__).resolve().parents[1] / "host/sim.py")]


def sim(*words, **options) -> subprocess.CompletedProcess:
    words = [*SIM, *map(str, words)]
    pipes = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
    return subprocess.run(words, **pipes, **options)


def rolled(seed: int) -> np.ndarray:
    with Device(seed) as device:
        device.run(ms=1000)
        device.roll()
        device.run(ms=100)
        return device.screen()


def read_photo(path: Path, scale: int = 6) -> np.ndarray:
    """The display's pixels, from the middle of each of the picture's cells."""
    picture = np.asarray(Image.open(path).convert("L")).astype(int)
    edge = 5 * scale + scale // 2
    return picture[edge::scale, edge::scale][:64, :128] > 150


def test_a_roll_is_one_line_of_json_and_a_picture(simulator, tmp_path):
    run = sim("roll", "--seed", 7, "--png", tmp_path / "roll.png")
    assert (run.returncode, run.stderr, run.stdout.count("\n")) == (0, "", 1)
    answer = json.loads(run.stdout)
    expected = entropy.roll(entropy.keystream(7))
    assert (answer["pips"], answer["turn"], tuple(answer["latent"])) == expected
    assert (answer["seed"], answer["entropy"]) == (7, "seed")
    assert 0 < answer["arena_bytes"] <= 1200 and 0 < answer["macs"] <= 250_000
    assert (read_photo(tmp_path / "roll.png") == rolled(7)).all()


def test_the_same_seed_writes_the_same_files(simulator, tmp_path):
    for name in "ab":
        files = (f"--{kind}={tmp_path}/{name}.{kind}" for kind in ("png", "gif"))
        sim("roll", "--seed", 9, *files, f"--grey={tmp_path}/{name}.npz", "--count", 5, check=True)
    for kind in ("png", "gif", "npz"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_without_a_seed_the_system_rolls(simulator):
    answer = json.loads(sim("roll").stdout)
    assert answer["seed"] is None and answer["entropy"] == "system"


def test_grey_pictures_are_those_that_the_seed_rolls(simulator, tmp_path):
    path = tmp_path / "dice.npz"
    sim("roll", "--seed", 3, "--grey", path, "--count", 40, check=True)
    with np.load(path) as file:
        x, y = file["x"], file["y"]
    assert x.shape == (40, 32, 32) and x.dtype == np.uint8
    stream = entropy.keystream(3)
    assert y.tolist() == [entropy.roll(stream).pips for _ in range(40)]
    assert len({picture.tobytes() for picture in x}) == 40


def test_a_gif_shows_the_whole_throw(simulator, tmp_path):
    sim("roll", "--seed", 7, "--gif", tmp_path / "roll.gif", check=True)
    with Image.open(tmp_path / "roll.gif") as gif:
        assert 12 <= gif.n_frames <= 24
        durations = []
        for frame in range(gif.n_frames):
            gif.seek(frame)
            durations.append(gif.info["duration"])
    assert durations[-1] == 2000 and 50 <= np.median(durations) <= 90


CATS = {"int8": small_cat(1), "int4": small_cat(2, Encoding.INT4)}


@pytest.fixture
def card(tmp_path) -> Path:
    """A card's folder, with small models."""
    folder = tmp_path / "card"
    folder.mkdir()
    for weights, model in CATS.items():
        (folder / cats.FILES[weights]).write_bytes(packed(model))
    return folder


def drawn(weights: str, z: np.ndarray) -> np.ndarray:
    """The pictures by the NumPy decoder, uint8 (N, 64, 64, 3)."""
    return decode(CATS[weights], z).view(np.uint8) ^ 128


@pytest.mark.parametrize("weights", CATS)
def test_a_cat_is_one_line_of_json_and_a_picture(simulator, card, tmp_path, weights):
    png, screen = tmp_path / "cat.png", tmp_path / "oled.png"
    words = ["--card", card, "--weights", weights, "--png", png, "--oled", screen]
    run = sim("generate", "--seed", 7, *words)
    assert (run.returncode, run.stderr, run.stdout.count("\n")) == (0, "", 1)
    answer = json.loads(run.stdout)
    z, moods = cats.latents(7, 1)
    (picture,) = drawn(weights, z)
    model = (card / cats.FILES[weights]).read_bytes()
    assert (answer["seed"], answer["mood"], answer["weights"]) == (7, moods[0], weights)
    assert answer["crc32"] == zlib.crc32(picture.tobytes()) and answer["z"] == z[0].tolist()
    assert answer["arena_bytes"] == int.from_bytes(model[20:24], "little")
    assert (answer["card_bytes_read"], answer["card_retries"]) == (len(model), 0)
    with Image.open(png) as opened:
        assert opened.mode == "RGB" and (np.asarray(opened) == picture).all()
    assert (read_photo(screen)[:, :64] == dither(picture)).all()
    assert sorted(path.name for path in card.iterdir()) == ["cat4.whim", "cat8.whim"]


def test_a_cat_without_a_seed_is_kept_on_the_card_and_drawn_again(simulator, card, tmp_path):
    first = json.loads(sim("generate", "--card", card).stdout)
    second = json.loads(sim("generate", "--card", card).stdout)
    assert (first["seed"], first["entropy"]) == (None, "system") and first["z"] != second["z"]
    for answer, name in ((first, "00001.bmp"), (second, "00002.bmp")):
        assert answer["kept"] == str(card / "cats" / name)
        cat = kept.read(Path(answer["kept"]).read_bytes())
        assert (cat.mood, cat.z.tolist()) == (answer["mood"], answer["z"])
        words = ["--card", card, "--z", answer["kept"], "--weights", "int8"]
        again = json.loads(sim("generate", *words).stdout)
        for name in ("crc32", "mood", "z", "entropy", "weights"):
            assert again[name] == answer[name], "by the model that made it"
    assert len(list((card / "cats").iterdir())) == 2


def test_a_latent_of_ones_own_is_drawn(simulator, card, tmp_path):
    z = np.arange(-50, 50, dtype=np.int8)
    np.save(tmp_path / "z.npy", z)
    answer = json.loads(sim("generate", "--card", card, "--z", tmp_path / "z.npy").stdout)
    assert answer["crc32"] == zlib.crc32(drawn("int4", z[None]).tobytes())
    assert (answer["seed"], answer["mood"], answer["entropy"]) == (None, None, "file")


def test_the_first_cats_of_a_seed_come_as_an_array(simulator, card, tmp_path):
    path = tmp_path / "cats.npy"
    words = ["--card", card, "--npy", path, "--count", 30]
    answer = json.loads(sim("generate", "--seed", 7, *words).stdout)
    made = np.load(path)
    assert (made.dtype, made.shape) == (np.uint8, (30, 64, 64, 3))
    assert (made == drawn("int4", cats.latents(7, 30)[0])).all()
    assert answer["crc32"] == zlib.crc32(made[0].tobytes())
    answer = json.loads(sim("generate", *words).stdout)
    assert (np.load(path) == drawn("int4", cats.latents(answer["seed"], 30)[0])).all()


def test_a_sheet_shows_the_first_cats_of_sixteen_seeds(simulator, card, tmp_path):
    sim("sheet", "--card", card, "--png", tmp_path / "sheet.png", check=True)
    with Image.open(tmp_path / "sheet.png") as sheet:
        (corner,) = drawn("int4", cats.latents(0, 1)[0])
        assert sheet.size == (4 * 64 * 3, 4 * 64 * 3)
        assert (np.array(sheet)[1 : 64 * 3 : 3, 1 : 64 * 3 : 3] == corner).all()


def test_a_gif_shows_how_the_cat_is_made(simulator, card, tmp_path):
    sim("generate", "--seed", 7, "--card", card, "--gif", tmp_path / "cat.gif", check=True)
    with Image.open(tmp_path / "cat.gif") as gif:
        assert gif.n_frames > 3
        gif.seek(gif.n_frames - 1)
        assert gif.info["duration"] == 2000


def test_what_is_no_latent_is_a_sentence(simulator, card, tmp_path):
    arrays = {"float64": np.zeros(100), "100 values": np.zeros(99, np.int8),
              "pickle": np.array([{}])}  # fmt: skip
    for array in arrays.values():
        np.save(tmp_path / "z.npy", array, allow_pickle=True)
        run = sim("generate", "--card", card, "--z", tmp_path / "z.npy")
        assert run.returncode == 1 and run.stderr.count("\n") == 1 and "z.npy: " in run.stderr
    damaged = kept.Kept(arrays["100 values"][[0] * 100], None, 1, "x", np.zeros((64, 64, 3), "u1"))
    damaged = bytearray(kept.write(damaged))
    for data in (b"", b"BM", b"BMP", bytes(damaged[:600]), bytes(damaged[:70]) + bytes(12_730)):
        (tmp_path / "z.bmp").write_bytes(data)
        run = sim("generate", "--card", card, "--z", tmp_path / "z.bmp")
        assert run.returncode == 1 and run.stderr.count("\n") == 1 and "z.bmp: " in run.stderr
    (tmp_path / "z.bmp").write_bytes(damaged)
    run = sim("generate", "--card", card, "--z", tmp_path / "z.bmp")
    assert run.returncode == 1 and "other model" in run.stderr


def test_a_card_without_models_or_with_bad_ones_is_a_sentence(simulator, tmp_path, card):
    run = sim("generate", "--card", tmp_path)
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert "cat4.whim" in run.stderr and "python host/pack.py" in run.stderr
    model = bytearray((card / "cat4.whim").read_bytes())
    model[9000] ^= 1
    (card / "cat4.whim").write_bytes(model)
    run = sim("generate", "--card", card, "--seed", 7)
    assert run.returncode == 1 and "model crc, while generating by cat4.whim" in run.stderr
    for words in (["--z", "z.npy", "--seed", 7], ["--z", "z.npy", "--npy", "c.npy"],
                  ["--weights", "int2"]):  # fmt: skip
        assert sim("generate", *words).returncode == 2


def test_the_shipped_cat_is_the_decoders(simulator):
    """The whole of it, once: 410 million multiply-accumulates by the device and by NumPy."""
    cat = cats.generate(seed=7)
    assert cat.stats["arena_bytes"] <= 224 * 1024
    model = cats.model_file(cats.CARD, "int4")
    assert cat.stats["card_bytes"] == model.stat().st_size
    (picture,) = decode(load(model), cat.z[None]).view(np.uint8) ^ 128
    assert (cat.picture == picture).all()


@pytest.mark.parametrize("words", [["--seed", "-1"], ["--seed", "1e3"], ["--seed", 2**64],
                                   ["--count", "0"], ["--nonsense"]])  # fmt: skip
def test_a_wrong_call_says_so_and_ends_with_2(words):
    run = sim("roll", *words)
    assert run.returncode == 2 and "error" in run.stderr and not run.stdout


def test_the_largest_seed_is_a_seed(simulator):
    answer = json.loads(sim("roll", "--seed", 2**64 - 1).stdout)
    assert answer["pips"] == entropy.roll(entropy.keystream(2**64 - 1)).pips


def test_help_has_examples():
    assert "sim.py roll --seed 7 --png roll.png" in sim("--help").stdout


def test_if_nothing_is_built_a_sentence_says_how(tmp_path):
    for command in ("roll", "demo"):
        run = sim(command, "--program", tmp_path / "program")
        assert run.returncode == 1 and run.stderr.count("\n") == 1
        assert "make demo" in run.stderr and "pio run -e sim" in run.stderr


def test_a_picture_that_cannot_be_written_is_a_sentence(simulator, tmp_path):
    run = sim("roll", "--png", tmp_path / "missing" / "roll.png")
    assert run.returncode == 1 and run.stderr.count("\n") == 1 and "missing" in run.stderr


def test_the_demo_without_a_terminal_writes_a_picture_and_says_where(simulator, tmp_path):
    run = sim("demo", "--seed", 7, cwd=tmp_path)
    assert run.returncode == 0 and str(tmp_path / "roll.png") in run.stdout
    assert (read_photo(tmp_path / "roll.png") == rolled(7)).all()


def test_a_device_that_dies_or_hangs_or_babbles_is_an_error(simulator, tmp_path, monkeypatch):
    def program(text: str) -> Path:
        path = tmp_path / "program"
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path

    monkeypatch.setattr(device_module, "SILENCE", 0.5)
    cases = {
        "echo broken >&2; exit 3": "exit status 3: broken",
        "exec sleep 60": "silent",
        "echo hello; exec cat": "begins no record",
        "kill -SEGV $$": "exit status -11",
    }
    for text, words in cases.items():
        with Device(program=program(text)) as device:
            with pytest.raises(DeviceError, match=words):
                device.run(ms=100)
    with Device(seed=7) as device:
        device.run(ms=100)
        device._process.kill()
        device._process.wait()
        with pytest.raises(DeviceError, match="died"):
            device.run(ms=1000)


def test_a_device_whose_world_has_gone_ends(simulator):
    device = Device(seed=7)
    device.run(ms=100)
    device._process.stdin.close()
    assert device._process.wait(10) == 0


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["rolls", "1"],
        ["device", "--seed"],
        ["device", "--seed", "x"],
        ["device", "--model", "/nowhere"],
    ],
)
def test_the_program_refuses_a_wrong_call(sanitized, words):
    run = subprocess.run([sanitized, *words], capture_output=True, stdin=subprocess.DEVNULL)
    assert run.returncode == 2 and run.stderr


@pytest.mark.parametrize("draw", terminal.STYLES.values())
def test_the_terminal_shows_exactly_the_pixels(draw):
    rng = np.random.default_rng(2)
    for share in (0, 0.5, 1):
        screen = rng.random((64, 128)) < share
        text = draw(screen)
        assert len({len(line) for line in text}) == 1
        assert (oled.pixels(text) == screen).all()


def test_known_characters():
    screen = np.zeros((64, 128), bool)
    screen[0, 0] = screen[3, 3] = True
    assert oled.braille(screen)[0][:3] == "\u2801\u2880\u2800"
    assert [line[:4] for line in oled.half_blocks(screen)[:2]] == ["▀   ", "   ▄"]


@pytest.mark.parametrize(
    "size, lines",
    [
        ((130, 35), 32),
        ((129, 35), 16),
        ((130, 34), 16),
        ((66, 19), 16),
        ((65, 19), 0),
        ((66, 18), 0),
    ],
)
def test_the_display_is_as_large_as_the_window_allows(size, lines):
    text = terminal.layout(np.zeros((64, 128), bool), size)
    assert len(text or []) == lines


class Person:
    """Somebody at a terminal, in which the demo runs."""

    def __init__(self, columns=140, rows=40, words=(), **environment):
        self.master, self.slave = os.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.seen, self.decoder = "", codecs.getincrementaldecoder("utf-8")()
        self.process = subprocess.Popen(
            [*SIM, "demo", "--seed", "7", *words],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm", **environment},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def resize(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait(self, text: str, seconds: float = 20) -> None:
        """Look until `text` appears."""
        end, start = time.monotonic() + seconds, len(self.seen)
        while text not in self.seen[start:]:
            assert time.monotonic() < end, f"no {text!r} in {self.seen[-2000:]!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += self.decoder.decode(os.read(self.master, 65536))

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def left(self, status: int) -> None:
        """The demo has ended with `status`, and the terminal is as it was."""
        self.wait("\x1b[?1049l")
        assert self.process.wait(10) == status
        while select.select([self.master], [], [], 0.1)[0]:
            self.seen += self.decoder.decode(os.read(self.master, 65536))
        assert termios.tcgetattr(self.slave) == self.before
        assert self.seen.rindex("\x1b[?25h") > self.seen.rindex("\x1b[?25l")
        os.close(self.master)
        os.close(self.slave)


@pytest.mark.parametrize("columns, rows", [(140, 40), (80, 24)])
def test_in_a_terminal_a_key_rolls_and_the_display_is_drawn(simulator, columns, rows):
    person = Person(columns, rows)
    person.wait("space rolls")
    person.type(b" ")
    person.wait(f"1: {entropy.roll(entropy.keystream(7)).pips}")
    person.type(b"q")
    person.left(0)
    view = person.seen[person.seen.rindex("╭") :]
    assert (oled.pixels(re.findall("│(.*?)│", view)) == rolled(7)).all()


@pytest.mark.parametrize("way, status", [(b"q", 0), (b"\x03", 130), (b"\x04", 0),
                                         (signal.SIGTERM, 143), (signal.SIGHUP, 129)])  # fmt: skip
def test_every_way_out_restores_the_terminal(simulator, way, status):
    person = Person()
    person.wait("space rolls")
    if isinstance(way, bytes):
        person.type(way)
    else:
        person.process.send_signal(way)
    person.left(status)


def test_an_error_restores_the_terminal_and_is_told_after(simulator, tmp_path):
    broken = tmp_path / "program"
    broken.write_text(f'''#!/bin/sh
        exec 3<&0
        "{simulator}" "$@" <&3 &
        sleep 1.5; kill $!; wait $!; exit 9''')
    broken.chmod(0o755)
    person = Person(words=["--program", broken])
    person.wait("space rolls")
    person.left(1)
    assert "died with exit status 9" in person.seen[person.seen.rindex("\x1b[?1049l") :]


def test_a_small_window_gets_a_plain_message_until_it_is_large_enough(simulator):
    person = Person(60, 15)
    person.wait("needs 66x19")
    person.resize(80, 24)
    person.wait("space rolls")
    person.type(b"q")
    person.left(0)


def test_a_key_makes_a_cat_and_another_shows_its_colours(simulator, card):
    person = Person(words=["--card", card])
    person.wait("c makes a cat, v in colour")
    person.type(b"c")
    shown = Path(card / "cats/00001.bmp")
    end = time.monotonic() + 20
    while not shown.exists() or shown.read_bytes()[:2] != b"BM":
        assert time.monotonic() < end
        person.wait("\x1b[", 5)
    person.wait("\x1b[", 5)
    person.type(b"v")
    red, green, blue = kept.read(shown.read_bytes()).picture[1, 0]
    person.wait(f"\x1b[38;2;{red};{green};{blue};48;2;")
    person.type(b"q")
    person.left(0)


def test_no_color_means_no_colour(simulator):
    person = Person(NO_COLOR="1")
    person.wait("space rolls")
    person.type(b"q")
    person.left(0)
    assert "38;5" not in person.seen
