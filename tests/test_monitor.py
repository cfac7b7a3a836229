"""host/monitor.py: pictures over the serial line, whole, damaged, and in a person's terminal."""

import base64
import os
import pty
import re
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from card_images import require_tools
from conftest import built
from flagship_card import card_files
from PIL import Image
from small_cats import packed, true_cat
from test_cat import drawn, generate
from test_shell import answer

from whim import bank, cats, kept, monitor, volume
from whim.board import Board
from whim.card import Card
from whim.device import Device, lines
from whim.dither import dither
from whim.encodings import Encoding
from whim.flagship import Flagship
from whim.oled import pixels
from whim.sd_card import SdCard
from whim.serial_line import Bridge

ROOT = Path(__file__).resolve().parents[1]
MONITOR = [sys.executable, str(ROOT / "host/monitor.py")]
MODEL = true_cat(Encoding.INT4, (16, 16, 12, 8, 3))
FILES = {"cat4.whim": packed(MODEL)}


def watch(*words, **options) -> subprocess.CompletedProcess:
    words = [*MONITOR, *map(str, words)]
    pipes = dict(capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return subprocess.run(words, **pipes | dict(timeout=120) | options)


def picture(seed: int = 7, number: int = 0) -> np.ndarray:
    z, _ = cats.latents(seed, number + 1)
    return drawn(MODEL, z[number])


def heard(console: str) -> list:
    listener = monitor.Listener()
    return [*listener.hear(console), *listener.end()]


@pytest.fixture
def folder(tmp_path) -> Path:
    """A card with a small model and the true bank."""
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / cats.BANK).write_bytes(bank.PATH.read_bytes())
    return tmp_path


@pytest.fixture
def device(sanitized, folder):
    with Device(seed=7, program=sanitized, card=Card(folder)) as device:
        device.run(ms=300)
        yield device


@pytest.fixture(scope="module")
def console(sanitized) -> str:
    """What a device says of two cats, and of a roll between them."""
    with Device(seed=7, program=sanitized, card=Card(FILES)) as device:
        device.run(ms=300)
        answer(device, "monitor on")
        generate(device)
        device.roll()
        device.run(ms=300)
        generate(device)
        return device.console


# What crosses the line


def test_every_pixel_arrives_and_is_checked(console):
    kinds = [type(event).__name__ for event in heard(console)]
    assert kinds == ["Started", "Ready", "Trouble", "Picture", "Roll", "Trouble", "Picture"]
    first, second = (event for event in heard(console) if isinstance(event, monitor.Picture))
    assert (first.picture == picture()).all() and first.right and not first.missing
    assert (second.picture != first.picture).any() and second.right
    assert (first.cat["kept"], second.cat["kept"]) == (1, 2)


def test_lines_are_what_the_documents_say(console):
    found = re.findall(r"^pixels (\d+) (\S+) (\S+)$", console, re.MULTILINE)
    assert [int(number) for number, *_ in found] == 2 * list(range(256))
    data = b"".join(base64.b64decode(text, validate=True) for _, text, _ in found[:256])
    assert data == picture().tobytes()
    for _, text, crc in found:
        assert len(text) == 64 and zlib.crc32(base64.b64decode(text)) == int(crc, 16)


def test_it_does_not_matter_how_the_text_comes_in(console):
    whole = heard(console)
    listener, events = monitor.Listener(), []
    rng = np.random.default_rng(1)
    text = console.replace("\n", "\r\n")
    while text:
        count = rng.integers(1, 200)
        events += listener.hear(text[:count])
        text = text[count:]
    assert [type(event) for event in events] == [type(event) for event in whole]
    assert (events[3].picture == whole[3].picture).all()


def test_damaged_lines_are_missing_and_the_rest_is_there(console):
    rng = np.random.default_rng(2)
    for kind in ("byte", "lost", "cut", "typed"):
        rows = console.split("\n")
        places = [i for i, row in enumerate(rows) if row.startswith("pixels ")][:256]
        bad = sorted(rng.choice(places, 9, replace=False), reverse=True)
        for i in bad:
            row = rows[i]
            if kind == "byte":
                at = int(rng.integers(row.index(" ", 8) + 1, len(row) - 9))
                rows[i] = row[:at] + ("A" if row[at] != "A" else "B") + row[at + 1 :]
            elif kind == "lost":
                del rows[i]
            elif kind == "cut":
                rows[i] = row[:40]
            else:
                rows[i] = "sta" + row  # what is being typed stands before it
        events = heard("\n".join(rows))
        first = next(event for event in events if isinstance(event, monitor.Picture))
        if kind == "typed":
            assert first.right and not first.missing
            continue
        assert first.missing == 9 and not first.right
        wrong = (first.picture != picture()).any(-1).reshape(256, 16).any(-1)
        assert wrong.sum() == 9
        assert set(np.unique(first.picture.reshape(256, 48)[wrong])) == {monitor.MISSING}
        assert sum(isinstance(event, monitor.Picture) for event in events) == 2


def test_a_cat_or_a_roll_whose_own_line_was_damaged_is_not_shown(console):
    for word in ("mood", "weights", "kept", "entropy", "crc"):
        cut = console.replace(f" {word}=", f" {word}?", 1)
        shown = [event.cat for event in heard(cut) if isinstance(event, monitor.Picture)]
        assert [cat["kept"] for cat in shown] == [2], word
    cut = console.replace("roll pips=", "roll pip?=")
    assert not [event for event in heard(cut) if isinstance(event, monitor.Roll)]


def test_noise_is_no_event():
    rng = np.random.default_rng(3)
    words = ["cat ", "pixels ", "12 ", "crc=", "say ", "verdict=", "\n", "  ", "error: ", "x" * 64]
    for _ in range(300):
        listener = monitor.Listener()
        parts = rng.choice(words, 60)
        noise = rng.integers(32, 127, 60).astype(np.uint8).tobytes().decode()
        text = "".join(part + char for part, char in zip(parts, noise))
        assert not [event for event in listener.hear(text) if isinstance(event, monitor.Picture)]


def test_a_board_without_a_card_shows_its_dice(emulator):
    with Board("ch32v003", seed=7) as board:
        board.run(ms=600)
        board.type(monitor.START)
        board.run(ms=100)
        pips = board.roll()["pips"]
        board.run(ms=500)
        *_, ready, roll = heard(board.console)
    assert isinstance(ready, monitor.Ready) and roll.roll["pips"] == pips


def test_pictures_are_sent_only_where_somebody_wants_them(device):
    generate(device)
    assert "pixels " not in device.console
    assert answer(device, "monitor on") == ["monitor on"]
    generate(device)
    assert device.console.count("\npixels ") == 256
    assert answer(device, "monitor off") == ["monitor off"]
    generate(device)
    assert device.console.count("\npixels ") == 256
    assert answer(device, "monitor") == ["monitor: on or off"]


def test_sending_does_not_disturb_the_voice(device):
    answer(device, "monitor on")
    generate(device)
    sounds = device.sounds[-1].values
    answer(device, "monitor off")
    (verdict,) = (event.verdict for event in heard(device.console)
                  if isinstance(event, monitor.Caption))  # fmt: skip
    device.type(f"say {verdict}\r")
    assert device.run_until(lambda: len(device.sounds) == 2, 30_000)
    device.run(ms=20_000)
    assert (device.sounds[-1].values == sounds).all()
    assert " fades=0 late=0 " in "\n".join(answer(device, "stats"))


# The program


def test_it_shows_a_cat_and_what_is_said_of_it(simulator, folder, tmp_path):
    run = watch("--simulated", "--seed", 7, "--card", folder, "--count", 2, "--png", tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    rows = run.stdout.splitlines()
    assert rows[0] == "the device has started: sim"
    captions = [row for row in rows if row.startswith('"')]
    pictures = [row for row in rows if row.startswith("cat ")]
    assert len(captions) == len(pictures) == 2
    assert captions[0].endswith(f"({cats.verdicts(7, 1)[0]})")
    assert pictures[0].startswith("cat 1, ") and "damaged" not in run.stdout
    for number, row in enumerate(pictures):
        made = np.asarray(Image.open(row.split(", ")[-1]))
        assert (made[::4, ::4] == picture(7, number)).all()
    assert not (folder / "cats").exists(), "a seed's cats are not kept"


def test_it_listens_to_a_board_at_a_port(sanitized, folder, tmp_path):
    card = Card(folder, keep=False)
    with Device(seed=7, program=sanitized, card=card) as device, Bridge(device) as bridge:
        words = ("--port", bridge.name, "--generate", "--count", 1, "--png", tmp_path / "new")
        run = watch(*words)
    assert (run.returncode, run.stderr) == (0, "")
    assert len(list((tmp_path / "new").glob("00001-*.png"))) == 1


def test_it_listens_to_the_virtual_flagship(emulator, tmp_path):
    require_tools()
    image = built("ch32h417", "firmware.elf")
    files = card_files(tmp_path)
    volume.make(tmp_path / "card.img", files)
    card = SdCard(tmp_path / "card.img")
    with Flagship("ch32h417", image=image, card=card) as board, Bridge(board) as bridge:
        run = watch("--port", bridge.name, "--generate", "--count", 1, "--png", tmp_path)
        (cat,) = lines(board.console, "cat")
        kept_file = volume.contents(card.image)["cats/00001.bmp"]
    assert (run.returncode, run.stderr) == (0, "") and "damaged" not in run.stdout
    assert f'({cat["verdict"]})' in run.stdout
    seen = np.asarray(Image.open(tmp_path / f"00001-{cat['crc']}.png"))
    assert (seen[::4, ::4] == kept.read(kept_file).picture).all()


def in_terminal(*words, columns: int = 80, **environment) -> str:
    """What the program writes into a terminal."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | environment
    environment |= {"COLUMNS": str(columns), "LINES": "50"}
    process = subprocess.Popen(
        [*MONITOR, *map(str, words)], stdout=theirs, stdin=subprocess.DEVNULL, env=environment
    )
    os.close(theirs)
    text = b""
    try:
        while got := os.read(ours, 65536):
            text += got
    except OSError:
        pass  # the other end is closed
    os.close(ours)
    assert process.wait(60) == 0
    return text.decode().replace("\r\n", "\n")


def test_in_a_terminal_the_picture_is_drawn(simulator, folder):
    # no bank, so that nobody speaks for ten seconds
    (folder / cats.BANK).unlink()
    words = ("--simulated", "--seed", 7, "--card", folder, "--count", 1)
    text = in_terminal(*words)
    cells = re.findall(r"\x1b\[38;2;(\d+);(\d+);(\d+);48;2;(\d+);(\d+);(\d+)m▄", text)
    shown = np.array(cells, int).reshape(32, 64, 2, 3)[:, :, ::-1].transpose(0, 2, 1, 3)
    assert (shown.reshape(64, 64, 3) == picture()).all()
    assert len(re.findall("▄", in_terminal(*words, columns=50))) == 16 * 32
    for plain in (in_terminal(*words, NO_COLOR="1"), in_terminal(*words, "--plain")):
        assert "\x1b[" not in plain
        rows = [row for row in plain.split("\n") if len(row) == 64 and set(row) <= set(" ▄▀█")]
        doubled = [row + " " * 64 for row in rows]
        assert (pixels(doubled)[:, :64] == dither(picture())).all()


@pytest.mark.parametrize("words, sentence", [
    (("--port", "/nowhere/tty"), "/nowhere/tty"),
    (("--simulated", "--card", "/nowhere"), "python host/pack.py"),
    (("--simulated", "--png", __file__), "test_monitor.py"),
])  # fmt: skip
def test_what_cannot_be_seen_is_said_in_a_sentence(simulator, words, sentence):
    run = watch(*words)
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert run.stderr.startswith("monitor.py: ") and sentence in run.stderr


def test_help_has_an_example():
    run = watch("--help")
    assert run.returncode == 0 and "python host/monitor.py --port" in run.stdout
