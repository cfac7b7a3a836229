"""The phrase bank: the same samples everywhere, and a name for whatever is wrong with a file."""

import os
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
import speech_program

from whim import adpcm, bank, phrases

ENTRY = bank.ENTRY.sizeof()


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return speech_program.build(tmp_path_factory.mktemp("speech"))


@pytest.fixture(scope="module")
def shipped() -> bank.Bank:
    return bank.load()


def noise(seed: int, longest: int = 2500) -> bank.Bank:
    """Fragments of any length, about a block's too, and loudness; every code and step occurs."""
    rng = np.random.default_rng(seed)
    fragments = []
    lengths = [1, 2, 1016, 1017, 1018, *rng.integers(1, longest, phrases.FRAGMENTS - 5).tolist()]
    for number, length in enumerate(lengths):
        wild = rng.normal(0, 10 ** rng.uniform(0, 5), length)
        samples = np.clip(wild, -32768, 32767).astype(np.int16)
        data = bytearray(adpcm.encode(samples, 1))
        if number % 2:  # not only what an encoder writes
            data = bytearray(rng.bytes(len(data)))
            data[3 :: adpcm.BLOCK] = bytes(len(data[3 :: adpcm.BLOCK]))
        fragments.append(bank.Fragment(f"noise {number}", len(samples), bytes(data)))
    return bank.Bank("noise", fragments)


def test_all_128_fragments_decode_to_the_same_samples_in_c_and_numpy(program, shipped):
    """Whatever the sizes of the pieces in which the bytes come and the samples go."""
    for spoken in (shipped, noise(1)):
        heard = speech_program.run(program, "samples", stdin=bank.write(spoken))
        samples = np.concatenate([fragment.sound() for fragment in spoken.fragments])
        assert len(spoken.fragments) == 128
        assert np.array_equal(np.frombuffer(heard, np.int16), samples)


def test_all_128_fragments_decode_to_the_same_samples_in_sox(tmp_path, shipped):
    if not shutil.which("sox") and not os.environ.get("WHIM_REQUIRE_SOX"):
        pytest.skip("sox is not installed: apt-get install sox")
    for fragment in shipped.fragments:
        (tmp_path / "in.wav").write_bytes(adpcm.wav(fragment.data, fragment.samples, bank.RATE))
        raw = ["-t", "raw", "-e", "signed", "-b", "16", "-L", "-"]
        done = subprocess.run(["sox", tmp_path / "in.wav", *raw], capture_output=True, check=True)
        heard = np.frombuffer(done.stdout, "<i2")[: fragment.samples]  # it goes on to a block's end
        assert np.array_equal(heard, fragment.sound())


def test_the_mapping_of_verdicts_is_the_same_in_c(program):
    mapped = np.frombuffer(speech_program.run(program, "verdicts"), np.uint8).reshape(-1, 4)
    assert mapped.tolist() == [phrases.split(verdict) for verdict in range(phrases.VERDICTS)]


def test_the_shipped_bank_is_that_of_the_phrases_and_small(shipped):
    texts = [fragment.text for fragment in shipped.fragments]
    assert texts == phrases.load(), "run python host/speak.py render"
    assert bank.PATH.stat().st_size <= 3_000_000


def test_every_verdict_is_spoken_in_less_than_12_seconds(shipped):
    assert max(shipped.longest()) < 12


def test_a_fragments_sound_is_whole_sectors_behind_the_one_before(shipped):
    """So that a card is read from start to end."""
    data, at = bank.PATH.read_bytes(), bank.FIRST
    for number in range(phrases.FRAGMENTS):
        start = bank.SECTOR + number * ENTRY
        entry = bank.ENTRY.parse(data[start : start + ENTRY])
        assert entry.offset == at and at % 512 == 0
        at += len(shipped.fragments[number].data)
    assert at == len(data)


def test_a_bank_that_is_read_and_written_is_the_same_file(shipped):
    assert bank.write(shipped) == bank.PATH.read_bytes()


def test_the_encoders_search_comes_nearer_to_the_sound_than_the_common_encoder():
    rng = np.random.default_rng(3)
    sound = np.convolve(rng.normal(0, 6000, 4000), np.hanning(9) / 4, "same")
    sound = np.clip(sound, -32768, 32767).astype(np.int16)
    error = [
        np.square(adpcm.decode(adpcm.encode(sound, width), len(sound)) - sound.astype(float)).mean()
        for width in (1, 16)
    ]
    assert 10 * np.log10(error[0] / error[1]) > 1


def test_too_long_a_verdict_is_refused_when_the_bank_is_made():
    fragment = bank.Fragment("long", 50_000, bytes(512 * adpcm.blocks(50_000)))
    with pytest.raises(bank.BankError, match="takes 12.5 s, more than 12: shorten"):
        bank.write(bank.Bank("slow", [fragment] * 128))


# What is wrong with a file.


def python_says(file: bytes) -> str:
    try:
        bank.read(file)
    except bank.BankError as error:
        return "bank " + error.status
    return "ok"


def engine_says(program, files: list[bytes]) -> list[str]:
    stream = b"".join(struct.pack("<I", len(file)) + file for file in files)
    return speech_program.run(program, "banks", stdin=stream).decode().splitlines()


def sign(file: bytearray, entries: list[int]) -> bytes:
    """Make the CRCs of the header and of some entries fit again, as an attacker would."""
    crc = zlib.crc32(file[8:64])
    if crc != struct.unpack("<I", file[4:8])[0]:
        file[4:8] = struct.pack("<I", crc)
        entries = list(range(phrases.FRAGMENTS))
    for number in entries:
        at = bank.SECTOR + number * ENTRY
        file[at + 4 : at + 8] = struct.pack("<I", crc + number & 0xFFFFFFFF)
        file[at : at + 4] = struct.pack("<I", zlib.crc32(file[at + 4 : at + ENTRY]))
    return bytes(file)


SMALL = bank.write(noise(2, 60))


@pytest.mark.parametrize("status, change", [
    ("truncated", lambda file: file[:-1]),
    ("truncated", lambda file: file[:511]),
    ("truncated", lambda file: b""),
    ("oversized", lambda file: file + b"\0"),
    ("magic", lambda file: b"RIFF" + file[4:]),
    ("version", lambda file: file[:8] + b"\2" + file[9:]),
    ("crc", lambda file: file[:20] + b"?" + file[21:]),
    ("crc", lambda file: file[:600] + b"?" + file[601:]),
    ("crc", lambda file: file[:-1] + b"?"),
    ("crc", lambda file: file[:512] + file[640:768] + file[512:640] + file[768:]),
    ("header", lambda file: sign(bytearray(file[:9] + b"\3" + file[10:]), [])),
    ("header", lambda file: sign(bytearray(file[:524] + bytes(4) + file[528:]), [0])),
    ("header", lambda file: sign(bytearray(file[:532] + bytes(108) + file[640:]), [0])),
    ("bounds", lambda file: sign(bytearray(file[:520] + b"\1" + file[521:]), [0])),
    ("bounds", lambda file: sign(bytearray(file[:522] + b"\xff" + file[523:]), [0])),
])  # fmt: skip
def test_a_broken_bank_has_a_name(program, status, change):
    file = change(SMALL)
    assert python_says(file) == f"bank {status}"
    assert engine_says(program, [file]) == [f"bank {status}"]


def test_c_and_python_say_the_same_of_thousands_of_broken_banks(program):
    """Bytes changed anywhere, most in header and entries, and the CRCs put right or not."""
    rng = np.random.default_rng(4)
    files = [SMALL]
    for _ in range(20_000 if os.environ.get("WHIM_SOAK") else 1500):
        file = bytearray(SMALL)
        number = int(rng.integers(phrases.FRAGMENTS))
        entry = bank.SECTOR + number * ENTRY
        for _ in range(rng.integers(1, 4)):
            at = rng.choice([rng.integers(64), entry + rng.integers(32), rng.integers(len(file))])
            file[at] = rng.choice([0, 1, 255, rng.integers(256)])
        files.append(sign(file, [number]) if rng.random() < 0.8 else bytes(file))
    python = [python_says(file) for file in files]
    assert engine_says(program, files) == python
    names = "crc", "magic", "version", "header", "bounds", "truncated", "oversized"
    assert set(python) == {"ok", *(f"bank {name}" for name in names)}
