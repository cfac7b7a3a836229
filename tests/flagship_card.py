"""What lies on the flagship's card in the tests: quickly made cats, a short bank, and a pool whose
bytes are known, so that it can be told which of them a cat or a roll was made of."""

import tempfile
import zlib
from pathlib import Path

import numpy as np
from small_bank import small_bank
from small_cats import packed, small_cat

from whim import bank, cats, entropy, kept, normal, volume
from whim.decoder import decode
from whim.device import lines
from whim.encodings import Encoding
from whim.flagship import Flagship
from whim.model import Model
from whim.pool import BYTES, Pool

EIGHT, FOUR = small_cat(1), small_cat(6, Encoding.INT4)  # no two latents make the same
MODELS = {"int8": EIGHT, "int4": FOUR}
CHUNK = 95  # units of 16 bytes: with the trailer, three whole sectors
BANK = small_bank((1500, 3000, 1018, 2000))
SECTORS = 60  # of the pool
POOL = np.random.default_rng(60).bytes(SECTORS * BYTES)


def card_files(folder: Path) -> dict[str, bytes]:
    """A card's files by their names; `folder` is for the making."""
    with Pool.create(folder / "pool.bin") as pool:
        pool.append(POOL, "anu", True)
    return {
        "cat8.whim": packed(EIGHT, CHUNK),
        "cat4.whim": packed(FOUR, CHUNK),
        "phrases.bank": bank.write(BANK),
        "pool.bin": (folder / "pool.bin").read_bytes(),
    }


def drawn(model: Model, z: np.ndarray) -> np.ndarray:
    """The picture by the NumPy decoder, uint8 (64, 64, 3)."""
    return decode(model, z[None])[0].view(np.uint8) ^ 128


def roll_bytes(result: dict) -> range:
    """The pool's bytes that a roll was made of."""
    told = (result["pips"], result["turn"], tuple(result["latent"]))
    for at in range(len(POOL) - 16):
        rest = iter(range(at, len(POOL)))
        if entropy.roll(POOL[i] for i in rest) == told:
            return range(at, next(rest))
    raise AssertionError(f"no bytes of the pool make this roll: {result}")


def cat_bytes(result: dict) -> range:
    """The pool's bytes that a cat was made of, whose picture is checked on the way."""
    ends = np.arange(2 * cats.LATENT, len(POOL) - 2)
    data = np.frombuffer(POOL, np.uint8).astype(int)
    verdicts = (data[ends] & 1) << 16 | data[ends + 1] << 8 | data[ends + 2]
    for end in ends[verdicts == result["verdict"]]:
        picture = drawn(MODELS[result["weights"]], normal.latent(POOL[end - 2 * cats.LATENT : end]))
        if result["crc"] == f"{zlib.crc32(picture.tobytes()):08x}":
            return range(end - 2 * cats.LATENT, end + 3)
    raise AssertionError(f"no bytes of the pool make this cat: {result}")


def used_bytes(console: str) -> list[range]:
    """The pool's bytes of all that the console tells to have been made of them."""
    made = [(roll_bytes, one) for one in lines(console, "roll")]
    made += [(cat_bytes, one) for one in lines(console, "cat") if "crc" in one]
    return [find(one) for find, one in made if one["entropy"] == "quantum"]


def assert_no_byte_was_used_twice(console: str) -> None:
    used = sorted(used_bytes(console), key=lambda one: one.start)
    for one, next_one in zip(used, used[1:]):
        assert one.stop <= next_one.start, f"used twice: {next_one}, after {one}"


def assert_no_file_is_damaged(board: Flagship, files: dict[str, bytes]) -> None:
    """What was on the card is there as it was, and every cat that was told to be kept; the file
    system is one that other computers find nothing wrong with but what a power cut may leave."""
    now = volume.contents(board.card.image)
    assert volume.complaints(board.card.image, cut=True) == []
    for name, data in files.items():
        if name == "pool.bin":  # whose second sector is the device's mark
            assert now[name][:512] + now[name][1024:] == data[:512] + data[1024:]
        else:
            assert now[name] == data, name
    for cat in lines(board.console, "cat"):
        if cat.get("kept"):
            found = kept.read(now[f"cats/{cat['kept']:05}.bmp"])
            assert f"{zlib.crc32(found.picture.tobytes()):08x}" == cat["crc"]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("pool.bin", "pool.pos"):
            (Path(folder) / name).write_bytes(now.get(name, b""))
        with Pool.open(Path(folder) / "pool.bin", write=False) as pool:
            ends = [-(-one.stop // BYTES) for one in used_bytes(board.console)]
            assert (pool.used() or 0) >= max(ends, default=0)
