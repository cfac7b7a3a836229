"""The flagship on its virtual board, without a card: both cores, its chance, its serial line."""

import os
import select
from pathlib import Path

import pytest
from conftest import built

from whim.device import lines
from whim.flagship import Flagship
from whim.serial_line import SerialLine


@pytest.fixture(scope="module")
def image(emulator) -> Path:
    return built("ch32h417", "firmware.elf")


def test_the_stack_stays_within_its_room_and_its_paint_says_the_same(image):
    with Flagship(seed=7, image=image) as board:
        board.run(ms=1500)
        board.roll()
        board.run(ms=100)
        deepest, painted, room = board.stacks()["v3f"]
        assert 0 < painted <= deepest <= room / 2
        assert not board.machine.figure("started", 1), "a die needs no second core"


@pytest.mark.parametrize("fault", [1, 2, 3, 4])
def test_a_generator_that_is_dead_is_named_and_nothing_is_rolled(image, fault):
    with Flagship(image=image) as board:
        board.machine.option("rng_fault", fault)
        board.run(ms=1500)
        board.press()
        board.run(ms=4000)
        assert not lines(board.console, "roll")
        assert "error: " in board.console and "no fair random bytes" in board.console


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
