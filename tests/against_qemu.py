"""The same program on the virtual boards' core and on QEMU's, and the words that it leaves."""

import subprocess
from pathlib import Path

import numpy as np

from test_core import HERE, QEMU, compile_riscv, machine, need_qemu
from whim.machine import ECALL

# Of what the ISA manual and QEMU have, the core of a CH32H417 has this.
CPU = "rv32,d=off,zba=on,zbb=on,zbc=on,zbs=on"
MARCH = "rv32imafc_zba_zbb_zbc_zbs"
EDGES = (
    0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000,
    0x8000_0001, 0xFFFF_FFFE, 0xFFFF_FFFF,
)  # fmt: skip


def values(random: np.random.Generator, count: int) -> np.ndarray:
    """Operands: any, few bits, and those at the edges of ranges."""
    any_ = random.integers(0, 1 << 32, count, dtype=np.uint32)
    few = (1 << random.integers(0, 32, count, dtype=np.uint32)) - random.integers(0, 2, count)
    kinds = [any_, few.astype(np.uint32), random.choice(EDGES, count).astype(np.uint32)]
    return np.choose(random.integers(0, 3, count), kinds)


def program(folder: Path, code: str, operands: np.ndarray, results: int) -> Path:
    """Link the cases, which read `operands` and write `results` words."""
    words = "\n".join(f"    .word {word}" for word in operands.reshape(-1).tolist())
    (folder / "cases.inc").write_text(
        f"{code}\n"
        f"    .pushsection .data\n    .balign 4\noperands:\n{words}\noperands_end:\n"
        f"    .section .bss\n    .balign 4\n    .globl results\nresults: .skip {4 * results}\n"
        "results_end:\n    .popsection\n"
    )
    return compile_riscv(
        folder / "image", f"-Wa,-I{folder}", HERE / "compare.S", march=MARCH, mabi="ilp32f"
    )


def of_the_board(image: Path, results: int, isa: int) -> np.ndarray:
    core = machine(image, isa)
    assert core.call("run", 100_000_000) == ECALL, core.fault()
    return np.frombuffer(core.read(core.addresses["results"], 4 * results), np.uint32)


def of_qemu(folder: Path, image: Path, results: int) -> np.ndarray:
    need_qemu()
    out = folder / "serial"
    subprocess.run(
        [QEMU, "-M", "virt", "-cpu", CPU, "-display", "none", "-serial", f"file:{out}",
         "-bios", "none", "-kernel", image],
        check=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    found = np.frombuffer(out.read_bytes(), np.uint32)
    assert len(found) == results
    return found
