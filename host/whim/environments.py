"""PlatformIO's environments, as platformio.ini has them: what each is built for, and from what."""

import configparser
import functools

from whim.device import ROOT


@functools.cache
def _settings() -> configparser.ConfigParser:
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(ROOT / "platformio.ini")
    return settings


def names() -> list[str]:
    return [part[4:] for part in _settings() if part.startswith("env:")]


def setting(name: str, key: str) -> str:
    """What is said of an environment, or of what it extends; "" for nothing."""
    settings, section = _settings(), f"env:{name}"
    while section in settings:
        if key in settings[section]:
            return settings[section][key]
        section = settings[section].get("extends")
    return ""
