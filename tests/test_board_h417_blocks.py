"""The virtual CH32H417's chip: two cores and their memories, clocks, interrupts and blocks, by
small programs; what a board must not do stops the run with a sentence. The card's and the sound's
blocks are in test_sd_model.py, the board as a whole in test_every_board.py."""

import ctypes
import re
import struct
import subprocess
import tomllib
from pathlib import Path

import pytest
from test_core import GCC, HERE, ROOT

from whim.machine import FAULT, I2C, TIME, UART, Machine

FACTS = tomllib.loads((ROOT / "data/facts/ch32h417.toml").read_text())
US = 400  # ticks
SHARED, ITCM, DTCM, V5F_CODE = 0x2010_0000, 0x200A_0000, 0x200C_0000, 0x0002_0000
WORK = {0: SHARED + 0x1000, 1: DTCM + 0x200}  # where a core's program puts what it has loaded
V3F, V5F = 0, 1


def store(place: str | int, value: int, kind: str = "w") -> list[str]:
    return [f"li a0, {at(place)}", f"li a1, {value}", f"s{kind} a1, 0(a0)"]


def load(place: str | int, kind: str = "w") -> list[str]:
    return [f"li a0, {at(place)}", f"l{kind} a1, 0(a0)", *keep("a1")]


def keep(register: str) -> list[str]:
    return [f"sw {register}, 0(s1)", "addi s1, s1, 4"]


def wait(place: str | int, bits: int, until: str = "set") -> list[str]:
    branch = {"set": "beqz", "clear": "bnez"}[until]
    return [f"li a0, {at(place)}", f"li a2, {bits}", "9: lw a1, 0(a0)", "and a1, a1, a2",
            f"{branch} a1, 9b"]  # fmt: skip


def pause(us: int) -> list[str]:
    """At least so long, on V3F at 100 MHz or less."""
    return [f"li a1, {us * 100 // 2}", "9: addi a1, a1, -1", "bnez a1, 9b"]


def at(place: str | int) -> int:
    return place if isinstance(place, int) else TABLE[place]


@pytest.fixture(scope="session", autouse=True)
def registers(emulator) -> None:
    models = Machine(None, "ch32h417").registers("ch32h417")
    TABLE.update({name: address for name, (address, _, _) in models.items()})


TABLE: dict[str, int] = {}
PLL = 1 << 24 | 1 << 16 | 0x83


def mhz_100() -> list[str]:
    """HSE times 16 for V5F, a quarter of it for HCLK and V3F, and all clocks that are used here."""
    return [
        *store("FLASH_KEYR", 0x45670123),
        *store("FLASH_KEYR", 0xCDEF89AB),
        *store("FLASH_ACTLR", 0x4801),
        *store("RCC_CTLR", 1 << 16 | 0x83),
        *wait("RCC_CTLR", 1 << 17),
        *store("RCC_PLLCFGR", 0x30),
        *store("RCC_CTLR", PLL),
        *wait("RCC_CTLR", 1 << 25),
        *store("RCC_PLLCFGR", 0x80000030),
        *store("RCC_CFGR0", 2 << 16),
        *store("RCC_CFGR0", 2 << 16 | 2),
        *wait("RCC_CFGR0", 8),
        *store("RCC_HB2PCENR", 0x40FD),
        *store("RCC_HB1PCENR", 0x10200000),
        *store("RCC_HBPCENR", 0x200),
        *wait("RCC_HBPCENR", 0x200),
    ]


def start_v5f() -> list[str]:
    return [*store("PFIC_WAKEIP1", V5F_CODE), *store("PFIC_SCTLR", 0x20)]


CACHE = [
    "li a0, 0", "csrw 0x3b0, a0", "li a0, 0x08100000 >> 2", "csrw 0x3b1, a0", "li a0, 0x10",
    "csrw 0xbc3, a0", "li a0, 0xad00", "csrw 0x3a0, a0", "li a0, 4", "csrw 0xbd0, a0",
    "li a0, 0x123733e0", "csrw 0xbc0, a0", "li a0, 0x03000002", "csrc 0xbc2, a0",
]  # fmt: skip


class Chip(Machine):
    """A chip with power, and a program for each core."""

    def __init__(self, tmp_path: Path, v3f: list[str], v5f: list[str] = (), noise: int = 1):
        source, image = tmp_path / "two.S", tmp_path / "two.elf"
        lines = [".option norvc", ".globl finished_v3f, finished_v5f"]
        for core, body in (("v3f", v3f), ("v5f", v5f)):
            lines += [f'.section .{core}, "ax"', f".globl {core}", f"{core}:"]
            lines += [f"li s1, {WORK[core == 'v5f']}", *body, f"finished_{core}: j finished_{core}"]
        source.write_text("\n".join([*lines, ""]))
        command = [GCC, "-misa-spec=2.2", "-march=rv32imac", "-mabi=ilp32", "-nostdlib",
                   "-nostartfiles", f"-T{HERE}/two_cores.ld", source, "-o", image]  # fmt: skip
        subprocess.run(list(map(str, command)), check=True)
        super().__init__(image, "ch32h417")
        self.sent, self.wire = b"", []
        self._kept = I2C(self._i2c), UART(self._uart)
        self.call("callbacks", *self._kept)
        self.call("power_on", noise)

    def _i2c(self, event: int, byte: int) -> int:
        self.wire.append(byte if event == 1 else "S."[event // 2])
        return 1

    def _uart(self, byte: int) -> None:
        self.sent += bytes([byte])

    def run(self, us: float) -> int:
        return self.call("run", round(us * US))

    def finish(self, core: int = V3F, us: float = 20_000) -> "Chip":
        """Until the core's program has ended."""
        end = self.addresses[("finished_v3f", "finished_v5f")[core]]
        for _ in range(round(us / 10)):
            assert self.run(10) == TIME, self.fault()
            if self.figure("pc", core) == end:
                return self
        raise AssertionError(f"core {core} is {self.where(self.figure('pc', core))}")

    def loaded(self, count: int, core: int = V3F) -> list[int]:
        return list(struct.unpack(f"<{count}I", self.read(WORK[core], 4 * count)))


def fault(tmp_path: Path, *programs: list[str], us: float = 20_000) -> str:
    chip = Chip(tmp_path, *programs)
    assert chip.run(us) == FAULT
    return chip.fault()


def test_the_models_registers_are_those_of_the_table_of_facts():
    models = Machine(None, "ch32h417").registers("ch32h417")
    for block, facts in FACTS.items():
        for name, fact in facts.get("registers", {}).items():
            address, bits, reset = models.get(f"{block}_{name}", (None, None, None))
            if address is None:  # a byte of a word, or a second name
                assert block == "DMAMUX" or name == "WRITE_CONT"
                continue
            assert address == facts["base"] + fact["offset"], f"{block}_{name}"
            assert bits == fact.get("bits", bits) and reset == fact.get("reset", reset)
        for name, field in facts.get("fields", {}).items():
            owners = [r for r in facts.get("registers", {}) if name.startswith(r + "_")]
            model = models.get(f"{block}_{max(owners, key=len)}") if owners else None
            assert not model or not field["mask"] & ~model[1], f"{block}_{name}"


def test_the_models_interrupts_are_those_of_the_table_of_facts():
    header = (ROOT / "host/emulator/ch32h417/chip.h").read_text()
    numbers = {n: int(v) for n, v in re.findall(r"H417_IRQ_(\w+) = (\d+)", header)}
    for name, fact in FACTS["interrupts"].items():
        name = name.replace("CHANNEL", "CH")
        assert numbers[name] == fact["number"], name


def test_v3f_starts_alone_at_25_mhz_and_v5f_when_it_is_woken(tmp_path):
    v5f = ["csrr a1, 0xf14", *keep("a1"), *load("PFIC_SCTLR")]
    chip = Chip(tmp_path, ["csrr a1, 0xf14", *keep("a1"), *load("PFIC_SCTLR")], v5f).finish()
    assert chip.loaded(2) == [0, 0] and chip.figure("hertz") == 25_000_000
    assert not chip.figure("started", V5F) and chip.figure("retired", V5F) == 0

    chip = Chip(tmp_path, [*mhz_100(), *start_v5f()], v5f).finish(V5F)
    assert chip.loaded(2, V5F) == [1, 1 << 16]
    assert [chip.figure("hertz", core) for core in (V3F, V5F)] == [100_000_000, 400_000_000]
    assert chip.figure("started", V5F)


def test_each_core_has_its_own_cycle_model(tmp_path):
    chip = Chip(tmp_path, [])
    assert [chip.core_model(core) for core in (V3F, V5F)] == ["qingke-v3f-1", "qingke-v5f-1"]


STRICT = {
    "a store by V3F to ITCM": (lambda: store(ITCM, 1), "ITCM and DTCM are V5F's alone"),
    "a load by V3F from DTCM": (lambda: load(DTCM), "load from 0x200c0000 by V3F"),
    "beyond shared SRAM": (lambda: store(SHARED + (512 << 10), 1), "where nothing is"),
    "beyond flash": (lambda: load(960 << 10), "where nothing is"),
    "flash": (lambda: store(0x0800_0000, 1), "which is flash"),
    "no clock": (lambda: store("GPIOA_OUTDR", 1), "GPIOA has no clock"),
    "a clock that may not be there yet": (
        lambda: [*store("RCC_HB2PCENR", 4), *store("GPIOA_OUTDR", 1)], "no register of RCC read"
    ),
    "a reserved bit": (lambda: store("RCC_CFGR0", 1 << 20), "bits 0x00100000 are reserved"),
    "a block that nobody models": (lambda: store(0x4000_5800, 1), "I2C2 is not modelled"),
    "flash's settings, locked": (lambda: store("FLASH_ACTLR", 0x4881), "while it is locked"),
    "a wrong key": (lambda: store("FLASH_KEYR", 1), "not the next of its keys"),
    "the flash clock that bricks": (
        lambda: [*store("FLASH_KEYR", 0x45670123), *store("FLASH_KEYR", 0xCDEF89AB),
                 *store("FLASH_ACTLR", 0x4800)],
        "which bricks the board",
    ),
    "a PLL that is not ready": (lambda: store("RCC_CFGR0", 2), "the PLL, which is not ready"),
    "HSE that is not ready": (
        lambda: [*store("RCC_PLLCFGR", 0x30), *store("RCC_CTLR", PLL)], "HSE, which is not ready"
    ),
    "a PLL behind a closed gate": (
        lambda: [*store("RCC_PLLCFGR", 0x10), *store("RCC_CTLR", 1 << 24 | 0x83),
                 *wait("RCC_CTLR", 1 << 25), *store("RCC_CFGR0", 2 << 16 | 2)],
        "whose gate is closed",
    ),
    "HCLK too fast": (lambda: [*mhz_100(), *store("RCC_CFGR0", 1 << 16 | 2)], "too fast"),
    "a PLL that is changed while it is on": (
        lambda: [*mhz_100(), *store("RCC_PLLCFGR", 0x80000031)], "set up while it is on"
    ),
    "V5F without an address": (lambda: store("PFIC_SCTLR", 0x20), "without an address in WAKEIP1"),
    "V5F from no memory": (
        lambda: [*store("PFIC_WAKEIP1", 0x30000000), *store("PFIC_SCTLR", 0x20)],
        "no code at 0x30000000",
    ),
    "vectors in flash": (lambda: ["li a0, 3", "csrw mtvec, a0"], "is not in this core's RAM"),
    "no vector": (
        lambda: [*vectors({}), *store(SHARED + 48, 0), *store("SYSTICK0_CMP", 9),
                 *store("PFIC_IENR1", 1 << 12), *store("SYSTICK0_CTLR", 0xF), "j ."],
        "interrupt 12 has 0 as its vector",
    ),
    "vectors askew": (lambda: [f"li a0, {SHARED + 0x103}", "csrw mtvec, a0"], "aligned to 1 KB"),
    "hardware stacking": (lambda: ["csrwi 0x804, 1"], "hardware stacking"),
    "a cache in V3F": (lambda: ["li a0, 0x03000002", "csrc 0xbc2, a0"], "V3F has no cache"),
    "I2C without its rise time": (
        lambda: [*i2c(), *store("I2C1_RTR", 0), *store("I2C1_CTLR1", 1),
                 *store("I2C1_CTLR1", 0x101)],
        "RTR, the rise time",
    ),
    "I2C on pins of another block": (
        lambda: [*i2c(), *store("AFIO_GPIOB_AFLR", 0), *store("I2C1_CTLR1", 1),
                 *store("I2C1_CTLR1", 0x101)],
        "PB7 and PB6 are not its open-drain",
    ),
    "UART on pins of another block": (
        lambda: [*uart(), *store("AFIO_GPIOA_AFHR", 0), *store("USART1_DATAR", 65)],
        "PA9 is not its push-pull output",
    ),
    "a random number too early": (
        lambda: [*mhz_100(), *store("RNG_CR", 4), *load("RNG_DR")], "while no word is ready"
    ),
    "a channel for a third core": (lambda: store("IPC_CTLR", 2), "a core that does not exist"),
    "another core's semaphore": (lambda: store(0xE000_C000, 0), "that has not taken it"),
    "PWR beside VIO18": (
        lambda: [*mhz_100(), *store("PWR_CTLR", 1)], "only VIO18 is modelled"
    ),
    "a remapped pin": (lambda: [*mhz_100(), *store("AFIO_PCFR1", 0x400)], "other pins"),
    "ECALL": (lambda: ["ecall"], "nobody is there to be called"),
}  # fmt: skip


@pytest.mark.parametrize("case", STRICT)
def test_a_forbidden_access_stops_with_program_counter_and_function(tmp_path, case):
    program, words = STRICT[case]
    text = fault(tmp_path, program(), ["j ."])
    assert words in text and (", at 0x0000" in text or "no code" in text)


def test_a_fault_says_which_core_it_was(tmp_path):
    chip = Chip(tmp_path, start_v5f(), store(0x5000_0000, 1))
    assert chip.run(1000) == FAULT
    assert chip.figure("fault_core") == V5F and "in v5f" in chip.fault()


CACHE_FAULTS = {
    "before its region": ([*CACHE[-4:]], "before its region"),
    "in parts": ([*CACHE[:-2], "li a0, 2", "csrc 0xbc2, a0"], "alone traps"),
    "with CORECFGR's bit 15": ([*CACHE[:10], *CACHE[-2:]], "CORECFGR's bit 15 is set"),
    "and CORECFGR's bit 15 later": ([*CACHE, "li a0, 0x8000", "csrs 0xbc0, a0"], "while the cache"),
}


@pytest.mark.parametrize("case", CACHE_FAULTS)
def test_v5fs_cache_is_switched_on_in_one_way_only(tmp_path, case):
    program, words = CACHE_FAULTS[case]
    assert words in fault(tmp_path, start_v5f(), program)


def to_itcm(body: list[str]) -> list[str]:
    """Copy what follows to ITCM, and go on there, as V5F's start code does."""
    return [
        *CACHE, "la t0, 7f", "la t1, 6f", f"li t2, {ITCM}", "5: lw t3, 0(t0)", "sw t3, 0(t2)",
        "addi t0, t0, 4", "addi t2, t2, 4", "bltu t0, t1, 5b", f"li t0, {ITCM}", "jr t0", "7:",
        *body, "6: la t0, finished_v5f", "jr t0",
    ]  # fmt: skip


def itcm_cycles(tmp_path: Path, body: list[str]) -> int:
    """Cycles that V5F takes for `body` in ITCM, and to get there, until it sleeps."""
    programs = [*start_v5f(), "j ."], to_itcm(["li a4, 0", *body, "9: wfi", "j 9b"])
    chip = Chip(tmp_path, *programs)
    chip.run(20_000)
    assert chip.figure("waiting", V5F) == 1
    return chip.figure("cycles", V5F) - chip.figure("slept", V5F)


def test_shared_sram_waits_for_v5f_and_tcms_do_not(tmp_path):
    stores = {
        name: itcm_cycles(tmp_path, [f"li a0, {address}", *["sw a4, 0(a0)"] * 100])
        for name, address in (("DTCM", DTCM + 0x1000), ("ITCM", ITCM + 0x8000), ("shared", SHARED))
    }
    assert stores["ITCM"] == stores["DTCM"]
    assert stores["shared"] - stores["DTCM"] == 800


def test_shared_sram_does_not_wait_for_v3f(tmp_path):
    def cycles(body: list[str]) -> int:
        prelude = ["la t0, 7f", "la t1, 6f", f"li t2, {SHARED + 0x2000}", "mv t4, t2",
                   "5: lw t3, 0(t0)", "sw t3, 0(t2)", "addi t0, t0, 4", "addi t2, t2, 4",
                   "bltu t0, t1, 5b", "jr t4", "7:"]  # fmt: skip
        chip = Chip(tmp_path, [*prelude, *body, "9: wfi", "j 9b", "6:"])
        chip.run(2_000)
        return chip.figure("cycles") - chip.figure("slept")

    setup = [f"li a0, {SHARED}"]
    assert cycles(setup + ["sw a0, 0(a0)"] * 100) - cycles(setup + ["nop"] * 100) == 100


def test_v5f_from_flash_without_its_cache_is_145_times_slower(tmp_path):
    def cycles(prelude: list[str]) -> int:
        programs = [*start_v5f(), "j ."], [*prelude, *["nop"] * 200, "9: wfi", "j 9b"]
        with_nops = Chip(tmp_path, *programs)
        with_nops.run(100_000)
        without = Chip(tmp_path, programs[0], [*prelude, "9: wfi", "j 9b"])
        without.run(100_000)
        return sum(s * (chip.figure("cycles", V5F) - chip.figure("slept", V5F))
                   for s, chip in ((1, with_nops), (-1, without)))  # fmt: skip

    assert cycles([]) == 145 * 200 and cycles(CACHE) == 200


def vectors(handlers: dict[int, str], base: int = SHARED, mie: bool = True) -> list[str]:
    """A table in RAM, and interrupts on."""
    lines = []
    for number, handler in handlers.items():
        lines += [f"la a1, {handler}", f"li a0, {base + 4 * number}", "sw a1, 0(a0)"]
    return [*lines, f"li a0, {base + 3}", "csrw mtvec, a0", *(["csrsi mstatus, 8"] if mie else [])]


def test_systick_interrupts_each_core_by_its_own_vector(tmp_path):
    def program(number: int, base: int) -> list[str]:
        irq, timer = 12 + number, f"SYSTICK{number}"
        return [
            "li s0, 0",
            *vectors({irq: f"tick{number}"}, base),
            *store(f"{timer}_CMP", 999),
            *store("PFIC_IENR1", 1 << irq),
            *store(f"{timer}_CTLR", 0xF),
            "8: wfi", "li a2, 10", "bltu s0, a2, 8b",
            f"j finished_v{'35'[number]}f",
            f"tick{number}: addi s0, s0, 1",
            *load("SYSTICK0_SR"), *store("SYSTICK0_SR", 3 ^ 1 << number), "mret",
        ]  # fmt: skip

    v3f = [*start_v5f(), *program(0, SHARED)]
    chip = Chip(tmp_path, v3f, [*CACHE, *program(1, DTCM + 0x400)]).finish().finish(V5F)
    assert all(sr & 1 for sr in chip.loaded(10)) and all(sr & 2 for sr in chip.loaded(10, V5F))
    assert 10 * 1000 / 25 <= chip.figure("ticks") / US < 15 * 1000 / 25  # 25 MHz after a reset


def test_wfi_with_interrupts_masked_does_not_wake(tmp_path):
    program = [*vectors({12: "v3f"}, mie=False), *store("SYSTICK0_CMP", 99),
               *store("PFIC_IENR1", 1 << 12), *store("SYSTICK0_CTLR", 0xF), "wfi"]  # fmt: skip
    chip = Chip(tmp_path, program)
    chip.run(1000)
    assert chip.figure("waiting") == 1 and chip.figure("slept") > 20_000


def mailbox(wake: bool = True) -> tuple[list[str], list[str]]:
    """V3F sends a word by channel 0 of IPC, V5F answers its square by channel 1; eight times."""
    v3f = [
        *mhz_100(), *vectors({17: "answered"}), *store("PFIC_IENR1", 1 << 17),
        *store("IPC_CTLR", 0x2124), *store("IPC_ENA", 0x0101), *start_v5f(),
        *wait(SHARED + 0x800, 1), "li s2, 8",
        "2: li s0, 0", f"li a0, {SHARED + 0x900}", "sw s2, 0(a0)", *store("IPC_SET", 1),
        "3: wfi" if wake else "3: nop", "beqz s0, 3b",
        *load(SHARED + 0x904), "addi s2, s2, -1", "bnez s2, 2b", "j finished_v3f",
        "answered: li s0, 1", *store("IPC_CLR", 0x100), "mret",
    ]  # fmt: skip
    v5f = [
        *CACHE, *vectors({16: "asked"}, DTCM + 0x400), *store("PFIC_IENR1", 1 << 16),
        *store(SHARED + 0x800, 1), "9: wfi", "j 9b",
        "asked:", *store("IPC_CLR", 1), f"li a0, {SHARED + 0x900}", "lw a1, 0(a0)",
        "mul a1, a1, a1", "sw a1, 4(a0)", *store("IPC_SET", 0x100), "mret",
    ]  # fmt: skip
    return v3f, v5f


@pytest.mark.parametrize("wake", [True, False])
def test_a_word_goes_to_the_other_core_and_its_answer_comes_back(tmp_path, wake):
    chip = Chip(tmp_path, *mailbox(wake)).finish()
    assert chip.loaded(8) == [n * n for n in range(8, 0, -1)]
    assert chip.figure("waiting", V5F) == 1


def test_a_semaphore_belongs_to_one_core_at_a_time(tmp_path):
    v3f = [*load(0xE000_C100), *load(0xE000_C000), *start_v5f(), *wait(SHARED, 1),
           *store(0xE000_C000, 0), *store(SHARED, 2)]  # fmt: skip
    v5f = [*load(0xE000_C100), *store(SHARED, 1), *wait(SHARED, 2), *load(0xE000_C100)]
    chip = Chip(tmp_path, [*store(SHARED, 0), *v3f], v5f).finish().finish(V5F)
    assert chip.loaded(2) == [0, 1 << 31]
    assert chip.loaded(2, V5F) == [1 << 31, 0]


def test_no_core_gets_lost_between_load_reserved_and_store_conditional(tmp_path):
    add = ["li a2, 500", f"li a0, {SHARED}", "2: lr.w a1, (a0)", "addi a1, a1, 1",
           "sc.w a3, a1, (a0)", "bnez a3, 2b", "addi a2, a2, -1", "bnez a2, 2b"]  # fmt: skip
    chip = Chip(tmp_path, [*store(SHARED, 0), *mhz_100(), *start_v5f(), *add], [*CACHE, *add])
    chip.finish().finish(V5F)
    assert struct.unpack("<I", chip.read(SHARED, 4)) == (1000,)


def uart() -> list[str]:
    return [
        *mhz_100(),
        *store("AFIO_GPIOA_AFHR", 0x770),
        *store("GPIOA_CFGHR", 0x44444494),
        *store("USART1_BRR", 868),
        *store("USART1_CTLR1", 0x200C),
    ]


def test_the_terminal_reads_what_the_uart_sends_and_types_what_it_gets(tmp_path):
    send = [line for byte in b"hi" for line in (*store("USART1_DATAR", byte),
                                                *wait("USART1_STATR", 0x80))]  # fmt: skip
    program = [*uart(), *send, *wait("USART1_STATR", 0x40), *wait("USART1_STATR", 0x20),
               *load("USART1_DATAR")]  # fmt: skip
    chip = Chip(tmp_path, program)
    chip.run(5_000)
    assert chip.sent == b"hi"
    chip.call("type", b"y", 1)
    assert chip.finish().loaded(1) == [ord("y")]


def i2c() -> list[str]:
    return [
        *mhz_100(),
        *store("AFIO_GPIOB_AFLR", 0x44000000),
        *store("GPIOB_CFGLR", 0xDD444444),
        *store("I2C1_CTLR2", 60),
        *store("I2C1_CKCFGR", 0x8000 + 84),
        *store("I2C1_RTR", 19),
    ]


def test_bytes_cross_the_bus_to_the_display_at_its_speed(tmp_path):
    program = [
        *i2c(), *store("I2C1_CTLR1", 1), *store("I2C1_CTLR1", 0x101), *wait("I2C1_STAR1", 1),
        *store("I2C1_DATAR", 0x78), *wait("I2C1_STAR1", 2), *load("I2C1_STAR2"),
    ]  # fmt: skip
    for byte in (0x00, 0xE3, 0xE3):
        program += [*store("I2C1_DATAR", byte), *wait("I2C1_STAR1", 0x80)]
    program += [*wait("I2C1_STAR1", 4), *store("I2C1_CTLR1", 0x201)]
    program += wait("I2C1_STAR2", 2, "clear")
    chip = Chip(tmp_path, program).finish()
    assert chip.wire == ["S", 0x78, 0x00, 0xE3, 0xE3, "."]


def test_the_button_interrupts_at_its_falling_edge(tmp_path):
    program = [
        *mhz_100(), *store("GPIOA_CFGLR", 0x44444448), *store("GPIOA_BSHR", 1), "li s0, 0",
        *vectors({36: "pressed"}), *store("EXTI_FTENR", 1), *store("EXTI_INTENR", 1),
        *store("PFIC_IENR2", 1 << 4), *load("GPIOA_INDR"), "8: wfi", "beqz s0, 8b",
        *load("GPIOA_INDR"), "j finished_v3f",
        "pressed: li s0, 1", *store("EXTI_INTFR", 1), "mret",
    ]  # fmt: skip
    chip = Chip(tmp_path, program)
    chip.run(5_000)
    assert chip.figure("waiting") == 1
    assert chip.call("drive", chip.figure("ticks") + 100 * US, 0, 0, 0)
    assert chip.finish(us=200).loaded(2) == [1, 0]


def words(chip: Chip) -> list[int]:
    return chip.finish().loaded(16)


def test_the_generator_gives_noise_that_can_be_repeated_and_broken(tmp_path):
    draw = [*wait("RNG_SR", 1), *load("RNG_DR")]
    program = [*mhz_100(), *store("RNG_CR", 4), *draw * 16]
    first = words(Chip(tmp_path, program, noise=1))
    assert len(set(first)) > 12
    assert words(Chip(tmp_path, program, noise=1)) == first
    assert words(Chip(tmp_path, program, noise=2)) != first
    stuck = Chip(tmp_path, program)
    stuck.option("rng_fault", 1)
    assert len(set(words(stuck))) == 1
    program = [*mhz_100(), *store("RNG_CR", 4), *wait("RNG_SR", 6), *load("RNG_SR")]
    broken = Chip(tmp_path, program)
    broken.option("rng_fault", 2)
    assert broken.finish().loaded(1)[0] & 0x44 == 0x44


def test_a_watchdog_that_nobody_feeds_resets_both_cores(tmp_path):
    program = [*load("RCC_RSTSCKR"), *store("IWDG_CTLR", 0x5555), *store("IWDG_RLDR", 99),
               *store("IWDG_CTLR", 0xCCCC), *start_v5f()]  # fmt: skip
    chip = Chip(tmp_path, program, ["9: wfi", "j 9b"])
    chip.run(9_900)  # 100 steps of 4 cycles at 40 kHz are 10 ms
    assert chip.figure("resets") == 0 and chip.loaded(1) == [0x0C000000]
    assert chip.figure("started", V5F)
    chip.run(600)
    assert chip.figure("resets") == 1 and chip.loaded(1) == [0x2C000000]


def test_software_can_reset_the_chip_from_either_core(tmp_path):
    reset = store("PFIC_CFGR", 0xBEEF0080)
    chip = Chip(tmp_path, [*load("RCC_RSTSCKR"), *reset])
    chip.run(1_000)
    assert chip.figure("resets") > 3 and chip.loaded(1) == [0x1C000000]
    chip = Chip(tmp_path, [*start_v5f(), "j ."], reset)
    chip.run(1_000)
    assert chip.figure("resets") > 1


def test_a_run_is_the_same_every_time_however_it_is_cut_into_pieces(tmp_path):
    def state(pieces: list[float]) -> tuple:
        chip = Chip(tmp_path, *mailbox(wake=False))
        for us in pieces:
            assert chip.run(us) == TIME
        return chip.snapshot(), [chip.figure("retired", core) for core in (V3F, V5F)]

    whole = state([6_000])
    assert state([6_000]) == whole
    parts = state([1] * 1000 + [3] * 1000 + [7] * 250 + [250])
    assert parts[1] == whole[1] and parts[0] == whole[0]


def test_a_snapshot_is_the_whole_chip(tmp_path):
    chip = Chip(tmp_path, *mailbox())
    chip.run(3_000)
    taken = chip.snapshot()
    chip.run(2_000)
    after = chip.snapshot()
    assert after != taken
    chip.restore(taken)
    assert chip.snapshot() == taken
    chip.run(2_000)
    assert chip.snapshot() == after
    other = Chip(tmp_path, *mailbox(), noise=5)
    other.restore(taken)
    other.run(2_000)
    assert other.snapshot() == after


def test_a_snapshot_holds_the_card_and_fits_no_other(tmp_path):
    chip = Chip(tmp_path, [])
    card = ctypes.create_string_buffer(b"\x11" * 4096, 4096)
    chip.call("sd", card, 4096)
    taken = chip.snapshot()
    ctypes.memset(card, 0x22, 4096)
    chip.restore(taken)
    assert card.raw == b"\x11" * 4096
    assert not Chip(tmp_path, []).call("restore", taken)


def test_memories_hold_noise_when_power_comes_and_flash_stays(tmp_path):
    chip = Chip(tmp_path, ["j ."], ["nop"])
    code = chip.read(0, 64)
    first = chip.read(SHARED, 4096), chip.read(DTCM, 4096), chip.read(ITCM, 4096)
    assert len(set(first)) == 3 and all(len(set(memory)) > 200 for memory in first)
    chip.call("power_on", 2)
    assert chip.read(SHARED, 4096) != first[0] and chip.read(0, 64) == code
    assert chip.read(0x0800_0000, 64) == code


def test_a_profile_counts_each_core_in_the_memory_of_its_code(tmp_path):
    chip = Chip(tmp_path, [*start_v5f(), "j ."], to_itcm(["nop"] * 50))
    chip.call("profile_start")
    chip.run(2_000)
    count = [chip.call("core_profile", V5F, ITCM + 4 * place, 0) for place in range(50)]
    assert count == [1] * 50


def test_a_stack_that_grows_into_the_data_is_a_fault_of_its_core(tmp_path):
    chip = Chip(tmp_path, [*start_v5f(), "j ."], [f"li t0, {DTCM + 0x1000}", "mv sp, t0",
                                                  "addi sp, sp, -1024"])  # fmt: skip
    chip.option("stack_limit_v5f", DTCM + 0xE00)
    assert chip.run(1_000) == FAULT
    assert "stack overflow" in chip.fault() and chip.figure("fault_core") == V5F
    assert chip.figure("lowest_sp_address", V5F) == DTCM + 0xC00


def test_faults_can_be_delivered_to_the_core_that_made_them(tmp_path):
    handler = ["j 2f", "faulty: csrr a1, mcause", *keep("a1"), "csrr a1, mtval", *keep("a1"),
               "j finished_v5f", "2:"]  # fmt: skip
    v5f = [*handler, *vectors({3: "faulty"}, DTCM + 0x400), *store(0x5000_0000, 1)]
    chip = Chip(tmp_path, [*start_v5f(), "j ."], v5f)
    chip.option("deliver_faults", 1)
    chip.finish(V5F)
    assert chip.loaded(2, V5F) == [7, 0x5000_0000]
    assert "in v3f" in chip.where(chip.figure("pc"))


def test_a_fault_is_told_with_its_time(tmp_path):
    wait_in_itcm = to_itcm(["li a5, 1000000", "8: addi a5, a5, -1", "bnez a5, 8b", "ebreak"])
    chip = Chip(tmp_path, [*mhz_100(), *start_v5f(), "9: wfi", "j 9b"], wait_in_itcm)
    assert chip.run(1e6) == FAULT
    cycles = chip.figure("cycles", V5F) - chip.figure("slept", V5F)
    assert cycles > 2_000_000
    assert chip.figure("ticks") == pytest.approx(cycles + 1200 * US, rel=0.03)
