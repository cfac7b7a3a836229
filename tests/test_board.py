"""The virtual CH32V003: its models are strict, keep the chip's times, and agree with the facts."""

import re
import struct
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
from test_core import GCC, HERE, ROOT

from whim.board import Board, BoardError
from whim.machine import Machine

FACTS = tomllib.loads((ROOT / "data/facts/ch32v003.toml").read_text())
TABLE = {
    f"{block}_{name}": facts["base"] + register["offset"]
    for block, facts in FACTS.items()
    for name, register in facts.get("registers", {}).items()
}
STORE, LOAD, STORE_HALF, LOAD_HALF, STORE_BYTE, SET, CLEAR, COUNT, SLEEP = range(1, 10)
NOWHERE = 0x2000_0000 + 2048
MHZ_48 = [
    (STORE, "FLASH_ACTLR", 1),
    (STORE, "RCC_CFGR0", 0),
    (STORE, "RCC_CTLR", 0x01000083),
    (SET, "RCC_CTLR", 0x02000000),
    (STORE, "RCC_CFGR0", 2),
    (STORE, "RCC_APB2PCENR", 0x4235),
    (STORE, "RCC_APB1PCENR", 0x00200000),
]
I2C_400_KHZ = MHZ_48 + [
    (STORE, "GPIOC_CFGLR", 0x44444DD4),
    (STORE_HALF, "I2C1_CTLR2", 48),
    (STORE_HALF, "I2C1_CKCFGR", 0x8028),
    (STORE_HALF, "I2C1_CTLR1", 1),
]
START = I2C_400_KHZ + [(STORE_HALF, "I2C1_CTLR1", 0x101), (SET, "I2C1_STAR1", 1)]
ADDRESSED = START + [(STORE, "I2C1_DATAR", 0x78), (SET, "I2C1_STAR1", 2), (LOAD, "I2C1_STAR2", 0)]
UART = MHZ_48 + [
    (STORE, "GPIOD_CFGLR", 0x44944444),
    (STORE, "USART1_BRR", 417),
    (STORE, "USART1_CTLR1", 0x200C),
]
ADC = MHZ_48 + [
    (STORE, "GPIOD_CFGLR", 0x44444044),
    (STORE, "ADC1_RSQR3", 3),
    (STORE, "ADC1_CTLR2", 0x001E0001),
]
CONVERT = [(STORE, "ADC1_CTLR2", 0x005E0001), (SET, "ADC1_STATR", 2), (LOAD, "ADC1_RDATAR", 0)]


@pytest.fixture(scope="session")
def poke(emulator, tmp_path_factory) -> Path:
    """An image that carries out a table of accesses."""
    out = tmp_path_factory.mktemp("poke") / "poke.elf"
    command = [GCC, "-march=rv32ec", "-mabi=ilp32e", "-nostdlib", "-nostartfiles",
               f"-T{HERE}/chip.ld", HERE / "poke.S", "-o", out]  # fmt: skip
    subprocess.run(list(map(str, command)), check=True)
    return out


class Poked(Board):
    """A board that does what a table says."""

    def __init__(self, poke: Path, accesses: list, **options):
        super().__init__(image=poke, **options)
        self.loads = sum(access[0] in (LOAD, LOAD_HALF) for access in accesses)
        table = b""
        for operation, place, value in accesses:
            address = TABLE[place] if isinstance(place, str) else place
            table += struct.pack("<III", operation, address, value & 0xFFFFFFFF)
        self.machine.write(self.machine.addresses["table"], table + bytes(12))

    def finish(self, ms: float = 100) -> list[int]:
        """Run to the end of the table; what was loaded."""
        end = self.machine.addresses["finished"]
        assert self.run_until(lambda: self.machine.figure("pc") == end, ms), self.machine.where(
            self.machine.figure("pc")
        )
        return list(struct.unpack(f"<{self.loads}I", self.machine.read(0x20000000, 4 * self.loads)))


def test_the_models_registers_are_those_of_the_table_of_facts(emulator):
    models = Machine(None).registers()
    assert {name: address for name, (address, _, _) in models.items()} == TABLE
    for name, (_, bits, reset) in models.items():
        block, register = name.split("_", 1)
        fact = FACTS[block]["registers"][register]
        if "bits" in fact:
            assert bits == fact["bits"], f"{name}: {bits:#x}, by the facts {fact['bits']:#x}"
        if "reset" in fact:
            assert reset == fact["reset"], f"{name}: {reset:#x} after reset"
    for block, facts in FACTS.items():
        for name, field in facts.get("fields", {}).items():
            register = max((r for r in facts["registers"] if name.startswith(r + "_")), key=len)
            bits = models[f"{block}_{register}"][1]
            assert not field["mask"] & ~bits, f"{block}_{name} is not in the model's {register}"


def test_the_models_interrupts_and_memories_are_those_of_the_table_of_facts(emulator):
    header = (ROOT / "host/emulator/chip.h").read_text()
    numbers = {name: int(number) for name, number in re.findall(r"IRQ_(\w+) = (\d+)", header)}
    named = {"FAULT": "HARDFAULT", "SOFTWARE": "SW", "EXTI": "EXTI7_0", "I2C_EVENT": "I2C1_EV",
             "I2C_ERROR": "I2C1_ER", "USART": "USART1"}  # fmt: skip
    assert len(numbers) == 8
    for name, number in numbers.items():
        assert FACTS["interrupts"][named.get(name, name)]["number"] == number, name
    for memory in FACTS["memory"].values():
        machine = Machine(None)
        machine.write(memory["base"] + memory["size"] - 4, b"last")
        with pytest.raises(BoardError, match="no memory for 4 bytes"):
            machine.write(memory["base"] + memory["size"] - 3, b"last")


STRICT = {
    "an unmapped address": ([(STORE, 0x50000000, 1)], "0x50000000, where nothing is"),
    "the end of RAM": ([(LOAD, NOWHERE, 0)], "load from 0x20000800, where nothing is"),
    "a misaligned word": ([(LOAD, 0x20000002, 0)], "misaligned load of a word"),
    "flash": ([(STORE, 0x00000000, 1)], "store to 0x00000000, which is flash"),
    "no register there": ([(STORE, 0x40021020, 1)], "RCC has no register at offset 0x20"),
    "too narrow": ([(STORE_BYTE, "RCC_CTLR", 1)], "RCC_CTLR by 8 bits"),
    "no clock": ([(STORE, "GPIOC_OUTDR", 1)], "GPIOC has no clock"),
    "no clock, APB1": ([(LOAD, "I2C1_STAR1", 0)], "I2C1 has no clock"),
    "not modelled": ([(STORE, 0x40012C00, 1)], "TIM1 is not modelled"),
    "a reserved bit": ([(STORE, "RCC_APB2PCENR", 2)], "RCC_APB2PCENR: bits 0x00000002 are"),
    "too fast for flash": (
        [(STORE, "RCC_CFGR0", 0), (STORE, "RCC_CTLR", 0x01000083),
         (SET, "RCC_CTLR", 0x02000000), (STORE, "RCC_CFGR0", 2)],
        "48 MHz without a flash wait state",
    ),
    "a PLL that is not ready": ([(STORE, "RCC_CFGR0", 2)], "the PLL, which is not ready"),
    "no crystal": ([(STORE, "RCC_CTLR", 0x00010083)], "this board has no crystal"),
    "a pin that does not exist": (
        MHZ_48 + [(STORE, "GPIOA_CFGLR", 0x44444441)], "PA0 does not exist"
    ),
    "a reserved pin mode": (MHZ_48 + [(STORE, "GPIOC_CFGLR", 0xC4444444)], "mode 0xC of PC7"),
    "I2C on other pins": (
        I2C_400_KHZ + [(STORE, "GPIOC_CFGLR", 0x44444444), (STORE, "I2C1_CTLR1", 0x101)],
        "PC1 and PC2 are not its open-drain outputs",
    ),
    "I2C that does not know its clock": (
        I2C_400_KHZ + [(STORE, "I2C1_CTLR2", 24), (STORE, "I2C1_CTLR1", 0x101)],
        "CTLR2 says 24 MHz, the clock is 48 MHz",
    ),
    "I2C too fast": (
        I2C_400_KHZ + [(STORE, "I2C1_CTLR1", 0), (STORE, "I2C1_CKCFGR", 0x8020),
                       (STORE, "I2C1_CTLR1", 0x101)],
        "faster than the display's 400 kHz",
    ),
    "I2C overrun": (
        ADDRESSED + [(STORE, "I2C1_DATAR", 0), (STORE, "I2C1_DATAR", 1), (STORE, "I2C1_DATAR", 2)],
        "a byte is lost",
    ),
    "I2C stopped too early": (
        ADDRESSED + [(STORE, "I2C1_DATAR", 0), (STORE, "I2C1_DATAR", 1),
                     (STORE, "I2C1_CTLR1", 0x201)],
        "it would be lost",
    ),
    "I2C without a start": (I2C_400_KHZ + [(STORE, "I2C1_DATAR", 0)], "no byte can be sent"),
    "UART off": (UART[:-1] + [(STORE, "USART1_DATAR", 65)], "UE and TE are not both set"),
    "UART at another rate": (
        UART + [(STORE, "USART1_BRR", 500), (STORE, "USART1_DATAR", 65)], "is not 115200 baud"
    ),
    "UART overrun": (UART + [(STORE, "USART1_DATAR", 65)] * 3, "a byte is lost"),
    "ADC before it is on": (
        MHZ_48 + [(STORE, "ADC1_CTLR2", 0x005E0000)], "asked to work while ADON is 0"
    ),
    "ADC without its trigger": (
        MHZ_48 + [(STORE, "ADC1_CTLR2", 0x00400001)], "needs EXTTRIG and EXTSEL = 7"
    ),
    "ADC of a digital pin": (
        ADC + [(STORE, "GPIOD_CFGLR", 0x44444444), *CONVERT], "PD2 of channel 3 is not an analog"
    ),
    "watchdog, locked": ([(STORE, "IWDG_RLDR", 5)], "without the key 0x5555"),
    "watchdog, no key": ([(STORE, "IWDG_CTLR", 0x1234)], "0x1234 is not one of its keys"),
    "a priority's low bits": ([(STORE_BYTE, 0xE000E40C, 1)], "bits 0x3f are reserved"),
    "a read-only register": (MHZ_48 + [(STORE, "GPIOC_INDR", 1)], "INDR, which is read-only"),
    "a write-only register": (MHZ_48 + [(LOAD, "GPIOC_BSHR", 0)], "which are write-only"),
}  # fmt: skip


@pytest.mark.parametrize("case", STRICT)
def test_a_forbidden_access_stops_with_program_counter_and_function(poke, case):
    accesses, words = STRICT[case]
    with Poked(poke, accesses) as board, pytest.raises(BoardError) as error:
        board.finish()
    assert words in str(error.value)
    operation = {STORE: "store_word", LOAD: "load_word", STORE_BYTE: "store_byte"}[accesses[-1][0]]
    if case not in ("ADC of a digital pin",):
        assert f" in {operation}" in str(error.value) and ", at 0x0000" in str(error.value)


def test_the_clock_is_8_mhz_after_reset_and_48_when_it_was_raised(poke):
    with Poked(poke, [(COUNT, 0, 100)]) as board:
        board.finish()
        assert board.machine.figure("hertz") == 8_000_000
    with Poked(poke, MHZ_48) as board:
        board.finish()
        assert board.machine.figure("hertz") == 48_000_000


@pytest.mark.parametrize("clock, kilohertz", [(0x8028, 400), (240, 100)])
def test_a_byte_crosses_the_bus_in_nine_bits_of_its_clock(poke, clock, kilohertz):
    bus = I2C_400_KHZ[:-2] + [(STORE, "I2C1_CKCFGR", clock), (STORE, "I2C1_CTLR1", 1)]
    send = [(STORE, "I2C1_DATAR", 0), (SET, "I2C1_STAR1", 0x80)]
    accesses = bus + START[len(I2C_400_KHZ) :] + ADDRESSED[len(START) :] + send + [
        *((STORE, "I2C1_DATAR", 0xE3), (SET, "I2C1_STAR1", 0x80)) * 20,
        (SET, "I2C1_STAR1", 4),
        (STORE, "I2C1_CTLR1", 0x201),
        (CLEAR, "I2C1_STAR2", 2),
    ]  # fmt: skip
    with Poked(poke, accesses) as board:
        board.finish()
        (transfer,) = board.transfers
        assert transfer.data == bytes([0x78, 0x00, *[0xE3] * 20])
        bits = 9 * len(transfer.data) + 1  # from the start condition on, with the stop
        took = transfer.ended[2] - transfer.began[2]
        assert bits / kilohertz <= took <= bits / kilohertz + 0.01


def test_a_display_that_is_not_there_does_not_acknowledge(poke):
    accesses = START + [(STORE, "I2C1_DATAR", 0x78), (SET, "I2C1_STAR1", 0x400),
                        (LOAD, "I2C1_STAR1", 0), (STORE, "I2C1_CTLR1", 0x201),
                        (CLEAR, "I2C1_STAR2", 2)]  # fmt: skip
    with Poked(poke, accesses, display=False) as board:
        assert board.finish() == [0x400]


def test_the_terminal_reads_what_the_uart_sends_and_types_what_it_gets(poke):
    accesses = UART + [
        (STORE, "USART1_DATAR", ord("h")),
        (SET, "USART1_STATR", 0x80),
        (STORE, "USART1_DATAR", ord("i")),
        (SET, "USART1_STATR", 0x40),
        (SET, "USART1_STATR", 0x20),
        (LOAD, "USART1_DATAR", 0),
        (LOAD, "USART1_STATR", 0),
    ]
    with Poked(poke, accesses) as board:
        board.run(ms=1)
        assert board.uart.text == "hi"
        board.uart.type("y")
        assert board.finish() == [ord("y"), 0xC0]


def test_a_character_takes_ten_bits(poke):
    def ms(accesses: list) -> float:
        with Poked(poke, accesses) as board:
            end = board.machine.addresses["finished"]
            while board.machine.figure("pc") != end:
                board.machine.call("run", 48)
            return board.ms

    character = (STORE, "USART1_DATAR", 65)
    one = ms(UART + [character, (SET, "USART1_STATR", 0x40)])
    two = ms(UART + [character, character, (SET, "USART1_STATR", 0x40)])
    assert two - one == pytest.approx(10 / 115.2, abs=0.003)


def test_the_converter_gives_noise_that_can_be_repeated_and_broken(poke):
    def samples(**options) -> list[int]:
        noise = options.pop("adc_noise", None)
        with Poked(poke, ADC + CONVERT * 40, **options) as board:
            if noise is not None:
                board.machine.option("adc_noise", noise)
            return board.finish()

    first = samples(noise=1)
    assert len(set(first)) > 10 and max(first) - min(first) < 200
    assert samples(noise=1) == first and samples(noise=2) != first
    assert len(set(samples(adc_noise=0))) == 1


def test_a_watchdog_that_nobody_feeds_resets_the_chip(poke):
    accesses = [(STORE, "IWDG_CTLR", 0xCCCC), (LOAD, "RCC_RSTSCKR", 0)]
    with Poked(poke, accesses) as board:
        board.run(ms=1)
        assert board.machine.read(0x20000000, 4) == struct.pack("<I", 0x0C000003)
        board.run(ms=126)  # 4096 steps of 4 cycles at 128 kHz are 128 ms
        assert board.resets == 0
        board.run(ms=3)
        assert board.resets == 1
        assert board.machine.read(0x20000000, 4) == struct.pack("<I", 0x2C000003)


def test_software_can_reset_the_chip(poke):
    with Poked(poke, [(LOAD, "RCC_RSTSCKR", 0), (STORE, "PFIC_CFGR", 0xBEEF0080)]) as board:
        board.run(ms=0.1)
        assert board.resets > 3
        assert board.machine.read(0x20000000, 4) == struct.pack("<I", 0x1C000000)


def test_systick_counts_the_clock_and_begins_again(poke):
    accesses = MHZ_48 + [
        (STORE, "SYSTICK_CMP", 999),
        (STORE, "SYSTICK_CTLR", 0xD),  # on, HCLK, begin again
        (SET, "SYSTICK_SR", 1),
        (LOAD, "SYSTICK_CNT", 0),
        (STORE, "SYSTICK_SR", 0),
        (LOAD, "SYSTICK_SR", 0),
        (SET, "SYSTICK_SR", 1),
        (LOAD, "SYSTICK_CNT", 0),
    ]
    with Poked(poke, accesses) as board:
        first, status, second = board.finish()
        assert first < 60 and status == 0 and second < 60


def test_a_pin_that_pushes_against_the_world_is_a_short_circuit(poke):
    accesses = MHZ_48 + [(STORE, "GPIOC_BSHR", 0x10), (STORE, "GPIOC_CFGLR", 0x44414444)]
    with Poked(poke, accesses) as board:
        board.finish()
        board.press()
        with pytest.raises(BoardError, match="short circuit: PC4 drives high, the world low"):
            board.run(ms=10)


def test_an_edge_sets_its_flag_only_where_it_was_asked_for(poke):
    def flags(source: int, falling: int) -> int:
        accesses = MHZ_48 + [
            (STORE, "GPIOC_CFGLR", 0x44484444),
            (STORE, "GPIOC_BSHR", 0x10),
            (STORE, "AFIO_EXTICR", source << 8),
            (STORE, "EXTI_FTENR", falling),
            (STORE, "EXTI_INTENR", 0x10),
            (COUNT, 0, 48_000),
            (LOAD, "EXTI_INTFR", 0),
        ]
        with Poked(poke, accesses) as board:
            board.contact([(1, True)])
            return board.finish()[0]

    assert (flags(2, 0x10), flags(3, 0x10), flags(2, 0)) == (0x10, 0, 0)


LOOPS = {  # cycles of a loop at 48 MHz, measured by cpldcpu: DRAM_exploration/instruction_timing
    "nop": {"flash": {0: 6, 1: 6, 2: 8, 3: 8, 4: 10, 8: 14}, "sram": {n: 4 + n for n in range(9)}},
    ".word 0x13": {
        "flash": {n: 6 + 2 * n for n in (0, 1, 2, 3, 4, 8)},
        "sram": {n: 4 + n for n in (0, 1, 2, 3, 4, 8)},
    },
    "sw a3, 0(a2)": {
        "flash": {0: 6, 1: 8, 2: 10, 3: 11, 4: 14, 8: 24},
        "sram": {0: 4, 1: 6, 2: 8, 3: 11, 4: 13, 8: 21},
    },
}


@pytest.mark.parametrize("instruction", LOOPS)
@pytest.mark.parametrize("memory", ["flash", "sram"])
def test_the_cycle_model_agrees_with_loops_measured_on_a_chip(
    emulator, tmp_path, instruction, memory
):
    errors = []
    for count, measured in LOOPS[instruction][memory].items():
        cycles = loop_cycles(tmp_path, [instruction] * count, memory)
        errors.append(cycles / measured - 1)
    assert max(map(abs, errors)) <= (0.20 if "sw" in instruction else 0.001), errors
    assert abs(np.mean(errors)) <= 0.07


def loop_image(tmp_path: Path, body: list[str], memory: str, waits: int = 1) -> Path:
    """An image that runs a loop at 48 MHz, in flash or, where its caller copies it, in RAM."""
    source, image = tmp_path / "loop.S", tmp_path / "loop.elf"
    loop = [".balign 4", "1:", *body, "addi a0, a0, -1", "bnez a0, 1b", "2: j 2b"]
    source.write_text("\n".join([
        ".section .text.init", ".globl _start", "_start: li a0, 100000", "la a2, place",
        "li a4, 0x40022000", f"li a5, {waits}", "sw a5, 0(a4)",
        "li a4, 0x40021000", "sw zero, 4(a4)", "li a5, 0x01000083", "sw a5, 0(a4)",
        "3: lw a5, 0(a4)", "slli a5, a5, 6", "bgez a5, 3b", "li a5, 2", "sw a5, 4(a4)",
        *(["j loop"] if memory == "flash" else ["la a4, copy", "jr a4"]),
        ".globl loop", "loop:", *loop, ".section .data", ".globl place", "place: .space 4",
        "copy: .space 64", "",
    ]))  # fmt: skip
    subprocess.run([GCC, "-march=rv32ec", "-mabi=ilp32e", "-nostdlib", "-nostartfiles",
                    f"-T{HERE}/chip.ld", source, "-o", image], check=True)  # fmt: skip
    return image


def loop_cycles(tmp_path: Path, body: list[str], memory: str) -> float:
    """Cycles of a loop's round, on a board at 48 MHz."""
    with Board(image=loop_image(tmp_path, body, memory)) as board:
        machine = board.machine
        start = (machine.addresses["loop"] + 3) & ~3
        code = machine.read(start, 64)
        machine.write(machine.addresses["copy"], code)
        board.run(ms=1)
        rounds, cycles = machine.call("x", 10), board.cycles
        board.run(ms=4)
        return (board.cycles - cycles) / (rounds - machine.call("x", 10))
