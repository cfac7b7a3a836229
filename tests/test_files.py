"""Files of an ordinary card, through our drivers and FatFs: volumes that Debian's tools have made,
read and written on either bus, and looked at by their checkers afterwards."""

import ctypes
import itertools
import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

import slot
from card_images import require_tools
from slot import DAMAGED, MISSING, NO_FILE, OK, READ, REFUSED, SILENT, WRITE, Room, Slot
from whim import exfat, volume
from whim.volume import complaints, contents

SOAK = bool(os.environ.get("WHIM_SOAK"))
RANDOM = np.random.default_rng(7)
FILES = {
    "cat4.whim": RANDOM.bytes(300_000),
    "phrases.bank": RANDOM.bytes(65_536),
    "cats/00001.bmp": RANDOM.bytes(12_800),
    "pool.pos": RANDOM.bytes(512),
    "a_rather-long-name-that_is_longer-than.sixteen": RANDOM.bytes(777),
    "ODD": b"x",
}
SIZES = {"fat12": 4 << 20, "fat16": 16 << 20, "fat32": 40 << 20, "exfat": 8 << 20}
BUSES = "sdmmc", "spi"


@pytest.fixture(scope="session")
def library(tmp_path_factory) -> Path:
    return slot.build(tmp_path_factory.mktemp("slot") / "libslot.so")


@pytest.fixture
def put_in(library, tmp_path):
    """put_in(image, bus, ...) is a slot with a card, and drivers that know of none yet."""
    count = itertools.count()

    def make(image: bytes, bus: str = "sdmmc", **world) -> Slot:
        copy = tmp_path / f"libslot{next(count)}.so"
        shutil.copy(library, copy)  # a library of its own name is loaded afresh
        made.append(Slot(copy, image, bus, **world))
        return made[-1]

    made = []
    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """images(filesystem, table) has FILES."""
    require_tools()
    folder, made = tmp_path_factory.mktemp("images"), {}

    def make(filesystem: str, table: bool = True) -> bytes:
        if (filesystem, table) not in made:
            path = folder / f"{filesystem}{table}"
            volume.make(path, FILES, filesystem=filesystem, table=table, size=SIZES[filesystem])
            made[filesystem, table] = path.read_bytes()
        return made[filesystem, table]

    return make


FILESYSTEMS = "fat16", "fat32", "exfat"


# --- Reading


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("filesystem", ["fat12", *FILESYSTEMS])
def test_every_file_of_every_kind_of_volume_is_read(put_in, images, filesystem, table, bus):
    card = put_in(images(filesystem, table), bus)
    for name, data in FILES.items():
        assert card.file(name) == data
    assert card.bus == bus and not card.world.writes


def test_a_guid_partition_table_is_read_too(put_in, images):
    card = put_in(in_guid_partition(images("fat32", table=False)))
    assert card.file("cat4.whim") == FILES["cat4.whim"]


def in_guid_partition(data: bytes) -> bytes:
    """A volume behind the table that PCs have had since 2010 or so."""
    sectors, start = len(data) // 512, 2048
    end = start + sectors
    basic = bytes.fromhex("a2a0d0ebe5b9334487c068b6b72699c7")
    entry = basic + bytes(range(16)) + struct.pack("<QQQ", start, end - 1, 0) + bytes(72)
    table = entry + bytes(128 * 127)
    fields = [b"EFI PART", 0x10000, 92, 0, 0, 1, end, 34, end - 1, bytes(16), 2, 128, 128]
    fields += [zlib.crc32(table)]
    layout = "<8sIIIIQQQQ16sQIII"
    fields[3] = zlib.crc32(struct.pack(layout, *fields))
    mbr = bytes(446) + struct.pack("<B3sB3sII", 0, b"", 0xEE, b"", 1, end) + bytes(48) + b"\x55\xaa"
    head = (mbr + struct.pack(layout, *fields).ljust(512, b"\0") + table).ljust(start * 512, b"\0")
    return head + data + bytes(2 << 20)


@pytest.mark.parametrize("bus", BUSES)
def test_a_request_within_a_contiguous_file_is_one_transfer(put_in, images, bus):
    card = put_in(images("fat32"), bus)
    card.file("cat4.whim")  # by now it is known where all of it lies
    for offset, count in ((0, 24_576), (24_576, 24_576), (512, 98_304), (299_520, 512)):
        before = card.world.reads
        assert card.read(offset, count) == FILES["cat4.whim"][offset:][:count].ljust(count, b"\0")
        assert card.world.reads == before + 1


def test_what_is_read_is_what_the_file_has_and_zeros_behind_its_end(put_in, images):
    data = FILES["cat4.whim"]
    padded = data + bytes(200_000)
    card = put_in(images("fat16"))
    card.open("cat4.whim")
    chosen = np.random.default_rng(1)
    end = len(data)
    places = [(0, 1), (0, 511), (7, 1000), (511, 2), (end - 1, 2), (end, 512), (0, end),
              (end - end % 512, 512), (end + 5000, 10)]  # fmt: skip
    places += [(int(a), int(n)) for a, n in chosen.integers(1, [310_000, 9000], (100, 2))]
    for offset, count in places:
        for skew in (0, 1, 8):
            assert card.read(offset, count, skew=skew) == padded[offset : offset + count]


def fragmented(image: bytes, data: bytes, pieces: int, tmp_path) -> bytes:
    """The image with one more file, "torn", which lies in at least so many pieces."""
    first = 512 * volume.start_of(image)
    if exfat.is_exfat(image[first:]):
        changed = bytearray(image)
        exfat.Volume(memoryview(changed)[first:]).fill({"torn": data}, pieces)
        return bytes(changed)
    # Fill the volume with small files, delete every other one, and there are holes enough.
    path, small = tmp_path / "torn.img", tmp_path / "small"
    path.write_bytes(image)
    size = -(-len(data) // pieces)
    drive = f"{path}@@{first}"
    environment = os.environ | {"MTOOLSRC": os.devnull, "MTOOLS_SKIP_CHECK": "1"}

    def mtools(tool, *words):
        return subprocess.run([tool, "-i", drive, *words], env=environment, capture_output=True)

    folder = tmp_path / "fill"
    folder.mkdir()
    names = [f"f{i:05}" for i in range(2 * pieces + 2)]
    for name in names:
        (folder / name).write_bytes(bytes(size))
    assert mtools("mmd", "::fill").returncode == 0
    assert mtools("mcopy", *(folder / name for name in names), "::fill/").returncode == 0
    for room in (1 << 20, 1 << 16, 1 << 12, 1 << 9):  # and the rest of it
        small.write_bytes(bytes(room))
        for i in range(100):
            if mtools("mcopy", small, f"::fill/{room}.{i}").returncode:
                break
    assert mtools("mdel", *(f"::fill/{name}" for name in names[::2])).returncode == 0
    small.write_bytes(data)
    assert mtools("mcopy", small, "::torn").returncode == 0
    return path.read_bytes()


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("pieces", [2, 40, 150])
@pytest.mark.parametrize("filesystem", FILESYSTEMS)
def test_fragmented_files_are_read_in_pieces(put_in, images, tmp_path, filesystem, pieces, bus):
    cluster = {"fat16": 4096, "exfat": 4096}.get(filesystem, 512)
    data = np.random.default_rng(pieces).bytes(cluster * pieces * 3 - 100)
    card = put_in(fragmented(images(filesystem), data, pieces, tmp_path), bus)
    assert card.file("torn") == data
    before = card.world.reads
    assert card.file("torn") == data
    assert card.world.reads - before >= pieces
    chosen = np.random.default_rng(2)
    for offset in [0, *chosen.integers(0, len(data), 50).tolist(), 0]:
        count = min(int(chosen.integers(1, 20_000)), len(data) - offset)
        assert card.read(offset, count) == data[offset : offset + count]
    for offset in (0, max(0, len(data) - 3000), cluster * pieces, 5):  # and written over there
        assert card.write("torn", offset, b"new" * 900) == OK
        data = data[:offset] + b"new" * 900 + data[offset + 2700 :]
    assert contents(card.image)["torn"] == data and card.file("torn") == data
    assert complaints(card.image) == []


@pytest.mark.parametrize("name", ["none", "../ODD", "/ODD", "ODD/", "a/b/c", "cats", "", ".", "..",
                                  "0:ODD", "C:ODD", "cats/..", "cats\\00001.bmp", "O?D", "*",
                                  "a..b", "\xff", "ODD ", "ODD.", 100 * "x", "cats/" + 100 * "x",
                                  "nowhere/ODD"])  # fmt: skip
def test_other_names_have_no_file(put_in, images, name):
    image = images("fat32")
    card = put_in(image)
    assert card.open(name) == NO_FILE
    if name not in ("none", "nowhere/ODD"):
        assert card.write(name, 0, b"x") == WRITE
    assert card.image == image


def test_a_folder_is_no_file_to_be_written_and_stays(put_in, images, tmp_path):
    path = tmp_path / "card.img"
    path.write_bytes(images("fat32"))
    drive = f"{path}@@{512 * volume.start_of(images('fat32'))}"
    subprocess.run(["mmd", "-i", drive, "::empty"], check=True)
    card = put_in(path.read_bytes())
    assert card.write("empty", 0, b"x") == WRITE and card.open("empty") == NO_FILE
    assert card.write("ODD/file", 0, b"x") == WRITE, "nor is a file a folder"
    assert card.image == path.read_bytes()


def test_names_are_found_in_either_case(put_in, images):
    for filesystem in FILESYSTEMS:
        card = put_in(images(filesystem))
        assert card.file("Cat4.WHIM") == FILES["cat4.whim"] and card.file("odd") == b"x"


def test_four_files_stay_open(put_in, images):
    card = put_in(images("fat16"))
    names = list(FILES)[:5]
    for file, name in enumerate(names[:4]):
        assert card.open(name, file) == OK
    for file, name in enumerate(names[:4]):
        assert card.read(0, 512, file) == FILES[name][:512]
    assert card.open(names[4], 4) == OK
    answers = [card.read(0, 512, file) for file in range(5)]
    assert answers[0] == READ and answers[1:4] == [FILES[name][:512] for name in names[1:4]]


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("does", ["open", "start", "write", "nothing"])
@pytest.mark.parametrize("polls", [0, 1, 5])
def test_nothing_arrives_once_something_else_was_begun(put_in, images, bus, does, polls):
    card = put_in(images("fat32"), bus)
    card.open("ODD", 1)
    card.open("cat4.whim")
    room, other = Room(98_304), Room(512)
    assert card.start(0, room) == OK
    for _ in range(polls):
        card.poll()
    if does == "open":
        assert card.open("phrases.bank", 2) == OK
    elif does == "start":
        assert card.start(0, other, 1) == OK
    elif does == "write":
        assert card.write("ODD", 0, b"y") == OK
    else:
        assert card.start(0, Room(0)) == OK
    before = room.bytes()
    if does != "nothing":
        assert card.wait(1) == (OK if does == "start" else READ)
    assert card.poll() == READ and room.bytes() == before and room.whole()
    assert card.read(512, 4096) == FILES["cat4.whim"][512:4608]


# --- Kinds of cards


def test_checksums_are_those_of_the_specification(library):
    """Its own examples, and those that every driver has for its first two commands."""
    crc = ctypes.CDLL(str(library))
    crc.sd_crc7.restype, crc.sd_crc16.restype = ctypes.c_uint8, ctypes.c_uint16
    for command, ends in (("4000000000", 0x95), ("48000001aa", 0x87), ("5100000000", 0x55)):
        assert crc.sd_crc7(bytes.fromhex(command), 5) == ends
    assert crc.sd_crc16(b"\xff" * 512, 512) == 0x7FA1
    assert crc.sd_crc16(b"123456789", 9) == 0x31C3  # as catalogues of CRCs have it: XMODEM


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("kind", [{}, {"high_capacity": 0}, {"high_speed": 0},
                                  {"high_capacity": 0, "first_version": 1, "high_speed": 0}])
def test_cards_of_every_kind_are_brought_to_their_speed(put_in, images, bus, kind):
    image = images("fat16")
    card = put_in(image, bus, **kind)
    assert card.file("cat4.whim") == FILES["cat4.whim"]
    fast = bus == "sdmmc" and kind.get("high_speed", 1)
    assert card.hertz == (50_000_000 if fast else 25_000_000)
    assert card.wires == (4 if bus == "sdmmc" else 0)
    assert card.blocks * 512 == len(image)


@pytest.mark.parametrize("megabytes", [1, 8, 64, 128])
def test_the_size_of_a_small_card_is_read_off_it(put_in, megabytes):
    for bus in BUSES:
        card = put_in(bytes(megabytes << 20), bus, high_capacity=0)
        assert card.open("file") == READ, "no volume on it"
        assert card.blocks == megabytes * 2048


def test_the_native_bus_is_tried_first(put_in, images):
    assert put_in(images("fat16"), "both").file("ODD") == b"x"
    card = put_in(images("fat16"), "both")
    card.world.native = 0
    assert card.file("ODD") == b"x" and card.bus == "spi"


# --- What goes wrong


@pytest.mark.parametrize("bus", BUSES)
def test_a_card_pulled_out_is_missing_and_its_files_stay_dead_when_it_is_back(put_in, images, bus):
    card = put_in(images("fat32"), bus)
    card.open("cat4.whim")
    room = Room(24_576)
    assert card.start(0, room) == OK
    card.pull()
    assert card.wait() in (READ, MISSING)
    assert card.read(0, 512) == MISSING
    assert card.open("ODD", 1) == MISSING and card.write("ODD", 0, b"y") == MISSING
    card.insert()
    assert card.read(0, 512) == MISSING
    assert card.file("cat4.whim") == FILES["cat4.whim"]


@pytest.mark.parametrize("bus", BUSES)
def test_a_card_that_was_changed_unseen_is_not_taken_for_the_old_one(put_in, images, bus):
    card = put_in(images("fat32"), bus)
    card.open("cat4.whim")
    assert card.read(0, 512) == FILES["cat4.whim"][:512]
    card.pull(), card.insert()
    assert card.read(0, 512) == MISSING
    assert card.file("ODD") == b"x", "the new one is started by itself"


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("second", ["fat16", "exfat"])
def test_another_card_put_in_unseen_is_read_and_written_by_its_own_tables(
    put_in, images, second, bus
):
    card = put_in(images("fat32"), bus)
    card.open("cat4.whim", 1)
    assert card.read(0, 512, 1) == FILES["cat4.whim"][:512]
    card.pull(), card.insert(images(second))
    assert card.write("cats/00002.bmp", 0, FILES["cat4.whim"][:12_800]) == OK
    assert card.file("cats/00002.bmp") == FILES["cat4.whim"][:12_800]
    assert card.read(0, 512, 1) == MISSING, "a file of the first card"
    assert all(card.file(name) == data for name, data in FILES.items())
    assert not complaints(card.image[: SIZES[second]])


@pytest.mark.parametrize("bus", BUSES)
def test_an_empty_slot_is_told_soon(put_in, images, bus):
    card = put_in(images("fat16"), bus, present=0)
    before = card.ms
    assert card.open("ODD") == MISSING and card.write("ODD", 0, b"") == MISSING
    assert card.ms - before < 100


def block_of(card: Slot, name: str) -> int:
    """The first block of a file on the card."""
    return card.image.index(FILES[name][:512]) // 512


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("fault", [DAMAGED, SILENT])
def test_a_read_that_fails_twice_is_tried_again_and_one_that_fails_thrice_has_failed(
    put_in, images, bus, fault
):
    for times in (1, 2, 3):
        card = put_in(images("fat32"), bus)
        card.world.fault, card.world.fault_times = fault, times
        card.world.fault_block = block_of(card, "cat4.whim") + 20
        card.open("cat4.whim")
        answer = card.read(0, 24_576)
        assert answer == (READ if times == 3 else FILES["cat4.whim"][:24_576])
        assert card.read(512, 20_000) == FILES["cat4.whim"][512:20_512]


@pytest.mark.parametrize("bus", BUSES)
def test_wires_that_are_too_long_only_cost_time(put_in, images, bus):
    card = put_in(images("fat16"), bus, hertz_most=7_000_000)
    for name, data in FILES.items():
        assert any(card.file(name) == data for _ in range(4))
    assert 3_000_000 <= card.hertz <= 7_000_000
    card.pull(), card.insert()
    card.world.hertz_most = 2**32 - 1
    assert card.file("ODD") == b"x" and card.hertz >= 25_000_000, "another card, at full speed"


@pytest.mark.parametrize("bus", BUSES)
def test_damage_in_the_tables_is_tried_again_too(put_in, images, bus):
    image = images("fat32")
    first = volume.start_of(image)
    for block in {first, first + 1, *range(first + 30, first + 40)}:
        card = put_in(image, bus)
        card.world.fault, card.world.fault_times, card.world.fault_block = DAMAGED, 2, block
        assert card.file("ODD") == b"x"


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("fault", [DAMAGED, REFUSED])
def test_a_write_that_the_card_refuses_has_failed_and_the_next_works(put_in, images, bus, fault):
    for at in (0, 3, 24):
        card = put_in(images("fat16"), bus)
        first = block_of(card, "cats/00001.bmp")
        card.world.fault, card.world.fault_times = fault, 1
        card.world.fault_block = first + at
        assert card.write("cats/00001.bmp", 0, bytes(12_800)) == WRITE
        assert card.write("cats/00001.bmp", 0, bytes(12_800)) == OK
        assert card.file("cats/00001.bmp") == bytes(12_800)
        assert complaints(card.image) == []


@pytest.mark.parametrize("filesystem", FILESYSTEMS)
@pytest.mark.parametrize("bus", BUSES)
def test_a_card_that_takes_no_more_writes_can_still_be_read(put_in, images, filesystem, bus):
    card = put_in(images(filesystem), bus)
    card.open("ODD", 1)
    card.world.read_only = 1
    assert card.write("cats/00002.bmp", 0, bytes(512)) == WRITE
    assert card.read(0, 1, 1) == b"x", "what was open stays open"
    assert all(card.file(name) == data for name, data in FILES.items())
    card.world.read_only = 0
    assert card.write("cats/00002.bmp", 0, bytes(512)) == OK
    assert card.file("cats/00002.bmp") == bytes(512) and complaints(card.image) == []


# --- Writing


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("filesystem", ["fat12", *FILESYSTEMS])
def test_what_is_written_is_there_for_everybody(put_in, images, filesystem, table, bus):
    expected = dict(FILES)
    card = put_in(images(filesystem, table), bus)

    def write(name, offset, data, skew=0):
        old = expected.get(name, b"")
        expected[name] = old[:offset] + data + old[offset + len(data) :]
        assert card.write(name, offset, data, skew) == OK

    chosen = np.random.default_rng(3)
    write("cats/00002.bmp", 0, chosen.bytes(12_800))
    write("cats/00002.bmp", 0, chosen.bytes(512))
    write("new/first", 0, chosen.bytes(5000), skew=3)
    write("new/first", 5000, chosen.bytes(70_000))
    write("new/first", 74_990, chosen.bytes(20))
    write("pool.pos", 512, chosen.bytes(512))
    write("pool.pos", 100, chosen.bytes(700), skew=1)
    write("ODD", 0, chosen.bytes(300))
    write("another_long-name.that", 0, chosen.bytes(1))
    for number in range(3, 40):
        write(f"cats/{number:05}.bmp", 0, chosen.bytes(600))
    assert card.write("none", 1, b"x") == WRITE and card.write("ODD", 301, b"x") == WRITE
    for name, data in expected.items():
        assert card.file(name) == data
    assert contents(card.image) == expected
    assert complaints(card.image) == []


def test_a_file_in_use_shows_what_was_written_over_it(put_in, images):
    card = put_in(images("fat16"))
    card.open("cat4.whim")
    assert card.write("cat4.whim", 700, b"new") == OK
    data = FILES["cat4.whim"]
    assert card.read(0, 2048) == data[:700] + b"new" + data[703:2048]


@pytest.mark.parametrize("filesystem", FILESYSTEMS)
def test_writing_over_a_file_changes_nothing_else_on_the_card(put_in, images, filesystem):
    image = images(filesystem)
    card = put_in(image)
    first = block_of(card, "cats/00001.bmp")
    assert card.write("cats/00001.bmp", 0, bytes(12_800)) == OK
    assert card.write("cats/00001.bmp", 1000, b"x" * 3) == OK
    assert {block for block, _ in card.log()} == set(range(first, first + 25))


@pytest.mark.parametrize("filesystem", FILESYSTEMS)
def test_a_full_card_says_so_and_keeps_its_files(put_in, images, filesystem):
    card = put_in(images(filesystem))
    before = contents(card.image)
    free = len(card.image)
    assert card.write("big", 0, bytes(free)) == WRITE
    assert card.write("ODD", 1, bytes(free)) == WRITE
    assert contents(card.image) == before and complaints(card.image) == []
    count = 0
    while card.write(f"many/{count}", 0, bytes(900_000)) == OK:
        count += 1
    assert count and card.write("cats/00009.bmp", 0, bytes(900_000)) == WRITE
    assert card.write("cats/00001.bmp", 0, FILES["cats/00001.bmp"]) == OK, "no room is needed"
    after = contents(card.image)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {f"many/{i}" for i in range(count)}
    assert complaints(card.image) == []


# What a device writes: a name, where, and how many bytes.
WRITES = {
    "a cat": ("cats/00002.bmp", 0, 12_800),
    "the first cat": ("kittens/00001.bmp", 0, 12_800),
    "over a cat": ("cats/00001.bmp", 0, 12_800),
    "a headers' sector": ("cats/00001.bmp", 0, 512),
    "a position": ("pool.pos", 0, 512),
    "another position": ("pool.pos", 512, 512),
    "a file": ("install.now", 0, 512),
}


@pytest.mark.parametrize("what", WRITES)
@pytest.mark.parametrize("filesystem", FILESYSTEMS)
def test_a_power_cut_at_any_write_damages_no_file(put_in, images, filesystem, what):
    name, offset, count = WRITES[what]
    data = np.random.default_rng(5).bytes(count)
    before = images(filesystem)
    old = FILES.get(name)
    card = put_in(before)
    assert card.write(name, offset, data) == OK
    log, image = card.log(), bytearray(before)
    for step, (block, bytes_) in enumerate(log):
        if SOAK or bytes_ not in data or step % 8 == 0:
            look_after_cut(put_in, bytes(image), name, offset, data, old)
        image[512 * block : 512 * block + 512] = bytes_
    assert bytes(image) == card.image and complaints(image) == []


def look_after_cut(put_in, image, name, offset, data, old):
    assert complaints(image, cut=True) == []
    files = contents(image)
    assert {n: files[n] for n in FILES if n != name} == {n: FILES[n] for n in FILES if n != name}
    if old is not None:  # its bytes are old or new, block by block, and it is as long as either
        new = old[:offset] + data + old[offset + len(data) :]
        assert len(files[name]) in (len(old), len(new))
        for at in range(0, len(files[name]), 512):
            assert files[name][at : at + 512] in (old[at : at + 512], new[at : at + 512])
    assert set(files) <= {*FILES, name}
    card = put_in(image)
    assert card.write(name, 0, b"again" * 3000) == OK, "the device goes on"
    assert card.file(name)[:15_000] == b"again" * 3000
    assert complaints(card.image, cut=True) == []


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("filesystem", ["fat32", "exfat"])
def test_a_card_pulled_at_any_write_comes_back_whole(put_in, images, filesystem, bus):
    image, data = images(filesystem), RANDOM.bytes(12_800)
    counted = put_in(image, bus)
    counted.write("cats/00002.bmp", 0, data)
    for step in range(1, counted.world.writes + 1, 1 if SOAK else 5):
        card = put_in(image, bus, pull_after=step)
        assert card.write("cats/00002.bmp", 0, data) == MISSING
        assert card.open("ODD") == MISSING
        card.insert()
        assert card.write("cats/00002.bmp", 0, data) == OK
        files = contents(card.image)
        assert files == FILES | {"cats/00002.bmp": data}
        assert complaints(card.image, cut=True) == []


# --- Cards that nobody should trust


@pytest.mark.parametrize("filesystem", FILESYSTEMS)
def test_a_damaged_volume_is_an_error_and_no_crash(put_in, images, filesystem):
    image = images(filesystem)
    first, chosen = 512 * volume.start_of(image), np.random.default_rng(11)
    # Where the tables and folders lie: bytes that are neither zero nor a file's.
    place = np.flatnonzero(np.frombuffer(image, np.uint8))
    inside = np.zeros(len(image), bool)
    for data in FILES.values():
        if len(data) >= 512:
            at = image.index(data[:512])
            inside[at : at + len(data)] = True
    place = place[(place >= first) & ~inside[place]]
    for _ in range(200 if SOAK else 20):
        broken = bytearray(image)
        for at in chosen.choice(place, 1 + int(chosen.integers(4))):
            broken[at] = int(chosen.integers(256))
        card = put_in(bytes(broken))
        for name in FILES:
            answer = card.file(name)
            assert isinstance(answer, bytes) or answer in (READ, NO_FILE)
        assert card.write("cats/00003.bmp", 0, bytes(3000)) in (OK, WRITE)


def test_a_card_without_a_volume_is_an_error(put_in):
    for image in (bytes(1 << 20), np.random.default_rng(0).bytes(1 << 20)):
        card = put_in(image)
        assert card.open("cat4.whim") == READ and card.write("file", 0, b"x") == WRITE
