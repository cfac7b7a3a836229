"""Figures that say how good cats are, floats and packed integers alike, by the same latents."""

import os
import zlib
from pathlib import Path

import numpy as np

from whim import cat_data, cat_metrics, sheets

NEIGHBOURS, BATCH = 5, 50
REAL = 1000  # real pictures whose nearest others are looked for


def judge(
    data: Path,
    models: list[Path],
    count: int,
    seed: int,
    net: str,
    kept: Path,
    made_count: int | None = None,
) -> dict:
    """Fréchet and kernel distance (x1000) of each model's `made_count` pictures, as many if None,
    to `count` real ones.

    The first row is the floor: the real pictures that are left, against the same. `models`: files
    as in `pictures`. `net`: whose features are compared, of cat_metrics.NETS. `kept`: a folder for
    features that were computed once. Raises ValueError where a file is not what it must be.
    """
    real, rest = split(cat_data.load(data), count)
    known = features(real, net, kept)
    rows = []
    for name, shown in [("real", rest), *((str(path), path) for path in models)]:
        made = pictures(shown, made_count or count, seed) if isinstance(shown, Path) else shown
        seen = features(made, net, kept)
        rows.append(
            dict(
                name=name,
                pictures=len(made),
                fd=round(cat_metrics.frechet(seen, known), 2),
                kid=round(1000 * cat_metrics.kid(seen, known), 2),
            )
        )
    return dict(net=cat_metrics.NETS[net], real=len(real), seed=seed, rows=rows)


def split(pictures: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` real pictures to compare with, picked by a fixed seed, and those that are left."""
    if len(pictures) < count + 2:
        raise ValueError(f"{len(pictures)} pictures are too few: {count} and some for the floor")
    order = np.random.default_rng(0).permutation(len(pictures))
    return pictures[order[:count]], pictures[order[count:]]


def pictures(path: Path, count: int, seed: int) -> np.ndarray:
    """`count` pictures uint8 (N, 64, 64, 3) of a model, by the latents that a device draws from
    `seed`: of a float generator or of integers (.npz), of a packed one by the engine (.whim); or
    any that were kept (.npy)."""
    from whim import cats, integers

    if path.suffix == ".npy":
        made = np.load(path, mmap_mode="r", allow_pickle=False)
        if made.dtype != np.uint8 or made.shape[1:] != (64, 64, 3) or len(made) < count:
            wrong = f"{made.dtype} {made.shape}, not uint8 ({count} or more, 64, 64, 3)"
            raise ValueError(f"{path}: {wrong}")
        return np.array(made[:count])
    z, _ = cats.latents(seed, count)
    if path.suffix == ".whim":
        return cats.pictures(path, z)
    if path.suffix != ".npz":
        raise ValueError(f"{path}: neither .npz, .whim nor .npy")
    with np.load(path) as file:
        whole = "layers" in file
    if whole:
        from whim import torch_reference

        model, parts = integers.load(path), np.array_split(z, -(-count // BATCH))
        made = np.concatenate([torch_reference.decode(model, part) for part in parts])
        return made.view(np.uint8) ^ 128
    from whim import cat_generator

    return cat_generator.pictures(cat_generator.load(path), z / np.float32(32))


def features(made: np.ndarray, net: str, kept: Path) -> np.ndarray:
    """cat_metrics.features, from the folder `kept` where it has seen these very pictures before."""
    kept.mkdir(parents=True, exist_ok=True)
    file = kept / f"{net}-{len(made)}-{zlib.crc32(np.ascontiguousarray(made)):08x}.npy"
    if not file.exists():
        temporary = file.with_suffix(".new")
        with open(temporary, "wb") as out:
            np.save(out, cat_metrics.features(made, net))
        os.replace(temporary, file)
    return np.load(file)


def neighbours(data: Path, model: Path, seed: int, net: str, kept: Path, out: Path) -> dict:
    """A sheet: 16 made pictures of seeds not chosen by hand, two in a row, and beside each the real
    pictures that are most alike, mirrored where that is nearer. Copies would be seen.

    Answers the median cosine of the features of a made picture and its nearest real one; and, to
    compare with, of a real one and its nearest other.
    """
    real = cat_data.load(data)
    both = np.concatenate([real, real[:, :, ::-1]])
    made = pictures(model, 16, seed)
    seen, known = (features(each, net, kept) for each in (made, both))
    alike = cat_metrics.cosines(seen, known)
    turned = alike[:, len(real) :] > alike[:, : len(real)]
    alike = np.maximum(alike[:, len(real) :], alike[:, : len(real)])
    near = np.argsort(-alike, 1)[:, :NEIGHBOURS]
    shown = both[near + len(real) * np.take_along_axis(turned, near, 1)]
    rows = np.concatenate([made[:, None], shown], 1)
    sheets.sheet(rows.reshape(-1, 64, 64, 3), 2 * (NEIGHBOURS + 1), scale=2).save(out)

    some = np.arange(min(REAL, len(real)))
    others = cat_metrics.cosines(known[some], known)
    others[some, some] = others[some, some + len(real)] = -1
    return dict(made=float(np.median(alike.max(1))), real=float(np.median(others.max(1))))


def table(report: dict) -> str:
    """The report as people read it."""
    lines = [f"{'':28}{'pictures':>9}{'FD':>9}{'KID x1000':>11}"]
    lines += ["{name:28}{pictures:9}{fd:9.1f}{kid:11.1f}".format(**row) for row in report["rows"]]
    return "\n".join(lines)
