"""What comes of a command, the same from the simulator and the virtual boards: a picture, a film, a
sound, and a line of JSON that says so."""

from argparse import Namespace
from pathlib import Path

import numpy as np
from PIL import Image

from whim import oled, sound
from whim.device import DeviceError, lines

Film = list[tuple[float, np.ndarray]]  # ms, and the screen from then on
LAST_MS = 2000  # that a film's last screen is held


def progress(count: int, unit: str):
    """A progress bar, on a terminal only."""
    from tqdm import tqdm

    return tqdm(total=count, unit=unit, disable=None, leave=False)


def film(device) -> Film:
    """What the display of `device` shows, filled while it runs."""
    frames = []
    device.on_frame = lambda ms: frames.append((ms, device.screen()))
    return frames


def rolled(device, seed: int | None) -> dict:
    """Press once, and tell what comes of it. DeviceError, with the device's own words."""
    result = device.roll()
    device.run(ms=100)
    if "error:" in device.console:
        raise DeviceError(device.console[device.console.index("error:") :].strip())
    (model,) = lines(device.console, "model")
    return {
        "pips": result["pips"],
        "seed": seed,
        "entropy": result["entropy"],
        "turn": result["turn"],
        "latent": result["latent"],
        "arena_bytes": model["arena_bytes"],
        "macs": model["macs"],
    }


def save(picture: Image.Image, path: Path) -> None:
    try:
        picture.save(path)
    except ValueError as error:  # it does not know the name's ending
        raise DeviceError(f"{path}: {error}") from None


def save_film(frames: Film, path: Path) -> None:
    """The screens that differ from the one before."""
    kept = [frames[0]]
    kept += [new for old, new in zip(frames, frames[1:]) if (old[1] != new[1]).any()]
    ends = [ms for ms, _ in kept[1:]] + [kept[-1][0] + LAST_MS]
    oled.animation([(screen, end - ms) for (ms, screen), end in zip(kept, ends)], path)


def save_sound(values: np.ndarray, path: Path) -> None:
    if not len(values):
        raise DeviceError("nothing was said, so there is no sound to write")
    sound.write(path, values)


def written(arguments: Namespace, *names: str) -> dict[str, str]:
    """The files that were asked for, by the names of their arguments."""
    return {name: str(path) for name in names if (path := getattr(arguments, name))}
