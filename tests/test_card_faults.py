"""What a card can do to a cat in the making. At every block of it: a fault that passes is tried
again, one that stays is named on the display and the console, and no cat is ever wrong."""

import os
from pathlib import Path

import numpy as np
import pytest
from small_cats import packed, small_cat
from test_app import error_screen

from whim.card import BLOCK, Card, Fault
from whim.device import Device, lines
from whim.encodings import Encoding

ROOT = Path(__file__).resolve().parents[1]
SOAK = os.environ.get("WHIM_SOAK")
CHUNK = 95  # units of 16 bytes: with the trailer, three whole sectors
FILES = {f"cat{bits}.whim": packed(small_cat(bits, encoding), CHUNK)
         for bits, encoding in ((8, Encoding.INT8), (4, Encoding.INT4))}  # fmt: skip
CAT = FILES["cat4.whim"]
BLOCKS = range(len(CAT) // BLOCK)
AT = {"error": BLOCKS, "short": BLOCKS, "flip": BLOCKS, "hang": BLOCKS[::8]}  # hanging is slow
REQUESTS = range(2 + -(-(len(CAT) - BLOCK) // (16 * CHUNK + 8)))  # to open it, its head, its chunks


class Person(Device):
    """Somebody who generates the cat of seed 7, and looks."""

    def generate(self) -> str:
        """The console's words from the command to the next prompt."""
        return self.say("seed 7\r") and self.say("generate\r")

    def say(self, line: str) -> str:
        start = len(self.console)
        self.type(line)
        assert self.run_until(lambda: ">>> " in self.console[start:], ms=30_000), "it hangs"
        return self.console[start:]

    def cat(self) -> dict:
        (answer,) = lines(self.generate(), "cat")
        return answer

    def error(self) -> str:
        """The error's name, on the console and on the display."""
        said = self.generate()
        assert not lines(said, "cat") and said.count("error: ") == 1
        name = said.split("error: ")[1].split(", while ")[0]
        assert (self.screen() == error_screen(name)).all()
        return name

    def retries(self) -> int:
        return lines(self.say("stats\r"), "picture")[0]["retries"]


@pytest.fixture
def person(sanitized):
    """person(files, ...) has a device with this card, which keeps no cats."""
    devices = []

    def make(files=FILES, **manners) -> Person:
        devices.append(Person(7, program=sanitized, card=Card(files, **manners)))
        devices[-1].run(ms=500)
        devices[-1].say("keep off\r")
        return devices[-1]

    yield make
    for device in devices:
        device.close()


@pytest.fixture(scope="module")
def right(sanitized) -> tuple:
    """The cat, as a card makes it with which nothing is wrong."""
    with Person(7, program=sanitized, card=Card(FILES)) as device:
        device.run(ms=500)
        device.say("keep off\r")
        return device.cat(), device.screen()


def is_right(device: Person, right: tuple) -> bool:
    cat, screen = right
    return device.cat() == cat and bool((device.screen() == screen).all())


@pytest.mark.parametrize("seed", range(3))
def test_a_cat_reads_every_byte_of_its_file_once_and_in_order(person, right, seed):
    device = person(pauses=(0.2, 100), seed=seed)
    assert is_right(device, right) and device.retries() == 0
    start, opened, *reads, bank = device.card.requests
    assert (start.kind, start.name) == ("open", "install.txt"), "which this card does not have"
    assert bank.name == "phrases.bank", "which this card does not have"
    assert (opened.kind, opened.name, len(reads) + 1) == ("open", "cat4.whim", len(REQUESTS))
    ends = [0, *(read.offset + read.count for read in reads)]
    assert [read.offset for read in reads] == ends[:-1] and ends[-1] == len(CAT)


@pytest.mark.parametrize("what", AT)
@pytest.mark.parametrize("times", [1, 2])
def test_a_fault_that_passes_is_tried_again_at_every_block(person, right, what, times):
    device = person()
    for block in AT[what]:
        device.card.faults = [Fault(what, block=block, times=times)]
        assert is_right(device, right), block
        assert device.retries() == times


@pytest.mark.parametrize("what, name", [("error", "card read"), ("short", "card read"),
                                        ("hang", "card read"), ("flip", "model crc")])  # fmt: skip
def test_a_fault_that_stays_is_named_at_every_block(person, right, what, name):
    device = person()
    for block in AT[what]:
        device.card.faults = [Fault(what, block=block)]
        start = len(device.card.requests)
        # A fault strikes a block's first byte, and that of the first tells what the file is.
        assert device.error() == ("model magic" if (what, block) == ("flip", 0) else name), block
        assert len(device.card.requests) - start <= len(REQUESTS) + 2, "three tries in all"
    device.card.faults = []
    assert is_right(device, right)


@pytest.mark.parametrize("request_number", REQUESTS)
def test_a_card_pulled_out_is_missing_and_one_put_back_works(person, right, request_number):
    device = person()
    number = len(device.card.requests) + request_number
    device.card.faults = [Fault("pull", number=number)]
    assert device.error() == "card missing"
    assert device.error() == "card missing"
    device.card.insert()
    assert is_right(device, right)


def test_a_card_pulled_out_and_put_back_in_a_hurry_is_noticed(person, right):
    device = person(latency=20)
    for after in range(5, 400, 37):
        device.type("generate\r")
        device.run(ms=after)
        device.card.pull()
        device.card.insert()
        start = len(device.console)
        device.run(ms=3000)
        assert "error: card missing" in device.console[start:] or after > 300
        assert is_right(device, right)


def test_files_that_end_early_or_late_are_named(person, right):
    device = person({})
    lengths = {0, 1, 23, 24, len(CAT) - 1} | {BLOCK * block for block in BLOCKS}
    for length in sorted(lengths):
        device.card.written["cat4.whim"] = CAT[:length]
        assert device.error() == "model truncated", length
    device.card.written["cat4.whim"] = CAT + b"\0"
    assert device.error() == "model oversized"
    device.card.written["cat4.whim"] = CAT
    assert is_right(device, right)


def test_other_files_are_named(person, right):
    newer = bytearray(CAT)
    newer[8] += 1
    files = {
        "model version": newer,
        "model magic": bytes(len(CAT)),
        "model header": (ROOT / "data/die.whim").read_bytes(),
        "model shape": packed(small_cat(inputs=99), CHUNK),
        "no such file": None,
    }
    device = person({})
    for name, file in files.items():
        device.card.written = {} if file is None else {"cat4.whim": file}
        assert device.error() == name


def test_a_chunk_of_another_file_or_from_another_place_is_noticed(person):
    other, step = packed(small_cat(9), CHUNK), 16 * CHUNK + 8
    device = person({})
    for at in range(BLOCK, len(CAT) - step, step):
        next_one = CAT[at + step : at + 2 * step].ljust(step, b"\0")
        for strange in (next_one, other[at : at + step]):
            device.card.written["cat4.whim"] = CAT[:at] + strange + CAT[at + step :]
            assert device.error() == "model crc", at


@pytest.mark.parametrize("seed", range(12 if SOAK else 2))
def test_whatever_goes_wrong_no_cat_is_wrong(person, right, seed):
    rng = np.random.default_rng(seed)
    device = person(pauses=(0.1, 100), seed=seed)
    made = 0
    for _ in range(50):
        device.card.insert()
        device.card.faults = [
            Fault(
                str(rng.choice([*AT, "pull"], p=[0.32, 0.32, 0.32, 0.02, 0.02])),
                block=int(rng.choice(BLOCKS)),
                times=int(rng.integers(1, 4)),
            )
            for _ in range(rng.integers(1, 6))
        ]
        said = device.generate()
        if "error: " not in said:
            assert lines(said, "cat") == [right[0]]
            made += 1
    assert 5 < made < 45


def test_a_cat_is_kept_whole_or_not_at_all_wherever_the_power_fails(sanitized, right):
    def switched_on(card: Card) -> Person:
        device = Person(7, program=sanitized, card=card)
        device.run(ms=500)
        return device

    with switched_on(Card(FILES)) as device:
        assert device.cat()["kept"] == 1
        requests = device.card.requests
    kept = 0
    for number in range(len(REQUESTS), len(requests)):
        count = requests[number].count
        for torn in {0, min(count, 700), count // 2, max(0, count - 1), count}:
            cut = Fault("cut", number=number, torn=torn, noise=True)
            with switched_on(Card(FILES, faults=[cut])) as device:
                device.type("seed 7\rgenerate\r")
                assert device.run_until(lambda: device.restarts == 1)
                device.run(ms=500)
                said = device.say("redraw 1\r")
                if "error: " in said:
                    assert "error: no such file, " in said or "error: not a kept cat, " in said
                else:
                    assert lines(said, "cat")[0]["crc"] == right[0]["crc"]
                    kept += 1
                device.say("weights int4\r")  # another cat, so that one is not the other's
                again = device.cat()
                assert lines(device.say(f"redraw {again['kept']}\r"), "cat") == [again]
    assert kept, "the last writes had come to their ends"
