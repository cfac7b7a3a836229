"""Floats of the virtual boards' core: every rounding and every flag is QEMU's."""

import os

import numpy as np
import pytest

from against_qemu import of_qemu, of_the_board, program, values
from test_core import ISA_C, ISA_F, ISA_M, run_words
from whim.machine import ECALL, FAULT

ISA = ISA_M | ISA_C | ISA_F
MODES = ("rne", "rtz", "rdn", "rup", "rmm", "dyn")
ROUNDED = (
    "fadd.s fa3, fa0, fa1", "fsub.s fa3, fa0, fa1", "fmul.s fa3, fa0, fa1",
    "fdiv.s fa3, fa0, fa1", "fsqrt.s fa3, fa0", "fmadd.s fa3, fa0, fa1, fa2",
    "fmsub.s fa3, fa0, fa1, fa2", "fnmsub.s fa3, fa0, fa1, fa2", "fnmadd.s fa3, fa0, fa1, fa2",
    "fcvt.w.s a0, fa0", "fcvt.wu.s a0, fa0", "fcvt.s.w fa3, a3", "fcvt.s.wu fa3, a3",
)  # fmt: skip
OTHERS = (
    "fsgnj.s fa3, fa0, fa1", "fsgnjn.s fa3, fa0, fa1", "fsgnjx.s fa3, fa0, fa1",
    "fmin.s fa3, fa0, fa1", "fmax.s fa3, fa0, fa1", "feq.s a0, fa0, fa1", "flt.s a0, fa0, fa1",
    "fle.s a0, fa0, fa1", "fclass.s a0, fa0", "fmv.x.w a0, fa0", "fmv.w.x fa3, a3",
)  # fmt: skip
ROWS = 400
SEEDS = range(50 if os.environ.get("WHIM_SOAK") else 1)

pytestmark = pytest.mark.usefixtures("emulator")


def floats(random: np.random.Generator, count: int) -> np.ndarray:
    """Any 32 bits; exponents close to each other; subnormal, huge and special ones."""
    sign = random.integers(0, 2, count) << 31
    fraction = random.integers(0, 1 << 23, count)
    fraction = np.where(random.integers(0, 3, count) == 0, values(random, count) >> 9, fraction)
    near = sign | random.integers(120, 160, count) << 23 | fraction
    tiny = sign | random.integers(0, 3, count) << 23 | fraction
    half = sign | random.integers(54, 74, count) << 23 | fraction  # products are about subnormal
    huge = sign | random.integers(188, 256, count) << 23 | fraction
    special = sign | random.choice(
        [0, 1, 0x7F_FFFF, 0x80_0000, 0x3F80_0000, 0x4F00_0000, 0x7F7F_FFFF, 0x7F80_0000,
         0x7F80_0001, 0x7FC0_0000], count
    )  # fmt: skip
    kinds = [values(random, count), near, near, near, tiny, half, huge, special]
    return np.choose(random.integers(0, len(kinds), count), kinds).astype(np.uint32)


@pytest.mark.parametrize("seed", SEEDS)
def test_floats_round_and_flag_as_qemus_do(tmp_path, seed):
    random = np.random.default_rng(seed)
    lines = [f"{line}, {mode}" for line in ROUNDED for mode in MODES] + list(OTHERS)
    rows = np.stack([floats(random, ROWS) for _ in range(3)] + [np.arange(ROWS) % 5], 1)
    # Sums of like size, where most bits cancel, and sums at half a place of the result.
    rows[::7, 1] = rows[::7, 0] ^ 0x8000_0000 ^ random.integers(0, 4, len(rows[::7]))
    rows[::11, 2] = rows[::11, 0] & 0xFF80_0000
    code = "1:  flw fa0, 0(s0); flw fa1, 4(s0); flw fa2, 8(s0); lw a3, 0(s0)\n"
    code += "    lw t0, 12(s0); fsrm t0\n"
    for line in lines:
        store = "fsw fa3" if line.split()[1].startswith("f") else "sw a0"
        code += f"    fsflags x0; {line}; {store}, 0(s1)\n"
        code += "    frflags t0; sw t0, 4(s1); addi s1, s1, 8\n"
    code += "    addi s0, s0, 16; la t0, operands_end; beq s0, t0, 2f; j 1b\n2:\n"
    image = program(tmp_path, code, rows.astype(np.uint32), 2 * len(lines) * ROWS)
    shape = ROWS, len(lines), 2
    ours = of_the_board(image, 2 * len(lines) * ROWS, ISA).reshape(shape)
    theirs = of_qemu(tmp_path, image, 2 * len(lines) * ROWS).reshape(shape)
    wrong = np.argwhere((ours != theirs).any(2))
    assert not len(wrong), [
        (lines[line], [hex(bits) for bits in rows[row]], ours[row, line], theirs[row, line])
        for row, line in wrong[:5]
    ]
    assert np.bitwise_or.reduce(ours[..., 1].reshape(-1)) == 31  # each flag was raised


FADD = 0x00B57553  # fadd.s fa0, fa0, fa1, dyn
FS_ON = [0x000022B7, 0x3002A073]  # lui t0, 2; csrs mstatus, t0


@pytest.mark.parametrize(
    "word",
    [
        FADD, 0x00052507, 0x00A52027, 0x10B50553,  # flw, fsw, fmul.s
        0x00102573, 0x00215073, 0x00301073,  # csrr a0, fflags; csrwi frm, 2; csrw fcsr, x0
        0x6108, 0xE108,  # c.flw, c.fsw
    ],
)  # fmt: skip
def test_floats_that_are_off_or_missing_are_refused(word):
    core = run_words([word], ISA)
    assert core.why == FAULT and "floats, while mstatus says that they are off" in core.fault()
    core = run_words([*FS_ON, word], ISA_M | ISA_C)
    assert core.why == FAULT and ("illegal instruction" in core.fault() or "CSR" in core.fault())


def test_a_rounding_that_is_reserved_is_refused_where_it_is_used():
    frm_5 = 0x0022D073  # csrwi frm, 5
    assert run_words([*FS_ON, frm_5], ISA).why == ECALL
    core = run_words([*FS_ON, frm_5, FADD], ISA)
    assert core.why == FAULT and "frm = 5" in core.fault()
    core = run_words([*FS_ON, FADD & ~0x7000 | 5 << 12], ISA)
    assert core.why == FAULT and "illegal instruction" in core.fault()


def test_floats_leave_word_that_their_registers_have_changed():
    read = 0x30002573  # csrr a0, mstatus
    assert run_words([*FS_ON, read], ISA).call("x", 10) >> 13 & 3 == 1
    for word in (FADD, 0x00052507, 0x6108, 0x00215073):  # flw from a0, c.flw, csrwi frm, 2
        core = run_words([0x80000537, *FS_ON, word, read], ISA)  # lui a0, 0x80000
        assert core.call("x", 10) >> 13 & 3 == 3, hex(word)
