"""The bench machine: its card reader, its clock, and that streaming a model hides in computing."""

import json
import os
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from conftest import built
from small_cats import true_cat
from test_core import compile_riscv
from whim.bench import CORRUPT, HERTZ, READ_ERROR, Bench, Card, run
from whim.decoder import decode
from whim.encodings import Encoding
from whim.format import CARD_ALIGNMENT, write
from whim.machine import BoardError

ROOT = Path(__file__).resolve().parents[1]
PORT = ROOT / "src/ports/bench"
SHARED, DTCM = 0x2010_0000, 0x200C_1000
FILE = np.random.default_rng(5).bytes(16 * 512)

pytestmark = pytest.mark.usefixtures("emulator")


def link(out: Path, *sources) -> Path:
    """A program for the bench machine."""
    flags = ["-O2", "-ffreestanding", "-Wl,--defsym=arena_least=0"]
    return compile_riscv(out, *flags, *sources, script=PORT / "link.ld")


@pytest.mark.parametrize(
    "code, extra",
    [
        ("addi a1, a1, 1\n add a1, a1, a1", 0),
        ("lw a1, (a0)\n addi a1, a1, 1", 2),  # it waits for what is loaded
        ("lw a1, (a0)\n nop\n nop\n addi a1, a1, 1", 0),
        ("mul a1, a0, a0\n add a2, a2, a1", 2),
        ("mul a1, a0, a0\n mul a2, a0, a0\n nop\n add a1, a1, a1", 0),
        ("div a1, a0, a0", 33),
        ("lui a1, 0x20100\n lbu a2, (a1)", 8),  # from shared SRAM
        ("lui a1, 0x20100\n lbu a2, (a1)\n addi a2, a2, 1", 8 + 2),
        ("lui a1, 0x20100\n sw a2, (a1)", 8),
        ("li a1, 5\n 1: addi a1, a1, -1\n bnez a1, 1b", 4 * 1 + 8),  # foretold but for the last
        ("beqz a0, 1f\n 1:", 0),
        ("bnez a0, 1f\n 1:", 8),
        ("j 1f\n 1:", 1),
        ("la a1, 1f\n jr a1\n 1:", 8),
    ],
)
def test_the_cycle_model_charges_what_it_says(tmp_path, code, extra):
    source = tmp_path / "code.S"
    source.write_text(
        ".option norvc\n.section .text.start\n.globl start, bench_stack_limit\n"
        f"start: lui a0, 0x200c2\n{code}\n ecall\n"
    )
    bench = Bench(b"", Card(), link(tmp_path / "code", source))
    bench.finish()
    assert bench.cycle_model == "qingke-v5f-1"
    assert bench.figure("cycles") - bench.figure("retired") == extra


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A program that reads what a test tells it to."""
    sources = [PORT / "start.S", ROOT / "src/ports/bare/memory.c"]
    sources += [ROOT / "tests/riscv/card.c"]
    return link(tmp_path_factory.mktemp("card") / "card", *sources)


def read(image: Path, reads: list[tuple[int, int, int]], card: Card = Card()) -> Bench:
    bench = Bench(FILE, card, image)
    data = b"".join(struct.pack("<3I", *one) for one in reads)
    bench.write(bench.addresses["reads"], data + bytes(12 * (16 - len(reads))))
    bench.finish()
    return bench


def words(bench: Bench, name: str, count: int) -> list[int]:
    return list(struct.unpack(f"<{count}I", bench.read(bench.addresses[name], 4 * count)))


def test_the_card_brings_its_blocks_in_the_time_that_they_take(reader):
    card = Card(bandwidth=1e6, latency=0.001)
    bench = read(reader, [(0, 1024, SHARED), (4096, 512, SHARED + 2048)], card)
    assert bench.read(SHARED, 1024) == FILE[:1024]
    assert bench.read(SHARED + 2048, 512) == FILE[4096 : 4096 + 512]
    expected = [round(HERTZ * (0.001 + count / 1e6)) for count in (1024, 512)]
    assert [one.cycles for one in bench.reads] == expected
    for measured, exact in zip(words(bench, "times", 2), expected):
        assert 0 <= measured - exact < 200  # by the program's own clock
    assert words(bench, "statuses", 2) == [0, 0]


def test_pauses_come_by_chance_and_always_the_same(reader):
    reads = [(0, 16 * 512, SHARED)] * 16
    plain = read(reader, reads, Card(bandwidth=1e6)).reads
    card = Card(bandwidth=1e6, pause=0.01, pause_chance=0.1, noise=3)
    paused, again = (read(reader, reads, card).reads for _ in range(2))
    assert paused == again
    pauses = [one.paused // (HERTZ // 100) for one in paused]
    assert 10 < sum(pauses) < 45  # 25.6 are expected
    assert [one.cycles - one.paused for one in paused] == [one.cycles for one in plain]


def test_a_failed_read_and_a_wrong_bit_are_what_the_test_asked_for(reader):
    fates = [READ_ERROR, CORRUPT, 0]
    card = Card(fate=lambda number, offset, count: fates[number])
    places = [SHARED, SHARED + 8192, SHARED + 16384]
    bench = read(reader, [(0, 8192, place) for place in places], card)
    assert words(bench, "statuses", 3) == [2, 0, 0]
    failed, corrupt, good = (bench.read(place, 8192) for place in places)
    assert failed[-512:] != FILE[-512:]
    wrong = np.bitwise_xor(*(np.frombuffer(data, np.uint8) for data in (corrupt, FILE)))
    assert np.bitwise_count(wrong).sum() == 1
    assert good == FILE


@pytest.mark.parametrize(
    "offset, count, to, words",
    [
        (0, 512, DTCM, "the card reader cannot reach 0x200c1000, only shared SRAM"),
        (0, 1024, SHARED + 512 * 1024 - 512, "cannot reach 0x2017fe00"),
        (0, 512, SHARED + 8, "a read to 0x20100008, which is not a multiple of 16"),
        (256, 512, SHARED, "a read of 512 bytes from 256 on is not one of whole blocks"),
        (7680, 1024, SHARED, "a read of 1024 bytes from 7680 on goes beyond the file"),
    ],
)
def test_a_read_that_cannot_be_is_refused_with_a_sentence(reader, offset, count, to, words):
    with pytest.raises(BoardError, match=words):
        read(reader, [(offset, count, to)])


# Streamed pictures, made by the bench's own program.

CHUNK = 63  # units of 16 bytes: chunks of two sectors
FAST = Card(bandwidth=1e9)


@pytest.fixture(scope="module", params=[Encoding.INT8, Encoding.INT4], ids=["int8", "int4"])
def cat(request):
    """A small cat: its file, an input, and the picture that it must give."""
    built("bench", "firmware.elf")
    model = true_cat(request.param)
    inputs = np.random.default_rng(7).integers(-100, 100, (1, 100)).astype(np.int8)
    file = write(model, alignment=CARD_ALIGNMENT, chunk=CHUNK)
    return file, inputs, decode(model, inputs)[0]


def test_every_byte_is_read_once_and_in_order(cat):
    file, inputs, expected = cat
    picture = run(file, inputs, FAST)
    assert np.array_equal(picture.pixels, expected)
    assert [(read.offset, read.count) for read in picture.opening] == [(0, 512)]
    assert picture.reads[0].offset == 512
    for before, read in pairwise(picture.reads):
        assert read.offset == before.offset + before.count
    assert read.offset + read.count == len(file) == picture.bytes_read
    assert len(picture.chunks) == len(picture.reads) and picture.retries == 0


@pytest.mark.parametrize(
    "card",
    [Card(bandwidth) for bandwidth in (0.3e6, 1e6, 3e6, 10e6, 1e9)]
    + [Card(5e6, latency=0.001), Card(3e6, latency=0.0001, pause=0.01, pause_chance=0.02)],
    ids=str,
)
def test_reading_hides_behind_computing_or_computing_behind_reading(cat, card):
    file, inputs, expected = cat
    picture = run(file, inputs, card)
    assert np.array_equal(picture.pixels, expected)
    assert picture.computing + picture.waiting == picture.cycles
    assert 0.999 < picture.cycles / picture.bound() < 1.05


@pytest.mark.parametrize("bandwidth", [1e6, 4e6, 100e6])
def test_pauses_of_the_card_add_at_most_themselves(cat, bandwidth):
    file, inputs, _ = cat
    plain = run(file, inputs, Card(bandwidth))
    for noise in range(3):
        card = Card(bandwidth, pause=0.005, pause_chance=0.02, noise=noise)
        paused = run(file, inputs, card)
        assert paused.paused > 0
        assert paused.cycles <= 1.001 * (plain.cycles + paused.paused)


def test_what_fails_or_arrives_wrong_is_read_again(cat):
    file, inputs, expected = cat
    fates = {0: READ_ERROR, 3: READ_ERROR, 4: CORRUPT, 9: CORRUPT, 20: READ_ERROR, 21: READ_ERROR}
    card = Card(3e6, fate=lambda number, offset, count: fates.get(number, 0))
    picture = run(file, inputs, card)
    assert np.array_equal(picture.pixels, expected)
    assert picture.retries == len(fates)
    good = [read for read in picture.reads if not read.fate]
    assert sum(read.count for read in good) == len(file) - 512
    assert len({read.offset for read in good}) == len(good)


@pytest.mark.parametrize("fate, name", [(READ_ERROR, "card read"), (CORRUPT, "model crc")])
@pytest.mark.parametrize("place", [0, 512, 512 + 20 * 1024])
def test_what_fails_three_times_is_an_error_with_a_name(cat, fate, name, place):
    file, inputs, _ = cat
    card = Card(3e6, fate=lambda number, offset, count: fate if offset == place else 0)
    picture = run(file, inputs, card)
    assert picture.pixels is None and picture.error == name
    tries = [read for read in picture.opening + picture.reads if read.offset == place]
    assert len(tries) == 3


@pytest.mark.parametrize("length", [0, 100, 512, 5000, -512])
def test_a_file_cut_short_is_named(cat, length):
    file, inputs, _ = cat
    card = Card(FAST.bandwidth, length=length % len(file))
    assert run(file, inputs, card).error == "model truncated"


def test_buffers_too_small_for_two_chunks_are_named(cat):
    file, inputs, _ = cat
    assert run(file, inputs, FAST, buffer_bytes=2 * 1024).error == ""
    assert run(file, inputs, FAST, buffer_bytes=2 * 1024 - 512).error == "buffers too small"


@pytest.mark.parametrize("encoding, most", [(Encoding.INT8, 3.0), (Encoding.INT4, 2.0)])
def test_a_cat_takes_few_instructions_for_a_multiply_accumulate(encoding, most):
    """A cat's shapes with a quarter of its channels (make soak: all of them), random weights, and
    ReLU: half of the activations are zero, fewer than in a cat.
    """
    built("bench", "firmware.elf")
    channels = (1024, 512, 256, 128, 3)
    if not os.environ.get("WHIM_SOAK"):
        channels = (256, 128, 64, 32, 3)
    model = true_cat(encoding, channels)
    inputs = np.random.default_rng(7).integers(-100, 100, (1, 100)).astype(np.int8)
    picture = run(write(model, alignment=CARD_ALIGNMENT, chunk=1535), inputs)
    assert np.array_equal(picture.pixels, decode(model, inputs)[0])
    assert picture.instructions / model.macs <= most
    assert picture.stack_bytes < 1024


def bench_py(*words) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / "host/bench.py", *words]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_bench_prints_every_layer_and_says_whether_the_picture_is_right(cat, tmp_path):
    file, *_ = cat
    (tmp_path / "small.whim").write_bytes(file)
    words = [tmp_path / "small.whim", "--card", "bandwidth=2.5MB/s,latency=200us,pause=1ms@0.01"]
    report = json.loads(bench_py("--json", *words).stdout)
    assert report["right"] and report["cycle_model"] == "qingke-v5f-1"
    assert sum(layer["instructions"] for layer in report["layers"]) == report["instructions"]
    assert report["bytes"] == len(file) - 512
    shown = bench_py("--profile", *words).stdout
    assert shown.count("conv transpose 4x4/2") == 3 and "whim_add_columns" in shown
    assert "the NumPy decoder's" in shown and "WRONG" not in shown


@pytest.mark.parametrize(
    "words, said",
    [
        (["missing.whim"], "No such file or directory: 'missing.whim'"),
        ([ROOT / "data/die.whim"], "is a model for flash"),
        (["--card", "bandwidth=3"], "'3' is not a number with the unit B/s"),
        (["--card", "speed=3MB/s"], "a card has bandwidth, latency, pause and noise"),
    ],
)
def test_the_bench_says_what_is_wrong_with_what_it_is_given(words, said):
    result = bench_py(*words)
    assert result.returncode and said in result.stderr and "Traceback" not in result.stderr
