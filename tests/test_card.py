"""The simulated card, and the drivers that read it: times, faults, and names that lead nowhere."""

import math
import os
import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest

from whim.card import Card, Fault
from whim.device import Device, lines

ROOT = Path(__file__).resolve().parents[1]
OK, BUSY, MISSING, READ, WRITE, NO_FILE = 0, 2, -16, -17, -18, -19
SOURCES = ["tests/firmware/card.c", "src/drivers/card.c", "src/ports/sim/port.c",
           "src/engine/crc.c", "src/engine/random.c"]  # fmt: skip
POLL = 1000  # microseconds: the driver looks once a millisecond
MODEL = np.random.default_rng(0).bytes(100_000)  # more than a pipe holds, and no whole sector


@pytest.fixture(scope="session")
def program(tmp_path_factory) -> Path:
    """tests/firmware/card.c, which stops at the first undefined behaviour or wild access."""
    compiler = shutil.which("cc") or pytest.fail("there is no C compiler `cc`")
    made = tmp_path_factory.mktemp("card") / "program"
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-g"]
    flags += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DWHIM_CARD=1"]
    flags += ["-D_POSIX_C_SOURCE=200809L", "-Iinclude", "-Isrc"]
    subprocess.run([compiler, *flags, *SOURCES, "-o", made], cwd=ROOT, check=True)
    return made


class Prober(Device):
    """A device that does on its card what it is told."""

    def do(self, command: str) -> dict:
        told = len(lines(self.console, "card"))
        self.type(command + "\n")
        assert self.run_until(lambda: len(lines(self.console, "card")) > told), "it hangs"
        return lines(self.console, "card")[-1]


@pytest.fixture
def prober(program):
    """prober(files, ...) is a device with a card of these files, none of which is open."""
    made = []

    def make(files=None, **manners) -> Prober:
        if not isinstance(files, Card):
            files = Card({"cat8.whim": MODEL} if files is None else files, **manners)
        made.append(Prober(0, program=program, card=files))
        return made[-1]

    yield make
    for device in made:
        device.close()


def crc(data: bytes) -> int:
    return zlib.crc32(data)


def test_what_is_read_is_what_the_file_has_and_zeros_behind_its_end(prober):
    device = prober()
    assert device.do("open 0 cat8.whim") == {"status": OK, "length": len(MODEL)}
    padded = MODEL + bytes(4096)
    for offset, count in ((0, 512), (512, 24576), (99_840, 512), (99_328, 1024), (0, 100_352),
                          (0, 1), (7, 1000), (100_352, 512)):  # fmt: skip
        answer = device.do(f"read 0 {offset} {count}")
        assert (answer["status"], answer["crc"]) == (OK, crc(padded[offset : offset + count]))


def test_files_come_from_a_folder_and_stay_there(prober, tmp_path):
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats/00001.bmp").write_bytes(MODEL)
    device = prober(tmp_path)
    assert device.do("open 0 cats/00001.bmp") == {"status": OK, "length": len(MODEL)}
    assert device.do("read 0 512 512")["crc"] == crc(MODEL[512:1024])
    assert device.do("write cats/00001.bmp 512 10 65")["status"] == OK
    assert device.do("read 0 512 512")["crc"] == crc(b"A" * 10 + MODEL[522:1024])
    assert (tmp_path / "cats/00001.bmp").read_bytes() == MODEL[:512] + b"A" * 10 + MODEL[522:]
    assert device.do("write cats/00002.bmp 0 700 66")["status"] == OK
    assert device.do("write cats/00002.bmp 700 1 67")["status"] == OK
    assert (tmp_path / "cats/00002.bmp").read_bytes() == 700 * b"B" + b"C"


def test_what_is_not_kept_leaves_the_folder_alone(prober, tmp_path):
    (tmp_path / "pool.pos").write_bytes(bytes(16))
    card = Card(tmp_path, keep=False)
    device = prober(card)
    assert device.do("write pool.pos 0 4 255")["status"] == OK
    assert device.do("write new/file 0 4 255")["status"] == OK
    assert device.do("open 0 new/file") == {"status": OK, "length": 4}
    assert card.read("pool.pos") == card.written["pool.pos"] == b"\xff" * 4 + bytes(12)
    assert (tmp_path / "pool.pos").read_bytes() == bytes(16) and len(os.listdir(tmp_path)) == 1


@pytest.mark.parametrize("count", [512, 4096, 24576])
def test_a_read_takes_its_latency_and_the_time_of_its_bytes(prober, count):
    card = Card({"cat8.whim": MODEL}, bandwidth=1e6, latency=3)
    device = prober(card)
    device.do("open 0 cat8.whim")
    assert card.requests[-1].micros == 3000
    answer = device.do(f"read 0 0 {count}")
    assert answer["card"] == card.requests[-1].micros == 3000 + count
    assert 0 <= answer["micros"] - answer["card"] < POLL
    assert device.do(f"write out 0 {count} 1")["micros"] == 3000 + count


def test_pauses_are_those_of_the_seed_and_add_at_most_themselves(prober):
    def micros(**manners) -> np.ndarray:
        card = Card({"cat8.whim": MODEL}, bandwidth=math.inf, latency=1, **manners)
        device = prober(card)
        device.do("open 0 cat8.whim")
        device.do("zero")
        for _ in range(60):
            device.do("read 0 0 512")
        took = np.array([request.micros for request in card.requests[1:]])
        assert device.do("counts") == {
            "reads": 60, "bytes": 60 * 512, "micros": took.sum(), "errors": 0
        }  # fmt: skip
        return took - 1000

    pauses = micros(pauses=(0.5, 100), seed=1)
    assert (micros() == 0).all() and (pauses == micros(pauses=(0.5, 100), seed=1)).all()
    assert (pauses != micros(pauses=(0.5, 100), seed=2)).any()
    assert 15 < (pauses > 0).sum() < 45 and 80_000 < pauses.max() <= 100_000


def test_reads_go_on_by_themselves_and_answer_busy_until_they_are_over(prober):
    device = prober(bandwidth=math.inf, latency=400)
    device.do("open 0 cat8.whim")
    assert device.do("start 0 1024 512") == {"status": OK, "micros": 0}
    start = device.ms
    while (answer := device.do("poll 0"))["status"] == BUSY:
        assert answer["crc"] == crc(b"\xaa" * 512) and device.ms - start < 410
    assert answer == {"status": OK, "crc": crc(MODEL[1024:1536])} and device.ms - start > 390
    assert device.do("poll 0")["status"] == READ, "nothing is under way"


@pytest.mark.parametrize("other", ["start 1 0 512", "start 0 512 0", "open 2 cat8.whim",
                                   "write out 0 1 0"])  # fmt: skip
def test_whatever_comes_meanwhile_ends_a_read(prober, other):
    device = prober(latency=50)
    device.do("open 0 cat8.whim")
    device.do("open 1 cat8.whim")
    device.do("start 0 0 512")
    assert device.do(other)["status"] == OK
    device.run(ms=100)
    assert device.do("poll 0") == {"status": READ, "crc": crc(b"\xaa" * 512)}
    if other.startswith("start 1"):
        assert device.do("poll 1") == {"status": OK, "crc": crc(MODEL[:512])}


def test_four_files_stay_open(prober):
    device = prober({str(i): bytes([i]) * 512 for i in range(6)})
    for i in range(4):
        assert device.do(f"open {i} {i}")["status"] == OK
    assert device.do("open 0 4") == {"status": OK, "length": 512}, "another file by the same place"
    for i, byte in enumerate([4, 1, 2, 3]):
        assert device.do(f"read {i} 0 512")["crc"] == crc(bytes([byte]) * 512)
    assert device.do("open 5 5")["status"] == OK
    statuses = [device.do(f"read {i} 0 512")["status"] for i in (0, 1, 2, 3, 5)]
    assert statuses == [READ, OK, OK, OK, OK]


def test_a_device_has_what_it_is_given(program, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    for card, status in ((None, MISSING), (tmp_path, OK), (str(tmp_path), OK), (Card({}), NO_FILE)):
        with Prober(0, program=program, card=card) as device:
            assert device.do("open 0 file")["status"] == status
            assert device.do("write other 0 1 1")["status"] == (status if card is None else OK)
    with pytest.raises(NotADirectoryError, match="nowhere"):
        Card(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "..", ".", "cats",
                                  "a/b/secret", "cats/", "link", "links/secret", "C:secret", "fifo",
                                  ".hidden", "cats/..", "a\\b", "\xff\xfe", "a..b", 100 * "x",
                                  "loop"])  # fmt: skip
def test_nothing_outside_the_folder_is_read_or_written(prober, tmp_path, name):
    card = tmp_path / "card"
    (card / "cats").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (card / "link").symlink_to(tmp_path / "secret")
    (card / "links").symlink_to(tmp_path)
    (card / "loop").symlink_to(card / "loop")
    os.mkfifo(card / "fifo")
    before = sorted(tmp_path.rglob("*"))
    device = prober(card)
    assert device.do(f"open 0 {name}")["status"] == NO_FILE
    assert device.do(f"write {name} 0 3 65")["status"] == WRITE
    assert sorted(tmp_path.rglob("*")) == before and (tmp_path / "secret").read_text() == "secret"


def test_a_card_pulled_out_is_missing_and_its_files_stay_dead_when_it_is_back(prober):
    card = Card({"cat8.whim": MODEL}, latency=20)
    device = prober(card)
    device.do("open 0 cat8.whim")
    device.do("start 0 0 512")
    card.pull()
    device.run(ms=30)
    assert device.do("poll 0") == {"status": MISSING, "crc": crc(b"\xaa" * 512)}
    for command in ("open 1 cat8.whim", "start 0 0 512", "read 0 0 512", "write out 0 1 1"):
        assert device.do(command)["status"] == MISSING
    card.insert()
    assert device.do("read 0 0 512")["status"] == MISSING
    assert device.do("open 0 cat8.whim")["status"] == OK
    assert device.do("read 0 0 512")["crc"] == crc(MODEL[:512])


@pytest.mark.parametrize("what", ["error", "short", "hang", "pull"])
def test_a_fault_strikes_the_reads_that_touch_its_block(prober, what):
    struck = {"pull": MISSING}.get(what, READ)
    device = prober(faults=[Fault(what, block=3)])
    device.do("open 0 cat8.whim")
    for offset, count in ((0, 1536), (2048, 512)):
        assert device.do(f"read 0 {offset} {count}")["status"] == OK
    for offset, count in ((1536, 512), (0, 1537), (2047, 1), (0, 24576)):
        assert device.do(f"read 0 {offset} {count}")["status"] == struck
    assert device.do("read 0 0 1536")["status"] == (OK if what != "pull" else MISSING)


@pytest.mark.parametrize("what", ["error", "short", "hang"])
def test_a_read_that_fails_twice_is_tried_again_and_one_that_fails_thrice_has_failed(prober, what):
    for times, status in ((1, OK), (2, OK), (3, READ)):
        card = Card({"cat8.whim": MODEL}, faults=[Fault(what, "read", times=times)])
        device = prober(card)
        device.do("open 0 cat8.whim")
        answer = device.do("read 0 512 512")
        assert answer["status"] == status
        assert len(card.requests) == 1 + min(3, times + 1)
        assert device.do("counts")["errors"] == times
        assert device.do("read 0 0 512")["crc"] == crc(MODEL[:512])


def test_a_card_that_hangs_has_failed_after_a_second(prober):
    device = prober(faults=[Fault("hang", "read")])
    device.do("open 0 cat8.whim")
    answer = device.do("read 0 0 512")
    assert answer["status"] == READ and 3e6 <= answer["micros"] < 3.01e6
    assert device.do("poll 0")["status"] == READ, "it has been given up"


def test_a_flipped_bit_arrives_as_one(prober):
    device = prober(faults=[Fault("flip", block=1)])
    device.do("open 0 cat8.whim")
    heard = device.do("read 0 0 1024")
    flipped = [MODEL[:512] + bytes([MODEL[512] ^ 1 << bit]) + MODEL[513:1024] for bit in range(8)]
    assert heard["status"] == OK and heard["crc"] in map(crc, flipped)
    assert device.do("read 0 0 512")["crc"] == crc(MODEL[:512])


def test_a_file_cut_off_while_it_is_open_is_a_short_read(prober, tmp_path):
    (tmp_path / "file").write_bytes(bytes(2048))
    device = prober(tmp_path)
    device.do("open 0 file")
    (tmp_path / "file").write_bytes(bytes(1000))
    assert device.do("read 0 0 512")["status"] == OK
    assert device.do("read 0 512 512")["status"] == READ
    (tmp_path / "file").unlink()
    assert device.do("read 0 0 512")["status"] == READ


def test_a_card_that_is_full_or_protected_says_so_and_changes_nothing(prober):
    for manners in ({"writable": False}, {"free": 99}, {"faults": [Fault("error", "write")]}):
        card = Card({"file": bytes(10)}, **manners)
        device = prober(card)
        assert device.do("write file 10 100 1")["status"] == WRITE
        assert device.do("write new 0 100 1")["status"] == WRITE
        assert not any(card.read("file")) and not card.read("new")
    card = Card({"file": bytes(10)}, free=100)
    device = prober(card)
    assert device.do("write file 11 1 1")["status"] == WRITE, "no holes"
    assert device.do("write file 5 100 1")["status"] == OK
    assert device.do("write file 105 6 1")["status"] == WRITE
    assert card.free == 5 and card.read("file") == bytes(5) + b"\1" * 100


@pytest.mark.parametrize("what", ["cut", "pull", "error"])
@pytest.mark.parametrize("torn", [0, 1, 511, 512, 1000, 5000])
@pytest.mark.parametrize("noise", [False, True])
def test_a_torn_write_has_done_a_part_of_its_work(prober, what, torn, noise):
    old = bytes(range(256)) * 16
    fault = Fault(what, "write", times=1, torn=torn, noise=noise)
    card = Card({"file": old}, faults=[fault])
    device = prober(card)
    if what == "cut":
        device.type("write file 100 2000 85\n")
        device.run(ms=500)
        assert device.restarts == 1 and not lines(device.console, "card")
    else:
        status = MISSING if what == "pull" else WRITE
        assert device.do("write file 100 2000 85")["status"] == status
    now, done = card.read("file"), min(torn, 2000)
    block_end = min(2100, 512 * ((100 + done) // 512 + 1))
    assert now[:100] == old[:100] and now[100 : 100 + done] == b"\x55" * done
    assert (now[100 + done : block_end] == old[100 + done : block_end]) != (noise and done < 2000)
    assert now[block_end:] == old[block_end:] and len(now) == len(old)
    card.insert()
    assert device.do("write file 100 2000 86")["status"] == OK
    assert card.read("file") == old[:100] + b"\x56" * 2000 + old[2100:]


def test_the_power_fails_at_the_request_that_was_named(prober):
    card = Card({"file": bytes(512)}, faults=[Fault("cut", number=2)])
    device = prober(card)
    device.do("open 0 file")
    device.do("read 0 0 512")
    device.type("read 0 0 512\n")
    device.run(ms=100)
    assert device.restarts == 1 and len(card.requests) == 3
    assert device.do("open 0 file")["status"] == OK
    assert device.do("read 0 0 512")["status"] == OK


def test_the_card_remembers_all_requests_in_order(prober):
    card = Card({"cat8.whim": MODEL}, bandwidth=1e6, latency=1)
    device = prober(card)
    device.do("open 0 cat8.whim")
    for offset in range(0, 4096, 1024):
        device.do(f"read 0 {offset} 1024")
    device.do("write out 0 5 5")
    asked = [(r.kind, r.name, r.offset, r.count, r.micros) for r in card.requests]
    assert asked == [
        ("open", "cat8.whim", 0, 0, 1000),
        *(("read", "cat8.whim", offset, 1024, 2024) for offset in range(0, 4096, 1024)),
        ("write", "out", 0, 5, 1005),
    ]
    starts = np.array([request.start for request in card.requests])
    assert (np.diff(starts) >= 1000).all() and starts[-1] / 1000 <= device.ms


def test_faults_that_cannot_be_are_refused():
    for words in (("burn",), ("flip", "write"), ("hang", "open"), ("cut", "reading")):
        with pytest.raises(ValueError):
            Fault(*words)
