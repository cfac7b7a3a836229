#!/usr/bin/env python3
"""Fetch the source of FatFs, elm-chan's file system for small devices, once: boards with a bare
card slot are built with it. It comes out of the source archive of a package on PyPI, whose hash is
pinned here, and lands in .pio/fatfs. Its licence is in each of its files.

setup.sh calls this, and so does PlatformIO before the first build that needs it. Where PyPI's index
is somewhere else, pip's own settings say so.

example:
  python platforms/whim/fatfs.py                               fetch it if it is not there yet
  python platforms/whim/fatfs.py fatfs_ng-0.1.16.tar.gz        take it from that archive
"""

import argparse
import hashlib
import http.client
import io
import os
import re
import shutil
import ssl
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path
from urllib.parse import urljoin

PROJECT = "fatfs-ng"
ARCHIVE = "fatfs_ng-0.1.16.tar.gz"
SHA256 = "86dc7b951c24ae60d5e49bc0c3ca8c535772756e80082595529223a7b9f8fe0a"
SOURCE = "fatfs_ng-0.1.16/foreign/fatfs/source/"
FILES = ("ff.c", "ff.h", "ffunicode.c", "diskio.h")  # src/drivers/fatfs has our own ffconf.h
WORKSPACE = Path(__file__).resolve().parents[2] / ".pio"
REMEDY = (
    f"Download {ARCHIVE} from https://pypi.org/project/{PROJECT}/#files on a machine that reaches"
    f" it, and run `python platforms/whim/fatfs.py {ARCHIVE}` here."
)


class Unavailable(Exception):
    """FatFs could not be fetched: a sentence that says why, and what to do."""


def is_here(workspace: Path = WORKSPACE) -> bool:
    mark = workspace / "fatfs" / "sha256"
    return mark.is_file() and mark.read_text().strip() == SHA256


def fetch(workspace: Path = WORKSPACE, archive: Path | None = None) -> None:
    """Put FatFs into the folder `workspace`, unless it is there. Raises Unavailable."""
    if is_here(workspace):
        return
    try:
        data = archive.read_bytes() if archive else _download()
    except (OSError, ValueError, http.client.HTTPException) as error:  # all of them urllib's
        raise Unavailable(f"FatFs cannot be fetched from PyPI: {error}. {REMEDY}") from None
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise Unavailable(f"{archive or ARCHIVE} is not the archive it should be: its SHA-256 is"
                          f" {hashlib.sha256(data).hexdigest()} and not {SHA256}. {REMEDY}")
    workspace.mkdir(parents=True, exist_ok=True)
    # Made aside and moved there whole: an interrupted or a second fetch never leaves half of it.
    with tempfile.TemporaryDirectory(dir=workspace) as aside:
        made = Path(aside) / "fatfs"
        made.mkdir()
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for name in FILES:
                (made / name).write_bytes(tar.extractfile(SOURCE + name).read())
        (made / "sha256").write_text(SHA256 + "\n")
        shutil.rmtree(workspace / "fatfs", ignore_errors=True)
        try:
            os.rename(made, workspace / "fatfs")
        except OSError:  # another fetch was faster
            if not is_here(workspace):
                raise


def _setting(name: str) -> str | None:
    """What pip is told by its environment or its files, if there is a pip."""
    if value := os.environ.get("PIP_" + name.upper().replace("-", "_")):
        return value
    pip = [sys.executable, "-m", "pip", "config", "get", f"global.{name}"]
    said = subprocess.run(pip, capture_output=True, text=True)
    return said.stdout.strip() or None


def _download() -> bytes:
    index = (_setting("index-url") or "https://pypi.org/simple").rstrip("/") + f"/{PROJECT}/"
    certificates = ssl.create_default_context(cafile=_setting("cert"))

    def get(address: str) -> bytes:
        with urllib.request.urlopen(address, timeout=60, context=certificates) as answer:
            return answer.read()

    page = get(index).decode()
    link = re.search(rf'href="([^"]*{re.escape(ARCHIVE)})[^"]*"', page)
    if not link:
        raise ValueError(f"{index} does not list {ARCHIVE}")
    return get(urljoin(index, link[1]))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", metavar="FILE", type=Path, nargs="?",
                        help="the archive, downloaded before (default: download it)")
    try:
        fetch(archive=parser.parse_args().archive)
    except Unavailable as error:
        print(f"fatfs.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
