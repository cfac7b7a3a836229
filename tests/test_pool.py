"""The pool on the card: no byte of it is used twice, whatever happens, and the screen says where
chance came from."""

import ctypes
import os
import re
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from whim import entropy
from whim import pool as pools
from whim.card import Card, Fault
from whim.device import Device
from whim.pool import BYTES, SECTOR, Pool, PoolError

ROOT = Path(__file__).resolve().parent.parent
STRICT = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
INCLUDE = ["-I", ROOT / "include", "-I", ROOT / "src", "-DWHIM_CARD=1"]


@pytest.fixture(scope="module")
def card(tmp_path_factory):
    """tests/firmware/pool.c, compiled under sanitizers."""
    program = tmp_path_factory.mktemp("card") / "program"
    sources = ["tests/firmware/pool.c", "src/drivers/card.c", "src/engine/crc.c"]
    sanitizers = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = ["cc", *STRICT, *sanitizers, *INCLUDE, *(ROOT / name for name in sources)]
    subprocess.run([*command, "-o", program], check=True)
    return program


def counters(path, begin, sectors=6):
    """A pool of words that count from `begin`, so that each is recognised wherever it turns up."""
    with Pool.create(path) as pool:
        words = struct.pack(f"<{127 * sectors}I", *range(begin, begin + 127 * sectors))
        pool.append(words, "local", False)
    return path


def test_no_byte_is_used_twice_wherever_the_power_fails(card, tmp_path):
    """At every operation on the card, in every write at many of its bytes, once and twice; then
    lives full of faults: bad records, deleted and copied files, changed pools, dying cards."""
    lives = 20_000 if os.environ.get("WHIM_SOAK") else 2_000
    paths = [counters(tmp_path / "a", 0), counters(tmp_path / "b", 1 << 24)]
    done = subprocess.run([card, *paths, str(lives)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    tried = dict(re.findall(r"(\w+)=(\d+)", done.stdout))
    assert int(tried["one_cut"]) > 10_000 and int(tried["two_cuts"]) > 30_000
    assert int(tried["words"]) > 100 * lives, "the pools were hardly used"


def test_both_sides_name_the_same_fields():
    """src/app/pool.h, and the definition in host/whim/pool.py."""
    header = (ROOT / "src/app/pool.h").read_text()
    c = {name: int(value) for name, value in re.findall(r"(PO\w+) = (\d+),", header)}
    python = {}
    for prefix, record in ("POOL", pools.HEADER), ("POSITION", pools.POSITION):
        offset = 0
        for field in record.subcons:
            python[f"{prefix}_{field.name.upper()}"] = offset
            offset += field.sizeof()
    assert pools.HEADER.sizeof() == SECTOR
    python["POSITION_BYTES"] = pools.POSITION.sizeof()
    assert c == python


@pytest.fixture
def filled(tmp_path):
    path = tmp_path / "pool.bin"
    with Pool.create(path) as pool:
        pool.append(os.urandom(4 * BYTES), "anu", True)
    return path


def test_a_pool_says_what_came_from_where_and_when(filled):
    with Pool.open(filled) as pool:
        assert pool.quantum
        pool.append(os.urandom(BYTES), "anu", True)
        pool.append(os.urandom(2 * BYTES), "local", False)
        assert [(part.source, part.count) for part in pool.parts] == [
            ("anu", 5 * BYTES),
            ("local", 2 * BYTES),
        ]
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", part.first) for part in pool.parts)
        assert not pool.quantum, "one part that is not quantum, and the device must not say so"


def test_a_pool_that_grows_keeps_its_name_and_its_bytes(filled):
    with Pool.open(filled) as pool:
        name, before = pool.id, [pool.sector(i) for i in range(4)]
        pool.append(os.urandom(BYTES), "anu", True)
        assert pool.id == name and [pool.sector(i) for i in range(4)] == before


def test_a_broken_append_leaves_the_pool_as_it_was(filled, monkeypatch):
    write = pools._write

    def full(file, data, offset):
        if offset == 0:
            raise OSError(28, "No space left on device")
        write(file, data[:700], offset)

    with Pool.open(filled) as pool:
        before = filled.read_bytes()
        monkeypatch.setattr(pools, "_write", full)
        with pytest.raises(OSError):
            pool.append(os.urandom(2 * BYTES), "anu", True)
        monkeypatch.undo()
    assert filled.read_bytes()[: len(before)] == before
    with Pool.open(filled) as pool:
        data = os.urandom(2 * BYTES)
        pool.append(data, "anu", True)
        assert pool.sectors == 6 and pool.sector(4) + pool.sector(5) == data


def test_two_programs_do_not_fill_one_pool(filled):
    with Pool.open(filled), pytest.raises(PoolError, match="another program is filling it"):
        Pool.open(filled)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda b: b"", "not a pool"),
        (lambda b: b"\xff\xd8\xff" + b[3:], "not a pool"),
        (lambda b: b[:20] + b"\0" + b[21:], "its header is damaged"),
        (lambda b: b[:-1], "cut off"),
    ],
)
def test_a_damaged_file_is_named(filled, change, message):
    filled.write_bytes(change(filled.read_bytes()))
    with pytest.raises(PoolError, match=message):
        Pool.open(filled)


def test_a_sector_of_another_pool_is_not_taken_for_one_of_this(filled, tmp_path):
    with Pool.create(tmp_path / "other") as other:
        other.append(os.urandom(4 * BYTES), "anu", True)
    theirs = (tmp_path / "other").read_bytes()
    ours = filled.read_bytes()
    filled.write_bytes(ours[: 3 * SECTOR] + theirs[3 * SECTOR : 4 * SECTOR] + ours[4 * SECTOR :])
    with Pool.open(filled) as pool:
        pool.sector(0)
        with pytest.raises(PoolError, match="sector 1 is damaged"):
            pool.sector(1)


def position(identity, sector):
    record = pools.POSITION.build(dict(crc=0, id=identity, sector=sector))
    crc = struct.pack("<I", zlib.crc32(record[4:]))
    return (crc + record[4:]).ljust(SECTOR, b"\0")


def test_status_knows_what_the_device_has_used(filled):
    beside = filled.with_name("pool.pos")
    with Pool.open(filled) as pool:
        assert pool.used() == 0
        beside.write_bytes(position(pool.id, 2) + position(pool.id, 1))
        assert pool.used() == 2
        beside.write_bytes(position(pool.id, 2) + bytes(SECTOR))
        assert pool.used() == 3, "the other record may have been one step ahead"
        beside.write_bytes(position(b"not this", 1) * 2)
        assert pool.used() == 0
        os.pwrite(pool.file, b"x", SECTOR)  # the mark
        assert pool.used() is None


class Chance:
    """src/app/chance.c over a pool, a port and a clock that the test plays."""

    def __init__(self, path):
        sources = ["tests/firmware/chance.c", "src/app/chance.c", "src/engine/random.c"]
        command = ["cc", *STRICT, *INCLUDE, *(ROOT / name for name in sources)]
        subprocess.run([*command, "-shared", "-fPIC", "-o", path], check=True)
        self.c = ctypes.CDLL(str(path))
        self.c.chance_source.restype = ctypes.c_char_p

    def __setattr__(self, name, value):
        if name in ("pool_status", "pool_asked", "millis"):
            ctypes.c_int.in_dll(self.c, name).value = value
        else:
            super().__setattr__(name, value)

    def asked(self):
        return ctypes.c_int.in_dll(self.c, "pool_asked").value

    def draw(self, count=4):
        data = ctypes.create_string_buffer(count)
        assert self.c.chance_bytes(data, count) == 0
        return data.raw, self.c.chance_source().decode()


@pytest.fixture
def chance(tmp_path):
    return Chance(tmp_path / "chance.so")


def test_bytes_come_from_the_pool_while_it_gives_any(chance):
    assert chance.draw() == (b"pppp", "quantum")
    chance.pool_status = -14
    assert chance.draw() == (b"jjjj", "jitter")
    assert chance.c.chance_pool() == -14


def test_one_draw_never_begins_without_the_pool_and_ends_with_it(chance):
    """A roll draws its bytes one by one. If the card comes back in the middle, the rest is the
    board's, too; a second later, the pool's."""
    chance.pool_status = -16
    chance.draw(1)
    chance.pool_status = 0
    for ms in range(0, 5000, 900):
        chance.millis = ms
        assert chance.draw(1) == (b"j", "jitter")
    assert chance.asked() == 1, "looking for a missing card takes time"
    chance.millis = 6000
    assert chance.draw(1) == (b"p", "quantum")


def test_a_seed_of_a_person_comes_first(chance):
    assert chance.draw()[1] == "quantum"
    assert chance.c.chance_seed(b"0")
    assert chance.draw() == (bytes.fromhex("76b8e0ad"), "seed")
    assert chance.asked() == 1


def rolled(device):
    result = device.roll()
    return (result["pips"], result["turn"], *result["latent"]), result["entropy"]


def rolls(stream, count):
    """What the next rolls by these bytes are."""
    stream, made = iter(stream), []
    for _ in range(count):
        pips, turn, latent = entropy.roll(stream)
        made.append((pips, turn, *latent))
    return made


@pytest.fixture
def fetched(filled):
    """A pool's file, and its random bytes by sectors."""
    with Pool.open(filled) as pool:
        return filled.read_bytes(), [pool.sector(i) for i in range(4)]


def test_the_device_rolls_by_the_pools_bytes_in_their_order(simulator, fetched):
    file, sectors = fetched
    with Device(program=simulator, card=Card({"pool.bin": file})) as device:
        told = [rolled(device) for _ in range(3)]
        assert told == [(roll, "quantum") for roll in rolls(sectors[0], 3)]
        device.power_cut()  # what was left of the first sector is lost
        told = [rolled(device) for _ in range(2)]
        assert told == [(roll, "quantum") for roll in rolls(sectors[1], 2)]


@pytest.mark.parametrize("torn, noise", [(0, False), (9, False), (9, True), (512, False)])
def test_the_device_never_rolls_twice_by_the_same_bytes(simulator, fetched, torn, noise):
    """The power fails at each request that the second start makes of the card."""
    file, sectors = fetched
    for request in range(99):
        card = Card({"pool.bin": file})
        with Device(program=simulator, card=card) as device:
            rolled(device)
            device.power_cut()
            before = len(card.requests)
            card.faults = [Fault("cut", number=before + request, torn=torn, noise=noise)]
            device.press()
            device.run(ms=3000)
            if device.restarts == 1:
                break  # the roll made fewer requests than that
            assert rolled(device)[0] in [rolls(sector, 1)[0] for sector in sectors[1:]]
    assert request > 8


def test_without_a_pool_the_device_rolls_on_and_says_so(simulator, fetched):
    file, _ = fetched
    used_up = {"pool.bin": file, "pool.pos": 2 * position(file[16:24], 4)}
    for files in {}, used_up, {"pool.bin": b""}, {"pool.bin": file[:-1]}:
        with Device(program=simulator, card=Card(files)) as device:
            assert rolled(device)[1] == "system"
    with Device(program=simulator) as device:  # nor a card
        assert rolled(device)[1] == "system"
