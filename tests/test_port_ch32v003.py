"""The CH32V003's image, as built, and its port: what the chip needs of them, without a chip."""

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tomllib
import zlib
from pathlib import Path

import numpy as np
import pytest
import size
from chip_image import code, disassembly, facts_as_header, flash, header, listed_facts, symbols
from conftest import built

ROOT = Path(__file__).resolve().parent.parent
PORT = ROOT / "src/ports/ch32v003"
FACTS = tomllib.loads((ROOT / "data/facts/ch32v003.toml").read_text())
IMAGES = ("ch32v003", "ch32v003_hwtest")


@pytest.fixture(scope="module", params=IMAGES)
def image(request):
    return built(request.param, "firmware.elf")


def test_the_header_says_what_the_table_of_facts_says():
    ours, facts = header(PORT / "registers.h"), facts_as_header(FACTS)
    assert len(ours) > 100
    assert {name: ours[name] for name in ours if facts.get(name) != ours[name]} == {}


def test_every_fact_names_two_sources():
    listed = list(listed_facts(FACTS))
    assert len(listed) > 200
    assert not [path for path, named, _ in listed if len(set(named) & set(FACTS["sources"])) < 2]


def test_the_registers_are_named_in_the_header_alone():
    wrong = [
        f"{path.name}: {address}"
        for path in PORT.glob("*.c")
        for address in re.findall(r"\b0x[4eE][0-9a-fA-F]{7}\b", code(path))
    ]
    assert not wrong


def test_the_image_fits_the_chip(image):
    """16 KB of flash, and in RAM room for the stack that the linker script asks for."""
    names = symbols(image)
    assert image.with_suffix(".bin").stat().st_size <= 16 * 1024
    assert names["port_stack_top"] == 0x20000800
    assert names["port_stack_top"] - names["port_stack_limit"] >= names["stack_least"] >= 384


def test_the_engine_in_it_takes_at_most_4_kb(image):
    """Its machine code, that in RAM too; a compiler other than GCC 12 may need a little more."""
    assert size.sizes(image)["engine"] <= 4096


def test_the_binary_is_the_image(image):
    assert image.with_suffix(".bin").read_bytes() == flash(image)


def test_the_vector_table_opens_the_flash(image):
    """Word 0 is a jump to the start, every other a handler's address; the chip reads 39."""
    names = symbols(image)
    table = image.with_suffix(".bin").read_bytes()
    words = [int.from_bytes(table[4 * i:4 * i + 4], "little") for i in range(39)]
    assert names["vectors"] == 0 and names["vectors_end"] == 39 * 4
    jump = words[0]
    assert jump & 0xFFF == 0x06F, "jal x0"
    offset = (jump >> 21 & 0x3FF) << 1 | (jump >> 20 & 1) << 11 | (jump >> 12 & 0xFF) << 12
    assert offset == names["reset"]
    handlers = {12: "systick_interrupt", 20: "button_interrupt", 32: "console_interrupt"}
    used = {2, 3, 14, *range(16, 39)} - set(handlers)
    assert all(words[i] == names[handlers[i]] for i in handlers)
    assert all(words[i] == names["fault"] for i in used)


def test_only_16_registers_and_no_multiplication_are_used(image):
    """RV32EC: x0 to x15, and no instruction of the extensions M, A, F and D."""
    text = disassembly(image)
    assert len(text.splitlines()) > 1000
    assert not re.findall(r".*\bx(?:1[6-9]|2\d|3[01])\b.*", text)
    assert not re.findall(r".*\t(?:mul|div|rem|amo|lr\.|f[a-z]+\.)\S*\t.*", text)


def test_interrupts_return_by_mret(image):
    text = disassembly(image)
    for name in ("systick_interrupt", "button_interrupt", "console_interrupt"):
        body = re.search(rf"<{name}>:\n(.*?)\n\n", text + "\n\n", re.DOTALL)
        assert body and "mret" in body[1] and "\tret" not in body[1], name


def test_the_seed_mailbox_survives_a_reset(image):
    """It lies outside of what the start clears or paints."""
    names = symbols(image)
    assert names["bss_end"] <= names["port_seed_request"]
    assert names["port_seed_request"] + 12 <= names["port_stack_limit"]


def test_the_health_test_has_the_cutoffs_of_the_standard():
    """NIST SP 800-90B 4.4: 1/4 bit of entropy a sample, a false alarm in 2^30."""
    from scipy.stats import binom

    text = code(PORT / "entropy.c")
    said = dict(re.findall(r"(MOST_IN_ROW|MOST_IN_WINDOW|WINDOW) = (\d+)", text))
    window, alpha, chance = int(said["WINDOW"]), 2.0**-30, 2.0**-0.25
    assert int(said["MOST_IN_ROW"]) == 1 + 30 * 4 - 1
    assert int(said["MOST_IN_WINDOW"]) == binom.ppf(1 - alpha, window, chance)


# The build, with and without the tools that it looks for.


@pytest.fixture
def checkout(tmp_path):
    """A copy of the project, to build with tools of the test's choice."""
    for name in ("platforms", "include", "src"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("platformio.ini", "data/die.whim"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "tools").mkdir()
    return tmp_path


def pio(checkout, *arguments, environment="ch32v003"):
    """PlatformIO, with nothing on the PATH but the folder `tools`."""
    command = [sys.executable, "-m", "platformio", "run", "-e", environment, *arguments]
    alone = {"PATH": str(checkout / "tools"), "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no"}
    alone["PLATFORMIO_DISABLE_UPGRADE_CHECK"] = "true"
    variables = os.environ | alone
    return subprocess.run(command, cwd=checkout, env=variables, capture_output=True, text=True)


@pytest.fixture
def upload(checkout):
    compiler = shutil.which("riscv64-unknown-elf-gcc")
    tools = checkout / "tools"
    if not compiler:
        pytest.skip("no cross compiler on the PATH")
    for tool in [*Path(compiler).parent.glob("riscv64-unknown-elf-*"), Path(shutil.which("sh"))]:
        (tools / tool.name).symlink_to(tool)

    def run(*names, environment="ch32v003"):
        for name in names:
            (tools / name).write_text(f'#!/bin/sh\necho "{name} was called: $@"\n')
            (tools / name).chmod(0o755)
        return pio(checkout, "-t", "upload", environment=environment)

    return run


@pytest.mark.parametrize("tools, called", [
    (("minichlink", "wlink", "openocd"), r"minichlink was called: -w \S+/firmware\.bin flash -b"),
    (("wlink", "openocd"), r"wlink was called: flash \S+/firmware\.bin"),
    (("openocd",), r"openocd was called: .*program \S+/firmware\.elf verify"),
])
def test_uploading_takes_the_tool_that_is_installed(upload, tools, called):
    result = upload(*tools)
    assert result.returncode == 0, result.stderr
    assert re.search(called, result.stdout)


def test_uploading_without_a_tool_says_what_to_install(upload):
    result = upload()
    assert result.returncode == 1
    for word in ("minichlink", "wlink", "OpenOCD", "WCH-LinkE", "firmware.bin"):
        assert word in result.stderr
    assert "Traceback" not in result.stderr


def test_without_compiler_and_registry_the_build_says_what_to_install(checkout):
    try:
        socket.create_connection(("api.registry.platformio.org", 443), timeout=5).close()
        pytest.skip("PlatformIO's registry is in reach: the build would fetch its compiler")
    except OSError:
        pass
    result = pio(checkout)
    assert result.returncode == 1
    assert "`apt-get install gcc-riscv64-unknown-elf`" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_registrys_compiler_is_optional():
    platform = json.loads((ROOT / "platforms/whim/platform.json").read_text())
    board = json.loads((ROOT / "platforms/whim/boards/ch32v003.json").read_text())
    assert platform["packages"][board["build"]["toolchain"]]["optional"] is True


def test_the_hardware_tests_picture_has_the_decoders_check_value():
    """The C engine, drawing it on this PC."""
    import selftest
    from whim import dice, packing, verification

    inputs = dice.inputs(np.array([5]), np.array([10]), np.array([[90, 60, -70, -70]]))
    picture = verification.engine(packing.DATA / "die.whim", inputs, built("sim"))
    check = 0
    for row in picture.reshape(dice.SIZE, dice.SIZE):
        check = zlib.crc32(struct.pack("<II", check, zlib.crc32(row.tobytes())))
    assert check == selftest.picture_check()


# The images at work, on the virtual board.


def board(environment="ch32v003", seed=None, **options):
    from whim.board import Board

    made = Board("ch32v003", seed, image=built(environment, "firmware.elf"))
    for name, value in options.items():
        made.machine.option(name, value)
    return made


def said_after_a_press(device, ms=3000):
    device.run(ms=1500)
    before = len(device.console)
    device.press()
    device.run(ms=ms)
    return device.console[before:]


def test_the_hardware_test_passes_on_the_virtual_board():
    device = board("ch32v003_hwtest")
    assert device.run_until(lambda: "9 press" in device.console, 15_000)
    device.press()
    assert device.run_until(lambda: "test again" in device.console, 12_000)
    assert device.console.count(" pass\n") + device.console.count(":pass\n") == 9
    assert "fail\n" not in device.console and "failed=0" in device.console
    assert f"stack bytes={device.stack_bytes()}" in device.console


@pytest.mark.parametrize("options", [{}, {"adc_noise": 0}, {"lsi_jitter": 0}], ids=str)
def test_one_healthy_source_of_noise_is_enough(options):
    assert "entropy=jitter" in said_after_a_press(board(**options))


@pytest.mark.parametrize("dead", ["lsi_jitter", "lsi_stopped"])
def test_without_noise_nothing_is_rolled(dead):
    device = board(adc_noise=0)
    device.run(ms=100)
    device.machine.option(dead, int(dead == "lsi_stopped"))
    said = said_after_a_press(device)
    assert "error: entropy" in said and "roll pips" not in said


def test_jitter_below_the_clocks_grain_is_not_counted():
    said = said_after_a_press(board(adc_noise=0, lsi_jitter=5))
    assert "error: entropy" in said


def test_rolls_from_noise_differ_with_the_noise():
    from whim.board import Board

    image = built("ch32v003", "firmware.elf")
    rolls = {said_after_a_press(Board("ch32v003", image=image, noise=n)) for n in range(4)}
    assert len(rolls) == 4


def test_a_bus_that_is_held_down_is_freed_or_named():
    assert "error" not in said_after_a_press(board(i2c_stuck=5))
    assert "error: i2c" in said_after_a_press(board(i2c_stuck=999))


def test_a_fault_is_reported_and_the_watchdog_brings_the_board_back():
    device = board(seed=7, deliver_faults=1)
    device.run(ms=1500)
    names = symbols(built("ch32v003", "firmware.elf"))
    device.machine.write(names["die_roll"], bytes(4))
    before = len(device.console)
    device.press()
    device.run(ms=7000)
    said = device.console[before:]
    assert f"fault cause=00000002 at={names['die_roll']:08x}" in said
    assert "on ch32v003" in said.split("reset by the watchdog")[1] and device.resets == 1


def test_the_seed_in_the_mailbox_serves_one_start_alone():
    device = board(seed=7)
    assert "entropy=seed" in said_after_a_press(device)
    mailbox = symbols(built("ch32v003", "firmware.elf"))["port_seed_request"]
    assert device.machine.read(mailbox, 4) == bytes(4)


def test_the_throw_leaves_stack_to_spare():
    device = board(seed=7)
    said_after_a_press(device, 8000)
    names = symbols(built("ch32v003", "firmware.elf"))
    room = names["port_stack_top"] - names["port_stack_limit"]
    assert device.stack_bytes() <= names["stack_least"] <= room
