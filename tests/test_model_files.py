"""A model file is untrusted: whatever is wrong with it has a name, the same in C and in Python."""

import re
import struct
import subprocess
import zlib

import numpy as np
import pytest
from random_models import random_model

from whim import format, packing
from whim.decoder import load
from whim.device import lines

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
    """Make the CRCs of header and first chunk fit again, as an attacker would."""
    table = HEAD + ENTRY * file[9]
    first = table + 8 * (file[22] | file[23] << 8)
    if file[11] <= 16:
        first = -(-first >> file[11]) << file[11]
    if first < len(file):
        file[table + 4 : table + 8] = struct.pack("<I", zlib.crc32(file[first:]))
        file[4:8] = struct.pack("<I", zlib.crc32(file[8:first]))
    return bytes(file)


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
        CHUNK_BYTES=format.CHUNK.sizeof(),
        TABLE_BYTES=256,
        FLAG_NARROW=format.NARROW,
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


def test_every_truncation_is_named(sanitized, die):
    cuts = [die[:length] for length in range(len(die))]
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


def test_a_longer_file_is_refused(sanitized, die):
    assert engine_says(sanitized, [die + b"\0"]) == ["model oversized"]


@pytest.mark.parametrize(
    "field, value, name",
    [
        ("version", 2, "model version"),
        ("layers", 0, "model header"),
        ("layers", 13, "model header"),
        ("inputs", 0, "model header"),
        ("alignment", 31, "model header"),
        ("chunks", 0, "model header"),
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
        (2, "layout", 1, "model encoding"),
        (2, "table", 7, "model header"),
        (2, "flags", 2, "model header"),
        (2, "low", 127, "model header"),
        (2, "channels", 0, "model shape"),
        (2, "channels", 60000, "model shape"),
        (3, "width", 33, "model shape"),
        (3, "stride", 0, "model shape"),
        (1, "channels", 8, "model shape"),
        (0, "data", 0xFFFFFFF0, "model bounds"),
        (0, "data", 0, "model bounds"),
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
    at = format.LAYER.parse(die[HEAD:]).data
    for record in (b"\0\0\xff\x00", b"\0\0\xff\x20"):  # shifts of 0 and 32
        file = bytearray(die)
        file[at : at + 4] = record
        assert engine_says(sanitized, [sign(file)]) == ["model sum"] == [python_says(sign(file))]


def test_signed_nonsense_is_refused_alike_and_reads_nothing_outside(sanitized):
    """Random models with random header bytes and true CRCs: C and Python agree on each."""
    rng = np.random.default_rng(5)
    files = []
    for _ in range(800):
        file = bytearray(format.write(random_model(rng)))
        end = min(HEAD + ENTRY * file[9] + 100, len(file))  # entries, chunk table, some records
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
