"""Atomic and bit-manipulation instructions of the virtual boards' core: they do what QEMU's do."""

import numpy as np
import pytest

from against_qemu import of_qemu, of_the_board, program, values
from test_core import ISA_A, ISA_B, ISA_C, ISA_E, ISA_F, ISA_M, run_words
from whim.machine import ECALL, FAULT, Machine

ISA = ISA_M | ISA_C | ISA_A | ISA_F | ISA_B
TWO = (
    "sh1add sh2add sh3add andn orn xnor min minu max maxu rol ror clmul clmulh clmulr bclr bext "
    "binv bset mul mulh mulhsu mulhu div divu rem remu add sub sll srl sra slt sltu"
).split()
ONE = "clz ctz cpop sext.b sext.h zext.h orc.b rev8".split()
CONSTANT = "rori bclri bexti binvi bseti slli srli srai".split()
ATOMIC = "amoswap amoadd amoxor amoand amoor amomin amomax amominu amomaxu".split()

pytestmark = pytest.mark.usefixtures("emulator")


def cases(random: np.random.Generator, times: int) -> list[str]:
    """Instructions with registers chosen by chance; a result may go where an operand lies."""
    found = []
    for name in (TWO + ONE + CONSTANT) * times:
        rd, rs1, rs2 = (f"x{number}" for number in random.integers(10, 32, 3))
        last = f", {rs2}" if name in TWO else f", {random.integers(32)}" * (name in CONSTANT)
        found.append(
            f"lw {rs1}, 0(s0); lw {rs2}, 4(s0); {name} {rd}, {rs1}{last}; sw {rd}, 0(s1); "
            "sw x0, 4(s1)"
        )
    for name in ATOMIC * times:
        rd, rs2 = (f"x{number}" for number in random.integers(11, 32, 2))
        order = random.choice(["", ".aq", ".rl", ".aqrl"])
        found.append(
            f"lw {rs2}, 0(s0); sw {rs2}, 4(s1); addi a0, s1, 4; lw {rs2}, 4(s0); "
            f"{name}.w{order} {rd}, {rs2}, (a0); sw {rd}, 0(s1)"
        )
    return found


def test_instructions_of_a_and_b_compute_what_qemu_computes(tmp_path):
    random = np.random.default_rng(7)
    lines = cases(random, 40)
    operands = values(random, 2 * len(lines))
    code = "".join(f"    {line}; addi s0, s0, 8; addi s1, s1, 8\n" for line in lines)
    image = program(tmp_path, code, operands, 2 * len(lines))
    ours = of_the_board(image, 2 * len(lines), ISA).reshape(-1, 2)
    theirs = of_qemu(tmp_path, image, 2 * len(lines)).reshape(-1, 2)
    wrong = np.flatnonzero((ours != theirs).any(1))
    assert not len(wrong), (lines[wrong[0]], operands[2 * wrong[0] :][:2], ours[wrong[0]])
    assert len(np.unique(ours)) > len(lines) / 4  # it was no comparison of zeros


def words_of_every_kind(random: np.random.Generator) -> np.ndarray:
    """Words in the places of M, A, F and B, right and wrong ones, and C's loads and stores."""
    opcodes = (0x13, 0x33, 0x2F, 0x07, 0x27, 0x43, 0x47, 0x4B, 0x4F, 0x53)
    any_ = random.integers(0, 1 << 32, (len(opcodes), 1000), dtype=np.uint32)
    # What lies close together in OP, OP-IMM and OP-FP: each f7 and f3, and some of rs2.
    f7, f3, rs2, code = (
        axis.reshape(-1) for axis in np.meshgrid(
            np.arange(128), np.arange(8), [0, 1, 2, 4, 5, 7, 24, 31], [0x13, 0x33, 0x2F, 0x53]
        )
    )  # fmt: skip
    near = f7 << 25 | rs2 << 20 | 10 << 15 | f3 << 12 | 11 << 7 | code
    halves = np.arange(0x10000)
    kind = halves & 0xE003
    loads = halves[(kind & 3 == 0) | np.isin(kind, [0x0002, 0x2002, 0x4002, 0x6002, 0xE002])]
    loads = loads | 0x0001_0000  # and then comes C.NOP
    any_ = any_ & np.uint32(0xFFFFFF80) | np.array(opcodes, np.uint32)[:, None]
    return np.concatenate([any_.reshape(-1), near.astype(np.uint32), loads.astype(np.uint32)])


TRY_WORDS = """
    # s0 goes along the words, s1 along the results; both rest in memory, for a word may take them
    la t0, trapped
    csrw mtvec, t0
    la t0, operands_at
    sw s0, 0(t0)
    sw s1, 4(t0)
next:
    la t0, operands_at
    lw s0, 0(t0)
    lw s1, 4(t0)
    la t1, results_end
    beq s1, t1, done
    lw t2, 0(s0)
    addi s0, s0, 4
    sw s0, 0(t0)
    la t1, slot
    sw t2, 0(t1)
    fence.i
    .irp number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    li x\\number, 0
    .endr
    .irp number, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    li x\\number, 0
    .endr
    .align 2
slot:
    .word 0
    li t0, 0
    j judged
    .align 2
trapped:
    csrr t0, mcause
    addi t0, t0, -2 # an illegal instruction
    seqz t0, t0
judged:
    la t1, operands_at
    lw s1, 4(t1)
    sw t0, 0(s1)
    addi s1, s1, 4
    sw s1, 4(t1)
    j next
    .pushsection .data
    .balign 4
operands_at: .word 0, 0
    .popsection
done:
    la t0, trap
    csrw mtvec, t0
"""


def test_the_core_refuses_what_qemu_refuses(tmp_path):
    words = words_of_every_kind(np.random.default_rng(8))
    image = program(tmp_path, TRY_WORDS, words, len(words))
    theirs = of_qemu(tmp_path, image, len(words))
    core = Machine(None, isa=ISA, size=64)
    ours = []
    for word in words.tolist():
        core.write(0x8000_0000, word.to_bytes(4, "little"))
        core.call("set_pc", 0x8000_0000)
        why = core.call("run", 1)
        ours.append(why == FAULT and core.call("fault_text").startswith(b"illegal instruction"))
    wrong = [(f"{word:08x}", bool(a), int(b)) for word, a, b in zip(words, ours, theirs) if a != b]
    assert not wrong and 0 < sum(ours) < len(words)


@pytest.mark.parametrize(
    "words, answer, stored",
    [
        ([0x1005A52F, 0x18C5A52F], 0, 5),  # lr.w a0, (a1); sc.w a0, a2, (a1)
        ([0x1005A52F, 0x18C5A52F, 0x18C5A52F], 1, 5),  # and once more
        ([0x18C5A52F], 1, 0),  # without a reservation
        ([0x1005A52F, 0x00458593, 0x18C5A52F], 1, 0),  # addi a1, a1, 4: reserved was another word
    ],
)
def test_a_store_is_conditional_on_a_reservation_of_its_word(words, answer, stored):
    core = run_words([0x80000537, 0x02050593, 0x00500613, *words], ISA)  # a1 = RAM + 32, a2 = 5
    assert (core.why, core.call("x", 10)) == (ECALL, answer)
    assert core.read(0x8000_0020, 4) == bytes([stored, 0, 0, 0])


@pytest.mark.parametrize(
    "word, words",
    [
        (0x00C5A52F, "misaligned load of a word from 0x80000022"),  # amoadd.w a0, a2, (a1)
        (0x00C0252F, "atomic access to 0x00000000, where no memory is"),  # and at 0
    ],
)
def test_an_atomic_access_needs_a_word_of_memory(word, words):
    core = run_words([0x80000537, 0x02250593, word], ISA)
    assert core.why == FAULT and words in core.fault()


def test_a_core_has_only_what_it_claims():
    sh1add, amoadd, fadd = 0x20C5A533, 0x00C5A52F, 0x00C5F553
    for word in (sh1add, amoadd, fadd):
        assert "illegal instruction" in run_words([word], ISA_M | ISA_C).fault()
    core = run_words([sh1add | 16 << 7], ISA_E | ISA_B)
    assert "x26 does not exist on RV32E" in core.fault()
