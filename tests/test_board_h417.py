"""The flagship's image on the virtual CH32H417, without a card: both cores, the die, the shell."""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import built
from test_sim import read_photo

from whim import entropy
from whim.board import BoardError
from whim.device import Device, lines
from whim.flagship import Flagship
from whim.serial_line import SerialLine

BOARD = [sys.executable, str(Path(__file__).resolve().parents[1] / "host/board.py"), "ch32h417"]
SOAK = os.environ.get("WHIM_SOAK")


@pytest.fixture(scope="module")
def image(emulator) -> Path:
    return built("ch32h417", "firmware.elf")


@pytest.fixture(scope="module")
def ready(image) -> tuple:
    """A board that asks for a press, with seed 7."""
    with Flagship(seed=7, image=image) as board:
        board.run(ms=1500)
        return board.snapshot()


@pytest.fixture
def board(image, ready):
    with Flagship(seed=7, image=image) as board:
        board.restore(ready)
        yield board


def rolled(kind, seed: int, **options) -> tuple[dict, np.ndarray]:
    with kind(seed=seed, **options) as device:
        device.run(ms=1500)
        result = device.roll()
        device.run(ms=100)
        return result, device.screen()


def board_tool(*words, **options) -> subprocess.CompletedProcess:
    words = [*BOARD, *map(str, words)]
    pipes = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
    return subprocess.run(words, **pipes, **options)


def test_it_draws_the_simulators_screen_byte_for_byte(image, simulator):
    for seed in range(50 if SOAK else 2):
        chip, pc = rolled(Flagship, seed, image=image), rolled(Device, seed)
        assert chip[0] == pc[0], seed
        assert (chip[1] == pc[1]).all(), seed


def test_a_roll_is_one_line_of_json_with_what_it_cost(image, tmp_path):
    run = board_tool("roll", "--seed", 7, "--png", tmp_path / "roll.png")
    assert (run.returncode, run.stderr, run.stdout.count("\n")) == (0, "", 1)
    answer = json.loads(run.stdout)
    expected = entropy.roll(entropy.keystream(7))
    assert (answer["pips"], answer["turn"], tuple(answer["latent"])) == expected
    assert answer["cycles"] > answer["instructions"] > 0
    assert answer["cycle_model"] == "qingke-v3f-1" and answer["frames_per_second"] >= 10
    assert (read_photo(tmp_path / "roll.png") == rolled(Flagship, 7, image=image)[1]).all()


def test_the_stack_stays_within_its_room_and_its_paint_says_the_same(board):
    board.roll()
    board.run(ms=100)
    deepest, painted, room = board.stacks()["v3f"]
    assert 0 < painted <= deepest <= room / 2
    assert not board.machine.figure("started", 1), "a die needs no second core"


def test_a_run_can_be_repeated_instruction_for_instruction(image):
    def run() -> tuple:
        with Flagship(image=image, noise=5) as board:
            board.run(ms=800)
            board.roll()
            return board.cores(), board.console, board.screen().tobytes()

    assert run() == run()


def test_a_snapshot_brings_back_the_whole_board(board):
    outcomes = []
    kept = board.snapshot()
    for _ in range(2):
        board.restore(kept)
        result = board.roll()
        outcomes.append((result, board.cores(), board.screen().tobytes()))
    assert outcomes[0] == outcomes[1]


def test_without_a_seed_the_chips_generator_rolls(image):
    rolls = []
    for noise in (1, 2, 3):
        with Flagship(image=image, noise=noise) as board:
            board.run(ms=800)
            rolls.append(board.roll())
    assert len({roll["entropy"] for roll in rolls}) == 1 and rolls[0]["entropy"] != "seed"
    assert len({str(roll) for roll in rolls}) == 3


@pytest.mark.parametrize("fault", [1, 2, 3, 4])
def test_a_generator_that_is_dead_is_named_and_nothing_is_rolled(image, fault):
    with Flagship(image=image) as board:
        board.machine.option("rng_fault", fault)
        board.run(ms=1500)
        board.press()
        board.run(ms=4000)
        assert not lines(board.console, "roll")
        assert "error: " in board.console and "no fair random bytes" in board.console


def test_a_display_that_is_missing_is_an_error_with_a_name(image):
    with Flagship(seed=7, image=image, display=False) as board:
        board.run(ms=1500)
        assert "error: " in board.console and "no answer from the display" in board.console


@pytest.mark.parametrize("clocks", [3, 1000])
def test_a_bus_that_is_held_low_is_an_error_within_its_time_and_freed_if_it_can_be(board, clocks):
    board.machine.option("i2c_stuck", clocks)
    board.press()
    board.run(ms=1500)
    assert "error: " in board.console
    if clocks < 9:  # the port's nine clocks have freed it
        board.roll()
        board.run(ms=100)
        assert board.screen().any()


def test_a_fault_is_told_and_the_watchdog_brings_the_device_back(image):
    with Flagship(seed=7, image=image, faults="deliver") as board:
        board.run(ms=1500)
        board.machine.call("set_pc", 0x5000_0000)
        board.run(ms=100)
        assert "at=50000000" in board.console
        board.run(ms=8000)
        assert board.resets == 1 and "reset by the watchdog" in board.console
        board.roll()


def test_power_that_is_cut_at_any_moment_leaves_a_device_that_works(image):
    rng = np.random.default_rng(50)
    expected = rolled(Flagship, 7, image=image)[1]
    for _ in range(50 if SOAK else 3):
        with Flagship(seed=7, image=image) as board:
            board.run(ms=float(rng.uniform(0, 1200)))
            if rng.random() < 0.6:
                board.press()
                board.run(ms=float(rng.uniform(0, 3000)))
            board.power_cut(noise=int(rng.integers(1 << 32)))
            start = len(board.console)
            board.run(ms=1500)
            assert "reset by power-on" in board.console[start:]
            board.roll()
            board.run(ms=100)
            assert "error" not in board.console[start:]
            assert (board.screen() == expected).all()


def test_what_runs_into_the_programs_data_is_named(board):
    board.machine.option("stack_limit", board.machine.addresses["port_stack_top"] - 64)
    with pytest.raises(BoardError, match=r"stack overflow: sp = 0x201\w+ is below .* in \w+"):
        board.press()
        board.run(ms=5000)


def test_the_serial_line_is_a_device_that_other_programs_can_open(image):
    process = subprocess.Popen([*BOARD, "serial", "--seed", "7"], stdout=subprocess.PIPE, text=True)
    try:
        name = process.stdout.readline().strip()
        line = os.open(name, os.O_RDWR | os.O_NOCTTY)
        heard, end = b"", time.monotonic() + 60
        while b"macs=" not in heard and time.monotonic() < end:
            if select.select([line], [], [], 0.1)[0]:
                heard += os.read(line, 4096)
        os.close(line)
        assert b"on ch32h417" in heard and b"macs=" in heard
    finally:
        process.kill()
        process.wait()


def test_a_line_end_that_comes_in_two_halves_reaches_the_port_whole():
    class Talker:
        said = iter(["one\r", "one\n", "one\ntwo\r", "one\ntwo\nthree"])

        def run(self, ms):
            self.console = next(self.said)

    line = SerialLine(Talker())
    port = os.open(line.name, os.O_RDWR | os.O_NOCTTY)
    try:
        for _ in range(4):
            line.run(ms=1)
        heard = b""
        while b"three" not in heard and select.select([port], [], [], 1)[0]:
            heard += os.read(port, 100)
        assert heard == b"one\r\ntwo\r\nthree"
    finally:
        os.close(port)
        line.close()


@pytest.mark.parametrize("words", [
    ["ch32v003", "generate"],
    ["ch32v003", "roll", "--card", "card.img"],
    ["ch32h417", "say"],
    ["ch32h417", "say", "--index", 131072],
    ["ch32h417", "generate", "--bus", "usb"],
    ["ch32h417", "generate", "--speed", "bandwidth=fast"],
    ["ch32h417", "generate", "--speed", "pause=100ms@0.001,noise=2"],
])  # fmt: skip
def test_a_wrong_call_says_so_and_ends_with_2(words):
    run = subprocess.run([*BOARD[:2], *map(str, words)], capture_output=True, text=True)
    assert run.returncode == 2 and "error" in run.stderr and not run.stdout


def test_if_no_image_is_built_a_sentence_says_how(emulator, tmp_path):
    run = board_tool("roll", "--image", tmp_path / "firmware.elf")
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert "pio run -e ch32h417" in run.stderr


def test_what_is_no_image_is_refused_in_a_sentence(emulator, tmp_path):
    (tmp_path / "firmware.bin").write_bytes(bytes(1000))
    run = board_tool("roll", "--image", tmp_path / "firmware.bin")
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert run.stderr.startswith("board.py: ") and "firmware.bin is no image" in run.stderr
