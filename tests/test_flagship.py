"""The flagship from end to end: the image that people flash, on its virtual chip, with a card as
other computers write it. Its cats are the NumPy decoder's, its voice is never late, and it comes
back by itself from a card that is pulled out and from power that fails, at any moment."""

import json
import os
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from conftest import built
from card_images import require_tools
from flagship_card import (
    BANK,
    FOUR,
    MODELS,
    assert_no_byte_was_used_twice,
    assert_no_file_is_damaged,
    card_files,
    cat_bytes,
    drawn,
    used_bytes,
)
from test_voice import is_all, twin

from whim import bank, cats, decoder, dither, kept, volume
from whim.card import Card
from whim.device import Device, lines
from whim.flagship import Flagship
from whim.flagship_cats import ask, generate, listen, start
from whim.sd_card import ERROR, GOOD, SdCard

ROOT = Path(__file__).resolve().parents[1]
TOOL = [sys.executable, str(ROOT / "host/board.py"), "ch32h417"]
SECONDS = {"int8": 4.0, "int4": 2.5}  # that a cat may take
MOMENTS = 50 if os.environ.get("WHIM_SOAK") else 5


@pytest.fixture(scope="module")
def image(emulator) -> Path:
    return built("ch32h417", "firmware.elf")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, bytes]:
    return card_files(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def sectors(files, tmp_path_factory) -> bytes:
    """An image of a card with them, of the kind that most people have."""
    require_tools()
    path = tmp_path_factory.mktemp("card") / "card.img"
    volume.make(path, files)
    return path.read_bytes()


@pytest.fixture
def board(image, sectors):
    with Flagship(seed=7, image=image, card=SdCard(sectors)) as board:
        yield start(board)


def board_tool(*words) -> subprocess.CompletedProcess:
    pipes = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL}
    return subprocess.run([*TOOL, *map(str, words)], **pipes)


# The cats that are shipped


@pytest.mark.parametrize("weights", SECONDS)
def test_a_shipped_cat_is_the_decoders_in_time_and_spoken_without_a_late_sample(
    image, weights, tmp_path
):
    """From a card of 25 MB/s, in 4-bit SDMMC."""
    require_tools()
    png, wav = tmp_path / "cat.png", tmp_path / "verdict.wav"
    words = ["--seed", 7, "--weights", weights, "--image", image, "--png", png, "--wav", wav]
    done = board_tool("generate", *words)
    assert (done.returncode, done.stderr) == (0, "")
    made = json.loads(done.stdout)
    (z,), (mood,) = cats.latents(7, 1)
    model = decoder.load(cats.model_file(cats.CARD, weights))
    assert made["z"] == z.tolist() and made["mood"] == mood
    assert made["crc32"] == zlib.crc32(drawn(model, z).tobytes())
    assert made["verdict"] == cats.verdicts(7, 1)[0]
    assert made["sentence"] == bank.load().sentence(made["verdict"])
    assert (made["late"], made["fades"], made["card_retries"]) == (0, 0, 0)
    assert made["card_wires"] == 4 and 25e6 < made["card_hertz"] <= 50e6
    assert made["seconds"] <= SECONDS[weights]
    assert made["computing"] + made["waiting"] == pytest.approx(made["seconds"], rel=0.03)
    assert made["cores"]["v5f"]["instructions"] < made["cores"]["v5f"]["cycles"]


# Whatever card it is


@pytest.mark.parametrize("wiring", ["sdmmc", "spi"])
@pytest.mark.parametrize("weights", MODELS)
def test_both_wirings_make_the_decoders_cat(image, sectors, wiring, weights):
    with Flagship(seed=7, image=image, card=SdCard(sectors), wiring=wiring) as board:
        made = generate(start(board), weights)
        assert board.machine.sd_figure("wires") == (4 if wiring == "sdmmc" else 1)
        assert board.machine.sd_figure("hertz") <= (50e6 if wiring == "sdmmc" else 25e6)
    picture = drawn(MODELS[weights], cats.latents(7, 1)[0][0])
    assert (made.cat.picture == picture).all()
    assert (made.screen[:, :64] == dither.dither(picture)).all()
    assert is_all(made.sound.astype(int), twin(BANK, made.cat.verdict))
    assert (made.figures["late"], made.figures["fades"]) == (0, 0)


@pytest.mark.parametrize("kind, table", [("fat16", False), ("fat32", False), ("exfat", True)])
def test_every_kind_of_volume_makes_the_same_cat(image, files, kind, table, tmp_path):
    require_tools()
    path = tmp_path / "card.img"
    volume.make(path, files, filesystem=kind, table=table)
    with Flagship(seed=7, image=image, card=SdCard(path)) as board:
        said = ask(start(board), "generate")
    crc = zlib.crc32(drawn(FOUR, cats.latents(7, 1)[0][0]).tobytes())
    assert lines(said, "cat")[0]["crc"] == f"{crc:08x}"


@pytest.mark.parametrize("manners, hertz", [
    ({"kind": "sdsc"}, 50e6),
    ({"kind": "old"}, 25e6),
    ({"high_speed": False}, 25e6),
])  # fmt: skip
@pytest.mark.parametrize("wiring", ["sdmmc", "spi"])
def test_older_cards_work_too(image, sectors, manners, hertz, wiring):
    with Flagship(seed=7, image=image, card=SdCard(sectors, **manners), wiring=wiring) as board:
        (cat,) = lines(ask(start(board), "generate"), "cat")
        assert 20e6 < board.machine.sd_figure("hertz") <= hertz
    crc = zlib.crc32(drawn(FOUR, cats.latents(7, 1)[0][0]).tobytes())
    assert cat["crc"] == f"{crc:08x}"


def test_no_sample_is_late_while_the_card_pauses_for_100_ms_and_a_slow_one_is_waited_for(
    image, sectors
):
    slow = SdCard(sectors, bandwidth=1e6, latency=2e-3, pause=0.1, pause_chance=0.05)
    with Flagship(seed=7, image=image, card=slow) as board:
        said = ask(start(board), "say 0")
        assert "error" not in said
        assert is_all(board.sounds[-1].values.astype(int), twin(BANK, 0))
        assert board.late == 0 and board.machine.sd_figure("paused_ticks") > 0


def test_an_error_of_the_card_is_tried_again_or_named(board):
    bad = {}
    board.card.fate = lambda write, block: bad.setdefault(block, GOOD) if not write else GOOD
    said = ask(board, "generate")
    right = lines(said, "cat")
    ask(board, "seed 7")
    blocks = sorted(bad)
    bad[blocks[len(blocks) // 2]] = ERROR
    said = ask(board, "generate")
    assert "error: card read" in said and not lines(said, "cat")
    for block in bad:
        bad[block] = GOOD
    ask(board, "seed 7")
    assert lines(ask(board, "generate"), "cat")[0]["crc"] == right[0]["crc"]


def test_without_a_card_the_die_rolls_and_a_cat_is_an_error_with_a_name(image):
    with Flagship(seed=7, image=image) as board:
        assert start(board).roll()["entropy"] == "seed"
        said = ask(board, "generate")
        assert "error: card missing" in said


def test_what_was_kept_is_on_the_cards_image_only_if_chance_was_asked(image, sectors, tmp_path):
    card = tmp_path / "card.img"
    card.write_bytes(sectors)
    slow = ["--bus", "spi", "--speed", "bandwidth=100kB/s"]
    seeded = board_tool("generate", "--seed", 7, "--image", image, "--card", card, *slow)
    told = json.loads(seeded.stdout)
    assert told["bus"] == "spi" and told["waiting"] > 4 * told["computing"]
    assert card.read_bytes() == sectors
    made = json.loads(board_tool("generate", "--image", image, "--card", card).stdout)
    assert made["entropy"] == "quantum"
    found = kept.read(volume.contents(card)["cats/00001.bmp"])
    assert zlib.crc32(found.picture.tobytes()) == made["crc32"]


def test_the_tone_is_1_khz(board):
    assert ask(board, "tone").startswith("tone\n")
    values = board.sounds[-1].values.astype(float)
    middle = values[len(values) // 4 :][:64_000]
    spectrum = np.abs(np.fft.rfft((middle - middle.mean()) * np.hanning(len(middle))))
    assert np.argmax(spectrum) == pytest.approx(1000, abs=1) and board.late == 0


def test_each_layers_crc_is_the_simulators(board, files, simulator):
    with Device(seed=7, program=simulator, card=Card(files)) as device:
        device.run(ms=300)
        begin = len(device.console)
        device.type("selftest cat\r")
        device.run_until(lambda: "selftest done" in device.console[begin:])
        expected = lines(device.console[begin:], "selftest")
    said = lines(ask(board, "selftest cat"), "selftest")
    assert said == expected and [one.get("layer") for one in said[1:-1]] == [0, 1, 2, 3]


def test_an_installation_makes_cats_by_itself_and_goes_on_after_a_power_cut(board, files):
    board.type("install 2\r")
    assert board.run_until(lambda: board.console.count("\ncat ") == 2, 20_000)
    board.run(ms=700)
    board.power_cut()
    assert board.run_until(lambda: board.console.count("\ncat ") == 4, 20_000)
    wait_until_idle(board)
    assert "error" not in board.console
    assert_no_file_is_damaged(board, files)


# A second core that stops


@pytest.mark.parametrize("code, sign", [
    (b"\x01\xa0", "core stopped"),  # j . : it computes for ever
    (b"\0\0", "fault on V5F cause=00000002"),  # no instruction
])  # fmt: skip
def test_a_second_core_that_stops_is_told_and_the_board_starts_afresh(image, sectors, code, sign):
    slow = SdCard(sectors, bandwidth=50e3)
    with Flagship(seed=7, image=image, card=slow, faults="deliver") as board:
        start(board)
        board.type("generate\r")
        assert board.run_until(lambda: board.machine.figure("started", 1), 3000)
        board.run(ms=100)
        board.machine.write(board.machine.addresses["whim_generate_step"], code)
        begin = len(board.console)
        assert board.run_until(lambda: board.resets == 1, 8000)
        assert sign in board.console[begin:] and "error: core stopped" in board.console[begin:]
        board.card.bandwidth = 25e6
        board.manners()
        board.run(ms=1000)
        wait_until_idle(board)
        ask(board, "seed 7")
        (cat,) = lines(ask(board, "generate"), "cat")
        picture = drawn(FOUR, cats.latents(7, 1)[0][0])
        assert cat["crc"] == f"{zlib.crc32(picture.tobytes()):08x}"


# Card pulled, power cut


class Life(NamedTuple):
    """What a device did: `begins`, the ms at which the button was pressed, and for how long; the
    snapshots of these moments; and the ms in which it used its card, all since the first press."""

    begins: list[tuple[float, int]]
    snapshots: list[tuple]
    busy: list[float]
    end: float

    def moment(self, *seed: int) -> float:
        """Any, or one at which the card is used."""
        rng = np.random.default_rng(seed)
        if seed[-1] % 2:
            return float(rng.choice(self.busy) - rng.uniform(0, 1))
        return float(rng.uniform(0, self.end))


def card_of(sectors: bytes) -> SdCard:
    """One that takes its time to write, and of whose last block the half may be new."""
    return SdCard(sectors, busy=2e-3, torn=True)


@pytest.fixture(scope="module")
def life(image, sectors):
    """life(wiring): a roll, two cats, one more roll, all by the pool."""

    @cache
    def life(wiring: str) -> Life:
        with Flagship(image=image, card=card_of(sectors), wiring=wiring) as board:
            start(board)
            begins, snapshots, used, first = [], [], [], board.ms
            commands = lambda: board.machine.sd_figure("commands")  # noqa: E731
            board.on_frame = lambda ms: used.append((ms - first, commands()))
            for press in (80, 1000, 1000, 80):
                begins.append((board.ms - first, press))
                snapshots.append(board.snapshot())
                said = len(board.console)
                board.press(ms=press)
                listen(board, said)
            made = lines(board.console, "cat")
            assert "error" not in board.console and [cat["kept"] for cat in made] == [1, 2]
            assert len(used_bytes(board.console)) == 4, "all four were made by the pool"
            assert_no_byte_was_used_twice(board.console)
            for _, painted, room in board.stacks().values():
                assert 0 < painted <= 0.75 * room
            busy = [ms for (_, old), (ms, new) in zip(used, used[1:]) if new > old]
            return Life(begins, snapshots, busy, board.ms - first)

    return life


@pytest.fixture
def at(image, sectors, life):
    """at(number, what): a board that lives so, at some moment; every fifth is wired by SPI."""
    boards = []

    def at(number: int, what: int) -> Flagship:
        wiring = "spi" if number % 5 == 4 else "sdmmc"
        lived = life(wiring)
        ms = lived.moment(what, number)
        boards.append(Flagship(image=image, card=card_of(sectors), wiring=wiring))
        last = max(i for i, (began, _) in enumerate(lived.begins) if began <= ms)
        began, press = lived.begins[last]
        boards[-1].restore(lived.snapshots[last])
        boards[-1].press(ms=press)
        boards[-1].run(ms=ms - began)
        return boards[-1]

    yield at
    for board in boards:
        board.close()


def assert_it_works(board: Flagship, files: dict[str, bytes]) -> None:
    """Like a device to which nothing ever happened: a roll and a cat, by the pool."""
    board.run(ms=1500)  # looking for a missing card takes time, so chance does it once a second
    wait_until_idle(board)
    begin = len(board.console)
    roll = board.roll()
    wait_until_idle(board)
    (cat,) = lines(ask(board, "generate"), "cat")
    assert (roll["entropy"], cat["entropy"]) == ("quantum", "quantum")
    cat_bytes(cat)  # its picture is right
    assert cat["kept"] and "error" not in board.console[begin:]
    assert_no_byte_was_used_twice(board.console)
    assert_no_file_is_damaged(board, files)


def wait_until_idle(board: Flagship) -> None:
    """Until it asks for the next thing to do."""
    assert board.run_until(lambda: board.console.endswith("\n>>> "), 30_000), board.console
    board.run(ms=50)


@pytest.mark.parametrize("number", range(MOMENTS))
def test_a_card_pulled_out_at_any_moment_and_put_back_is_used_again(at, files, number):
    board = at(number, 1)
    board.pull()
    board.run(ms=float(10 ** np.random.default_rng(number).uniform(0, 3.5)))
    board.insert()
    assert_it_works(board, files)
    assert board.resets == 0


@pytest.mark.parametrize("number", range(MOMENTS))
def test_power_that_fails_at_any_moment_damages_nothing(at, files, number):
    board = at(number, 2)
    board.power_cut(noise=number)
    begin = len(board.console)
    assert board.run_until(lambda: ">>> " in board.console[begin:], 3000)
    assert "reset by power-on" in board.console[begin:]
    assert_it_works(board, files)
