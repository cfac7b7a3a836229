"""tests/firmware/speech.c, compiled so that it stops at the first undefined behaviour or wild
access."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ["tests/firmware/speech.c"]
SOURCES += [f"src/engine/{name}.c" for name in ("adpcm", "bank", "crc", "status", "upsample")]
FLAGS = ["-std=c99", "-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
FLAGS += ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def build(folder: Path) -> Path:
    program = folder / "speech"
    include = ["-I", ROOT / "include", "-I", ROOT / "src"]
    sources = [ROOT / source for source in SOURCES]
    subprocess.run(["cc", *FLAGS, *include, *sources, "-o", program], check=True)
    return program


def run(program: Path, *words: str, stdin: bytes = b"") -> bytes:
    """What it writes, as it should."""
    done = subprocess.run([program, *words], input=stdin, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return done.stdout
