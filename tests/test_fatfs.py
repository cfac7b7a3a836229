"""FatFs is fetched once, as the very archive that was chosen, or with a sentence that helps."""

import http.server
import io
import os
import subprocess
import sys
import tarfile
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "platforms/whim"))
import fatfs  # noqa: E402


def test_what_was_fetched_is_there_without_its_own_configuration():
    files = {path.name for path in (ROOT / ".pio/fatfs").iterdir()}
    assert files == {*fatfs.FILES, "sha256"} and fatfs.is_here(ROOT / ".pio")
    configured = (ROOT / "src/drivers/fatfs/ffconf.h").read_text()
    assert "#define FFCONF_DEF 80386" in configured
    assert "FF_DEFINED\t80386" in (ROOT / ".pio/fatfs/ff.h").read_text()


def archive(content: bytes = b"/* a file */") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in (*fatfs.FILES, "ffconf.h"):
            entry = tarfile.TarInfo(fatfs.SOURCE + name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def index(monkeypatch):
    """index(page, archive) is a package index of one project."""
    servers = []

    def serve(page: str, file: bytes) -> None:
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = {f"/simple/{fatfs.PROJECT}/": page.encode(), "/files/it": file}.get(
                    self.path.partition("?")[0]
                )
                self.send_response(200 if body is not None else 404)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{servers[-1].server_port}"
        monkeypatch.setenv("PIP_INDEX_URL", address + "/simple/")

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def page(link: str) -> str:
    return f'<a href="{link}#sha256=0">an older one</a><a href="{link}">another</a>'


@pytest.mark.parametrize("link", [f"/files/it?{fatfs.ARCHIVE}", f"../../files/it?{fatfs.ARCHIVE}"])
def test_the_archive_is_found_in_pips_own_index(index, monkeypatch, tmp_path, link):
    import hashlib

    index(page(link), archive())
    monkeypatch.setattr(fatfs, "SHA256", hashlib.sha256(archive()).hexdigest())
    fatfs.fetch(tmp_path)
    assert {path.name for path in (tmp_path / "fatfs").iterdir()} == {*fatfs.FILES, "sha256"}
    assert fatfs.is_here(tmp_path)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    fatfs.fetch(tmp_path)  # nobody is asked a second time


def test_another_archive_is_refused(index, tmp_path):
    index(page(f"/files/it?{fatfs.ARCHIVE}"), archive(b"/* another file */"))
    with pytest.raises(fatfs.Unavailable, match="not the archive it should be"):
        fatfs.fetch(tmp_path)
    (tmp_path / "file").write_bytes(b"no archive")
    with pytest.raises(fatfs.Unavailable, match="SHA-256"):
        fatfs.fetch(tmp_path, tmp_path / "file")
    assert not (tmp_path / "fatfs").exists()


@pytest.mark.parametrize("broken", ["nobody", "empty", "404"])
def test_where_it_cannot_be_had_a_sentence_says_what_to_do(index, monkeypatch, tmp_path, broken):
    index("" if broken == "empty" else page("/nothing?" + fatfs.ARCHIVE), b"")
    if broken == "nobody":
        monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/")
    with pytest.raises(fatfs.Unavailable, match=f"{fatfs.ARCHIVE}.*python platforms/whim/fatfs.py"):
        fatfs.fetch(tmp_path)


def test_a_build_that_cannot_fetch_it_names_the_remedy(tmp_path):
    settings = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PLATFORMIO_WORKSPACE_DIR": str(tmp_path),
                "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
                "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true"}  # fmt: skip
    command = [sys.executable, "-m", "platformio", "run", "-e", "ch32h417"]
    run = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True,
                         text=True)  # fmt: skip
    assert run.returncode == 1 and "python platforms/whim/fatfs.py" in run.stdout + run.stderr
