"""The image that people flash, on the virtual board: a person could not tell it from a device."""

import json
import os
import select
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import built
from test_sim import read_photo

from whim import entropy
from whim.board import Board, BoardError
from whim.device import Device, DeviceError

BOARD = [sys.executable, str(Path(__file__).resolve().parents[1] / "host/board.py"), "ch32v003"]


def series(all_of_them: int, a_few: int) -> range:
    """How many of a long series: `make test` runs a few, `make soak` all."""
    return range(all_of_them if os.environ.get("WHIM_SOAK") else a_few)


@pytest.fixture(scope="module")
def image(emulator) -> Path:
    return built("ch32v003", "firmware.elf")


@pytest.fixture(scope="module")
def ready(image) -> tuple:
    """A board that asks for a press, with seed 7."""
    with Board(seed=7, image=image) as board:
        board.run(ms=1500)
        return board.snapshot()


@pytest.fixture
def board(image, ready):
    with Board(seed=7, image=image) as board:
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
    for seed in series(200, 4):
        chip, pc = rolled(Board, seed, image=image), rolled(Device, seed)
        assert chip[0] == pc[0], seed
        assert (chip[1] == pc[1]).all(), seed


def test_a_roll_is_one_line_of_json_with_what_it_cost(image, tmp_path):
    run = board_tool("roll", "--seed", 7, "--png", tmp_path / "roll.png")
    assert (run.returncode, run.stderr, run.stdout.count("\n")) == (0, "", 1)
    answer = json.loads(run.stdout)
    expected = entropy.roll(entropy.keystream(7))
    assert (answer["pips"], answer["turn"], tuple(answer["latent"])) == expected
    assert answer["instructions"] / answer["macs"] == pytest.approx(
        answer["instructions_per_mac"], abs=0.01
    )
    assert answer["cycles"] > answer["instructions"] > answer["macs"]
    assert answer["cycle_model"] == "qingke-v2a-2"
    assert 100 < answer["stack_bytes"] < 2048
    assert (read_photo(tmp_path / "roll.png") == rolled(Board, 7, image=image)[1]).all()


def test_the_tumble_runs_at_ten_frames_a_second(image):
    assert json.loads(board_tool("roll", "--seed", 7).stdout)["frames_per_second"] >= 10


def test_the_stack_stays_within_what_is_left_of_the_ram(board):
    board.roll()
    board.run(ms=100)
    room = 0x2000_0800 - board.machine.data_end
    assert 0 < board.stack_painted() <= board.stack_bytes() <= room - 32


def test_a_run_can_be_repeated_instruction_for_instruction(image):
    def run() -> tuple:
        with Board(image=image, noise=5) as board:
            board.run(ms=1500)
            board.roll()
            return board.instructions, board.cycles, board.console, board.screen().tobytes()

    assert run() == run()


def test_a_snapshot_brings_back_the_whole_board(board):
    outcomes = []
    kept = board.snapshot()
    for _ in range(2):
        board.restore(kept)
        result = board.roll()
        outcomes.append((result, board.instructions, board.cycles, board.screen().tobytes()))
    assert outcomes[0] == outcomes[1]


def test_without_a_seed_the_chips_noise_rolls(image):
    rolls = []
    for noise in (1, 2, 3):
        with Board(image=image, noise=noise) as board:
            board.run(ms=1500)
            rolls.append(board.roll())
    assert all(roll["entropy"] == "jitter" for roll in rolls)
    assert len({str(roll) for roll in rolls}) == 3


def test_noise_that_is_dead_is_named_and_nothing_is_rolled(image):
    with Board(image=image) as board:
        board.run(ms=1500)
        board.machine.option("adc_noise", 0)
        board.machine.option("lsi_stopped", 1)
        with pytest.raises(DeviceError, match="no roll"):
            board.roll()
        assert "error: " in board.console and "no fair random bytes" in board.console


def test_one_press_is_one_roll_however_the_contact_bounces(board):
    for bounce in ((0,), (0, 1, 2, 3, 4), (0, 0.05, 0.1, 5, 9)):
        before = board.console.count("roll ")
        board.press(bounce=bounce)
        board.run(ms=4500)
        assert board.console.count("roll ") == before + 1


def test_a_touch_shorter_than_a_bounce_rolls_nothing(board):
    board.contact([(0, True), (1, False)])
    board.run(ms=500)
    assert "roll " not in board.console


def test_a_display_that_is_missing_is_an_error_with_a_name(image):
    with Board(seed=7, image=image, display=False) as board:
        board.run(ms=1500)
        assert "error: " in board.console and "no answer from the display" in board.console


@pytest.mark.parametrize("place", [0, 1, 5])
def test_a_byte_that_is_not_acknowledged_is_an_error_and_the_next_roll_is_well(board, place):
    once = [board.transactions + 20]
    board.i2c_fault = lambda number, at, byte: at == place and number == once[0]
    board.press()
    board.run(ms=4500)
    assert "error: " in board.console
    board.i2c_fault = None
    board.roll()
    board.run(ms=100)
    assert board.screen().any()


@pytest.mark.parametrize("clocks", [3, 1000])
def test_a_bus_that_is_held_low_is_an_error_within_its_time_and_freed_if_it_can_be(board, clocks):
    board.machine.option("i2c_stuck", clocks)
    board.press()
    board.run(ms=1000)
    assert "error: " in board.console
    if clocks < 9:  # the port's nine clocks have freed it
        before = board.console.count("roll ")
        board.press()
        board.run(ms=4500)
        assert board.console.count("roll ") == before + 1 and board.screen().any()


def test_a_fault_is_told_and_the_watchdog_brings_the_device_back(image):
    with Board(seed=7, image=image, faults="deliver") as board:
        board.run(ms=1500)
        board.machine.call("set_pc", 0x5000_0000)
        board.run(ms=100)
        assert "fault cause=00000001 at=50000000" in board.console
        board.run(ms=7000)
        assert board.resets == 1 and "reset by the watchdog" in board.console
        board.roll()


def test_power_that_is_cut_at_any_moment_leaves_a_device_that_works(image):
    rng = np.random.default_rng(50)
    for _ in series(50, 4):
        with Board(seed=7, image=image) as board:
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
            assert (board.screen() == rolled(Board, 7, image=image)[1]).all()


def test_what_runs_into_the_programs_data_is_named(image):
    with Board(seed=7, image=image) as board:
        board.run(ms=100)
        board.machine.option("stack_limit", 0x2000_0000 + 2048 - 64)
        with pytest.raises(BoardError, match=r"stack overflow: sp = 0x20000\w+ is below .* in \w+"):
            board.press()
            board.run(ms=5000)


def test_a_seed_lies_in_the_mailbox_before_the_first_instruction(image):
    with Board(seed=2**64 - 2, image=image) as board:
        place = board.machine.addresses["port_seed_request"]
        words = struct.unpack("<III", board.machine.read(place, 12))
        assert words == (0x57484D53, 0xFFFFFFFE, 0xFFFFFFFF) and board.instructions == 0


def test_the_serial_line_is_a_device_that_other_programs_can_open(image):
    process = subprocess.Popen([*BOARD, "serial", "--seed", "7"], stdout=subprocess.PIPE, text=True)
    try:
        name = process.stdout.readline().strip()
        line = os.open(name, os.O_RDWR | os.O_NOCTTY)
        heard, end = b"", time.monotonic() + 20
        while b"macs=" not in heard and time.monotonic() < end:
            if select.select([line], [], [], 0.1)[0]:
                heard += os.read(line, 4096)
        os.close(line)
        assert b"on ch32v003" in heard and b"macs=" in heard
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("words", [["--seed", "-1"], ["--seed", 2**64], ["--nonsense"]])
def test_a_wrong_call_says_so_and_ends_with_2(words):
    run = board_tool("roll", *words)
    assert run.returncode == 2 and "error" in run.stderr and not run.stdout


def test_if_no_image_is_built_a_sentence_says_how(emulator, tmp_path):
    run = board_tool("roll", "--image", tmp_path / "firmware.elf")
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert "pio run -e ch32v003" in run.stderr
