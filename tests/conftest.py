"""What the tests share: the simulator's program, built beforehand (`make test` does it)."""

from pathlib import Path

import pytest

BUILD = Path(__file__).resolve().parents[1] / ".pio/build"


def built(environment: str, name: str = "program") -> Path:
    program = BUILD / environment / name
    if not program.exists():
        pytest.fail(f"{environment} is not built: use `make test`, or `pio run -e {environment}`")
    return program


@pytest.fixture(scope="session")
def simulator() -> Path:
    return built("sim")


@pytest.fixture(scope="session")
def emulator() -> Path:
    """The virtual boards."""
    return built("emulator", "libboard.so")


@pytest.fixture(scope="session")
def engine_library() -> Path:
    """The engine as a library: tests/engine.py."""
    return built("engine", "libengine.so")


@pytest.fixture(scope="session")
def reference() -> Path:
    """The same with the reference kernels, under sanitizers."""
    return built("sim_reference")


@pytest.fixture(scope="session")
def sanitized() -> Path:
    """The same program, which stops at the first undefined behaviour or wild access."""
    return built("sim_sanitize")


@pytest.fixture(scope="session")
def puppet(emulator, tmp_path_factory) -> Path:
    """V3F's program for tests/puppet.py."""
    from puppet import build

    return build(tmp_path_factory.mktemp("puppet"))
