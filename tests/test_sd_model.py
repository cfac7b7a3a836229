"""The virtual CH32H417's card, over both buses: it behaves as the SD specification says, moves its
blocks in the time that bus and card need, and tells a host that breaks the rules.
"""

from pathlib import Path

import numpy as np
import pytest
from puppet import (
    CARD_PINS, CLOCKS, LOAD, PAUSE, SHARED, STORE, STORE_BYTE, STORE_HALF, WAIT, Puppet,
)  # fmt: skip

from whim.machine import BoardError

R1, R1B, R2, R3, NONE = 0xE00, 0xF00, 0x500, 0x200, 0
SILENT, CRC, DONE, LATE, DAMAGED, MOVED, GAP = 1, 2, 8, 16, 32, 64, 128
GOOD, ERROR, CORRUPT = range(3)
SLOW, MHZ_25, MHZ_50 = 0x110, 0x310, 0x308
BUFFERS = SHARED + 0x2_0000
WAIT_8_CLOCKS = (PAUSE, 400)
STUFF = 0x40FF_8000
SD_SDMMC, SD_SPI = 0, 1
KIB_8192 = 8 << 20


def some_card(size: int = KIB_8192) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, size, dtype=np.uint8)


def command(index: int, argument: int = 0, flags: int = R1) -> list:
    return [
        (STORE, "SDMMC_INT_FG", 0xFFFF), (STORE, "SDMMC_ARGUMENT", argument),
        (STORE_HALF, "SDMMC_CMD_SET", index | flags), (WAIT, "SDMMC_INT_FG", 1, 0x1F),
        (LOAD, "SDMMC_INT_FG"), *((LOAD, f"SDMMC_RESPONSE{i}") for i in (3, 2, 1, 0)),
        WAIT_8_CLOCKS,
    ]  # fmt: skip


def arm(address: int, count: int, size: int = 512, writes: int = 0) -> list:
    return [
        (STORE, "SDMMC_BLOCK_CFG", 0), (STORE, "SDMMC_TRAN_MODE", writes),
        (STORE, "SDMMC_BLOCK_CFG", size << 16 | count), (STORE, "SDMMC_DMA_BEG1", address),
    ]  # fmt: skip


START = CARD_PINS + [
    (STORE, "SDMMC_CONTROL", 0x28), (STORE, "SDMMC_TIMEOUT", 1),
    (STORE, "SDMMC_CLK_DIV", SLOW), (PAUSE, 20000),
]  # fmt: skip


class Native:
    """The card in SDMMC's slot, spoken to register by register."""

    def __init__(self, image: Path, card: np.ndarray | None, wires: int = 4, start=True, **options):
        self.puppet = Puppet(image, card, **options)
        self.do, self.machine, self.rca, self._turn = self.puppet.do, self.puppet.machine, 0, 0
        self.do(START)
        if start:
            self.identify()
            self.fast(wires)

    def command(self, index: int, argument: int = 0, flags: int = R1) -> list[int]:
        """INT_FG and the response, its most significant word first."""
        return self.do(command(index, argument, flags))

    def status(self) -> int:
        return self.command(13, self.rca)[1]

    def initialise(self, argument: int = STUFF) -> int:
        for _ in range(100):
            self.command(55)
            flags, ocr, *_ = self.command(41, argument, R3)
            assert flags == DONE
            if ocr >> 31:
                return ocr
            self.puppet.run(1000)
        raise TimeoutError("never ready")

    def identify(self) -> None:
        assert self.command(0, 0, NONE)[0] == DONE
        assert self.command(8, 0x1AA)[:2] == [DONE, 0x1AA]
        self.ocr = self.initialise()
        self.cid = self.command(2, 0, R2)[1:]
        self.rca = self.command(3)[1] & 0xFFFF_0000
        self.csd = self.command(9, self.rca, R2)[1:]
        assert self.command(7, self.rca, R1B)[0] == DONE

    def fast(self, wires: int) -> None:
        if wires == 4:
            self.command(55, self.rca)
            assert self.command(6, 2)[0] == DONE
            self.do([(STORE, "SDMMC_CONTROL", 0x29)])
        self.functions = self.read_register(6, 0x80FF_FFF1, 64)
        self.do([(STORE, "SDMMC_CLK_DIV", MHZ_50 if self.functions[16] & 15 == 1 else MHZ_25)])

    def buffer(self) -> int:
        """Another one each time: DMA_BEG1 does not rewind."""
        self._turn += 1
        return BUFFERS + 0x2_0000 * (self._turn & 1)

    def read_register(self, index: int, argument: int, size: int) -> bytes:
        to = self.buffer()
        loaded = self.do(arm(to, 1, size) + command(index, argument) + [
            (WAIT, "SDMMC_INT_FG", 1, GAP | MOVED | DAMAGED | LATE)])  # fmt: skip
        assert loaded[0] & ~(GAP | MOVED) == DONE
        return self.machine.read(to, size)

    def transfer(self, index: int, sector: int, count: int, to: int) -> list[int]:
        """Flags of the command, its response, flags of the data, STATUS."""
        wait = GAP | MOVED | DAMAGED | LATE if count == 1 else MOVED | DAMAGED | LATE
        flags, status, *_, moved, counted = self.do(
            arm(to, count) + command(index, sector) + [
                (WAIT, "SDMMC_INT_FG", 1, wait), (LOAD, "SDMMC_INT_FG"), (LOAD, "SDMMC_STATUS"),
            ])  # fmt: skip
        return [flags, status, moved, counted & 0xFFFF]

    def read(self, sector: int, count: int) -> bytes:
        to = self.buffer()
        flags, _, moved, counted = self.transfer(17 if count == 1 else 18, sector, count, to)
        assert flags & DONE and not moved & (DAMAGED | LATE) and counted == count
        if count > 1:
            assert self.command(12, 0, R1B)[0] & ~(GAP | MOVED) == DONE
        return self.machine.read(to, 512 * count)

    def write(self, sector: int, data: bytes) -> list[int]:
        """Flags of the data when it ended; the card may be busy yet."""
        count, source = len(data) // 512, self.buffer()
        self.machine.write(source, data)
        orders = command(25 if count > 1 else 24, sector) + arm(source, count, writes=1)
        orders += [(WAIT, "SDMMC_STATUS", 0, 0xFFFF)]  # the last transfer's count goes
        for block in range(count):
            orders += [(WAIT, "SDMMC_INT_FG", 1, GAP | DAMAGED | LATE), (LOAD, "SDMMC_INT_FG")]
            if block < count - 1:
                orders += [(STORE, "SDMMC_INT_FG", GAP), (STORE, "SDMMC_RESPONSE3", 0)]
        return self.do(orders)[5:]

    def wait(self) -> None:
        self.do([(WAIT, "SDMMC_STATUS", 1, 1 << 17)])


def field(words: list[int], high: int, low: int) -> int:
    whole = int.from_bytes(b"".join(word.to_bytes(4, "big") for word in words), "big")
    return whole >> low & ((1 << (high - low + 1)) - 1)


def capacity(csd: list[int]) -> int:
    if field(csd, 127, 126):
        return (field(csd, 69, 48) + 1) << 19
    blocks = (field(csd, 73, 62) + 1) << (field(csd, 49, 47) + 2)
    return blocks << field(csd, 83, 80)


def crc7(data: bytes) -> int:
    value = 0
    for bit in (byte >> i & 1 for byte in data for i in range(7, -1, -1)):
        value = (value << 1) & 0x7F ^ (0x09 if value >> 6 ^ bit else 0)
    return value


def crc16(data: bytes) -> int:
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = value << 1 & 0xFFFF ^ (0x1021 if value & 0x8000 else 0)
    return value


@pytest.mark.parametrize("kind, size", [(0, 32 << 20), (0, 1 << 20), (1, 8 << 20), (1, 30 << 20)])
def test_a_card_says_who_it_is_and_how_large(puppet, kind, size):
    native = Native(puppet, some_card(size), sd_kind=kind)
    assert native.ocr == 0x80FF_8000 | (0 if kind else 0x4000_0000)
    assert field(native.cid, 103, 64) == int.from_bytes(b"WHIM1", "big")
    for words in (native.cid, native.csd):
        whole = b"".join(word.to_bytes(4, "big") for word in words)
        assert whole[15] == crc7(whole[:15]) << 1 | 1
    assert capacity(native.csd) == size
    assert native.status() >> 9 & 15 == 4  # transfer
    native.command(55, native.rca)
    scr = native.read_register(51, 0, 8)
    assert scr[0] == 2 and scr[1] & 5 == 5  # version 2, one and four wires


def test_high_speed_is_chosen_where_the_card_has_it(puppet):
    assert Native(puppet, some_card()).functions[12:14] == b"\x80\x03"
    slow = Native(puppet, some_card(), sd_high_speed=0)
    assert slow.functions[16] & 15 == 15
    assert slow.read(0, 3) == slow.puppet.card[:1536].tobytes()


@pytest.mark.parametrize("wires", [1, 4])
@pytest.mark.parametrize("kind", [0, 1])
def test_blocks_arrive_as_they_are_on_the_card(puppet, wires, kind):
    card = some_card()
    native = Native(puppet, card, wires, sd_kind=kind)
    for sector, count in ((0, 1), (1, 1), (5, 2), (1000, 64), (2 * KIB_8192 // 1024 - 7, 7)):
        place = sector * (512 if kind else 1)
        assert native.read(place, count) == card[512 * sector :][: 512 * count].tobytes()


def test_a_long_read_takes_the_time_of_the_slower_of_bus_and_card(puppet):
    for bandwidth, expected in ((0, (512 * 8 / 4 + 18) / 50), (5_000_000, 512 / 5)):
        native = Native(puppet, some_card(), sd_bandwidth=bandwidth, sd_latency=300)
        before = [native.machine.sd_figure(name) for name in ("read_ticks", "blocks_read")]
        native.read(0, 200)
        after = [native.machine.sd_figure(name) for name in ("read_ticks", "blocks_read")]
        ticks, blocks = np.subtract(after, before)
        assert abs(ticks / 400 - 300 - blocks * expected) < 0.02 * blocks * expected + expected


def test_pauses_are_counted_and_change_nothing_else(puppet):
    card = some_card()
    native = Native(puppet, card, sd_pause=900, sd_pause_chance=1 << 29)
    assert native.read(3, 64) == card[3 * 512 :][: 64 * 512].tobytes()
    paused = native.machine.sd_figure("paused_ticks")
    assert paused and paused % (900 * 400) == 0


def test_what_is_written_becomes_contents_when_its_programming_ends(puppet):
    card = some_card()
    native = Native(puppet, card, sd_write=2000)
    new, old = bytes(range(256)) * 2, card[512 * 9 :][:512].tobytes()
    assert native.write(9, new)[-1] & (GAP | MOVED | DAMAGED) == GAP | MOVED
    assert card[512 * 9 :][:512].tobytes() == old
    assert native.status() >> 9 & 15 == 7  # programming
    native.wait()
    assert card[512 * 9 :][:512].tobytes() == new
    assert native.status() >> 9 & 15 == 4
    many = np.random.default_rng(3).integers(0, 256, 8 * 512, dtype=np.uint8).tobytes()
    assert native.write(20, many)[-1] & (MOVED | DAMAGED) == MOVED
    assert native.command(12, 0, R1B)[0] & DONE
    native.wait()
    assert card[512 * 20 :][: len(many)].tobytes() == many == native.read(20, 8)
    assert native.machine.sd_figure("blocks_written") == 9


@pytest.mark.parametrize("torn", [0, 1])
def test_a_power_cut_leaves_the_block_old_or_torn(puppet, torn):
    card = some_card()
    native = Native(puppet, card, sd_write=2000, sd_torn=torn)
    old, new = card.copy(), 255 - card[512 * 9 :][:512]
    native.write(9, new.tobytes())
    native.machine.call("power_on", 5)
    found = card[512 * 9 :][:512]
    if torn:
        cut = int(np.argmax(found != new)) if (found != new).any() else 512
        assert 0 < cut < 512 and (found[cut:] == old[512 * 9 + cut :][: 512 - cut]).all()
        card[512 * 9 :][:512] = old[512 * 9 :][:512]
    assert (card == old).all()


def test_what_is_illegal_in_a_state_is_not_answered_but_remembered(puppet):
    native = Native(puppet, some_card(), start=False)
    native.command(0, 0, NONE)
    assert native.command(17)[0] == SILENT
    assert native.command(2, 0, R2)[0] == SILENT
    native.identify()
    assert native.command(8, 0x1AA)[0] == SILENT
    assert native.status() & 1 << 22
    assert not native.status() & 1 << 22  # told once
    assert native.command(7, native.rca ^ 0x0001_0000, NONE)[0] == DONE
    assert native.command(17)[0] == SILENT  # it is not selected any more
    assert native.command(13, native.rca ^ 0x0001_0000)[0] == SILENT


def test_a_high_capacity_card_waits_for_a_host_that_knows_such_cards(puppet):
    native = Native(puppet, some_card(), start=False)
    native.command(0, 0, NONE)
    native.command(8, 0x1AA)
    with pytest.raises(TimeoutError):
        native.initialise(0x00FF_8000)


def test_addresses_beyond_the_end_are_refused_and_the_last_block_is_not(puppet):
    native = Native(puppet, some_card())
    last = KIB_8192 // 512 - 1
    assert native.read(last, 1) == native.puppet.card[-512:].tobytes()
    native.do(arm(native.buffer(), 1))
    flags, status, *_ = native.command(17, last + 1)
    assert flags == DONE and status >> 31
    native.do([(STORE, "SDMMC_BLOCK_CFG", 0)])
    assert native.read(last - 3, 4) == native.puppet.card[-2048:].tobytes()


def test_a_response_is_checked_as_cmd_set_says(puppet):
    native = Native(puppet, some_card(), start=False)
    native.command(0, 0, NONE)
    native.command(8, 0x1AA)
    native.command(55)
    assert native.command(41, STUFF, R1)[0] == CRC | 4  # R3 has neither CRC nor index


def test_a_block_that_cannot_be_read_never_comes(puppet):
    native = Native(puppet, some_card(), sd_latency=10)
    native.puppet.fate(lambda write, block: ERROR if block == 5 else GOOD)
    _, _, moved, counted = native.transfer(18, 3, 4, native.buffer())
    assert moved & LATE and counted == 2
    native.do([(STORE, "SDMMC_CONTROL", 0x39), (STORE, "SDMMC_CONTROL", 0x29)])
    assert native.command(12, 0, R1B)[1] & 1 << 21  # the card's ECC
    assert native.read(3, 2)


def test_a_damaged_block_is_told_and_the_next_read_is_good(puppet):
    native = Native(puppet, some_card())
    native.puppet.fate(lambda write, block: CORRUPT if block == 5 else GOOD)
    _, _, moved, counted = native.transfer(18, 3, 4, native.buffer())
    assert moved & DAMAGED and counted == 2
    assert native.command(12, 0, R1B)[0] & DONE
    with pytest.raises(BoardError, match="armed after TRANERR or DATTMO without"):
        native.read(0, 1)
    native = Native(puppet, native.puppet.card)
    native.puppet.fate(lambda write, block: CORRUPT)
    native.transfer(17, 3, 1, native.buffer())
    native.puppet.fate(lambda write, block: GOOD)
    native.do([(STORE, "SDMMC_CONTROL", 0x39), (STORE, "SDMMC_CONTROL", 0x29)])
    assert native.read(3, 1) == native.puppet.card[1536:2048].tobytes()


@pytest.mark.parametrize("fate", [ERROR, CORRUPT])
def test_a_block_that_is_not_written_is_told(puppet, fate):
    card = some_card()
    before = card.copy()
    native = Native(puppet, card)
    native.puppet.fate(lambda write, block: fate if write else GOOD)
    assert native.write(9, bytes(512))[-1] & DAMAGED
    assert (card == before).all()
    assert bool(native.status() & 1 << 19) == (fate == ERROR)


def test_a_card_that_was_pulled_out_is_silent_and_begins_anew(puppet):
    native = Native(puppet, some_card(), sd_bandwidth=1_000_000)
    native.puppet.tell(arm(native.buffer(), 64) + command(18, 0) + [
        (WAIT, "SDMMC_INT_FG", 1, MOVED | DAMAGED | LATE), (LOAD, "SDMMC_INT_FG")])  # fmt: skip
    native.puppet.run(3000)
    native.machine.call("sd_insert", 0)
    assert native.puppet.finish()[-1] & (LATE | MOVED) == LATE
    assert native.command(13, native.rca)[0] == SILENT
    native.machine.call("sd_insert", 1)
    assert native.command(13, native.rca)[0] == SILENT
    native.do([(STORE, "SDMMC_CONTROL", 0x38), (STORE, "SDMMC_CONTROL", 0x28),
               (STORE, "SDMMC_CLK_DIV", SLOW), (PAUSE, 20000)])  # fmt: skip
    native.identify()
    native.fast(4)
    assert native.read(8, 2) == native.puppet.card[4096:5120].tobytes()


def test_a_reset_of_the_chip_leaves_the_card_sending_until_cmd0(puppet):
    native = Native(puppet, some_card())
    native.puppet.tell(arm(native.buffer(), 64) + command(18, 0))
    native.puppet.run(400)
    native.machine.write(native.machine.addresses["go"], bytes(4))
    native.machine.call("reset", 1 << 26)
    native.do(CLOCKS + START)
    assert native.command(13, native.rca)[1] >> 9 & 15 == 5  # sending data
    native.identify()
    native.fast(4)
    assert native.read(8, 2) == native.puppet.card[4096:5120].tobytes()


def test_a_card_of_the_first_version_knows_neither_cmd8_nor_cmd6(puppet):
    native = Native(puppet, some_card(), start=False, sd_kind=2)
    native.command(0, 0, NONE)
    assert native.command(8, 0x1AA)[0] == SILENT
    assert native.command(55)[1] & 1 << 22  # which the next response tells
    assert native.command(41, 0x00FF_8000, R3)[1] == 0x00FF_8000
    native.initialise(0x00FF_8000)
    native.command(2, 0, R2)
    native.rca = native.command(3)[1] & 0xFFFF_0000
    native.command(7, native.rca, R1B)
    assert native.command(6, 0x80FF_FFF1)[0] == SILENT
    assert native.read(512, 1) == native.puppet.card[512:1024].tobytes()


def test_a_snapshot_in_the_middle_of_a_read_goes_on_alike(puppet):
    native = Native(puppet, some_card(), sd_pause=700, sd_pause_chance=1 << 30)
    to = native.buffer()
    native.puppet.tell(arm(to, 64) + command(18, 100) + [
        (WAIT, "SDMMC_INT_FG", 1, MOVED), (LOAD, "SDMMC_STATUS")])  # fmt: skip
    native.puppet.run(3000)
    snapshot, ends = native.machine.snapshot(), []
    for _ in range(2):
        native.puppet.finish()
        ends.append((native.puppet.us, native.machine.read(to, 64 * 512)))
        native.puppet.card[:] = 0
        native.machine.restore(snapshot)
    assert ends[0] == ends[1]
    assert ends[0][1] == some_card()[100 * 512 :][: 64 * 512].tobytes()


IDENTIFY = [*command(0, 0, NONE), *command(8, 0x1AA)]
READ = arm(BUFFERS + 4096, 1) + command(17, 0)
BREACHES = {
    "no 74 clocks": (False, [(STORE, "SDMMC_CLK_DIV", 0), (STORE, "SDMMC_CLK_DIV", SLOW)]
                     + command(0, 0, NONE), None),
    "too fast to begin with": (False, [(STORE, "SDMMC_CLK_DIV", MHZ_25)] + IDENTIFY,
                               "a clock above 400 kHz before it is identified"),
    "too fast without CMD6": (None, READ, "a clock above 25 MHz without high speed"),
    "no gap": (False, [(STORE, "SDMMC_CMD_SET", 0), (WAIT, "SDMMC_INT_FG", 1, DONE),
                       (STORE, "SDMMC_CMD_SET", 0)], "CMD0 less than 8 clocks after"),
    "two at once": (False, [(STORE, "SDMMC_CMD_SET", 0), (STORE, "SDMMC_CMD_SET", 8)],
                    "CMD8 while another command is under way"),
    "held in reset": (False, [(STORE, "SDMMC_CONTROL", 0x15), *command(0, 0, NONE)],
                      "CONTROL = 0x15 still holds it in reset"),
    "no clock": (False, [(STORE, "SDMMC_CLK_DIV", 0), *command(0, 0, NONE)], "no clock"),
    "1.2 V": (False, [(STORE, "PWR_CTLR", 0x200), *command(0, 0, NONE)], "VIO18"),
    "SWPMI": (False, [(STORE, "SWPMI_OR", 0), *command(0, 0, NONE)], "SWPMI has not let go"),
    "pins": (False, [(STORE, "GPIOD_CFGLR", 0x44444444), *command(0, 0, NONE)], "PD2"),
    "a read that is not armed": (True, command(17, 0) + [(WAIT, "SDMMC_INT_FG", 1, MOVED)],
                                 "no read was armed before CMD17"),
    "a write armed too early": (True, arm(BUFFERS, 1, writes=1) + command(24, 0),
                                "CMD24 while a write is armed"),
    "the same address": (True, READ + [(WAIT, "SDMMC_INT_FG", 1, GAP)] + READ,
                         "DMA_BEG1 = 0x20121000 again: the address does not rewind"),
    "DTCM": (True, arm(0x200C_1000, 1), "DMA cannot reach 0x200c1000"),
    "the end of memory": (True, arm(0x2017_FE00, 2), "DMA cannot reach 0x2017fe00"),
    "alignment": (True, arm(BUFFERS + 8, 1), "is not a multiple of 16"),
    "the wrong order": (True, [(STORE, "SDMMC_BLOCK_CFG", 0), (STORE, "SDMMC_DMA_BEG1", BUFFERS)],
                        "DMA_BEG1 written before BLOCK_CFG"),
    "no zero first": (True, arm(BUFFERS, 1)[:3] + arm(BUFFERS, 1)[2:3], "must be written 0 first"),
    "another width": (True, [(STORE, "SDMMC_CONTROL", 0x28), *READ,
                             (WAIT, "SDMMC_INT_FG", 1, GAP)], "the card has 4 data lines"),
    "another size": (True, arm(BUFFERS, 1, 256) + command(17) + [(WAIT, "SDMMC_INT_FG", 1, GAP)],
                     "the card sends a block of 512 bytes, BLOCK_CFG says 256"),
    "WRITE_CONT": (True, [(STORE, "SDMMC_RESPONSE3", 0)], "no write waits in a gap"),
    "interrupts": (True, [(STORE, "SDMMC_INT_EN", 0x80)], "INT_EN"),
    "gap stop": (True, [(STORE, "SDMMC_TRAN_MODE", 2)], "only its direction is modelled"),
    "the clock of a busy card": (True, command(24, 9) + arm(BUFFERS, 1, writes=1)
                                 + [(WAIT, "SDMMC_INT_FG", 1, GAP), (STORE, "SDMMC_CLK_DIV", 0)],
                                 "clock stopped while the card holds DAT0 low"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREACHES)
def test_sdmmc_used_wrongly_stops_with_a_sentence(puppet, name):
    identified, orders, sentence = BREACHES[name]
    if sentence is None:  # a card that has just come has had no clocks yet
        native = Native(puppet, None, start=False)
        card = some_card()
        native.machine.call("sd", card.ctypes.data, card.nbytes)
        native.machine.call("sd_insert", 1)
        sentence = "fewer than 74 clocks"
    else:
        native = Native(puppet, some_card(), start=identified is not False, sd_high_speed=1)
        if identified is None:
            native.read_register(6, 0x80FF_FFF0, 64)  # back to 25 MHz, but not the clock
    with pytest.raises(BoardError) as error:
        native.do(orders, 20_000)
    assert sentence in str(error.value)


# ---- The other wiring: SPI1 ----

SPI_PINS = [
    (STORE, "AFIO_GPIOB_AFLR", 0x0055_5000), (STORE, "GPIOB_OUTDR", 1 << 2 | 1 << 4),
    (STORE, "GPIOB_CFGLR", 0x4498_9144),
]  # fmt: skip
SPI_SLOW, SPI_MHZ_25 = 0x37C, 0x34C
TX, RX = 63, 64


class Spi:
    """The card at SPI1: bytes by the DMA, commands made here."""

    def __init__(self, image: Path, card: np.ndarray | None, start=True, **options):
        self.puppet = Puppet(image, card, sd_wiring=SD_SPI, **options)
        self.do, self.machine = self.puppet.do, self.puppet.machine
        self.do(SPI_PINS + [(STORE, "SPI1_CTLR1", SPI_SLOW), (STORE, "SPI1_CTLR2", 3),
                            (STORE_BYTE, "DMAMUX_CFGR0_3", RX - 1),
                            (STORE, "DMA1_PADDR1", 0x4001_300C),
                            (STORE, "DMA1_PADDR2", 0x4001_300C)])  # fmt: skip
        mux = self.puppet._places["DMAMUX_CFGR0_3"]
        self.do([(STORE_BYTE, mux + 1, TX - 1)])
        if start:
            self.identify()

    def exchange(self, out: bytes) -> bytes:
        source, to = BUFFERS, BUFFERS + 0x1_0000
        self.machine.write(source, out)
        self.do([
            (STORE, "DMA1_INTFCR", 0xFF), (STORE, "DMA1_CNTR1", len(out)),
            (STORE, "DMA1_CNTR2", len(out)), (STORE, "DMA1_MADDR1", to),
            (STORE, "DMA1_MADDR2", source), (STORE, "DMA1_CFGR1", 0x2081),
            (STORE, "DMA1_CFGR2", 0x91), (WAIT, "DMA1_INTFR", 1, 2),
            (STORE, "DMA1_CFGR1", 0), (STORE, "DMA1_CFGR2", 0),
        ])  # fmt: skip
        return self.machine.read(to, len(out))

    def receive(self, count: int) -> bytes:
        return self.exchange(b"\xff" * count)

    def select(self, selected: bool) -> None:
        self.do([(STORE, "GPIOB_BSHR", 1 << 18 if selected else 1 << 2)])

    def command(self, index: int, argument: int = 0, more: int = 0) -> bytes:
        frame = bytes([0x40 | index]) + argument.to_bytes(4, "big")
        self.exchange(b"\xff" + frame + bytes([crc7(frame) << 1 | 1]))
        if index == 12:
            self.stuff = self.receive(1)[0]
        for _ in range(9):
            answer = self.receive(1)
            if not answer[0] & 0x80:
                return answer + (self.receive(more) if more else b"")
        raise TimeoutError(f"CMD{index} is not answered")

    def identify(self) -> None:
        self.receive(10)
        self.select(True)
        assert self.command(0) == b"\x01"
        assert self.command(8, 0x1AA, 4) == b"\x01\x00\x00\x01\xaa"
        assert self.command(59, 1) == b"\x01"
        for _ in range(100):
            assert self.command(55) in (b"\x01", b"\x00")
            if self.command(41, 1 << 30) == b"\x00":
                break
            self.puppet.run(1000)
        self.ocr = self.command(58, 0, 4)
        self.do([(STORE, "SPI1_CTLR1", SPI_MHZ_25)])

    def block(self, count: int = 512) -> bytes:
        for _ in range(10_000):
            token = self.receive(1)[0]
            if token != 0xFF:
                break
        if token != 0xFE:
            raise ValueError(token)
        data = self.receive(count + 2)
        assert crc16(data) == 0
        return data[:-2]

    def send(self, token: int, data: bytes, crc: int | None = None) -> int:
        crc = crc16(data) if crc is None else crc
        self.exchange(b"\xff" + bytes([token]) + data + crc.to_bytes(2, "big"))
        return self.receive(1)[0] & 0x1F

    def wait(self) -> int:
        for count in range(10_000):
            if self.receive(1) == b"\xff":
                return count
        raise TimeoutError("busy")


@pytest.mark.parametrize("kind", [0, 1])
def test_in_spi_mode_blocks_are_read_and_written(puppet, kind):
    card = some_card()
    spi = Spi(puppet, card, sd_kind=kind, sd_latency=100, sd_write=3000)
    unit = 512 if kind else 1
    assert spi.ocr[1] & 0xC0 == (0x80 if kind else 0xC0)
    assert spi.command(17, 3 * unit) == b"\0"
    assert spi.block() == card[1536:2048].tobytes()
    assert spi.command(18, 100 * unit) == b"\0"
    for i in range(5):
        assert spi.block() == card[512 * (100 + i) :][:512].tobytes()
    assert spi.command(12) == b"\0"
    assert spi.stuff < 0x80  # what looks like a response and is none
    assert spi.command(13, 0, 1) == b"\0\0"
    new = np.random.default_rng(5).integers(0, 256, 512, dtype=np.uint8).tobytes()
    assert spi.command(24, 7 * unit) == b"\0"
    assert spi.send(0xFE, new) == 5
    assert spi.wait()
    assert card[3584:4096].tobytes() == new
    assert spi.command(25, 50 * unit) == b"\0"
    for _ in range(3):
        assert spi.send(0xFC, new) == 5
        assert spi.wait()
    assert spi.exchange(b"\xfd" + b"\xff" * 8)[2:].startswith(b"\0")  # busy after one byte
    spi.wait()
    assert card[512 * 50 :][:1536].tobytes() == new * 3
    assert spi.command(9) == b"\0"
    csd = spi.block(16)
    assert capacity([int.from_bytes(csd[i : i + 4], "big") for i in range(0, 16, 4)]) == KIB_8192


def test_in_spi_mode_errors_have_their_tokens(puppet):
    card = some_card()
    spi = Spi(puppet, card, sd_latency=50, sd_write=50)
    before = card.copy()
    spi.puppet.fate(lambda write, block: ERROR if block == 5 else CORRUPT if block == 6 else GOOD)
    assert spi.command(17, 5) == b"\0"
    with pytest.raises(ValueError, match="4"):  # the card's ECC
        spi.block()
    assert spi.command(17, 6) == b"\0"
    with pytest.raises(AssertionError):  # the CRC
        spi.block()
    for block, crc, answer in ((5, None, 0x0D), (6, None, 0x0B), (7, 0x1234, 0x0B)):
        assert spi.command(24, block) == b"\0"
        assert spi.send(0xFE, bytes(512), crc) == answer
    assert spi.command(17, KIB_8192 // 512)[0] & 0x40
    assert spi.command(2)[0] == 4  # illegal
    assert (card == before).all()
    spi.machine.call("sd_insert", 0)
    with pytest.raises(TimeoutError):
        spi.command(13)
    spi.machine.call("sd_insert", 1)
    with pytest.raises(TimeoutError):  # it speaks the native language again
        spi.command(13)


def test_spi_at_25_mhz_takes_8_clocks_a_byte(puppet):
    spi = Spi(puppet, some_card(), sd_bandwidth=0)
    spi.do([(STORE, "DMA1_INTFCR", 0xFF), (STORE, "DMA1_CNTR1", 10_000),
            (STORE, "DMA1_CNTR2", 10_000), (STORE, "DMA1_MADDR1", BUFFERS),
            (STORE, "DMA1_MADDR2", BUFFERS), (STORE, "DMA1_CFGR1", 0x2081)])  # fmt: skip
    began = spi.puppet.us
    spi.do([(STORE, "DMA1_CFGR2", 0x11), (WAIT, "DMA1_INTFR", 1, 2)])
    assert 3200 <= spi.puppet.us - began < 3300 + 1000  # seen in steps of a millisecond


SPI_BREACHES = {
    "no 74 clocks": ([], "fewer than 74 clocks before the first command"),
    "too fast": ([(STORE, "SPI1_CTLR1", SPI_MHZ_25)], "a clock above 400 kHz"),
    "not the master": ([(STORE, "SPI1_CTLR1", 0x278)], "lacks SPE, MSTR, SSM or SSI"),
    "pins": ([(STORE, "GPIOB_CFGLR", 0x4444_4144)], "SPI1: PB3"),
    "another mode": ([(STORE, "SPI1_CTLR1", SPI_SLOW | 1)], "not all of this is modelled"),
    "a request for nobody": (
        [(STORE_BYTE, "DMAMUX_CFGR0_3", 5)], "leads request 6 to channel 1 of DMA1"),
    "out of reach": ([(STORE, "DMA1_CNTR1", 4), (STORE, "DMA1_MADDR1", 0x2018_0000),
                      (STORE, "DMA1_CFGR1", 0x81)], "DMA cannot reach 0x20180000"),
    "a channel that works": ([(STORE, "DMA1_CNTR1", 4), (STORE, "DMA1_MADDR1", SHARED),
                              (STORE, "DMA1_CFGR1", 0x81), (STORE, "DMA1_CNTR1", 5)],
                             "channel 1 of DMA1 written while EN is set"),
    "a byte lost": ([(STORE, "SPI1_DATAR", 1)] * 3, "DATAR written while TXE is 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPI_BREACHES)
def test_spi_and_dma_used_wrongly_stop_with_a_sentence(puppet, name):
    orders, sentence = SPI_BREACHES[name]
    spi = Spi(puppet, some_card(), start=False)
    if name == "too fast":
        spi.receive(10)
    with pytest.raises(BoardError) as error:
        spi.do(orders)
        spi.select(True)
        spi.command(0)
    assert sentence in str(error.value)
