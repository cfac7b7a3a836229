"""The virtual CH32V002: where it differs from the CH32V003, which tests/test_board.py is about."""

import subprocess
import tomllib

import pytest
from test_board import (
    CONVERT,
    LOAD,
    LOAD_HALF,
    LOOPS,
    MHZ_48,
    ROOT,
    STORE,
    STRICT,
    Poked,
    loop_image,
    poke,  # noqa: F401  the fixture
)
from test_core import GCC, HERE

from whim.board import Board, BoardError
from whim.machine import Machine

FACTS = tomllib.loads((ROOT / "data/facts/ch32v002.toml").read_text())
CHIP = "ch32v002"
FAST = [(STORE, "FLASH_ACTLR", 2), *MHZ_48[1:]]  # 48 MHz with its two wait states
PCFR1 = 0x4001_000C


def test_the_models_registers_are_those_of_the_table_of_facts(emulator):
    """But the ADC's, which is not modelled."""
    models = Machine(None, CHIP).registers(CHIP)
    models = {name: model for name, model in models.items() if not name.startswith("ADC1_")}
    table = {
        f"{block}_{name}": facts["base"] + register["offset"]
        for block, facts in FACTS.items()
        for name, register in facts.get("registers", {}).items()
    }
    assert {name: address for name, (address, _, _) in models.items()} == table
    for name, (_, bits, _) in models.items():
        block, register = name.split("_", 1)
        fact = FACTS[block]["registers"][register]
        assert bits == fact.get("bits", bits), f"{name}: {bits:#x}, by the facts {fact['bits']:#x}"
    for block, facts in FACTS.items():
        for name, field in facts.get("fields", {}).items():
            register = max((r for r in facts["registers"] if name.startswith(r + "_")), key=len)
            bits = models[f"{block}_{register}"][1]
            assert not field["mask"] & ~bits, f"{block}_{name} is not in the model's {register}"


def test_the_memories_are_those_of_the_table_of_facts(emulator):
    for memory in FACTS["memory"].values():
        machine = Machine(None, CHIP)
        machine.write(memory["base"] + memory["size"] - 4, b"last")
        with pytest.raises(BoardError, match="no memory for 4 bytes"):
            machine.write(memory["base"] + memory["size"] - 3, b"last")


DIFFERENT = {
    "the end of RAM": ([(LOAD, 0x2000_1000, 0)], "load from 0x20001000, where nothing is"),
    "one wait state at 48 MHz": (MHZ_48, "HCLK at 48 MHz without a flash wait state, or with one"),
    "none at 24 MHz": ([(STORE, "RCC_CFGR0", 0)], "HCLK at 24 MHz without a flash wait state"),
    "fewer at 48 MHz": ([*FAST, (STORE, "FLASH_ACTLR", 1)], "ACTLR: 1 wait states at 48 MHz"),
    "PCFR1 where the CH32V003 has it": (
        [*FAST, (STORE, "AFIO_PCFR1", 0)], "AFIO has no register at offset 0x04"
    ),
    "pins that are led elsewhere": ([*FAST, (STORE, PCFR1, 8)], "other pins than the usual"),
    "a speed that pins have not": (
        [*FAST, (STORE, "GPIOC_CFGLR", 0x44444442)], "GPIOC_CFGLR: bits 0x00000002 are reserved"
    ),
    "the converter": (FAST + CONVERT, "ADC1 is not modelled"),
}  # fmt: skip


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_differs_from_the_ch32v003_is_refused_with_a_sentence(poke, case):  # noqa: F811
    accesses, words = DIFFERENT[case]
    with Poked(poke, accesses, name=CHIP) as board, pytest.raises(BoardError) as error:
        board.finish()
    assert words in str(error.value)


@pytest.mark.parametrize("case", STRICT)
def test_what_the_ch32v003_refuses_is_refused_here_too(poke, case):  # noqa: F811
    accesses = [
        (STORE, "FLASH_ACTLR", 2) if access == (STORE, "FLASH_ACTLR", 1) else access
        for access in STRICT[case][0]
    ]
    if case == "the end of RAM":
        accesses = DIFFERENT[case][0]
    with Poked(poke, accesses, name=CHIP) as board, pytest.raises(BoardError):
        board.finish()


def test_ram_reaches_to_4_kb_and_24_mhz_run_with_one_wait_state(poke):  # noqa: F811
    accesses = [
        (STORE, 0x2000_0FFC, 0x1234), (STORE, "FLASH_ACTLR", 1), (STORE, "RCC_CFGR0", 0),
        (LOAD_HALF, 0x2000_0FFC, 0),
    ]  # fmt: skip
    with Poked(poke, accesses, name=CHIP) as board:
        assert board.finish() == [0x1234]
        assert board.machine.figure("hertz") == 24_000_000


def test_it_multiplies_and_does_not_divide(tmp_path):
    """`mul a1, a1, a1` and `div a1, a1, a1`, by their words."""

    def run(word: int) -> Board:
        source, image = tmp_path / "mul.S", tmp_path / "mul.elf"
        source.write_text(
            ".section .text.init\n.globl _start\n_start: li a1, -7\n"
            f".word {word:#x}\n.globl done\ndone: j done\n"
        )
        subprocess.run([GCC, "-march=rv32ec", "-mabi=ilp32e", "-nostdlib", "-nostartfiles",
                        f"-T{HERE}/chip.ld", source, "-o", image], check=True)  # fmt: skip
        board = Board(CHIP, image=image)
        board.run(ms=0.1)
        return board

    assert run(0x02B58_5B3).machine.call("x", 11) == 49
    with pytest.raises(BoardError, match="illegal instruction 0x02b5c5b3"):
        run(0x02B5C_5B3)


def cycles(folder, body: list[str], memory: str) -> float:
    """Of a loop's round at 48 MHz."""
    with Board(CHIP, image=loop_image(folder, body, memory, waits=2)) as board:
        machine = board.machine
        start = (machine.addresses["loop"] + 3) & ~3
        machine.write(machine.addresses["copy"], machine.read(start, 64))
        board.run(ms=1)
        rounds, before = machine.call("x", 10), board.cycles
        board.run(ms=4)
        return (board.cycles - before) / (rounds - machine.call("x", 10))


@pytest.mark.parametrize("instruction", LOOPS)
def test_from_sram_it_takes_what_the_ch32v003s_model_takes(emulator, tmp_path, instruction):
    """Which is held against a chip; this one's is not, and its name says that it is another."""
    from test_board import loop_cycles

    for count in (0, 1, 4, 8):
        ours = cycles(tmp_path, [instruction] * count, "sram")
        theirs = loop_cycles(tmp_path, [instruction] * count, "sram")
        assert ours == pytest.approx(theirs, abs=0.01)
    assert Machine(None, CHIP).cycle_model == "qingke-v2c-1"


def test_a_word_of_code_in_flash_takes_three_cycles_and_a_product_one(emulator, tmp_path):
    words = [cycles(tmp_path, [".word 0x13"] * count, "flash") for count in (4, 8)]
    assert words[1] - words[0] == pytest.approx(4 * 3, abs=0.01)
    mul = ".word 0x02b585b3"
    products = [cycles(tmp_path, [mul] * count, "sram") for count in (4, 8)]
    assert products[1] - products[0] == pytest.approx(4, abs=0.01)
