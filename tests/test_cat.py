"""The cat, as a person meets it: the long press, the progress, the picture, what is kept of it, and
what can go wrong; test_card_faults.py has the faults of cards. Random models whose pictures have a
cat's size stand in for the real one.
"""

import io
import subprocess
import zlib

import numpy as np
import pytest
from PIL import Image
from test_app import MODEL, error, error_screen, panel, place, words
from test_shell import PROMPT, VERIFY, answer

from small_cats import packed, small_cat
from whim import cats, kept, self_test
from whim.card import Card, Fault
from whim.decoder import decode
from whim.device import Device, lines
from whim.display import Display
from whim.dither import dither
from whim.encodings import Encoding
from whim.model import Layer, Layout, Model, Op
from whim.serial_line import Bridge

EIGHT, FOUR = small_cat(1), small_cat(6, Encoding.INT4)  # no two latents make the same
FILES = {"cat8.whim": packed(EIGHT), "cat4.whim": packed(FOUR)}
MADE = "cats/00001.bmp"
BAR = slice(14, 114)  # columns of the progress bar, one for each per cent
WHOLE, LEFT = b"\x21\x00\x7f\x22\x00\x07", b"\x21\x00\x3f\x22\x00\x07"  # display windows


def drawn(model: Model, z: np.ndarray) -> np.ndarray:
    """The picture by the NumPy decoder, uint8 (64, 64, 3)."""
    return decode(model, z[None])[0].view(np.uint8) ^ 128


def first(seed: int, model: Model = FOUR) -> tuple[np.ndarray, str]:
    """The first picture that a seed makes, and its mood."""
    z, moods = cats.latents(seed, 1)
    return drawn(model, z[0]), moods[0]


def made(device: Device) -> list[dict]:
    return lines(device.console, "cat")


def generate(device: Device, ms: float = 60_000) -> None:
    """A long press, until the device has something to say."""
    start = len(device.console)
    device.press(ms=900)
    assert device.run_until(lambda: device.console[start:].endswith("\n" + PROMPT), ms)
    device.run(ms=300)


def crc(picture: np.ndarray) -> str:
    return f" crc={zlib.crc32(picture.tobytes()):08x} "


def verdict(mood: str | None, note: str, caption: str) -> np.ndarray:
    """The right half of the display beside a cat; where it has a mood, the first one of seed 7."""
    picture = np.zeros((64, 128), bool)
    if mood:
        place(picture, words(f"says {cats.verdicts(7, 1)[0]}"), 0, 64, 128)
        place(picture, np.repeat(words(mood), 2, axis=0), 1, 64, 128)
    place(picture, words(note), 5, 64, 128)
    place(picture, words(caption), 7, 64, 128)
    return picture[:, 64:]


@pytest.fixture
def card() -> Card:
    return Card(FILES, bandwidth=100e3)


@pytest.fixture
def device(sanitized, card):
    with Device(seed=7, program=sanitized, card=card) as device:
        device.run(ms=300)
        yield device


# The picture


def test_a_long_press_makes_the_cat_that_the_decoder_makes(device, card):
    generate(device)
    picture, mood = first(7)
    assert crc(picture) in device.console
    assert made(device)[0]["mood"] == mood and made(device)[0]["entropy"] == "seed"
    screen = device.screen()
    assert (screen[:, :64] == dither(picture)).all()
    assert (screen[:, 64:] == verdict(mood, "no 1", "seed")).all()


def test_both_moods_come_and_each_cat_is_another(device):
    moods = set()
    z, expected = cats.latents(7, 8)
    for i in range(8):
        generate(device)
        moods.add(made(device)[i]["mood"])
        assert made(device)[i]["mood"] == expected[i]
        assert crc(drawn(FOUR, z[i])) in device.console
    assert moods == {"motivated", "demotivated"}


def test_pictures_are_dithered_to_the_same_bits_in_c_and_in_python(sanitized):
    rng = np.random.default_rng(5)
    z, _ = cats.latents(1, 8)
    smooth = np.linspace(0, 255, 64).astype(np.uint8)
    pictures = [
        *decode(FOUR, z).view(np.uint8) ^ 128,
        *rng.integers(0, 256, (4, 64, 64, 3), np.uint8),
        *(np.full((64, 64, 3), value, np.uint8) for value in (0, 1, 127, 128, 254, 255)),
        *255 * rng.integers(0, 2, (2, 64, 64, 3), np.uint8),
        np.broadcast_to(smooth[:, None], (64, 64, 3)),
        np.broadcast_to(smooth[:, None, None], (64, 64, 3)),
        np.where(np.arange(64 * 64 * 3) < 3, 255, 0).astype(np.uint8).reshape(64, 64, 3),
    ]
    run = subprocess.run(
        [sanitized, "dither"], input=(np.array(pictures) ^ 128).tobytes(), capture_output=True
    )
    pages = np.frombuffer(run.stdout, np.uint8).reshape(len(pictures), 8, 1, 64)
    pixels = np.unpackbits(pages, axis=2, bitorder="little").reshape(-1, 64, 64)
    for number, picture in enumerate(pictures):
        assert (pixels[number] == dither(picture)).all(), number


@pytest.mark.parametrize("level", [0.02, 0.3, 0.7, 0.98])
def test_a_dark_cat_and_a_bright_one_both_have_a_face(level):
    """What differs in the picture differs on the display, however dark or bright it is."""
    picture = np.full((64, 64, 3), round(255 * level), np.uint8)
    picture[16:48, 16:48] = picture[0, 0] + 5 if level < 0.5 else picture[0, 0] - 5
    shown = dither(picture)
    inside, outside = shown[20:44, 20:44].mean(), shown[:12].mean()
    assert abs(inside - outside) > 0.25


# The progress


def progress(bar: int, layer: int) -> np.ndarray:
    """The screen with so many per cent."""
    screen = np.zeros((64, 128), bool)
    place(screen, words("making a cat"), 0, 0, 128)
    place(screen, words("press to cancel"), 7, 0, 128)
    place(screen, words(f"layer {layer} of 4"), 5, 13, 85)
    place(screen, words(f"{bar}%"), 5, 85, 115)
    screen[[24, 31], 14:114] = screen[25:31, [13, 114]] = True
    screen[26:30, 14 : 14 + bar] = True
    return screen


def test_the_progress_never_goes_back_and_comes_to_its_end(device, card):
    card.bandwidth = 20e3
    screens = []
    device.i2c_fault = lambda *write: screens.append(device.screen())
    generate(device)
    screens = [screen for screen in screens if screen[24, BAR].all() and not screen[0, :40].any()]
    bars = [int(screen[28, BAR].sum()) for screen in screens]
    assert bars == sorted(bars) and bars[0] == 0 and bars[-1] == 100
    assert len(set(bars)) > 10
    assert (screens[-1] == progress(100, 4)).all()
    layer = lambda number: progress(0, number)[40:48, 13:85]  # noqa: E731
    seen = [n for screen in screens for n in range(5) if (screen[40:48, 13:85] == layer(n)).all()]
    assert seen == sorted(seen) and {1, 4} <= set(seen)


def test_the_progress_takes_little_of_the_displays_bus(device, card):
    card.bandwidth = 10e3
    writes = []
    device.i2c_fault = lambda number, *write: writes.append(write)
    start = device.ms
    generate(device)
    took = device.ms - start
    begin, _, picture = (i for i, write in enumerate(writes) if write[2] in (WHOLE, LEFT))
    sent = sum(len(data) + 2 for _, _, data in writes[begin:picture])
    assert sent * 9 / 400 < 0.04 * took, "ms on the bus while the cat is made"


# The button


def test_a_long_press_is_recognised_while_the_button_is_still_held(device):
    device.press(ms=5000)
    device.run(ms=690)
    assert (device.screen()[:, 64:] == panel("?", "press")).all()
    device.run(ms=100)
    title = np.zeros((64, 128), bool)
    place(title, words("making a cat"), 0, 0, 128)
    assert (device.screen()[:8] == title[:8]).all()
    device.run(ms=8000)
    assert len(made(device)) == 1 and not lines(device.console, "roll"), "and letting go is nothing"


def test_short_presses_roll_and_long_ones_make_cats_however_the_contact_bounces(sanitized, card):
    rng = np.random.default_rng(9)
    card.bandwidth = 1e6
    with Device(seed=7, program=sanitized, card=card) as device:
        device.run(ms=300)
        for ms, long in ((60, False), (300, False), (640, False), (780, True), (2500, True)):
            before = len(lines(device.console, "roll")), len(made(device))
            bounce = np.sort(rng.choice(np.arange(1, 60), 9, replace=False) / 4).tolist()
            device.press(ms=ms, bounce=bounce)
            device.run(ms=6000)
            after = len(lines(device.console, "roll")), len(made(device))
            assert after == (before[0] + (not long), before[1] + long), ms
        assert not error(device)


def test_a_press_cancels_and_the_next_one_starts_anew(device, card):
    device.press(ms=750)
    device.run(ms=900)
    assert not made(device)
    device.press()
    device.run(ms=200)
    assert device.console.endswith("\ncat cancelled\n" + PROMPT)
    cancelled = np.zeros((64, 128), bool)
    place(cancelled, words("cancelled"), 3, 0, 128)
    assert (device.screen() == cancelled).all()
    assert not device.card.read(MADE), "nothing of it is kept"
    device.run(ms=1000)
    assert not lines(device.console, "roll"), "that press was no roll"
    generate(device)
    z, _ = cats.latents(7, 2)
    assert crc(drawn(FOUR, z[1])) in device.console
    assert device.roll()["pips"] in range(1, 7)


# Keeping


def test_every_cat_is_kept_as_a_picture_that_others_open(device, card):
    generate(device)
    picture, mood = first(7)
    data = card.read(MADE)
    opened = Image.open(io.BytesIO(data))
    assert (opened.format, opened.mode, opened.size) == ("BMP", "RGB", (64, 64))
    assert (np.asarray(opened) == picture).all()
    cat = kept.read(data)
    z, _ = cats.latents(7, 1)
    assert (cat.z == z[0]).all() and (cat.mood, cat.entropy) == (mood, "seed")
    assert cat.model == int.from_bytes(FILES["cat4.whim"][4:8], "little")
    assert kept.write(cat) == data, "C and Python write the same bytes"
    assert made(device)[0]["kept"] == 1


def test_a_kept_cat_is_drawn_again_the_same_after_a_restart(sanitized, card):
    with Device(seed=7, program=sanitized, card=card) as device:
        device.run(ms=300)
        generate(device)
        screen = device.screen()
        device.power_cut()
        device.run(ms=500)
        answer(device, "weights int8")  # the model that made it is used all the same
        said, *_ = answer(device, "redraw 1", 5000)
        assert crc(first(7)[0]) in said and "weights=int4" in said
        assert (device.screen() == screen).all()


@pytest.mark.parametrize("taken", [[], [1], [1, 2, 3], [1, 2, 4, 5], [2], [1, 3], range(1, 18)])
def test_a_new_cat_never_takes_the_place_of_another(sanitized, taken):
    old = {f"cats/{number:05}.bmp": b"old" for number in taken}
    card = Card(FILES | old, bandwidth=5e6)
    with Device(seed=7, program=sanitized, card=card) as device:
        device.run(ms=300)
        for _ in range(3):
            generate(device)
        numbers = [cat["kept"] for cat in made(device)]
        assert len({*numbers, *taken}) == len(taken) + 3
        for name in old:
            assert card.read(name) == b"old"
        for number in numbers:
            kept.read(card.read(f"cats/{number:05}.bmp"))


def test_keeping_can_be_left_to_the_person(device, card):
    assert answer(device, "keep off") == ["keep off"]
    generate(device)
    assert made(device)[0]["kept"] == 0 and card.read(MADE) is None
    assert (device.screen()[:, 64:] == verdict(first(7)[1], "not kept", "seed")).all()
    for _ in range(2):
        said, *_ = answer(device, "keep")
        assert "kept=1" in said
    assert (kept.read(card.read(MADE)).picture == first(7)[0]).all()
    assert card.read("cats/00002.bmp") is None
    assert answer(device, "keep on") == ["keep on"]
    generate(device)
    assert made(device)[-1]["kept"] == 2


def test_a_card_that_cannot_be_written_does_not_take_the_cat_away(sanitized):
    for manners in ({"writable": False}, {"free": 5000}):
        with Device(seed=7, program=sanitized, card=Card(FILES, **manners)) as device:
            device.run(ms=300)
            generate(device)
            picture, mood = first(7)
            assert crc(picture) in device.console
            assert error(device) == ["error: card write, while keeping the cat"]
            assert (device.screen()[:, :64] == dither(picture)).all()
            assert (device.screen()[:, 64:] == verdict(mood, "card write", "seed")).all()


@pytest.mark.parametrize("line", ["redraw", "redraw 0", "redraw x", "redraw 1x", "redraw 100000",
                                  "redraw -1", "keep x", "weights", "weights int2"])  # fmt: skip
def test_what_is_no_argument_is_answered_in_one_line(device, line):
    (said,) = answer(device, line)
    assert said.startswith(line.split()[0] + ": ") and not error(device)


def test_what_was_not_kept_is_not_drawn(device, card):
    assert answer(device, "keep") == ["keep: no cat has been made yet"]
    answer(device, "redraw 5")
    generate(device)
    good = card.read(MADE)
    damaged = bytearray(good)
    damaged[100] ^= 1
    for number, data in enumerate((bytes(len(good)), good[:300], damaged, b""), 10):
        card.written[f"cats/{number:05}.bmp"] = bytearray(data)
        answer(device, f"redraw {number}")
    stranger = kept.read(good)._replace(model=5)
    card.written["cats/00020.bmp"] = bytearray(kept.write(stranger))
    answer(device, "redraw 20")
    assert error(device) == [
        "error: no such file, while reading cats/00005.bmp",
        *(f"error: not a kept cat, while reading cats/000{number}.bmp" for number in range(10, 14)),
        "error: other model, while reading cats/00020.bmp",
    ]
    assert (device.screen() == error_screen("other model")).all()
    assert crc(first(7)[0]) in answer(device, "redraw 1", 5000)[0]


# What goes wrong


def test_without_a_card_the_die_works_and_a_long_press_says_what_is_missing(sanitized, card):
    card.pull()
    with Device(seed=7, program=sanitized, card=card) as device:
        device.run(ms=300)
        for _ in range(2):
            generate(device)
            assert (device.screen() == error_screen("card missing")).all()
        assert device.roll()["pips"] in range(1, 7)
        device.run(ms=200)
        assert (device.screen()[:, 64:] != error_screen("card missing")[:, 64:]).any()
        assert error(device) == ["error: card missing, while opening cat4.whim"] * 2
        card.insert()
        generate(device)
        assert len(made(device)) == 1


def with_arena() -> Model:
    """A model whose arena is larger than the device's."""
    layers = [
        Layer(
            Op.CONV_TRANSPOSE, 64, 4, 4, Encoding.INT8, np.ones((64, 1600), np.int64), kernel=4,
            stride=1, layout=Layout.TILES,
        ),
        Layer(Op.NEAREST, 64, 64, 64, stride=16),
        Layer(
            Op.CONV, 3, 64, 64, Encoding.INT8, np.ones((3, 64), np.int64), kernel=1, stride=1,
            layout=Layout.TILES,
        ),
    ]  # fmt: skip
    for layer in layers[::2]:
        layer.bias = np.zeros(layer.channels, np.int64)
        layer.multiplier = layer.shift = np.ones(layer.channels, np.int64)
    return Model((100, 1, 1), layers)


def other_version(file: bytes) -> bytes:
    return file[:8] + b"\x07" + file[9:]


def flipped(file: bytes, at: int) -> bytes:
    return file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :]


GOOD = FILES["cat4.whim"]
BAD = {
    "model truncated": GOOD[:-512],
    "model oversized": GOOD + bytes(512),
    "model magic": b"WHAT" + GOOD[4:],
    "model version": other_version(GOOD),
    "model crc": flipped(GOOD, 40),
    "arena too small": packed(with_arena()),
    "model shape": packed(small_cat(inputs=50)),
    "buffers too small": packed(FOUR, 1600),
    "no such file": None,
}


@pytest.mark.parametrize("name", BAD)
def test_a_model_that_cannot_be_used_is_named_and_a_good_one_works_later(sanitized, name):
    card = Card({"cat4.whim": BAD[name]} if BAD[name] else {}, bandwidth=1e6)
    with Device(seed=7, program=sanitized, card=card) as device:
        device.run(ms=300)
        for _ in range(2):
            generate(device)
        assert error(device) == [f"error: {name}, while opening cat4.whim"] * 2
        assert (device.screen() == error_screen(name)).all()
        advice = device.console.split("\n")[-2]
        assert advice.startswith("  ") and len(advice) > 20
        if name == "arena too small":
            assert advice.split()[0] > "2" and "225280" in advice
        card.written["cat4.whim"] = bytearray(GOOD)
        generate(device)
        assert crc(first(7)[0]) in device.console, "and nothing had been drawn for the others"


def test_a_damaged_chunk_is_named_and_shows_no_picture(sanitized):
    card = Card({"cat4.whim": flipped(GOOD, 5000)}, bandwidth=1e6)
    with Device(seed=7, program=sanitized, card=card) as device:
        device.run(ms=300)
        generate(device)
        assert error(device) == ["error: model crc, while generating by cat4.whim"]
        assert (device.screen() == error_screen("model crc")).all()
        assert not made(device) and card.read(MADE) is None


def test_a_flipped_bit_is_read_again_and_counted(device, card):
    card.faults.append(Fault("flip", name="cat4.whim", block=20, times=1))
    generate(device)
    assert crc(first(7)[0]) in device.console
    (stats,) = lines("\n".join([*answer(device, "stats"), ""]), "picture")
    assert stats["retries"] == 1 and stats["card_bytes"] == len(GOOD) + 512


def test_a_fault_of_the_display_loses_no_cat(sanitized, card):
    card.bandwidth = 1e6
    with Device(seed=7, program=sanitized, card=card, display=False) as device:
        device.run(ms=300)
        generate(device)
        assert crc(first(7)[0]) in device.console and card.read(MADE)
        assert error(device)[-1] == "error: i2c, while showing the cat"
        device.display = Display()
        assert crc(first(7)[0]) in answer(device, "redraw 1", 5000)[0]
        assert (device.screen()[:, :64] == dither(first(7)[0])).all()
        (stats,) = lines("\n".join([*answer(device, "stats"), ""]), "stats")
        assert stats["i2c_errors"] >= 1


# Figures


def test_stats_tell_where_the_time_went(device, card):
    generate(device)
    said = "\n".join([*answer(device, "stats"), ""])
    (picture,), (memory,) = lines(said, "picture"), lines(said, "memory")
    assert picture["card_bytes"] == len(GOOD) and picture["retries"] == 0
    assert picture["compute_ms"] + picture["wait_ms"] <= picture["ms"] <= 2000
    assert 0.9 * len(GOOD) / 100 <= picture["card_ms"] <= 1.2 * len(GOOD) / 100 + 70 * 0.2
    assert memory["arena_bytes"] == int.from_bytes(GOOD[20:24], "little") <= memory["of"]
    assert memory["of"] + memory["buffer_bytes"] + memory["state_bytes"] <= 272 * 1024


def test_the_8_bit_model_is_a_word_away(device):
    assert answer(device, "weights int8") == ["weights int8"]
    said, *_ = answer(device, "generate", 5000)
    assert crc(first(7, EIGHT)[0]) in said and "weights=int8" in said


def test_a_pool_that_is_used_up_is_told_with_what_chance_is_by_instead(sanitized, card):
    card.written["pool.bin"] = bytearray(1024)
    with Device(program=sanitized, card=card) as device:
        device.run(ms=300)
        generate(device)
        assert made(device)[0]["entropy"] == "system"
        assert "\npool: entropy, so chance is by system;" in device.console


def test_the_die_in_flash_is_no_cat(sanitized):
    card = Card({"cat4.whim": MODEL.read_bytes()})
    with Device(seed=7, program=sanitized, card=card) as device:
        device.run(ms=300)
        generate(device)
        assert len(error(device)) == 1 and not made(device)


# Trials: what whoever builds a board wants to know


def test_the_cards_speed_is_what_the_card_has(device, card):
    card.bandwidth = 2e6
    (said,) = lines("\n".join([*answer(device, "card"), ""]), "card")
    size = len(FILES["cat4.whim"])
    assert (said["file"], said["bytes"]) == ("cat4.whim", size)
    assert said["ms"] == pytest.approx(1000 * size / 2e6, abs=2)
    assert said["kb_per_s"] == pytest.approx(2000, rel=0.25) and said["slowest_us"] < 10_000
    answer(device, "weights int8")
    (said,) = lines("\n".join([*answer(device, "card"), ""]), "card")
    assert said["bytes"] == len(FILES["cat8.whim"])
    card.pull()
    assert answer(device, "card")[0] == "error: card missing, while reading cat8.whim"
    card.insert()
    card.faults = [Fault("hang", kind="read")]
    assert answer(device, "card", 5000)[0] == "error: card read, while reading cat8.whim"
    card.faults = []
    generate(device)
    assert len(made(device)) == 1


def test_the_tone_is_a_kilohertz_and_begins_and_ends_at_rest(device):
    assert answer(device, "tone", 5000) == ["tone hertz=1000 ms=3000"]
    values = device.sounds[0].values.astype(int)
    assert values[0] == 0 and (values[-64:] == 0).all()
    assert np.abs(np.diff(values)).max() < 250, "no clicks"
    middle = values[64 * 1000 : 64 * 3000]
    spectrum = np.abs(np.fft.rfft(middle - middle.mean())) / (len(middle) / 2)
    assert spectrum.argmax() / 2 == 1000, "Hz"
    assert 900 < spectrum.max() < 1100, "half of what the DAC can do"
    assert np.sort(spectrum)[-2] < 5
    before = len(device.sounds)
    device.type("tone\r")
    device.run(ms=1500)
    device.press()
    device.run(ms=1000)
    assert len(device.sounds) == before + 1 and device.sounds[-1].values[-1] == 0
    assert 1.5 < len(device.sounds[-1].values) / 64000 < 2.3, "a press ends it"
    assert not lines(device.console, "roll") and " late=0 " in "\n".join(answer(device, "stats"))


@pytest.mark.parametrize("weights, model", [("int4", FOUR), ("int8", EIGHT)])
def test_the_self_test_of_the_cards_model_says_what_the_decoder_says(device, weights, model):
    answer(device, f"weights {weights}")
    crcs = self_test.expected(model, 1)
    said = answer(device, "selftest cat", 5000)
    assert said == [f"selftest layer={i} crc={crc:08x}" for i, crc in enumerate(crcs)] + [
        "selftest done"
    ]
    assert answer(device, "selftest x")[0].startswith("selftest: cat")


def test_verify_compares_the_cats_on_a_boards_card(sanitized, tmp_path):
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    with Device(seed=7, program=sanitized, card=Card(FILES)) as device, Bridge(device) as bridge:
        for name in FILES:
            run = subprocess.run([*VERIFY, "--port", bridge.name, str(tmp_path / name)],
                                 capture_output=True, text=True)  # fmt: skip
            assert (run.returncode, run.stderr) == (0, "")
            assert run.stdout.count(" same\n") == 4 and "4 layers, 0 different" in run.stdout


@pytest.mark.parametrize("command", ["selftest cat", "generate", "redraw 1"])
def test_ctrl_c_ends_what_takes_long(device, card, command):
    generate(device)
    card.bandwidth = 5e3
    start = len(device.console)
    device.type(command + "\r")
    device.run(ms=700)
    device.type("\x03")
    assert device.run_until(lambda: device.console[start:].endswith("\n" + PROMPT), 12_000)
    ended = "selftest cancelled" if command == "selftest cat" else "cat cancelled"
    assert f"\n{ended}\n" in device.console[start:]
    assert not error(device)


def test_a_press_ends_the_test_of_the_cards_speed(sanitized):
    card = Card({"cat4.whim": bytes(2_000_000)}, bandwidth=5e5)
    with Device(seed=7, program=sanitized, card=card) as device:
        device.run(ms=300)
        device.type("card\r")
        device.run(ms=1000)
        device.press()
        device.run(ms=500)
        (said,) = lines(device.console, "card")
        assert 300_000 < said["bytes"] < 1_000_000 and device.console.endswith(PROMPT)
