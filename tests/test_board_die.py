"""The CH32V003's image on its virtual board: the button, the bus, chance, and 2 KB of RAM."""

import struct
from pathlib import Path

import pytest
from conftest import built

from whim.board import Board
from whim.device import DeviceError


@pytest.fixture(scope="module")
def image(emulator) -> Path:
    return built("ch32v003", "firmware.elf")


@pytest.fixture
def board(image):
    """One that asks for a press."""
    with Board(seed=7, image=image) as board:
        board.run(ms=1500)
        yield board


def test_the_stack_stays_within_what_is_left_of_the_ram(board):
    board.roll()
    board.run(ms=100)
    room = 0x2000_0800 - board.machine.data_end
    assert 0 < board.stack_painted() <= board.stack_bytes() <= room - 32


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


def test_a_seed_lies_in_the_mailbox_before_the_first_instruction(image):
    with Board(seed=2**64 - 2, image=image) as board:
        place = board.machine.addresses["port_seed_request"]
        words = struct.unpack("<III", board.machine.read(place, 12))
        assert words == (0x57484D53, 0xFFFFFFFE, 0xFFFFFFFF) and board.instructions == 0
