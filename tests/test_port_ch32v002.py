"""The images that read digits, on the CH32V003 and the CH32V002, and the port that both share: what
the chips need of them, without a chip. tests/test_port_ch32v003.py is about the die's."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import size
from chip_image import code, disassembly, facts_as_header, flash, header, listed_facts, symbols
from conftest import built
from test_port_ch32v003 import PORT, checkout, pio, upload  # noqa: F401  fixtures, too

from whim import digits_app, format, packing, plan
from whim.board import CHIPS, Board, BoardError

ROOT = Path(__file__).resolve().parent.parent
PART = ROOT / "src/ports/ch32v002"
FACTS = tomllib.loads((ROOT / "data/facts/ch32v002.toml").read_text())
DIGITS = [name for name in CHIPS if name.startswith("digits")]
ROOMY = [name for name in DIGITS if not re.search("large|dense", name)]  # all words and the button
RAM = {"ch32v003": 2048, "ch32v002": 4096}


@pytest.fixture(scope="module", params=DIGITS)
def image(request):
    return built(request.param, "firmware.elf")


def chip(image: Path) -> str:
    return CHIPS[image.parent.name]


def test_the_shared_header_is_true_of_the_ch32v002_by_facts_of_its_own():
    """But for the converter, which this part has otherwise, and a reset that it does not know."""
    ours = header(PORT / "registers.h") | header(PART / "part.h")
    other = {name for name in ours if name.startswith("ADC1_")} | {"RCC_RSTSCKR_LPWRRSTF"}
    facts = facts_as_header(FACTS)
    assert len(ours) - len(other) > 90 and ours["FLASH_ACTLR_LATENCY_2"] == 2
    assert {name: ours[name] for name in ours.keys() - other if facts.get(name) != ours[name]} == {}


def test_every_fact_names_two_sources():
    listed = list(listed_facts(FACTS))
    assert len(listed) > 150
    assert not [path for path, named, _ in listed if len(set(named) & set(FACTS["sources"])) < 2]


def test_the_ch32v002s_own_folder_has_what_differs_and_nothing_else():
    names = {path.name for path in PART.iterdir()}
    assert names == {"link.ld", "multiply.S", "part.h"}
    memory = r"RAM \(rw\) : ORIGIN = 0x20000000, LENGTH = (\d)K"
    assert re.search(memory, code(PART / "link.ld"))[1] == "4"
    assert re.search(memory, code(PORT / "link.ld"))[1] == "2"


def test_the_image_fits_its_chip_with_the_stack_that_digits_take(image):
    """Measured on the virtual board, as deep as it went; and no byte of the data was touched, which
    the board would have told."""
    names = symbols(image)
    assert image.with_suffix(".bin").stat().st_size <= 16 * 1024
    assert names["port_stack_top"] == 0x2000_0000 + RAM[chip(image)]
    room = names["port_stack_top"] - names["port_stack_limit"]
    used = size.stack(Board(image.parent.name, image=image))
    assert 100 < used <= names["stack_least"] <= room


def test_the_binary_is_the_image(image):
    assert image.with_suffix(".bin").read_bytes() == flash(image)


def test_the_vector_table_opens_the_flash(image):
    names, table = symbols(image), image.with_suffix(".bin").read_bytes()
    words = [int.from_bytes(table[4 * i : 4 * i + 4], "little") for i in range(39)]
    assert names["vectors"] == 0 and names["vectors_end"] == 39 * 4
    assert words[12] == names["systick_interrupt"] and words[32] == names["console_interrupt"]
    roomy = image.parent.name in ROOMY
    assert words[20] == names["button_interrupt" if roomy else "fault"]
    others = {2, 3, 14, *range(16, 39)} - {20, 32}
    assert all(words[i] == names["fault"] for i in others)


def test_only_what_the_core_has_is_used(image):
    """x0 to x15; no multiplication on the CH32V003, and no division anywhere."""
    text = disassembly(image)
    assert len(text.splitlines()) > 1000
    assert not re.findall(r".*\bx(?:1[6-9]|2\d|3[01])\b.*", text)
    assert not re.findall(r".*\t(?:div|rem|amo|lr\.|f[a-z]+\.)\S*\t.*", text)
    # Without Zmmul among its flags, objdump shows a product as a word: mul x?, x?, x? of 4 bytes.
    products = re.findall(r"\t(?:mul\S*|\.4byte|\.word)\t(?:0x)?0?2\w*", text)
    assert chip(image) == "ch32v002" or not re.findall(r"\tmul\S*\t", text), products


def test_an_image_for_digits_has_no_entropy_in_it(image):
    """It draws no random bytes, so it needs no noise, and takes no seed."""
    names = symbols(image)
    assert not names.keys() & {"port_entropy", "noise_start", "entropy_start", "port_seed_request"}
    with pytest.raises(BoardError, match="takes no seed"):
        Board(image.parent.name, seed=7, image=image)


def test_the_net_in_it_is_the_one_of_its_name(image):
    name = image.parent.name
    net = (ROOT / f"data/digits-{digits_app.environment(name)[1]}.whim").read_bytes()
    assert net in image.with_suffix(".bin").read_bytes()


@pytest.mark.parametrize("name", DIGITS)
def test_the_input_lies_where_the_plan_lets_it(name):
    """custom_input of platformio.ini: a build has no NumPy to find it."""
    net = (ROOT / f"data/digits-{digits_app.environment(name)[1]}.whim").read_bytes()
    model, arena = format.read(net), int.from_bytes(net[20:24], "little")
    source = (ROOT / f".pio/build/{name}/flash_model.c").read_text()
    told = re.findall(r"whim_flash_(\w+)(?: =|\[)\D*(\d+)", source)
    said = {name: int(number) for name, number in told}
    assert said["arena_size"] == arena
    assert said["input_offset"] == plan.input_place(model)
    assert said["arena"] == max(arena, said["input_offset"] + model.inputs)


@pytest.mark.parametrize("name", ROOMY)
def test_the_console_tells_which_chip_it_is(name):
    board = Board(name)
    board.run(ms=20)
    assert f" on {CHIPS[name]}; type help" in board.console


@pytest.mark.parametrize("name", ["digits_v002"])
def test_a_fault_is_reported_and_the_watchdog_brings_the_board_back(name):
    board = Board(name, faults="deliver")
    board.run(ms=1000)
    board.machine.call("set_pc", 0x5000_0000)
    board.run(ms=7000)
    said = board.console.split("fault cause=00000001 at=50000000")[1]
    assert "reset by the watchdog" in said and board.resets == 1


def test_a_line_of_json_says_what_a_digit_took(tmp_path):
    words = [sys.executable, ROOT / "host/board.py", "digits_v003", "classify", "--image", "3"]
    run = subprocess.run(
        [*map(str, words), "--png", str(tmp_path / "screen.png")], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr, run.stdout.count("\n")) == (0, "", 1)
    told = json.loads(run.stdout)
    assert told["net"] == "small" and told["cycle_model"] == "qingke-v2a-2"
    assert told["digit"] == max(range(10), key=lambda i: told["logits"][i])
    assert told["ms"] == pytest.approx(told["cycles"] / 48_000, abs=0.01)
    assert 100 < told["stack_bytes"] < 2048 and (tmp_path / "screen.png").stat().st_size > 500


@pytest.mark.parametrize(
    "words",
    [
        ["digits_v003", "roll"],
        ["digits_v002", "generate"],
        ["ch32v003", "classify", "--image", "3"],
        ["digits_v003", "classify", "--image", "10"],
    ],
)
def test_what_a_board_cannot_do_is_told_and_ends_with_2(words):
    run = subprocess.run(
        [sys.executable, str(ROOT / "host/board.py"), *words], capture_output=True, text=True
    )
    assert run.returncode == 2 and "error" in run.stderr and not run.stdout


@pytest.mark.parametrize("tools, called", [
    (("minichlink", "wlink"), r"minichlink was called: -w \S+/firmware\.bin flash -b"),
    (("wlink",), r"wlink was called: flash \S+/firmware\.bin"),
])  # fmt: skip
def test_uploading_to_a_ch32v002_takes_the_tool_that_is_installed(
    checkout, upload, tools, called  # noqa: F811
):
    for path in [*ROOT.glob("data/digits-*.whim"), ROOT / "data/digits-pictures.txt"]:
        shutil.copy(path, checkout / "data")
    result = upload(*tools, environment="digits_v002")
    assert result.returncode == 0, result.stderr
    assert re.search(called, result.stdout)


def test_a_missing_net_is_named_with_its_remedy(checkout):  # noqa: F811
    compiler = shutil.which("riscv64-unknown-elf-gcc")
    (checkout / "tools/riscv64-unknown-elf-gcc").symlink_to(compiler or "/bin/true")
    result = pio(checkout, environment="digits_v002")
    assert result.returncode == 1
    assert "data/digits-small.whim" in result.stderr and "`python host/pack.py`" in result.stderr
    assert packing.DATA == ROOT / "data"
