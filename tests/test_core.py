"""The virtual boards' core: it computes, and counts, as other people's cores and tests say."""

import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from small_cats import true_cat
from whim.decoder import decode
from whim.encodings import Encoding
from whim.format import CARD_ALIGNMENT, write
from whim.machine import ECALL, FAULT, Machine

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "tests/riscv"
GCC = shutil.which("riscv64-unknown-elf-gcc") or "riscv64-unknown-elf-gcc"
QEMU = "qemu-system-riscv32"
ISA_E, ISA_M, ISA_C, ISA_A, ISA_F, ISA_B, ISA_ZMMUL = 1, 2, 4, 8, 16, 32, 64
ENOUGH = 100_000_000

pytestmark = pytest.mark.usefixtures("emulator")


def compile_riscv(
    out: Path, *words, march: str = "rv32imac", mabi: str = "ilp32", script: Path | None = None
) -> Path:
    """Compile and link a program for a core with RAM alone, or what `script` says."""
    script = script or HERE / "bare.ld"
    command = [GCC, f"-march={march}", "-misa-spec=2.2", f"-mabi={mabi}", "-static", "-nostdlib",
               "-nostartfiles", f"-I{HERE}", f"-T{script}", *words, "-o", out]  # fmt: skip
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return out


def machine(image: Path, isa: int) -> Machine:
    machine = Machine(image, isa=isa)
    machine.call("set_pc", machine.entry)
    return machine


def run_words(words: list[int], isa: int) -> Machine:
    """Run these instruction words, and ECALL."""
    machine = Machine(None, isa=isa)
    code = b"".join(word.to_bytes(4 if word & 3 == 3 else 2, "little") for word in [*words, 0x73])
    machine.write(0x8000_0000, code)
    machine.why = machine.call("run", 1000)
    return machine


def suites(*names: str) -> list[Path]:
    package = pytest.importorskip("pythondata_cpu_ibex", reason="brings the riscv-tests")
    folder = Path(package.__file__).parent / "system_verilog/vendor/riscv-tests/isa"
    return sorted(path for suite in names for path in (folder / suite).glob("*.S"))


@pytest.mark.parametrize(
    "names, count, isa, march, mabi",
    [
        (("rv32ui", "rv32um", "rv32uc"), 48, ISA_M | ISA_C, "rv32imac", "ilp32"),
        (("rv32ua",), 10, ISA_A, "rv32ima", "ilp32"),
        (("rv32uf",), 11, ISA_F | ISA_C, "rv32imafc", "ilp32f"),
    ],
)
def test_all_riscv_tests_pass_for_what_the_core_claims(tmp_path, names, count, isa, march, mabi):
    tests = suites(*names)
    assert len(tests) == count
    for source in tests:
        words = f"-I{source.parents[1]}/macros/scalar", source
        image = compile_riscv(tmp_path / source.stem, *words, march=march, mabi=mabi)
        core = machine(image, isa)
        assert core.call("run", ENOUGH) == ECALL, f"{source.stem}: {core.fault()}"
        assert core.call("x", 10) == 0, f"{source.stem}: case {core.call('x', 10)} failed"


def test_zmmul_is_what_the_riscv_tests_say_of_multiplications_and_no_division(tmp_path):
    """On the CH32V002's core, which has x0 to x15; the other half of the suite is refused."""
    passed, refused = [], []
    for source in suites("rv32um"):
        words = f"-I{source.parents[1]}/macros/scalar", source
        core = machine(compile_riscv(tmp_path / source.stem, *words), ISA_E | ISA_C | ISA_ZMMUL)
        if core.call("run", ENOUGH) == ECALL:
            assert core.call("x", 10) == 0, f"{source.stem}: case {core.call('x', 10)} failed"
            passed.append(source.stem)
        else:
            assert "illegal instruction 0x02" in core.fault(), core.fault()
            refused.append(source.stem)
    assert passed == ["mul", "mulh", "mulhsu", "mulhu"]
    assert refused == ["div", "divu", "rem", "remu"]


def test_zmmul_computes_what_qemu_computes(tmp_path):
    from against_qemu import of_qemu, of_the_board, program, values

    random = np.random.default_rng(2)
    names = random.choice(["mul", "mulh", "mulhsu", "mulhu"], 400)
    operands = values(random, 2 * len(names))
    image = program(
        tmp_path,
        "".join(
            f"lw a0, 0(s0); lw a1, 4(s0); {name} a0, a0, a1; sw a0, 0(s1); "
            "addi s0, s0, 8; addi s1, s1, 4\n"
            for name in names
        ),
        operands,
        len(names),
    )
    ours = of_the_board(image, len(names), ISA_F | ISA_C | ISA_ZMMUL)
    assert (ours == of_qemu(tmp_path, image, len(names))).all() and len(np.unique(ours)) > 200


def register_users() -> dict[str, tuple[int, int]]:
    """Instructions that name register n in one of their fields, and where that field lies."""
    return {
        "add rd": (0x00000033, 7), "add rs1": (0x00000033, 15), "add rs2": (0x00000033, 20),
        "lw rd": (0x00002003, 7), "sw rs2": (0x00002023, 20), "jalr rs1": (0x00000067, 15),
        "lui rd": (0x00000037, 7), "auipc rd": (0x00000017, 7), "beq rs2": (0x00000063, 20),
        "csrrw rs1": (0x34001073, 15), "csrrwi rd": (0x34005073, 7), "c.li rd": (0x4001, 7),
        "c.mv rs2": (0x8502, 2), "c.slli rd": (0x0006, 7), "c.lwsp rd": (0x4002, 7),
        "c.swsp rs2": (0xC002, 2),
    }  # fmt: skip


@pytest.mark.parametrize("name", register_users())
def test_an_e_core_refuses_every_use_of_x16_to_x31(name):
    word, place = register_users()[name]
    for number in range(16, 32):
        core = run_words([word | number << place], ISA_E | ISA_C)
        assert core.why == FAULT
        assert f"x{number} does not exist on RV32E, at 0x80000000" in core.fault()
    full = run_words([word | 17 << place], ISA_C)
    assert "does not exist" not in full.call("fault_text").decode()


def test_a_constant_of_16_or_more_is_not_a_register():
    core = run_words([0x340FD073, 0x34002573], ISA_E)  # csrwi mscratch, 31; csrr a0, mscratch
    assert (core.why, core.call("x", 10)) == (ECALL, 31)


@pytest.mark.parametrize(
    "word, isa, words",
    [
        (0x00000000, ISA_C, "illegal instruction 0x0000"),
        (0xFFFFFFFF, ISA_C, "illegal instruction 0xffffffff"),
        (0x02000033, ISA_C, "illegal instruction 0x02000033"),  # mul without M
        (0x02004033, ISA_ZMMUL, "illegal instruction 0x02004033"),  # div, which Zmmul has not
        (0x00000001, 0, "illegal instruction 0x0001"),  # c.nop without C
        (0x40001013, ISA_C, "illegal instruction 0x40001013"),  # slli with a stray bit
        (0x7C002573, ISA_C, "CSR 0x7c0 does not exist"),
        (0x00102503, ISA_C, "misaligned load of a word from 0x00000001"),
        (0x00002503, ISA_C, "load from 0x00000000, where nothing is"),
        (0x00000067, ISA_C, "no code at 0x00000000"),
        (0x00100073, ISA_C, "EBREAK"),
    ],
)
def test_what_the_core_does_not_have_stops_it_with_a_sentence(word, isa, words):
    core = run_words([word], isa)
    assert core.why == FAULT and words in core.fault()


def test_code_that_was_written_over_is_decoded_anew():
    # Run an instruction, replace it, run it again: li a0, 1 becomes li a0, 2.
    core = run_words(
        [
            0x00000597,  # auipc a1, 0
            0x00C0006F,  # j to the call below
            0x00100513,  # li a0, 1
            0x00008067,  # ret
            0xFF9FF0EF,  # jal ra, li
            0x00200637,  # lui a2, 0x200: the bits of li a0, 2 are 0x00200513
            0x51360613,  # addi a2, a2, 0x513
            0x00C5A423,  # sw a2, 8(a1)
            0xFE9FF0EF,  # jal ra, li
        ],
        ISA_C,
    )
    assert (core.why, core.call("x", 10)) == (ECALL, 2)


def kernels(out: Path, model: bytes, program: str, march: str, mabi: str) -> Path:
    """A program with the engine's own kernels and a model in memory."""
    (out / "model.whim").write_bytes(model)
    files = (ROOT / "src/engine").rglob("*.c")
    engine = [path for path in files if path.parent.name not in ("reference", "rv32ec")]
    flags = ["-std=gnu99", "-O2", "-ffreestanding", "-fno-tree-loop-distribute-patterns"]
    folders = [f"-I{ROOT}/include", f"-I{ROOT}/src", f"-Wa,-I{out}"]
    sources = [HERE / "start.S", HERE / "result.c", HERE / program]
    sources += [ROOT / "src/ports/ch32v003/memory.c", *engine]
    words = [*flags, *folders, *sources, *([] if march == FLAGSHIP else ["-lgcc"])]
    return compile_riscv(out / "image", *words, march=march, mabi=mabi)


FLAGSHIP = "rv32imac_zba_zbb"  # for which there is no libgcc, and none is needed


@pytest.fixture(
    params=[
        ("rv32ec", "ilp32e", ISA_E | ISA_C),
        ("rv32imac", "ilp32", ISA_M | ISA_C),
        (FLAGSHIP, "ilp32", ISA_M | ISA_C | ISA_B),
    ]
)
def picture(request, tmp_path):
    """A picture of the shipped die, and the core that it is for."""
    march, mabi, isa = request.param
    die = (ROOT / "data/die.whim").read_bytes()
    return kernels(tmp_path, die, "kernels.c", march, mabi), isa


def test_instruction_counts_of_the_kernels_equal_qemus(picture):
    image, isa = picture
    core = machine(image, isa)
    assert core.call("run", ENOUGH) == ECALL, core.fault()
    ours = result(core)
    assert ours[0] == 1 and ours[2] > 10_000  # WHIM_DONE
    assert qemu(image) == ours


@pytest.mark.parametrize("encoding", [Encoding.INT8, Encoding.INT4])
def test_instruction_counts_of_a_streamed_model_equal_qemus(tmp_path, encoding):
    file = write(true_cat(encoding), alignment=CARD_ALIGNMENT, chunk=127)
    image = kernels(tmp_path, file, "stream.c", "rv32imac", "ilp32")
    core = machine(image, ISA_M | ISA_C)
    assert core.call("run", ENOUGH) == ECALL, core.fault()
    ours = result(core)
    inputs = (37 * np.arange(100) - 90).astype(np.int8)
    picture = decode(true_cat(encoding), inputs[None])[0].reshape(-1).astype(np.uint8)
    assert ours[0] == 1 and ours[3] == horner(picture)
    assert qemu(image) == ours


def horner(values: np.ndarray) -> int:
    """The sum that the programs make of their picture."""
    total = 0
    for value in values.tolist():
        total = 31 * total + value & 0xFFFFFFFF
    return total


def result(core: Machine) -> list[int]:
    return list(struct.unpack("<4I", core.read(core.addresses["result"], 16)))


def need_qemu() -> None:
    if not shutil.which(QEMU):
        if os.environ.get("WHIM_REQUIRE_QEMU"):
            pytest.fail(f"{QEMU} is missing")
        pytest.skip(f"{QEMU} is not here: apt-get install qemu-system-misc")


def qemu(image: Path) -> list[int]:
    """The result of a program on QEMU's `virt` machine."""
    need_qemu()
    run = subprocess.run(
        [QEMU, "-M", "virt", "-icount", "shift=0", "-display", "none", "-serial", "stdio",
         "-bios", "none", "-kernel", image],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return [int(number, 16) for number in run.stdout.split()]


def v3f_cycles(words: list[int], at: int) -> float:
    """What V3F takes for these words, where they lie one after the other many times."""
    cycles, many = [], 64
    for times in (0, many):
        machine = Machine(None, "ch32h417")
        machine.call("power_on", 1)
        program = [0x20110537, *words * times, 0x00100073]  # lui a0, 0x20110; ...; ebreak
        machine.write(at, b"".join(word.to_bytes(4, "little") for word in program))
        start = [at & 0xFFFF_F000 | 0x2B7, 0x00028067]  # lui t0, at; jr t0
        machine.write(0, b"".join(word.to_bytes(4, "little") for word in start))
        assert machine.call("run", 400_000) == FAULT and "EBREAK" in machine.fault()
        cycles.append(machine.figure("cycles"))
    return (cycles[1] - cycles[0]) / many


@pytest.mark.parametrize(
    "name, words, in_ram, in_flash",
    [
        ("addi", [0x00158593], 1, 9),
        ("two c.addi", [0x05850585], 2, 9),
        ("lw", [0x00052603], 2, 9),
        ("sw", [0x00B52023], 2, 9),
        ("amoadd.w", [0x00B5262F], 2, 9),
        ("mul", [0x02B58633], 1, 9),
        ("div", [0x02B5C633], 34, 34),
        ("sh1add", [0x20B5A633], 1, 9),
        ("bne, not taken", [0x00001463], 1, 9),
        ("beq over a word", [0x00000463, 0x00158593], 3, 18),
        ("j over a word", [0x0080006F, 0x00158593], 3, 18),
        ("auipc, and jalr to the next", [0x00000617, 0x00860067], 5, 27),
    ],
)
def test_the_cycle_model_of_v3f_is_what_core_h_says_of_it(name, words, in_ram, in_flash):
    assert v3f_cycles(words, 0x2010_0000) == in_ram
    assert v3f_cycles(words, 0x0000_1000) == in_flash


def test_the_core_is_fast_enough_to_be_used():
    core = Machine(None, isa=ISA_C)
    for place, word in enumerate([0x00150513, 0xFFDFF06F]):  # addi a0, a0, 1; j back
        core.write(0x8000_0000 + 4 * place, word.to_bytes(4, "little"))
    start = time.process_time()
    core.call("run", 20_000_000)
    assert core.figure("retired") == 20_000_000
    assert time.process_time() - start < 20_000_000 / 50e6  # 50 MIPS, a third of what is usual
