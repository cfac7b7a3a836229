"""The device, as a person meets it: screens, button, and everything that can go wrong."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from whim import entropy, glyphs
from whim.crisp import crisp
from whim.device import Device, lines
from whim.display import Display

ROOT = Path(__file__).resolve().parents[1]
MODEL = ROOT / "data/die.whim"


def words(text: str) -> np.ndarray:
    """`text` in the display's small type, bool (8, width)."""
    columns = [column for character in text for column in [*glyphs.small(character), 0]][:-1]
    return np.array([[column >> y & 1 for column in columns] for y in range(8)], bool)


def place(picture: np.ndarray, part: np.ndarray, page: int, left: int, right: int) -> None:
    """Centre `part` between two columns."""
    height, width = part.shape
    column = left + (right - left - width) // 2
    picture[8 * page : 8 * page + height, column : column + width] = part


def panel(number: str, caption: str) -> np.ndarray:
    """The right half of the display."""
    picture = np.zeros((64, 128), bool)
    place(picture, glyphs.large(number), 0, 64, 128)
    place(picture, words(caption), 7, 64, 128)
    return picture[:, 64:]


def error_screen(name: str) -> np.ndarray:
    picture = np.zeros((64, 128), bool)
    for page, text in ((1, "error"), (3, name), (6, "see the console")):
        place(picture, words(text), page, 0, 128)
    return picture


def grey(program, seed: int, count: int) -> np.ndarray:
    run = subprocess.run(
        [program, "grey", str(seed), str(count)], capture_output=True, check=True
    )
    return np.frombuffer(run.stdout, np.uint8).reshape(count, -1)[:, 1:].reshape(-1, 32, 32)


def recorded(program, seed: int, rolls: int = 1) -> list:
    """All I2C writes of a device's life."""
    written = []
    with Device(
        seed, program=program, i2c_fault=lambda number, *write: written.append(write)
    ) as device:
        for _ in range(rolls):
            device.roll()
            device.run(ms=200)
    return written


def error(device: Device) -> list[str]:
    return [line for line in device.console.split("\n") if line.startswith("error: ")]


def test_at_first_a_die_waits_and_the_screen_says_what_to_do(sanitized):
    with Device(seed=7, program=sanitized) as device:
        device.run(ms=500)
        screen = device.screen()
        assert (screen[:, 64:] == panel("?", "press")).all()
        assert 1000 < screen[:, :64].sum() < 3000
        device.run(ms=5000)
        assert (device.screen() == screen).all()
        assert device.console.startswith("whim 0.1.0 on sim; type help\nmodel inputs=11 arena_")


def test_each_roll_shows_the_die_the_number_and_where_chance_came_from(sanitized):
    stream = entropy.keystream(7)
    with Device(seed=7, program=sanitized) as device:
        for picture in grey(sanitized, 7, 8):
            expected = entropy.roll(stream)
            roll = device.roll()
            assert (roll["pips"], roll["turn"], tuple(roll["latent"])) == expected
            device.run(ms=200)
            screen = device.screen()
            assert (screen[:, 64:] == panel(str(expected.pips), "seed")).all()
            assert (screen[:, :64] == crisp(picture[None], expected.latent[1])[0]).all()
            device.run(ms=3000)
            assert (device.screen() == screen).all()


def test_the_same_seed_sends_the_same_bytes_and_another_seed_others(simulator):
    first = recorded(simulator, 7, rolls=2)
    assert recorded(simulator, 7, rolls=2) == first
    assert recorded(simulator, 8, rolls=2) != first


def test_the_pictures_are_the_same_in_c_and_in_python(sanitized):
    rng = np.random.default_rng(3)
    dice = np.column_stack(
        [rng.integers(1, 7, 60), rng.integers(0, 256, 60), rng.integers(-127, 128, (60, 4))]
    ).astype(np.uint8)
    model = subprocess.run([sanitized, "inputs"], input=dice.tobytes(), capture_output=True)
    decoded = subprocess.run([sanitized, "decode", MODEL], input=model.stdout, capture_output=True)
    shown = subprocess.run([sanitized, "screen"], input=dice.tobytes(), capture_output=True)
    pictures = (np.frombuffer(decoded.stdout, np.int8).astype(int) + 128).reshape(60, 32, 32)
    pages = np.frombuffer(shown.stdout, np.uint8).reshape(60, 8, 1, 64)
    pixels = np.unpackbits(pages, axis=2, bitorder="little").reshape(60, 64, 64)
    assert (pixels == crisp(pictures, dice[:, 3].view(np.int8))).all()


def test_generated_c_is_up_to_date():
    words = [sys.executable, ROOT / "host/whim/crisp.py"]
    numbers = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    source = (ROOT / "src/app/crisp.c").read_text()
    assert len(numbers) == 5 and all(line in source for line in numbers)
    assert (ROOT / "src/app/font.c").read_text() == glyphs.source()


def test_the_throw_comes_in_slows_down_and_rests(simulator):
    screens = []
    with Device(seed=7, program=simulator) as device:
        device.run(ms=500)
        device.on_frame = lambda ms: screens.append((ms, device.screen()))
        start = device.ms
        device.roll()
        took = device.ms - start
    moved = [new for old, new in zip(screens, screens[1:]) if (old[1] != new[1]).any()]
    assert 10 <= len(moved) <= 20
    assert 700 < took < 1500
    gaps = np.diff([ms for ms, _ in moved])
    assert gaps.min() > 30 and gaps.max() < 100, "at 10 frames a second or better"
    middle = [np.argwhere(screen)[:, 1].mean() for _, screen in moved[:-1] if screen.any()]
    steps = -np.diff(middle)
    assert middle[0] > 110 and 24 < middle[-1] < 40
    assert steps[2:5].min() > steps[-4:].max(), "it slows down"


def test_what_crosses_the_bus_is_little_and_in_short_writes(simulator):
    writes = recorded(simulator, 7)
    assert max(len(data) for _, _, data in writes) <= 32
    sent = []  # each window, and the bytes that it and its data took on the bus
    for _, control, data in writes:
        if control == 0x00:
            sent.append([data, 0])
        sent[-1][1] += 2 + len(data)
    frames = [
        count for window, count in sent if window[0] == 0x21 and window[3:] == b"\x22\x00\x07"
        and window[1:3] != b"\x00\x7f"
    ]  # fmt: skip
    assert len(frames) == 15  # the die that waits, and the throw
    assert max(frames) * 9 / 400_000 < 0.020, "seconds at 400 kHz"


def test_a_bouncing_press_is_one_roll(sanitized):
    rng = np.random.default_rng(8)
    with Device(seed=7, program=sanitized) as device:
        for count in range(1, 13):
            bounce = np.sort(rng.choice(np.arange(1, 60), 9, replace=False) / 4).tolist()
            device.press(ms=60 + 10 * count, bounce=bounce)
            device.run(ms=2500)
            assert len(lines(device.console, "roll")) == count


def test_a_spark_is_no_press_and_a_held_button_is_one_long_press(simulator):
    with Device(seed=7, program=simulator) as device:
        device.run(ms=300)
        for _ in range(20):
            device.press(ms=8, bounce=[0])
            device.run(ms=50)
        assert not lines(device.console, "roll")
        device.press(ms=8000)
        device.run(ms=10_000)
        assert error(device) == ["error: card missing, while opening cat4.whim"]
        assert not lines(device.console, "roll")


def test_a_button_held_at_power_on_counts_once_it_was_let_go(simulator):
    with Device(seed=7, program=simulator) as device:
        device.press(ms=3000)
        device.run(ms=2900)
        first = len(lines(device.console, "roll"))
        device.run(ms=500)
        assert len(lines(device.console, "roll")) == first <= 1
        device.roll()
        assert len(lines(device.console, "roll")) == first + 1


def test_impatience_during_the_throw_changes_nothing(simulator):
    with Device(seed=7, program=simulator) as device:
        patient = device.roll()
        device.run(ms=500)
        screen = device.screen()
    with Device(seed=7, program=simulator) as device:
        device.press(ms=40)
        for _ in range(6):
            device.run(ms=120)
            device.press(ms=60)
        device.run(ms=3000)
        assert lines(device.console, "roll") == [patient]
        assert (device.screen() == screen).all()


def test_a_fault_at_any_i2c_write_of_the_start_is_named_and_healed(sanitized):
    with Device(seed=7, program=sanitized) as device:
        device.run(ms=200)
        healthy = device.transactions
    for bad in range(healthy):
        with Device(
            seed=7, program=sanitized, i2c_fault=lambda number, *write: number == bad
        ) as device:
            device.run(ms=200)
            assert error(device) == ["error: i2c, while drawing the first screen"], bad
            assert (device.screen() == error_screen("i2c")).all(), bad
            if bad % 10 == 0:
                pips = device.roll()["pips"]
                device.run(ms=100)
                assert (device.screen()[:, 64:] == panel(str(pips), "seed")).all(), bad


def test_a_fault_at_any_i2c_write_of_a_roll_is_named_and_healed(simulator):
    with Device(seed=7, program=simulator) as device:
        device.run(ms=500)
        start = device.transactions
        device.roll()
        device.run(ms=100)
        healthy = device.transactions - start
        for bad in range(healthy):
            broken = device.transactions + bad
            device.i2c_fault = lambda number, *write: number == broken  # noqa: B023
            told, rolled = len(error(device)), len(lines(device.console, "roll"))
            device.press()
            assert device.run_until(lambda: len(error(device)) > told), bad  # noqa: B023
            device.run(ms=200)
            assert error(device)[told:] == ["error: i2c, while drawing the die"], bad
            assert (device.screen() == error_screen("i2c")).all(), bad
            assert len(lines(device.console, "roll")) == rolled + 1, "a roll drawn is a roll told"
        pips = device.roll()["pips"]
        device.run(ms=100)
        assert (device.screen()[:, 64:] == panel(str(pips), "seed")).all()


def test_without_a_display_it_rolls_on_the_console_and_finds_one_plugged_in_later(sanitized):
    with Device(seed=7, program=sanitized, display=False) as device:
        assert device.roll()["pips"] == entropy.roll(entropy.keystream(7)).pips
        device.run(ms=200)
        assert "the display shows nothing" in device.console
        device.display = Display()
        pips = device.roll()["pips"]
        device.run(ms=100)
        assert (device.screen()[:, 64:] == panel(str(pips), "seed")).all()


def test_an_entropy_source_that_runs_dry_is_named_and_rolls_nothing(sanitized, tmp_path):
    pool = tmp_path / "pool"
    pool.write_bytes(bytes([255, 2, 64, 10, 20, 30, 40, 5, 1]))  # one roll, and half of another
    with Device(pool, program=sanitized) as device:
        assert device.roll() == {
            "pips": 3, "turn": 64, "latent": [-117, -107, -97, -87], "entropy": "file"
        }  # fmt: skip
        device.run(ms=200)
        assert (device.screen()[:, 64:] == panel("3", "file")).all()
        for count in (1, 2):
            device.press()
            device.run(ms=500)
            assert error(device) == ["error: entropy, while rolling"] * count
            assert (device.screen() == error_screen("entropy")).all()
        assert len(lines(device.console, "roll")) == 1


def test_a_model_that_cannot_be_used_is_named_and_the_device_lives_on(sanitized, tmp_path):
    good = MODEL.read_bytes()
    damaged = bytearray(good)
    damaged[-20] ^= 1
    cases = {"model truncated": good[:-1], "model oversized": good + b"\0", "model crc": damaged,
             "model magic": b"WHAT" + good[4:]}  # fmt: skip
    for name, content in cases.items():
        path = tmp_path / "die.whim"
        path.write_bytes(content)
        with Device(seed=7, model=path, program=sanitized) as device:
            for count in (1, 2):
                device.run(ms=500)
                assert error(device) == [f"error: {name}, while opening the model"] * count
                assert (device.screen() == error_screen(name)).all()
                device.press()


def test_all_of_the_dies_ram_is_known_and_small(simulator):
    run = subprocess.run([simulator, "sizes"], capture_output=True, text=True, check=True)
    (sizes,) = lines(run.stdout, "sizes")
    # With this PC's pointers of 8 bytes, so a chip needs less.
    assert sizes["arena_bytes"] + sizes["model"] + sizes["stage"] <= 1200
    assert sizes["stage"] <= 200
