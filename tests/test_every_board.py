"""What every board promises: the image that people flash, on its virtual board, is the device."""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from conftest import built
from test_sim import read_photo

from whim import entropy
from whim.board import Board, BoardError
from whim.device import Device
from whim.flagship import Flagship

TOOL = [sys.executable, str(Path(__file__).resolve().parents[1] / "host/board.py")]


class Kind(NamedTuple):
    name: str
    switched_on: type[Board]
    cycle_model: str
    hurry: int  # a long series is so many times shorter, where a board takes long


KINDS = Kind("ch32v003", Board, "qingke-v2a-2", 1), Kind("ch32h417", Flagship, "qingke-v3f-1", 2)


def tool(*words, **options) -> subprocess.CompletedProcess:
    pipes = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
    return subprocess.run([*TOOL, *map(str, words)], **pipes, **options)


def series(kind: Kind, all_of_them: int, a_few: int) -> range:
    """How many of a long series: `make test` runs a few, `make soak` all."""
    return range((all_of_them if os.environ.get("WHIM_SOAK") else a_few) // kind.hurry)


@pytest.fixture(scope="module", params=KINDS, ids=[kind.name for kind in KINDS])
def kind(request) -> Kind:
    return request.param


@pytest.fixture(scope="module")
def image(emulator, kind) -> Path:
    return built(kind.name, "firmware.elf")


@pytest.fixture(scope="module")
def ready(image, kind) -> tuple:
    """A board that asks for a press, with seed 7."""
    with kind.switched_on(seed=7, image=image) as board:
        board.run(ms=1500)
        return board.snapshot()


@pytest.fixture
def board(image, kind, ready):
    with kind.switched_on(seed=7, image=image) as board:
        board.restore(ready)
        yield board


def rolled(switched_on, seed: int, **options) -> tuple[dict, np.ndarray]:
    with switched_on(seed=seed, **options) as device:
        device.run(ms=1500)
        result = device.roll()
        device.run(ms=100)
        return result, device.screen()


def test_it_draws_the_simulators_screen_byte_for_byte(image, kind, simulator):
    for seed in series(kind, 200, 4):
        chip, pc = rolled(kind.switched_on, seed, image=image), rolled(Device, seed)
        assert chip[0] == pc[0], seed
        assert (chip[1] == pc[1]).all(), seed


def test_a_roll_is_one_line_of_json_with_what_it_cost(image, kind, tmp_path):
    run = tool(kind.name, "roll", "--seed", 7, "--png", tmp_path / "roll.png")
    assert (run.returncode, run.stderr, run.stdout.count("\n")) == (0, "", 1)
    answer = json.loads(run.stdout)
    expected = entropy.roll(entropy.keystream(7))
    assert (answer["pips"], answer["turn"], tuple(answer["latent"])) == expected
    ratio = answer["instructions"] / answer["macs"]
    assert answer["instructions_per_mac"] == pytest.approx(ratio, abs=0.01)
    assert answer["cycles"] > answer["instructions"] > 0
    assert answer["cycle_model"] == kind.cycle_model and answer["frames_per_second"] >= 10
    assert answer["stack_bytes"] > 100
    screen = rolled(kind.switched_on, 7, image=image)[1]
    assert (read_photo(tmp_path / "roll.png") == screen).all()


def test_a_run_can_be_repeated_instruction_for_instruction(image, kind):
    def run() -> tuple:
        with kind.switched_on(image=image, noise=5) as board:
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


def test_without_a_seed_the_chips_noise_rolls(image, kind):
    rolls = []
    for noise in (1, 2, 3):
        with kind.switched_on(image=image, noise=noise) as board:
            board.run(ms=1500)
            rolls.append(board.roll())
    assert len({roll["entropy"] for roll in rolls}) == 1 and rolls[0]["entropy"] != "seed"
    assert len({str(roll) for roll in rolls}) == 3


def test_a_display_that_is_missing_is_an_error_with_a_name(image, kind):
    with kind.switched_on(seed=7, image=image, display=False) as board:
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


def test_a_fault_is_told_and_the_watchdog_brings_the_device_back(image, kind):
    with kind.switched_on(seed=7, image=image, faults="deliver") as board:
        board.run(ms=1500)
        board.machine.call("set_pc", 0x5000_0000)
        board.run(ms=100)
        assert "fault " in board.console and "cause=00000001 at=50000000" in board.console
        board.run(ms=8000)
        assert board.resets == 1 and "reset by the watchdog" in board.console
        board.roll()


def test_power_that_is_cut_at_any_moment_leaves_a_device_that_works(image, kind):
    rng = np.random.default_rng(50)
    expected = rolled(kind.switched_on, 7, image=image)[1]
    for _ in series(kind, 100, 6):
        with kind.switched_on(seed=7, image=image) as board:
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
    with pytest.raises(BoardError, match=r"stack overflow: sp = 0x20\w+ is below .* in \w+"):
        board.press()
        board.run(ms=5000)


def test_the_serial_line_is_a_device_that_other_programs_can_open(image, kind):
    call = [*TOOL, kind.name, "serial", "--seed", "7"]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
    try:
        name = process.stdout.readline().strip()
        line = os.open(name, os.O_RDWR | os.O_NOCTTY)
        heard, end = b"", time.monotonic() + 60
        while b"macs=" not in heard and time.monotonic() < end:
            if select.select([line], [], [], 0.1)[0]:
                heard += os.read(line, 4096)
        os.close(line)
        assert f"on {kind.name}".encode() in heard and b"macs=" in heard
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("words", [
    ["ch32v003", "roll", "--seed", "-1"],
    ["ch32v003", "roll", "--seed", 2**64],
    ["ch32v003", "roll", "--nonsense"],
    ["ch32v003", "generate"],
    ["ch32v003", "roll", "--card", "card.img"],
    ["ch32h417", "say"],
    ["ch32h417", "say", "--index", 131072],
    ["ch32h417", "generate", "--bus", "usb"],
    ["ch32h417", "generate", "--speed", "bandwidth=fast"],
    ["ch32h417", "generate", "--speed", "pause=100ms@0.001,noise=2"],
])  # fmt: skip
def test_a_wrong_call_says_so_and_ends_with_2(words):
    run = tool(*words)
    assert run.returncode == 2 and "error" in run.stderr and not run.stdout


def test_if_no_image_is_built_a_sentence_says_how(kind, emulator, tmp_path):
    run = tool(kind.name, "roll", "--image", tmp_path / "firmware.elf")
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert f"pio run -e {kind.name}" in run.stderr


def test_what_is_no_image_is_refused_in_a_sentence(kind, emulator, tmp_path):
    (tmp_path / "firmware.bin").write_bytes(bytes(1000))
    run = tool(kind.name, "roll", "--image", tmp_path / "firmware.bin")
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert run.stderr.startswith("board.py: ") and "firmware.bin is no image" in run.stderr
