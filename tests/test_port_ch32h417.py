"""The CH32H417's image, as built, and its port: what the chip needs of them, without a chip."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from chip_image import code, disassembly, facts_as_header, flash, header, listed_facts, symbols
from conftest import built
from elftools.elf.elffile import ELFFile

ROOT = Path(__file__).resolve().parent.parent
PORT = ROOT / "src/ports/ch32h417"
FACTS = tomllib.loads((ROOT / "data/facts/ch32h417.toml").read_text())
MEMORY = FACTS["memory"]
VECTORS = FACTS["numbers"]["VECTORS"]["value"]
SECOND = 0x20000  # where in flash V5F's image lies


@pytest.fixture(scope="module")
def image():
    return built("ch32h417", "firmware.elf")


@pytest.fixture(scope="module")
def second():
    return built("ch32h417", "v5f.elf")


def sections(path):
    with path.open("rb") as file:
        return {s.name: (s["sh_addr"], s["sh_size"]) for s in ELFFile(file).iter_sections()}


def inside(memory, address, size=1):
    base = MEMORY[memory]["base"]
    return base <= address and address + size <= base + MEMORY[memory]["size"]


def word(memory, at):
    return int.from_bytes(memory[at:at + 4], "little")


# The port's text.


def test_the_header_says_what_the_table_of_facts_says():
    ours, facts = header(PORT / "registers.h"), facts_as_header(FACTS)
    assert len(ours) > 200
    assert {name: ours[name] for name in ours if facts.get(name) != ours[name]} == {}


def test_every_fact_names_two_sources_or_says_why_it_is_believed():
    listed, known = list(listed_facts(FACTS)), set(FACTS["sources"])
    assert len(listed) > 300
    assert not [path for path, named, _ in listed if not set(named) <= known]
    assert not [path for path, named, fact in listed
                if len(set(named)) < 2 and "inferred" not in fact]


def test_the_registers_are_named_in_the_header_alone():
    wrong = [
        f"{path.name}: {address}"
        for path in PORT.rglob("*.c")
        for address in re.findall(r"\b0x[4eE][0-9a-fA-F]{7}\b", code(path))
    ]
    assert not wrong


def test_the_csrs_are_those_of_the_table_of_facts():
    text = code(PORT / "csr.h")
    for name in ("INTSYSCR", "CORECFGR", "CACHE_STRTG_CTLR", "CACHE_PMP_OVR", "OPCACHE_CTLR"):
        assert f"#define {name} {FACTS['csr']['values'][name]['value']:#x} - 0x1000" in text


def test_the_hazards_are_kept_clear_of():
    """The flash's clock goes down before the system's goes up; the pins' supply comes before any
    pin; V5F's cache is described before it is switched on, which takes all three bits at once."""
    clock = code(PORT / "clock.c")
    order = [clock.index(f"    {call}") for call in ("flash_clock();", "set(&RCC_PLLCFGR, 0, RCC_",
                                                     "set(&RCC_CFGR0, RCC_CFGR0_SW,")]
    assert order == sorted(order)
    start = clock[clock.index("void clock_start"):]
    assert start.index("PWR_CTLR =") < start.index("system_clock();") < start.index("HB2PCENR")

    second = code(PORT / "v5f/start.S")
    wanted = ("CSRW(PMPADDR0", "CSRW(PMPADDR1", "0x10", "CSRW(CACHE_PMP_OVR", "0xad00",
              "CSRW(PMPCFG0", "0x4", "CSRW(OPCACHE_CTLR", "0x03000002", "CSRC(CACHE_STRTG_CTLR")
    places = []
    for text in wanted:
        places.append(second.index(text, places[-1] if places else 0))
    assert places == sorted(places)
    values = FACTS["csr"]["values"]
    assert f"{values['CORECFGR_V5F']['value']:#x}" in second
    assert values["CORECFGR_V5F"]["value"] >> 15 & 1 == 0
    assert f"{values['CORECFGR_V3F']['value']:#x}" in code(PORT / "start.S")


def test_the_health_test_has_the_cutoffs_of_the_standard():
    """NIST SP 800-90B 4.4: 4 bits of entropy a word, a false alarm in 2^30."""
    from scipy.stats import binom

    said = dict(re.findall(r"(MOST_IN_ROW|MOST_IN_WINDOW|WINDOW) = (\d+)",
                           code(PORT / "entropy.c")))
    window, alpha, chance = int(said["WINDOW"]), 2.0**-30, 2.0**-4
    assert int(said["MOST_IN_ROW"]) == 1 + -(-30 // 4) - 1
    assert int(said["MOST_IN_WINDOW"]) == binom.ppf(1 - alpha, window, chance)
    assert 4 < FACTS["numbers"]["RNG_BITS"]["value"]


# Both images.


def test_the_images_fit_the_chip(image, second):
    """V3F's in the first 128 KB of flash and in shared memory; V5F's code in ITCM; what is left of
    DTCM for activations, 224 KB at least."""
    names, own = symbols(image), symbols(second)
    assert image.with_suffix(".bin").stat().st_size <= MEMORY["FLASH"]["size"]
    assert names["image_from"] + names["image_end"] - names["image_start"] <= SECOND
    assert names["noinit_end"] <= names["port_stack_limit"] < names["port_stack_top"]
    assert names["port_stack_top"] - names["port_stack_limit"] == names["stack_least"] == 16384
    assert inside("SHARED", names["work_start"], names["port_stack_top"] - names["work_start"])
    assert inside("ITCM", own["image_start"], own["image_end"] - own["image_start"])
    assert own["second_stack_top"] - own["second_stack_limit"] == own["stack_least"] == 8192
    assert own["second_stack_limit"] >= MEMORY["DTCM"]["base"] + 512
    assert inside("DTCM", own["worker_arena"], own["worker_arena_end"] - own["worker_arena"])
    assert own["worker_arena_end"] - own["worker_arena"] >= 224 * 1024


def test_the_binary_is_the_image_with_v5fs_inside(image, second):
    binary = image.with_suffix(".bin").read_bytes()
    own = second.with_suffix(".bin").read_bytes()
    assert binary == flash(image)
    assert binary[SECOND:SECOND + len(own)] == own
    assert symbols(second)["second_reset"] == SECOND and SECOND % 1024 == 0
    assert f"SECOND_ENTRY = {SECOND:#010x}" in (PORT / "second.h").read_text()


def test_v3f_runs_from_shared_memory_and_touches_no_other(image):
    """Only the copying is done from flash; nothing of its image is where V5F's memories are."""
    for name, (address, size) in sections(image).items():
        if not size or name.startswith(".debug") or not address and name != ".start":
            continue
        assert name in (".start", ".second") or inside("SHARED", address, size), name
    assert sections(image)[".start"][1] <= 256
    wrong = [name for name, value in symbols(image).items()
             if inside("ITCM", value) or inside("DTCM", value)]
    assert not wrong


def test_both_cores_share_one_struct_in_one_place(image, second):
    def work(path):
        with path.open("rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            (symbol,) = table.get_symbol_by_name("work")
            return symbol["st_value"], symbol["st_size"]

    assert work(image) == work(second)
    assert work(image)[0] == MEMORY["SHARED"]["base"]


@pytest.mark.parametrize("core, handlers", [
    ("firmware.elf", {12: "systick_interrupt", 17: "second_interrupt", 36: "button_interrupt",
                      38: "spi_interrupt", 48: "console_interrupt", 57: "dac_interrupt",
                      95: "sdmmc_interrupt"}),
    ("v5f.elf", {16: "second_interrupt"}),
])
def test_the_vector_tables_lie_in_ram_and_no_word_is_zero(core, handlers):
    path = built("ch32h417", core)
    names = symbols(path)
    assert names["vectors"] % 1024 == 0
    assert inside("SHARED" if core == "firmware.elf" else "ITCM", names["vectors"])
    assert names["vectors_end"] - names["vectors"] == 4 * VECTORS
    whole = built("ch32h417", "firmware.bin").read_bytes()
    at = names["image_from"] + names["vectors"] - names["image_start"]
    words = [word(whole, at + 4 * i) for i in range(VECTORS)]
    assert {i: w for i, w in enumerate(words) if w != names["fault"]} == {
        number: names[handler] for number, handler in handlers.items()}
    facts = {fact["number"] for fact in FACTS["interrupts"].values()}
    assert set(handlers) <= facts


@pytest.mark.parametrize("core", ["firmware.elf", "v5f.elf"])
def test_interrupts_return_by_mret_and_nothing_uses_floating_point(core):
    text = disassembly(built("ch32h417", core))
    handlers = re.findall(r"<(\w+_interrupt)>:\n(.*?)\n\n", text + "\n\n", re.DOTALL)
    assert len(handlers) == (7 if core == "firmware.elf" else 1)
    for name, body in handlers:
        assert "mret" in body and "\tret" not in body, name
    assert not re.findall(r".*\tf(?:add|sub|mul|div|lw|sw|mv|cvt|sgnj)\S*\t.*", text)
    # The linker may take it for 64-bit code or leave a library's; then this is what it looks like.
    assert not re.findall(r".*\t(?:ld|sd|addw|addiw)\t.*", text)


def test_both_cores_extra_instructions_are_used(image):
    """A compiler that knew them not would do without, and nobody would notice."""
    for made in ("src/engine/normal.o", "v5f/engine/kernels/rows/tile_sums.o"):
        assert b"zba1p0_zbb1p0" in (image.parent / made).read_bytes(), made


def test_the_seed_mailbox_survives_a_reset(image):
    """It lies outside of what the start copies, clears or paints."""
    names = symbols(image)
    assert names["bss_end"] <= names["port_seed_request"]
    assert names["port_seed_request"] + 12 <= names["port_stack_limit"]


def test_the_sounds_period_is_exact_on_the_mean():
    text = code(PORT / "dac.c")
    assert "PERIODS = 2 * HCLK_HERTZ / PORT_DAC_HERTZ" in text
    assert 2 * 100_000_000 % 64_000 == 0
    assert {"period(PERIODS / 2)", "period(PERIODS - PERIODS / 2)"} <= set(
        re.findall(r"period\([^;]+\)", text))


# The image at work, on the virtual board.


@pytest.fixture
def flagship(emulator, image):
    from whim.flagship import Flagship

    with Flagship(seed=7, image=image, faults="deliver") as board:
        board.run(ms=1500)
        yield board


def test_the_seed_in_the_mailbox_serves_one_start_alone(flagship):
    assert flagship.roll()["entropy"] == "seed"
    assert flagship.machine.read(flagship.machine.addresses["port_seed_request"], 4) == bytes(4)
    flagship.type("\x04")  # restart, by the shell
    flagship.run(ms=1500)
    assert "reset by software" in flagship.console
    assert flagship.roll()["entropy"] == "generator"


def test_the_dac_is_given_64000_values_a_second(flagship):
    """To the value: its timer counts 1562 and 1563 by turns."""
    flagship.type("tone\r")
    flagship.run(ms=1000)
    before = sum(len(sound.values) for sound in flagship.sounds)
    flagship.run(ms=2048)  # 32 rounds of the ring
    after = sum(len(sound.values) for sound in flagship.sounds)
    assert abs(after - before - 2048 * 64) <= 1 and flagship.late == 0


def test_a_line_typed_at_full_speed_is_kept_while_the_device_rolls(flagship):
    flagship.press(ms=50)
    flagship.run(ms=300)
    flagship.type("seed 12345678901234567890\r")
    flagship.run(ms=4000)
    assert "seed 12345678901234567890" in flagship.console
    assert flagship.console.count("entropy=seed") == 2


@pytest.fixture
def with_card(emulator, image, tmp_path):
    """A board whose card has small cats."""
    from card_images import require_tools
    from flagship_card import card_files
    from whim import volume
    from whim.flagship import Flagship
    from whim.sd_card import SdCard

    require_tools()
    volume.make(tmp_path / "card.img", card_files(tmp_path))
    card = SdCard(tmp_path / "card.img")
    with Flagship(seed=7, image=image, card=card, faults="deliver") as board:
        board.run(ms=1500)
        yield board


def cat(board):
    start = len(board.console)
    board.type("generate\r")
    assert board.run_until(lambda: "crc=" in board.console[start:], 8000)
    return re.search(r"crc=(\w+)", board.console[start:])[1]


def test_v5f_sleeps_while_it_waits_and_does_without_if_nothing_wakes_it(with_card):
    """The mailbox's facts come from one source: where it is silent, V5F looks again and again."""
    snapshot = with_card.snapshot()
    expected = cat(with_card)
    with_card.run(ms=500)
    slept = with_card.cores()["v5f"]["slept"]
    with_card.run(ms=100)
    assert with_card.cores()["v5f"]["slept"] - slept > 0.95 * 100 * 400_000

    with_card.restore(snapshot)
    deaf = with_card.machine.addresses["deaf"]
    assert inside("DTCM", deaf)
    with_card.type("generate\r")
    assert with_card.run_until(lambda: with_card.cores()["v5f"]["instructions"] > 200_000, 3000)
    with_card.machine.write(deaf, b"\1")
    assert with_card.run_until(lambda: "crc=" in with_card.console, 8000)
    assert f"crc={expected}" in with_card.console
    slept = with_card.cores()["v5f"]["slept"]
    with_card.run(ms=100)
    assert with_card.cores()["v5f"]["slept"] == slept


def test_a_fault_on_v5f_is_told_by_v3f_and_the_board_starts_afresh(with_card):
    """An instruction that does not exist, in the midst of a cat."""
    board = with_card
    at = board.machine.addresses["worker_step"]
    board.type("generate\r")
    assert board.run_until(lambda: board.cores()["v5f"]["instructions"] > 1_000_000, 3000)
    board.machine.write(at, bytes(4))
    assert board.run_until(lambda: "reset by software" in board.console, 8000)
    assert f"fault on V5F cause=00000002 at={at:08x}" in board.console
    assert "core stopped" in board.console
    board.run(ms=1000)
    board.roll()


# The upload of both cores, with the tools that are there.


@pytest.fixture
def upload(tmp_path):
    compiler = shutil.which("riscv64-unknown-elf-gcc")
    if not compiler or not (ROOT / ".pio/fatfs/ff.c").is_file():
        pytest.skip("no cross compiler on the PATH, or FatFs not fetched")
    for name in ("platforms", "include", "src"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("platformio.ini", "data/die.whim"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / ".pio/fatfs", tmp_path / ".pio/fatfs")
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in [*Path(compiler).parent.glob("riscv64-unknown-elf-*"), Path(shutil.which("sh"))]:
        (tools / tool.name).symlink_to(tool)

    def run(*names):
        for name in names:
            (tools / name).write_text(f'#!/bin/sh\necho "{name} was called: $@"\n')
            (tools / name).chmod(0o755)
        command = [sys.executable, "-m", "platformio", "run", "-t", "upload"]
        alone = {"PATH": str(tools), "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no"}
        alone["PLATFORMIO_DISABLE_UPGRADE_CHECK"] = "true"
        return subprocess.run(command, cwd=tmp_path, env=os.environ | alone, capture_output=True,
                              text=True)

    return run


@pytest.mark.parametrize("tools, called", [
    (("minichlink", "wlink"), r"minichlink was called: -w \S+/firmware\.bin flash -b"),
    (("wlink", "openocd"), r"wlink was called: flash \S+/firmware\.bin"),
    (("openocd",), r"openocd was called: -f wch-dual-core.cfg .*program \S+/firmware\.elf verify"),
])
def test_plainly_uploading_flashes_both_cores_at_once(upload, tools, called):
    """Without -e it is this board's; and one image holds both programs."""
    result = upload(*tools)
    assert result.returncode == 0, result.stderr
    assert re.search(called, result.stdout) and "ch32h417/v5f.elf" in result.stdout
