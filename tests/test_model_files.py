"""A model file is untrusted: whatever is wrong with it has a name, the same in C and in Python."""

import contextlib
import re
import struct
import subprocess
import zlib
from dataclasses import replace

import numpy as np
import pytest
from random_models import POWERS, random_model, random_streamed

from whim import format, packing
from whim.decoder import load
from whim.device import lines
from whim.encodings import Encoding
from whim.model import Layer, Layout, Model, Op

HEAD = format.HEADER.sizeof()
ENTRY = format.LAYER.sizeof()
DIE = packing.DATA / "die.whim"


def engine_says(program, files) -> list[str]:
    """What `program check` says of each file: a status, and for an accepted one what it needs."""
    stream = b"".join(struct.pack("<I", len(file)) + file for file in files)
    done = subprocess.run([program, "check"], input=stream, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()[-3000:]  # a sanitizer's report, if any
    return done.stdout.decode().splitlines()


def python_says(file: bytes) -> str:
    try:
        format.read(file)
    except format.FormatError as error:
        return "model " + error.status
    return "ok"


def sign(file: bytearray) -> bytes:
    """Make all tags and CRCs fit again, as an attacker would."""
    chunk = 16 * (file[18] | file[19] << 8)
    alignment = file[11] if file[11] <= 16 else 0
    first = _align(HEAD + ENTRY * file[9], alignment)
    if first >= len(file):
        return bytes(file)
    crc = zlib.crc32(file[8:first])
    file[4:8] = struct.pack("<I", crc)
    payload = payload_bytes(file) if chunk else len(file) - first - 8
    for number, at in enumerate(range(first, len(file), _align(chunk + 8, alignment) or len(file))):
        end = at + min(chunk or payload, payload - chunk * number)
        if at <= end <= len(file) - 8:
            file[end : end + 4] = struct.pack("<I", (crc + number) % 2**32)
            file[end + 4 : end + 8] = struct.pack("<I", zlib.crc32(file[at : end + 4]))
    return bytes(file)


def payload_bytes(file: bytes) -> int:
    """Of a streamed file, if its head is in order."""
    try:
        return format.payload_bytes(bytes(file))
    except format.FormatError:
        return 0


def _align(offset: int, alignment: int) -> int:
    return -(-offset >> alignment) << alignment


def test_c_and_python_name_the_same_bytes():
    text = (packing.DATA.parent / "src/engine/format.h").read_text()
    in_c = {name: int(value) for name, value in re.findall(r"([A-Z]+_[A-Z]+) = (\d+)", text)}
    structs = dict(
        HEADER=format.HEADER,
        LAYER=format.LAYER,
        NARROW=format.NARROW_RECORD,
        WIDE=format.WIDE_RECORD,
    )
    in_python = dict(
        FORMAT_VERSION=format.VERSION,
        CRC_FROM=format.CRC_FROM,
        CHUNK_UNIT=format.CHUNK_UNIT,
        TAG_BYTES=format.TRAILER.tag.sizeof(),
        TRAILER_BYTES=format.TRAILER.sizeof(),
        STREAM_ALIGNMENT=format.CARD_ALIGNMENT,
        TABLE_BYTES=256,
        FLAG_NARROW=format.NARROW,
        FLAG_POOLED=format.POOLED,
    )
    for prefix, struct_ in structs.items():
        offset = 0
        for field in struct_.subcons:
            in_python[f"{prefix}_{field.name.upper()}"] = offset
            offset += field.sizeof()
        in_python[f"{prefix}_BYTES"] = offset
    assert in_c == in_python


@pytest.fixture(scope="module")
def die() -> bytes:
    return DIE.read_bytes()


@pytest.fixture(scope="module")
def streamed() -> bytes:
    """A streamed model of several chunks and kinds of layers, with a table, that runs quickly."""
    rng = np.random.default_rng(3)
    while True:
        model, _ = random_streamed(rng)
        file = format.write(model, format.CARD_ALIGNMENT, 31)
        several = len(file) > 4096 and file[10] and len({e.op for e in model.layers}) > 2
        if several and model.macs < 300_000:
            return file


def test_every_truncation_is_named(sanitized, die, streamed):
    cuts = [die[:length] for length in range(len(die))]
    cuts += [streamed[:length] for length in range(0, len(streamed), 64)]
    assert set(engine_says(sanitized, cuts)) == {"model truncated"}
    assert {python_says(cut) for cut in cuts} == {"model truncated"}


def test_every_damaged_byte_is_noticed(sanitized, die):
    damaged = []
    for at in range(len(die)):
        file = bytearray(die)
        file[at] ^= 0x10
        damaged.append(bytes(file))
    said = engine_says(sanitized, damaged)
    assert "ok" not in {line.split()[0] for line in said}
    assert said == [python_says(file) for file in damaged]
    assert said[0] == "model magic" and said[4] == "model crc" and said[8] == "model version"
    assert set(said[HEAD:]) == {"model crc"}


def test_a_damaged_byte_of_any_chunk_is_noticed(sanitized, streamed):
    """But for those that fill up a chunk's last sector: nobody looks at them."""
    carried = [at for at in range(512, len(streamed) - 512) if at % 512 < 496 + 8]
    damaged = []
    for at in [*range(8, HEAD), *carried[::41]]:
        file = bytearray(streamed)
        file[at] ^= 0x10
        damaged.append(bytes(file))
    said = engine_says(sanitized, damaged)
    assert "ok" not in {line.split()[0] for line in said}
    assert said == [python_says(file) for file in damaged]


def test_a_chunk_in_the_wrong_place_is_noticed(sanitized, streamed):
    """Exchanged with its neighbour, or from another file: its CRC alone would not tell."""
    at = [512 * n for n in (1, 2, 3)]
    exchanged = streamed[: at[0]] + streamed[at[1] : at[2]] + streamed[at[0] : at[1]]
    exchanged += streamed[at[2] :]
    other = bytearray(streamed)
    other[HEAD + 15] ^= 1  # another clamp: all else is the same
    other = sign(other)[:512] + streamed[512:]
    for file in (exchanged, other):
        assert engine_says(sanitized, [file]) == ["model crc"] == [python_says(file)]


def test_a_longer_file_is_refused(sanitized, die):
    assert engine_says(sanitized, [die + b"\0"]) == ["model oversized"]


@pytest.mark.parametrize(
    "field, value, name",
    [
        ("version", 1, "model version"),
        ("version", 2, "model version"),
        ("version", 4, "model version"),
        ("layers", 0, "model header"),
        ("layers", 13, "model header"),
        ("channels", 0, "model header"),
        ("height", 0, "model header"),
        ("width", 0, "model header"),
        ("width", 373, "model header"),
        ("height", 65535, "model header"),
        ("alignment", 31, "model header"),
        ("chunk", 31, "model header"),
        ("tables", 200, "model bounds"),
        ("arena", 0, "model bounds"),
    ],
)
def test_a_header_out_of_range_is_named(sanitized, die, field, value, name):
    header = format.HEADER.parse(die) | {field: value}
    file = sign(bytearray(format.HEADER.build(header) + die[HEAD:]))
    assert engine_says(sanitized, [file]) == [name] == [python_says(file)]


@pytest.mark.parametrize(
    "layer, field, value, name",
    [
        (0, "op", 99, "model op"),
        (2, "encoding", 9, "model encoding"),
        (1, "encoding", 2, "model encoding"),
        (2, "layout", 2, "model encoding"),
        (0, "layout", 1, "model encoding"),
        (2, "table", 7, "model header"),
        (2, "flags", 4, "model header"),
        (3, "flags", 3, "model header"),
        (2, "low", 127, "model header"),
        (2, "channels", 0, "model shape"),
        (2, "channels", 60000, "model shape"),
        (3, "width", 33, "model shape"),
        (3, "stride", 0, "model shape"),
        (1, "channels", 8, "model shape"),
        (0, "data", 0xFFFFFFF0, "model bounds"),
        (0, "data", 2, "model bounds"),
        (3, "arena", 0xFFFFFFFF, "model bounds"),
    ],
)
def test_a_layer_out_of_range_is_named(sanitized, die, layer, field, value, name):
    at = HEAD + ENTRY * layer
    entry = format.LAYER.parse(die[at:]) | {field: value}
    if field == "low":
        entry["high"] = -128
    file = sign(bytearray(die[:at] + format.LAYER.build(entry) + die[at + ENTRY :]))
    assert engine_says(sanitized, [file]) == [name] == [python_says(file)]


def test_a_scale_that_could_overflow_is_named(sanitized, die):
    at = HEAD + ENTRY * die[9] + format.LAYER.parse(die[HEAD:]).data
    for record in (b"\0\0\xff\x00", b"\0\0\xff\x20"):  # shifts of 0 and 32
        file = bytearray(die)
        file[at : at + 4] = record
        assert engine_says(sanitized, [sign(file)]) == ["model sum"] == [python_says(sign(file))]


@pytest.mark.parametrize(
    "field, value, name",
    [
        ("alignment", 2, "model header"),
        ("alignment", 10, "model header"),
        ("chunk", 0, "model crc"),
        ("chunk", 30, "model bounds"),
        ("chunk", 47, "model bounds"),
        ("tables", 2, "model bounds"),
        ("arena", 4096, "model bounds"),
    ],
)
def test_a_streamed_header_out_of_range_is_named(sanitized, streamed, field, value, name):
    header = format.HEADER.parse(streamed) | {field: value}
    file = bytearray(format.HEADER.build(header) + streamed[HEAD:])
    file[4:8] = struct.pack("<I", zlib.crc32(file[8:512]))
    assert engine_says(sanitized, [bytes(file)]) == [name] == [python_says(bytes(file))]


@pytest.mark.parametrize(
    "field, value, name",
    [
        ("op", 1, "model op"),
        ("layout", 0, "model encoding"),
        ("layout", 2, "model encoding"),
        ("encoding", 4, "model encoding"),
        ("encoding", 0, "model encoding"),
        ("data", 0, "model bounds"),
        ("data", 0xFFFFFFF0, "model bounds"),
        ("arena", 4, "model bounds"),
        ("arena", 0xFFFFFFF0, "model bounds"),
    ],
)
def test_a_streamed_layer_out_of_range_is_named(sanitized, streamed, field, value, name):
    numbers = [n for n in range(streamed[9]) if streamed[HEAD + ENTRY * n + 2]]
    at = HEAD + ENTRY * numbers[0]  # the first one in tiles
    entry = format.LAYER.parse(streamed[at:]) | {field: value}
    file = sign(bytearray(streamed[:at] + format.LAYER.build(entry) + streamed[at + ENTRY :]))
    assert engine_says(sanitized, [file]) == [name] == [python_says(file)]


@pytest.fixture(scope="module")
def digits() -> bytes:
    """A small classifier: two layers in triples, the first pooled, and one in columns."""
    rng = np.random.default_rng(8)
    triples = dict(kernel=3, stride=1, layout=Layout.TRIPLES, low=0)
    layers = [
        Layer(Op.CONV, 5, 4, 5, Encoding.TERNARY, pad=1, pooled=True, high=90, **triples),
        Layer(Op.CONV, 4, 2, 3, Encoding.TERNARY, pad=0, **triples),
        Layer(Op.DENSE, 7, 1, 1, Encoding.POWER, layout=Layout.COLUMNS),
    ]
    layers[0].weights = rng.integers(-1, 2, (5, 9))
    layers[1].weights = rng.integers(-1, 2, (4, 45))
    layers[2].weights = rng.choice(POWERS, (7, 24))
    for layer in layers:
        layer.bias, layer.multiplier, layer.shift = (
            np.full(layer.channels, n) for n in (-3, 200, 10)
        )
    return format.write(Model((1, 8, 10), layers))


@pytest.mark.parametrize(
    "layer, fields, name",
    [
        (0, dict(op=1), "model encoding"),  # triples in a dense layer
        (0, dict(op=3), "model encoding"),
        (0, dict(encoding=3), "model encoding"),
        (0, dict(kernel=4), "model encoding"),
        (0, dict(stride=2), "model encoding"),
        (0, dict(pad=2), "model encoding"),
        (0, dict(layout=3), "model encoding"),  # columns in a convolution
        (0, dict(layout=0), "model encoding"),  # then triples behind a plain layer
        (0, dict(low=-1), "model encoding"),  # triples behind what may be negative
        (0, dict(low=91), "model header"),
        (0, dict(flags=5), "model header"),
        (0, dict(flags=1), "model shape"),  # not pooled: larger
        (0, dict(height=8, width=10), "model shape"),
        (1, dict(flags=3), "model shape"),
        (2, dict(flags=3), "model header"),  # a dense layer cannot be pooled
        (2, dict(height=2), "model encoding"),  # columns of two rows
        (2, dict(layout=2), "model encoding"),
        (2, dict(encoding=6), "model encoding"),
        (2, dict(encoding=0), "model encoding"),
        (2, dict(channels=8), "model bounds"),  # the weights end beyond the file
    ],
)
def test_a_field_that_does_not_go_with_its_layout_is_named(sanitized, digits, layer, fields, name):
    assert engine_says(sanitized, [digits])[0].startswith("ok") and python_says(digits) == "ok"
    at = HEAD + ENTRY * layer
    entry = format.LAYER.parse(digits[at:]) | fields
    file = sign(bytearray(digits[:at] + format.LAYER.build(entry) + digits[at + ENTRY :]))
    assert engine_says(sanitized, [file]) == [name] == [python_says(file)]


def test_triples_ask_for_one_channel_of_input_and_sums_of_16_bits(sanitized):
    layer = Layer(Op.CONV, 1, 1, 1, Encoding.TERNARY, kernel=3, stride=1, layout=Layout.TRIPLES)
    layer.weights, layer.bias = np.ones((1, 9), int), np.zeros(1, int)
    layer.multiplier = layer.shift = np.ones(1, int)
    layer.low = 0
    wide = replace(layer, channels=29, weights=np.ones((29, 9), int))
    for name in ("bias", "multiplier", "shift"):
        setattr(wide, name, np.repeat(getattr(layer, name), 29))
    wide = replace(wide, height=3, width=3, pad=1)
    last = replace(layer, weights=np.ones((1, 9 * 29), int))
    for high, status in ((125, "ok"), (126, "sum")):  # 9 * 29 * 126 is 32,886
        model = Model((1, 3, 3), [replace(wide, high=high), last])
        with (
            contextlib.suppress(format.FormatError) if status != "ok" else contextlib.nullcontext()
        ):
            format.write(model)
            assert status == "ok"
        file = bytearray(format.write(Model((1, 3, 3), [replace(wide, high=125), last])))
        file[HEAD + 15] = high
        said = engine_says(sanitized, [sign(file)])[0].split(" inputs=")[0]
        assert said.removeprefix("model ").split()[0] == status
        assert python_says(sign(file)).removeprefix("model ") == status
    file = bytearray(format.write(Model((1, 3, 3), [layer])))
    file[12:18] = struct.pack("<HHH", 3, 1, 3)
    assert engine_says(sanitized, [sign(file)]) == ["model encoding"] == [python_says(sign(file))]


def test_a_code_that_no_kernel_knows_is_named(sanitized, digits):
    """A kernel may jump by them: each of the three, those of channels that there are not, and the
    mark of a kernel row's last word.
    """
    entry = format.LAYER.parse(digits[HEAD + ENTRY :])
    words = HEAD + 3 * ENTRY + entry.data + 4 * 4  # behind the records of 4 channels
    files = []
    for word in range(6):  # 5 input channels: two words for a kernel row
        for change in (27, 31, 27 << 5, 31 << 5, 27 << 10, 31 << 10, 1 << 15):
            at = words + 2 * word
            old = int.from_bytes(digits[at : at + 2], "little")
            new = old ^ change if change == 1 << 15 else old | change
            if change != 1 << 15 and new & change == change:
                mask = 31 if change < 32 else 31 << 5 if change < 1 << 10 else 31 << 10
                new = old & ~mask | change
            if word % 2 and change == 31 << 10:
                new = old ^ 1 << 10  # a sixth channel
            file = bytearray(digits)
            file[at : at + 2] = new.to_bytes(2, "little")
            files.append(sign(file))
    assert set(engine_says(sanitized, files)) == {"model encoding"}
    assert {python_says(file) for file in files} == {"model encoding"}


def test_sums_outside_the_arena_are_named(sanitized):
    """A layer in columns has its sums behind its output, five at a time."""
    layer = Layer(Op.DENSE, 7, 1, 1, Encoding.INT8, layout=Layout.COLUMNS)
    layer.weights, layer.bias = np.ones((7, 2), int), np.zeros(7, int)
    layer.multiplier = layer.shift = np.ones(7, int)
    file = bytearray(format.write(Model((2, 1, 1), [layer])))
    assert format.HEADER.parse(file).arena == 8 + 4 * 10
    for arena, said in ((47, "model bounds"), (8, "model bounds"), (6, "model bounds"), (48, "ok")):
        file[20:24] = struct.pack("<I", arena)
        assert engine_says(sanitized, [sign(file)])[0].split(" inputs=")[0] == said
        assert python_says(sign(file)) == said
    for place, said in ((2, "model bounds"), (0xFFFFFFFF, "model bounds")):
        file[HEAD + 16 : HEAD + 20] = struct.pack("<I", place)
        assert engine_says(sanitized, [sign(file)]) == [said] == [python_says(sign(file))]


@pytest.mark.parametrize("make", [lambda rng: (random_model(rng), {}), random_streamed])
def test_signed_nonsense_is_refused_alike_and_reads_nothing_outside(sanitized, make):
    """Random models with random header bytes and true CRCs: C and Python agree on each."""
    rng = np.random.default_rng(5)
    files = []
    for _ in range(800):
        model, how = make(rng)
        file = bytearray(format.write(model, **how))
        end = min(HEAD + ENTRY * file[9] + 100, len(file))  # entries, some records
        for _ in range(rng.integers(1, 4)):
            values = [0, 1, 255, 128, 127, int(rng.integers(256))]
            file[rng.integers(9, end)] = values[rng.integers(len(values))]
        files.append(sign(file))
    said = [line.split(" inputs=")[0] for line in engine_says(sanitized, files)]
    assert said == [python_says(file) for file in files]
    assert len(set(said)) > 6 and said.count("ok") > 10


def test_the_die_fits_its_chip(sanitized, die):
    """In RAM, in flash and in time, as the die's issue bounds it for a CH32V003."""
    needs = lines(engine_says(sanitized, [die])[0].replace("ok", "ok", 1) + "\n", "ok")[0]
    report = packing.report("die", load(DIE), die)
    assert needs["arena_bytes"] == report["arena_bytes"] and needs["macs"] == report["macs"]
    assert needs["arena_bytes"] + needs["state_bytes"] <= 1200
    assert report["file_bytes"] <= 1024
    assert report["macs"] <= 250_000
    assert all(layer["requantise"] == "narrow" for layer in report["layers"])
    assert all(int(np.abs(w.weights).max()) <= 8 for w in load(DIE).layers if w.weights is not None)
