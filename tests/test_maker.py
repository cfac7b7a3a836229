"""Two cores, one picture: the application's side and the worker in two threads of a PC, over the
struct that they share; and on the virtual CH32H417, whose first core has time for people."""

import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from card_images import require_tools
from conftest import built
from small_cats import packed, true_cat

from whim import cats, decoder, volume
from whim.device import lines
from whim.encodings import Encoding
from whim.flagship import Flagship
from whim.flagship_cats import start
from whim.sd_card import SdCard

ROOT = Path(__file__).resolve().parents[1]
MODEL = true_cat(Encoding.INT4, (32, 24, 16, 8, 3))
COUNT = 4


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    """tests/firmware/maker.c, which stops at the first undefined behaviour or wild access."""
    compiler = shutil.which("cc") or pytest.fail("there is no C compiler `cc`")
    folder = tmp_path_factory.mktemp("maker")
    sources = ["tests/firmware/maker.c", "src/app/maker.c", "src/app/worker.c"]
    sources += map(str, sorted((ROOT / "src/engine").glob("*.c")))
    sources += map(str, sorted((ROOT / "src/engine/kernels").glob("*.c")))
    sources += map(str, sorted((ROOT / "src/engine/kernels/rows").glob("*.c")))
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-g", "-pthread"]
    flags += ["-fsanitize=undefined", "-fno-sanitize-recover=all", "-D_POSIX_C_SOURCE=200809L"]
    flags += ["-DWHIM_CARD=1", "-DWHIM_CORES=2", "-Iinclude", "-Isrc", "-ffunction-sections"]
    # Each side has a `work` of its own, in the same place: here the linker does that.
    flags += ["-Wl,--allow-multiple-definition", "-Wl,--gc-sections", f"-Wl,-T,{folder}/link.ld"]
    (folder / "link.ld").write_text(
        "SECTIONS { worker_arena_end = worker_arena + 225280; } INSERT AFTER .bss;\n"
    )
    made = folder / "program"
    subprocess.run([compiler, *flags, *sources, "-o", made], cwd=ROOT, check=True)
    return made


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "cat4.whim"
    path.write_bytes(packed(MODEL))
    return path


def run(program, model, *how: str, seed: int = 1) -> tuple[subprocess.CompletedProcess, np.ndarray]:
    z, _ = cats.latents(seed, COUNT)
    done = subprocess.run(
        [program, model, str(COUNT), *how], input=z.tobytes(), capture_output=True, timeout=60
    )
    return done, z


@pytest.mark.parametrize("how", ["", "stops", "fails"])
def test_two_cores_make_the_decoders_picture_whatever_came_before(program, model, how):
    done, z = run(program, model, how)
    said = done.stderr.decode()
    assert done.returncode == 0, said
    expected = decoder.decode(MODEL, z)
    assert done.stdout == expected.tobytes()
    made = lines(said, "made")
    assert [one["percent"] for one in made] == [100] * COUNT
    assert {one["read"] for one in made} == {model.stat().st_size}, "every byte once"
    assert {one["retries"] for one in made} == {0}
    crcs = [zlib.crc32(picture.tobytes()) for picture in expected]
    assert [int(word.split("last=")[1], 16) for word in said.splitlines()] == crcs


@pytest.mark.parametrize("how", ["deaf", "dies"])
def test_a_core_that_stops_is_told_and_the_device_starts_afresh(program, model, how):
    done, z = run(program, model, how)
    assert done.returncode == 3, "it restarts"
    assert done.stderr.decode().endswith(
        "error: core stopped, while making a cat\n  the second core is silent: restarting\n"
    )
    whole = 1 if how == "dies" else 0
    assert done.stdout == decoder.decode(MODEL, z[:whole]).tobytes() if whole else not done.stdout


@pytest.fixture(scope="module")
def board(emulator, tmp_path_factory):
    """A CH32H417 with a model that takes its second core a third of a second."""
    require_tools()
    image = built("ch32h417", "firmware.elf")
    path = tmp_path_factory.mktemp("card") / "card.img"
    large = true_cat(Encoding.INT4, (256, 192, 96, 48, 3))
    volume.make(path, {"cat4.whim": packed(large, 1023)})
    with Flagship("ch32h417", 7, image=image, card=SdCard(path)) as board:
        yield start(board)


def until(board: Flagship, words: str, ms: float) -> float:
    """How many ms it takes until the console says that."""
    begin, at = len(board.console), board.ms
    assert board.run_until(lambda: words in board.console[begin:], ms), board.console[begin:]
    return board.ms - at


def test_while_the_second_core_computes_the_first_one_listens(board):
    board.type("generate\r")
    took = until(board, "\ncat mood=", 5000)
    assert took > 350, "long enough to try"
    board.run(ms=100)

    board.type("generate\r")
    board.run(ms=150)
    board.type("stats\r")
    assert until(board, "installation seconds=0\n", 200) < 60  # of which the line itself takes 35
    board.type("\x03")
    assert until(board, "cat cancelled", 200) < 20
    board.run(ms=100)

    board.type("generate\r")
    board.run(ms=150)
    board.press()
    assert until(board, "cat cancelled\n", 200) < 60  # of which the contact bounces for 29
    assert len(lines(board.console, "cat")) == 3, "and none of them was made"
