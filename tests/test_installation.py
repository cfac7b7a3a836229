"""Installation mode: the device alone on a wall, cat after cat, despite power cuts and bad cards.
"""

import numpy as np
import pytest
from card_images import require_tools
from conftest import built
from small_cats import packed, true_cat
from test_app import error, error_screen, place, words
from test_cat import drawn, generate
from test_shell import PROMPT

from whim import cats, kept, volume
from whim.card import Card, Fault
from whim.device import Device, lines
from whim.dither import dither
from whim.encodings import Encoding
from whim.flagship import Flagship
from whim.flagship_cats import ask, start
from whim.sd_card import SdCard

MODEL = true_cat(Encoding.INT4, (16, 16, 12, 8, 3))  # whose pictures differ
FILES = {"cat4.whim": packed(MODEL)}
SETTING = "install.txt"


def setting(card: Card) -> str:
    return card.read(SETTING).decode()


@pytest.fixture
def card() -> Card:
    return Card(FILES, bandwidth=40e3)  # a cat takes half a second


@pytest.fixture
def device(sanitized, card):
    with Device(seed=7, program=sanitized, card=card) as device:
        device.run(ms=300)
        yield device


def made(device: Device) -> list[dict]:
    """The cats that were not cancelled."""
    return [cat for cat in lines(device.console, "cat") if cat]


def wait_for_cats(device: Device, count: int, ms: float = 60_000) -> None:
    assert device.run_until(lambda: len(made(device)) >= count, ms), device.console


def say(device: Device, line: str, ms: float = 100) -> str:
    """Type a line; what the console shows from then on."""
    start = len(device.console)
    device.type(line + "\r")
    device.run(ms=ms)
    return device.console[start:]


def test_it_makes_a_cat_every_so_often_until_it_is_told_to_stop(device, card):
    assert "\ninstall 5\n" in say(device, "install 5")
    times = []
    for count in range(1, 5):
        wait_for_cats(device, count)
        times.append(device.ms)
    gaps = np.diff(times)
    assert gaps.min() > 5000 and gaps.max() < 7000
    z, moods = cats.latents(7, 4)
    assert [cat["mood"] for cat in made(device)] == moods
    assert [cat["kept"] for cat in made(device)] == [1, 2, 3, 4]
    device.run(ms=300)
    assert "\ninstall off\n" in say(device, "install off")
    device.run(ms=20_000)
    assert len(made(device)) == 4


@pytest.mark.parametrize("line, seconds", [("install", 20), ("install 1", 1),
                                           ("install 86400", 86400)])  # fmt: skip
def test_the_card_remembers_how_often(device, card, line, seconds):
    assert f"\ninstall {seconds}\n" in say(device, line)
    assert setting(card).split() == [str(seconds)] and len(setting(card)) == 512
    say(device, "install off", 4000)
    assert setting(card).split() == ["off"]


@pytest.mark.parametrize("line", ["install 0", "install 86401", "install x", "install 5s"])
def test_what_is_no_number_of_seconds_changes_nothing(device, card, line):
    assert "\ninstall: off, or seconds" in say(device, line) and card.read(SETTING) is None


def test_it_goes_straight_on_after_a_power_cut(device, card):
    say(device, "install 30")
    wait_for_cats(device, 1)
    for count in range(2, 5):
        device.power_cut()
        started = device.ms
        wait_for_cats(device, count)
        assert device.ms - started < 2500
    assert f"\ninstall 30\n{PROMPT}" in device.console
    device.run(ms=300)
    say(device, "install off", 4000)
    device.power_cut()
    device.run(ms=60_000)
    assert len(made(device)) == 4, "and what is off stays off"


def test_the_power_may_fail_at_any_request(sanitized):
    """Whichever request of the card's it is: the next start goes on, and no cat is lost."""
    card = Card(FILES, bandwidth=1e6)
    with Device(seed=7, program=sanitized, card=card) as device:
        device.run(ms=300)
        say(device, "install 1")
        wait_for_cats(device, 2)
        requests = len(card.requests)
    for number in range(3, requests, 3):
        files = FILES | {SETTING: b"1".ljust(511) + b"\n"}
        card = Card(files, bandwidth=1e6, faults=[Fault("cut", number=number, torn=100)])
        with Device(seed=7, program=sanitized, card=card) as device:
            wait_for_cats(device, 3)
            assert device.restarts == 1
            numbers = [cat["kept"] for cat in made(device)]
            assert len(set(numbers)) == len(numbers)
            for kept_number in numbers:
                kept.read(card.read(f"cats/{kept_number:05}.bmp"))


def test_a_person_may_write_the_setting(sanitized):
    for text in (b"7", b"7\n", b"7\r\n", b"7 seconds"):
        with Device(7, program=sanitized, card=Card(FILES | {SETTING: text})) as device:
            wait_for_cats(device, 1, 3000)
            assert "\ninstall 7\n" in device.console
    for text in (b"", b"soon", b"0", b"86401", b"7x", b"99999999999", b"0" * 512, b"\xff" * 512):
        with Device(7, program=sanitized, card=Card(FILES | {SETTING: text})) as device:
            device.run(ms=12_000)
            assert not made(device)
            assert device.console.count("install: install.txt has neither seconds nor off") == 1
    with Device(7, program=sanitized, card=Card(FILES | {SETTING: b"off\r\n"})) as device:
        device.run(ms=12_000)
        assert not made(device) and "install" not in device.console


def test_a_card_that_comes_late_is_asked_again(sanitized):
    for late in (500, 2500, 9000):
        card = Card(FILES | {SETTING: b"5"})
        card.pull()
        with Device(7, program=sanitized, card=card) as device:
            device.run(ms=late)
            card.insert()
            wait_for_cats(device, 1, 12_000)


def test_an_error_is_shown_and_after_a_while_it_tries_again(device, card):
    say(device, "install 2")
    wait_for_cats(device, 1)
    card.pull()
    device.run(ms=15_000)
    missing = error(device)
    assert 1 <= len(missing) <= 2 and "card missing" in missing[0]
    assert (device.screen() == error_screen("card missing")).all()
    device.run(ms=30_000)
    assert 2 <= len(error(device)) <= 6, "it does not fill the console"
    card.insert()
    wait_for_cats(device, 2, 15_000)
    card.faults = [Fault("error", kind="read", times=3)]
    wait_for_cats(device, 4)
    assert "card read" in error(device)[-1]


def test_a_setting_that_cannot_be_written_is_told_and_works_until_the_power_fails(sanitized):
    with Device(7, program=sanitized, card=Card(FILES, writable=False)) as device:
        device.run(ms=300)
        assert "\ninstall 2\n" in say(device, "install 2")
        wait_for_cats(device, 2)
        assert error(device)[0] == "error: card write, while writing install.txt"


# The gallery


def portrait(cat: kept.Kept, number: int, caption: str) -> np.ndarray:
    """The display with a kept cat while the next is made."""
    screen = np.zeros((64, 128), bool)
    screen[:, :64] = dither(cat.picture)
    place(screen, words(f"says {cat.verdict}"), 0, 64, 128)
    place(screen, np.repeat(words(cat.mood), 2, axis=0), 1, 64, 128)
    place(screen, words(f"no {number}"), 5, 64, 128)
    place(screen, words(caption), 7, 64, 128)
    return screen


def test_kept_cats_are_shown_while_the_next_is_made_from_the_newest_to_the_first(sanitized):
    card = Card(FILES, bandwidth=1e6)
    with Device(7, program=sanitized, card=card) as device:
        device.run(ms=300)
        for _ in range(3):
            generate(device)
        card.latency = 300  # ms: of 43 chunks, so that a cat takes 13 s
        shown, frames = [], []
        album = {number: kept.read(card.read(f"cats/{number:05}.bmp")) for number in (1, 2, 3)}
        left = {number: dither(cat.picture) for number, cat in album.items()}
        device.on_frame = lambda ms: frames.append(device.screen())
        say(device, "install 1")
        wait_for_cats(device, 5, 200_000)
        for frame in frames:
            seen = [n for n, picture in left.items() if (frame[:, :64] == picture).all()]
            if seen and shown[-1:] != seen:
                shown += seen
        assert shown[:4] == [3, 2, 1, 3][: len(shown[:4])] and {1, 2, 3} <= set(shown)
        first = portrait(album[3], 3, "next 0%")
        assert any((frame == first).all() for frame in frames)
        percents = [portrait(album[3], 3, f"next {percent}%") for percent in range(1, 100)]
        assert any((frame == wanted).all() for frame in frames for wanted in percents)
        z, _ = cats.latents(7, 5)
        for i, cat in enumerate(made(device)):
            picture = kept.read(card.read(f"cats/{cat['kept']:05}.bmp")).picture
            assert (picture == drawn(MODEL, z[i])).all(), "reading beside does not harm"
        device.run(ms=100)
        assert (device.screen()[:, :64] == dither(drawn(MODEL, z[4]))).all()


def test_two_cores_show_the_gallery_too(emulator, tmp_path):
    """On the CH32H417: while one core reads and shows a kept cat, the other only waits for it."""
    require_tools()
    image = built("ch32h417", "firmware.elf")
    volume.make(tmp_path / "card.img", FILES)
    card = SdCard(tmp_path / "card.img")
    with Flagship("ch32h417", 7, image=image, card=card) as board:
        start(board)
        for _ in range(2):
            ask(board, "generate")
        files = volume.contents(card.image)
        album = [kept.read(files[f"cats/{number:05}.bmp"]).picture for number in (2, 1)]
        board.card.latency = 0.15
        board.manners()
        begin, shown = len(board.console), []
        board.type("install 60\r")
        while "\ncat " not in board.console[begin:]:
            board.run(ms=100)
            left = board.screen()[:, :64]
            shown += [n for n, cat in enumerate(album) if (left == dither(cat)).all()]
        assert board.console[begin:].count("error") == 0
        assert sorted(shown) == shown and set(shown) == {0, 1}
        z, _ = cats.latents(7, 3)
        made = kept.read(volume.contents(card.image)["cats/00003.bmp"]).picture
        assert (made == drawn(MODEL, z[2])).all()


def test_with_nothing_to_show_there_is_a_bar(device, card):
    frames = []
    device.on_frame = lambda ms: frames.append(device.screen())
    say(device, "install 60")
    wait_for_cats(device, 1)
    assert any(frame[24, 14:114].all() for frame in frames)


def test_files_that_are_no_cats_are_passed_over(sanitized):
    card = Card(FILES, bandwidth=1e6)
    with Device(7, program=sanitized, card=card) as device:
        device.run(ms=300)
        for _ in range(2):
            generate(device)
    good = card.read("cats/00001.bmp")
    strangers = {"cats/00002.bmp": b"BM" + bytes(600), "cats/00003.bmp": bytes(len(good))}
    card = Card(FILES | {"cats/00001.bmp": good} | strangers, latency=50)
    with Device(8, program=sanitized, card=card) as device:
        frames = []
        device.on_frame = lambda ms: frames.append(device.screen())
        device.run(ms=300)
        say(device, "install 60")
        wait_for_cats(device, 1)
        album = dither(kept.read(good).picture)
        assert any((frame[:, :64] == album).all() for frame in frames)
        assert made(device)[0]["kept"] == 4 and not error(device)


# While somebody is here


def test_a_press_or_ctrl_c_ends_the_cat_and_the_next_one_comes_in_its_time(device, card):
    for end in (device.press, lambda: device.type("\x03")):
        say(device, "install 3")
        before, told_before = len(made(device)), device.console.count("cat cancelled")
        device.run(ms=250)
        end()
        device.run(ms=400)
        assert device.console.count("cat cancelled") == told_before + 1
        assert len(made(device)) == before
        device.run(ms=1500)
        assert len(made(device)) == before
        wait_for_cats(device, before + 1)
        device.run(ms=300)
        say(device, "install off", 4000)


def test_a_roll_between_two_cats_stays_in_sight(device, card):
    say(device, "install 3")
    wait_for_cats(device, 1)
    device.run(ms=2500)
    device.roll()
    device.run(ms=200)
    rolled = device.screen()
    device.run(ms=2500)
    assert (device.screen() == rolled).all() and len(made(device)) == 1
    wait_for_cats(device, 2)


def test_what_is_typed_while_a_cat_is_made_is_run_at_once_if_it_can_be(device, card):
    card.bandwidth = 3e3
    device.type("install 60\r")
    device.run(ms=500)
    for command, said in (("help", "Ctrl-D"), ("stats", "installation seconds=60"),
                          ("model", None), ("roll", "busy: "), ("keep off", "keep off"),
                          ("install off", "install off")):  # fmt: skip
        start = len(device.console)
        device.type(command + "\r")
        device.run(ms=200)
        if said:
            assert said in device.console[start:], command
        assert not made(device)
    wait_for_cats(device, 1)
    device.run(ms=300)
    assert f"{PROMPT}model inputs=" in device.console.split("cat mood")[1], "that has waited"
    assert setting(card).split() == ["off"], "the card is told as soon as it is free"
    device.run(ms=70_000)
    assert len(made(device)) == 1 and device.console.endswith(PROMPT)
