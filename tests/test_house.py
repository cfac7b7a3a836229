"""The house: who may know whom, what the engine never does, what the build says when it cannot."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
C_FILES = sorted(p for d in ("include", "src", "host", "tests") for p in (ROOT / d).rglob("*.[ch]"))
PYTHON_FILES = sorted(p for d in ("host", "tests", "platforms") for p in (ROOT / d).rglob("*.py"))

# What each part may #include. Ports share the generator, so that a seed means the same everywhere;
# a port's main.c, or digits.c, starts the application and so may know it; its hwtest.c tests all of
# it.
PUBLIC = {"whim/model.h", "whim/generate.h", "whim/random.h", "whim/audio.h", "whim/status.h"}
PORT = {"whim/port.h", "whim/status.h"}
FATFS, FAT = {"ff.h", "diskio.h"}, {"fat_file.h", "fat_disk.c"}  # its headers, and who needs them
FREESTANDING = {"assert.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "string.h"}


def may_include(path, header):
    match path.parts:
        case ("src", "ports", _, *_, "main.c" | "hwtest.c" | "digits.c"):
            return True
        case ("include", *_):
            return header in FREESTANDING | PUBLIC | PORT
        case ("src", "engine", *_):
            return header in FREESTANDING | PUBLIC or header.startswith("engine/")
        case ("src", "drivers", *_):
            ours = header.startswith("drivers/") or path.name in FAT and header in FATFS
            return header in FREESTANDING | PORT or ours
        case ("src", "ports", board, *_):
            ours = "/" not in header.removeprefix("sys/") or header.startswith(f"ports/{board}/")
            return header in PORT | {"whim/random.h"} or ours
        case ("src", "app", *_):
            return not header.startswith("ports/")
    return True


def code_of(path):
    """A C file without its comments and strings."""
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(\\.|[^"\\\n])*"', " ", path.read_text(), flags=re.DOTALL)


def test_arrows_point_one_way():
    wrong = []
    for path in C_FILES:
        here = path.relative_to(ROOT)
        for header in re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)', path.read_text(), re.MULTILINE):
            beside = path.parent / header
            if "/" not in header and beside.is_file():
                header = str(beside.relative_to(ROOT / here.parts[0]))
            if not may_include(here, header):
                wrong.append(f"{here} includes {header}")
    assert not wrong, "\n".join(wrong)


def test_the_engine_has_no_floating_point():
    pattern = re.compile(r"\b(float|double)\b|\b\d+\.\d*|(?<!\w)\.\d+")
    wrong = [str(p) for p in (ROOT / "src/engine").rglob("*.[ch]") if pattern.search(code_of(p))]
    assert not wrong


def test_the_engine_has_no_heap_no_io_and_no_globals():
    """As its object files tell: no writable data, and nobody called but itself and memcpy's kin."""
    objects = [str(p) for p in (ROOT / ".pio/build/sim/src/engine").rglob("*.o")]
    assert objects, "build first: pio run -e sim"
    nm = subprocess.run(["nm", "-P", *objects], capture_output=True, text=True, check=True)
    kinds = [line.split()[:2] for line in nm.stdout.splitlines() if len(line.split()) >= 2]
    mine = {name for name, kind in kinds if kind != "U"}
    # Some distributions harden every program: memcpy may be __memcpy_chk, and stacks are checked.
    allowed = re.compile(r"_*(mem(cmp|cpy|move|set)(_chk)?|stack_chk_fail|GLOBAL_OFFSET_TABLE_)")
    calls = {name for name, kind in kinds if kind == "U"} - mine
    assert not [name for name, kind in kinds if kind in "bBdDC"], "writable data"
    assert not [name for name in calls if not allowed.fullmatch(name)], "calls outside"


def test_lines_fit_100_columns():
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in C_FILES + PYTHON_FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > 100
    ]
    assert not wrong, "\n".join(wrong)


def test_python_code_is_free_of_common_mistakes():
    ruff = [sys.executable, "-m", "ruff", "check", "--quiet", "--output-format=concise"]
    folders = ["host", "tests", "platforms"]
    result = subprocess.run(ruff + folders, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_project_has_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    platform = json.loads((ROOT / "platforms/whim/platform.json").read_text())
    assert platform["version"] == project["version"]
    assert f"platformio{platform['engines']['platformio']}" in project["dependencies"]


@pytest.fixture
def checkout(tmp_path):
    """A copy of the project, to take something away from."""
    for name in ("platforms", "include", "src"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("platformio.ini", "data/die.whim"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def pio(checkout, *args, **environment):
    command = [sys.executable, "-m", "platformio", "run", "-e", "sim", *args]
    offline = {"PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no"}
    offline |= {"PLATFORMIO_DISABLE_UPGRADE_CHECK": "true"}
    environment = os.environ | offline | environment
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)


def test_a_missing_model_is_named_with_its_remedy(checkout):
    (checkout / "data/die.whim").unlink()
    result = pio(checkout)
    assert result.returncode == 1 and "`python host/pack.py`" in result.stderr


def test_a_missing_compiler_is_named_with_its_remedy(checkout, tmp_path):
    result = pio(checkout, PATH=str(tmp_path))
    assert result.returncode == 1 and "`apt-get install gcc`" in result.stderr


def test_uploading_the_simulator_points_to_the_demo(checkout):
    result = pio(checkout, "-t", "upload")
    assert result.returncode == 1 and "`make demo`" in result.stderr
