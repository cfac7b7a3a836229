"""The display model believes the data sheet, luma.oled confirms it, our driver draws the same."""

import numpy as np
import pytest
from PIL import Image

from whim.device import Device
from whim.display import ADDRESS, Display, DisplayError

NEEDED = [0x8D, 0x14, 0xAF]  # charge pump and on
REGISTERS = ("on", "pump", "inverse", "all_on", "mode", "contrast", "mirrored", "flipped",
             "start_line", "offset", "multiplex", "com_pins", "columns", "pages")  # fmt: skip


class Bus:
    """The part of an SMBus that luma.oled uses, with our display at its other end."""

    def __init__(self):
        self.display = Display()

    def write_i2c_block_data(self, address, control, data):
        assert self.display.write(address, control, bytes(data))


def drawn_by_luma(picture: np.ndarray) -> Display:
    oled = pytest.importorskip("luma.oled.device")
    from luma.core.interface.serial import i2c

    bus = Bus()
    device = oled.ssd1306(i2c(bus=bus, address=ADDRESS))
    device.persist = True  # or it clears the display when Python ends
    device.display(Image.fromarray(picture).convert("1"))
    return bus.display


def commands(*values) -> Display:
    display = Display()
    display.write(ADDRESS, 0x00, bytes(values))
    return display


@pytest.mark.filterwarnings("ignore:Image.Image.getdata")  # in luma
def test_what_luma_draws_is_what_one_sees():
    picture = np.random.default_rng(1).random((64, 128)) < 0.3
    assert (drawn_by_luma(picture).picture() == picture).all()


@pytest.mark.filterwarnings("ignore:Image.Image.getdata")  # in luma
def test_our_driver_leaves_the_display_as_luma_does(simulator):
    with Device(seed=7, program=simulator) as device:
        device.roll()
        device.run(ms=100)
        ours, picture = device.display, device.screen()
    assert 500 < picture.sum() < 5000
    luma = drawn_by_luma(picture)
    assert (ours.memory == luma.memory).all()
    assert (ours.picture() == luma.picture()).all()
    for name in REGISTERS[:-2]:  # a window is whatever was drawn last
        assert getattr(ours, name) == getattr(luma, name), name


def test_memory_is_noise_after_power_on_and_our_driver_never_shows_it(simulator):
    seen = []
    noise = Display()
    noise.write(ADDRESS, 0x00, bytes(NEEDED))
    assert 3000 < noise.picture().sum() < 5200

    def watch(number, address, control, data):
        seen.append(device.screen().sum())

    with Device(seed=7, program=simulator, i2c_fault=watch) as device:
        device.run(ms=300)
    assert max(seen) < 3000


@pytest.mark.parametrize(
    "control, data, words",
    [
        (0x00, [0x23], "unknown command 0x23"),
        (0x00, [0xFF], "unknown command 0xff"),
        (0x00, [0x2F], "unknown command 0x2f"),  # scrolling: not modelled
        (0x00, [0x20, 0x03], "addressing mode 3"),
        (0x00, [0x21, 0x00, 0x80], "command 0x21 with argument 0x80"),
        (0x00, [0x21, 0x05, 0x04], "a window from 5 to 4"),
        (0x00, [0x22, 0x00, 0x08], "command 0x22 with argument 0x08"),
        (0x00, [0xA8, 0x0E], "multiplex ratio 15"),
        (0x00, [0xDA, 0x02], "COM pins 0x02"),
        (0x00, [0x8D, 0x04], "charge pump argument 0x04"),
        (0x00, [0x20, 0x00, 0xB0], "0xb0 outside page addressing"),
        (0x01, [0xAE], "control byte 0x01"),
        (0x00, [], "nothing after it"),
        (0x80, [], "nothing after it"),
    ],
)
def test_what_the_data_sheet_does_not_define_is_an_error_that_names_it(control, data, words):
    with pytest.raises(DisplayError, match=words):
        Display().write(ADDRESS, control, bytes(data))


def test_data_in_the_midst_of_a_command_are_an_error():
    display = commands(0x21, 0x00)
    with pytest.raises(DisplayError, match="0x21 waits for arguments"):
        display.write(ADDRESS, 0x40, b"\x01")


def test_nobody_answers_at_another_address():
    assert not Display().write(ADDRESS + 1, 0x00, b"\xaf")


@pytest.mark.parametrize(
    "mode, places",
    [
        (0, [(2, 10), (2, 11), (2, 12), (3, 10), (3, 11), (3, 12), (2, 10)]),
        (1, [(2, 10), (3, 10), (2, 11), (3, 11), (2, 12), (3, 12), (2, 10)]),
    ],
)
def test_a_window_fills_in_its_order_and_begins_anew(mode, places):
    display = commands(0x20, mode, 0x21, 10, 12, 0x22, 2, 3)
    for place in places:
        display.write(ADDRESS, 0x40, b"\xa5")
        assert display.memory[place] == 0xA5
        display.memory[place] = 0


def test_page_addressing_stays_in_its_page():
    display = commands(0x20, 2, 0xB5, 0x1E, 0x07)
    display.memory[:] = 0
    display.write(ADDRESS, 0x40, bytes([1]) * (128 - 0x67 + 3))
    assert display.memory.sum() == display.memory[5].sum()
    assert display.memory[5, :3].all() and not display.memory[5, 3:0x67].any()


def test_single_commands_and_data_may_alternate_in_one_write():
    display = Display()
    display.write(ADDRESS, 0x80, bytes([0x20, 0x80, 0x00, 0xC0, 0x12, 0x40, 0x34, 0x56]))
    assert display.memory[0, :3].tolist() == [0x12, 0x34, 0x56]


def test_the_picture_follows_the_registers():
    def lit(*values):
        display = commands(0x20, 0x00, *values)
        display.memory[:] = 0
        display.memory[0, 0] = 1
        return [tuple(place) for place in np.argwhere(display.picture())]

    upright = [0xA1, 0xC8, *NEEDED]
    assert lit(*upright) == [(0, 0)]
    assert lit(0xA0, 0xC8, *NEEDED) == [(0, 127)]
    assert lit(0xA1, 0xC0, *NEEDED) == [(63, 0)]
    assert lit(*upright, 0x41) == [(63, 0)]
    assert lit(*upright, 0xD3, 1) == [(63, 0)]
    assert lit(*upright, 0xD3, 1, 0xA8, 62) == []
    assert lit(*upright, 0xAE) == []
    assert lit(0xA1, 0xC8, 0xAF) == []  # without the charge pump
    assert len(lit(*upright, 0xA7)) == 128 * 64 - 1
    assert len(lit(*upright, 0xA5)) == 128 * 64
