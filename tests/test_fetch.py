"""`python host/entropy.py fetch` against a server on this PC that plays the sources: their good
answers, and all the bad ones."""

import http.server
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import types
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import entropy
from whim import health, sources
from whim.pool import BYTES, Pool

ROOT = Path(__file__).resolve().parent.parent
KEY = "a-secret-key"


class Played(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next of `server.plays`, and then with good answers."""

    def do_GET(self):
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.server.requests.append((asked, dict(self.headers)))
        play = self.server.plays.pop(0) if self.server.plays else good
        play(self, asked)

    def reply(self, body, status=200, length=None, headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def numbers(asked):
    count, kind = int(asked["length"]), asked["type"]
    if kind == "hex16":
        return [os.urandom(20).hex() for _ in range(count)]
    size = {"uint8": 1, "uint16": 2}[kind]
    return [int.from_bytes(os.urandom(size)) for _ in range(count)]


def good(handler, asked):
    if "format" in asked:
        data = os.urandom(int(asked["length"])).hex()
        return handler.reply({"qrn": data, "length": int(asked["length"])})
    handler.reply(answer(asked))


def answer(asked, **changes):
    """As ANU's present service answers, with `length` as a string."""
    plain = {"success": True, "type": asked["type"], "length": asked["length"]}
    return plain | {"data": numbers(asked)} | changes


def says(**changes):
    return lambda handler, asked: handler.reply(answer(asked, **changes))


def sends(body, status=200, **more):
    return lambda handler, asked: handler.reply(body, status, **more)


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Played) as server:
        server.plays, server.requests = [], []
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        server.url = f"http://127.0.0.1:{server.server_port}/numbers"
        yield server
        server.shutdown()


@pytest.fixture
def pauses(monkeypatch):
    """Time passes only when somebody sleeps. The pauses that were made, in seconds."""
    made, clock = [], [0.0]

    def sleep(seconds):
        if seconds:
            made.append(seconds)
        clock[0] += seconds

    played = types.SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep)
    monkeypatch.setattr(sources, "time", played)
    return made


@pytest.fixture
def run(monkeypatch, capsys, tmp_path, pauses, server):
    """Call entropy.py with these words: exit status, what it said, the pool or None."""
    monkeypatch.setenv("ANU_API_KEY", KEY)
    path = tmp_path / "pool.bin"

    def call(*words, source="anu", count=2032, url=server.url):
        if not words:
            words = ["fetch", "--bytes", str(count), "--source", source]
            words += ["--url", url] if url else []
        monkeypatch.setattr(sys, "argv", ["entropy.py", *words, "--pool", str(path)])
        status = entropy.main()
        said = "".join(capsys.readouterr())
        assert KEY not in said, "the key was told"
        return status, said, contents(path)

    return call


def contents(path):
    if not path.exists():
        return None
    assert KEY.encode() not in path.read_bytes(), "the key was stored"
    with Pool.open(path, write=False) as pool:
        return b"".join(map(pool.sector, range(pool.sectors)))


@pytest.mark.parametrize("source", ["anu", "anu-old", "lfd"])
def test_a_source_fills_the_pool(run, server, source):
    status, said, data = run(source=source)
    assert status == 0 and len(data) >= 2032
    assert f"holds {len(data)} bytes" in said
    ((asked, headers),) = server.requests
    assert headers.get("x-api-key") == (KEY if source == "anu" else None)
    assert int(asked["length"]) <= 1024 or source == "lfd"


@pytest.mark.parametrize("kind, count", [("uint8", 1016), ("uint16", 2032), ("hex16", 20320)])
def test_numbers_of_every_kind_are_understood(run, server, kind, count):
    words = ["fetch", "--bytes", "1", "--source", "anu", "--url", server.url, "--type", kind]
    sent = []

    def remember(handler, asked):
        sent.append(answer(asked))
        handler.reply(sent[0])

    server.plays = [remember]
    status, _, data = run(*words)
    assert status == 0 and len(data) == count
    if kind == "hex16":
        assert data.hex() == "".join(sent[0]["data"])
    else:
        size = count // 1016
        pieces = [data[i : i + size] for i in range(0, count, size)]
        assert [int.from_bytes(piece, "little") for piece in pieces] == sent[0]["data"]


def test_length_may_be_a_number(run, server):
    server.plays = [says(length=1016)]
    assert run()[0] == 0 and len(server.requests) == 1


BROKEN = b'{"success": true, "type": "uint16", "data": [1, 2'
LATER = {  # what may be better at the next try
    "a success without data": (says(data=[]), "sent no numbers"),
    "a failure": (says(success=False, message="out of photons"), "out of photons"),
    "a failure in strange letters": (says(success=False, message="\x1b[2J"), "a failure; trying"),
    "too few numbers": (says(data=[1, 2, 3]), "3 numbers where 1016"),
    "a short length": (says(length="3"), "1016 were asked for"),
    "half of the JSON": (sends(BROKEN), "not JSON, or cut off"),
    "nothing": (sends(b""), "not JSON, or cut off"),
    "bytes that are no text": (sends(b"\xff\xfe\x00"), "not JSON, or cut off"),
    "a connection that breaks off": (sends(BROKEN, length=9999), "the connection broke off"),
    "a trouble of its own": (sends(b"oops", 503), "HTTP 503"),
    "a limit": (sends(b"slow down", 429), "as many requests as it allows"),
}


@pytest.mark.parametrize("play, sentence", LATER.values(), ids=LATER)
def test_a_failure_that_may_pass_is_tried_again(run, server, monkeypatch, play, sentence):
    notes = []
    show = lambda self, text="", refresh=True: notes.append(text)  # noqa: E731
    monkeypatch.setattr(entropy.tqdm, "set_postfix_str", show)
    server.plays = [play]
    status, said, data = run()
    assert status == 0 and len(data) == 2032 and len(server.requests) == 2
    assert any(sentence in note for note in notes), notes


@pytest.mark.parametrize("play, sentence", LATER.values(), ids=LATER)
def test_a_failure_that_does_not_pass_is_named_and_keeps_nothing(run, server, play, sentence):
    server.plays = [play] * 99
    status, said, data = run()
    assert status == 1 and sentence.split(";")[0] in said and data is None
    assert len(server.requests) == sources.TRIES


NEVER = {  # what a person has to look at
    "a web page": (sends(b"<!DOCTYPE html><title>Login</title>"), "a web page"),
    "another type": (says(type="uint8"), "a list of uint16"),
    "no list": (says(data="numbers"), "a list of uint16"),
    "numbers out of range": (says(data=[70000] * 1016), "not uint16"),
    "negative numbers": (says(data=[-1] * 1016), "not uint16"),
    "no whole numbers": (says(data=[0.5] * 1016), "not uint16"),
    "words": (says(data=["1"] * 1016), "not uint16"),
    "yes and no": (says(data=[True] * 1016), "not uint16"),
    "a list for an answer": (sends([1, 2, 3]), "JSON that is no object"),
    "nested lists": (sends(b"[" * 100_000), "no object"),
    "a flood": (sends(b" " * (2 << 20)), "far more than was asked for"),
    "the same number": (says(data=[7] * 1016), "8-byte words come twice"),
    "numbers in a row": (says(data=list(range(1016))), "not random"),
    "a refused key": (sends({"message": "Forbidden"}, 403), "refused the key in ANU_API_KEY"),
    "the key, sent back": (sends({"message": KEY}, 401), "refused the key in ANU_API_KEY"),
    "a page that is gone": (sends(b"", 404), "its address may have changed"),
    "another address": (
        sends(b"", 302, headers=[("Location", "http://127.0.0.1:9/")]),
        "its address may have changed",
    ),
}


@pytest.mark.parametrize("play, sentence", NEVER.values(), ids=NEVER)
def test_a_wrong_answer_is_refused_at_once(run, server, play, sentence):
    server.plays = [play]
    status, said, data = run()
    assert status == 1 and sentence in said and data is None
    assert len(server.requests) == 1


def test_a_key_in_a_servers_sentence_is_left_out(run, server):
    server.plays = [says(success=False, message=f"no such key: {KEY}")] * 9
    status, said, _ = run()
    assert status == 1 and "no such key: ..." in said


@pytest.mark.parametrize(
    "play, sentence",
    [
        (sends({"error": "Failed to open device"}), "Failed to open device"),
        (sends({"qrn": "00", "length": 8128}), "2 hexadecimal digits"),
        (sends({"qrn": "zz", "length": 8128}), "not hexadecimal"),
        (sends({"qrn": 12, "length": 8128}), "not hexadecimal"),
        (sends({"qrn": "00", "length": 1}), "did not send the 8128 bytes"),
    ],
)
def test_the_keyless_source_is_checked_as_well(run, server, play, sentence):
    server.plays = [play] * 9
    status, said, data = run(source="lfd")
    assert status == 1 and sentence in said and data is None


def test_the_old_service_is_asked_once_a_minute(run, server, pauses):
    assert run(source="anu-old", count=5 * 2032)[0] == 0
    assert len(server.requests) == 5 and len(pauses) == 4 and min(pauses) >= 60


def test_the_old_services_limit_is_waited_for(run, server, pauses):
    limit = b"The QRNG API is limited to 1 requests per minute. For more requests, please visit"
    server.plays = [sends(limit, 500)]
    assert run(source="anu-old")[0] == 0
    assert sum(pauses) >= 60


def test_a_server_that_says_when_to_come_back_is_heeded(run, server, pauses):
    server.plays = [sends(b"", 429, headers=[("Retry-After", "17")])]
    assert run()[0] == 0
    assert sum(pauses) == 17


def test_pauses_grow_from_try_to_try(run, server, pauses):
    server.plays = [sends(b"", 500)] * 4
    assert run()[0] == 0
    assert pauses == [2, 4, 8, 16]


def test_a_slow_answer_is_given_up(run, server, monkeypatch):
    monkeypatch.setattr(sources, "SILENCE", 0.2)
    late = threading.Event()
    server.plays = [lambda handler, asked: late.wait(20)] * 9
    status, said, data = run()
    late.set()
    assert status == 1 and "does not answer in time" in said and data is None


def test_an_answer_that_drips_is_given_up(run, server, monkeypatch):
    def drip(handler, asked):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b" ")

    monkeypatch.setattr(sources, "LONGEST", -1)
    server.plays = [drip] * 9
    assert "answers too slowly" in run()[1]


def test_nobody_at_the_address_is_named(run):
    status, said, data = run(url="http://127.0.0.1:1/")
    assert status == 1 and "cannot be reached" in said and data is None


def test_what_was_fetched_before_a_failure_is_kept_and_gone_on_with(run, server):
    server.plays = [good, good] + [sends(b"", 500)] * 9
    status, said, before = run(count=10_000)
    assert status == 1 and len(before) == 2 * 2032 and "holds 4064 bytes" in said
    server.plays = []
    status, said, after = run(count=10_000)
    assert status == 0 and len(after) == 5 * 2032 and after.startswith(before)
    assert run(count=10_000)[2] == after, "a full pool was filled"


def test_ctrl_c_keeps_what_was_fetched(server, tmp_path):
    """The real program, really interrupted while it waits for an answer."""
    late = threading.Event()
    server.plays = [good, lambda handler, asked: late.wait(20)]
    command = [sys.executable, ROOT / "host/entropy.py", "fetch", "--bytes", "99999"]
    command += ["--source", "anu", "--url", server.url, "--pool", tmp_path / "pool.bin"]
    environment = os.environ | {"ANU_API_KEY": KEY}
    process = subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # also in a background job
    )
    deadline = time.monotonic() + 30
    while len(server.requests) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    late.set()
    assert process.returncode == 130 and "Traceback" not in said
    assert "holds 2032 bytes" in said and "goes on" in said
    assert len(contents(tmp_path / "pool.bin")) == 2032


def test_an_answer_from_a_cache_is_refused(run, server):
    stale = json.dumps(answer({"type": "uint16", "length": "1016"})).encode()
    server.plays = [sends(stale), sends(stale)]
    status, said, data = run(count=4064)
    assert status == 1 and "from a cache" in said and len(data) == 2032
    server.plays = [sends(stale)]
    assert run(count=4064)[0] == 1, "a cache is noticed in the next run, too"


def test_no_key_is_said_before_anything_is_asked(run, server, monkeypatch):
    monkeypatch.delenv("ANU_API_KEY")
    status, said, data = run()
    assert status == 1 and "ANU_API_KEY" in said and "anu-old or lfd" in said
    assert data is None and not server.requests


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schl\u00fcssel"])
def test_a_key_that_cannot_be_one_is_not_sent(run, server, monkeypatch, key):
    monkeypatch.setenv("ANU_API_KEY", key)
    status, said, _ = run()
    assert status == 1 and "characters that no key has" in said and key not in said
    assert not server.requests


def test_a_key_is_sent_over_tls_only(run, server):
    status, said, _ = run(url="http://example.org/")
    assert status == 1 and "https only" in said


def test_auto_asks_the_next_source_where_one_fails(run, server, monkeypatch):
    for name in "anu-old", "lfd":
        source = sources.SOURCES[name]._replace(url=server.url)
        monkeypatch.setitem(sources.SOURCES, name, source)
    monkeypatch.delenv("ANU_API_KEY")
    server.plays = [good, sends(b"<html>")]
    status, said, data = run(source="auto", count=10_000, url=None)
    assert status == 0 and len(data) == 2032 + 8128
    status, said, _ = run("status")
    assert "2032 bytes from anu-old" in said and "8128 bytes from lfd" in said


def test_local_bytes_need_no_net_and_are_not_called_quantum(run, tmp_path):
    status, _, data = run(source="local", url=None)
    assert status == 0 and len(data) == 2032
    with Pool.open(tmp_path / "pool.bin") as pool:
        assert not pool.quantum and pool.parts[0].source == "local"


def test_a_full_disk_is_named(run, server, monkeypatch):
    def full(file, data, offset):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("whim.pool._write", full)
    status, said, _ = run()
    assert status == 1 and "No space left" in said and "make room" in said


def test_check_finds_what_is_not_random(run, tmp_path, monkeypatch, capsys):
    assert run("check")[0] == 1  # there is no pool
    run(source="local", count=50_000, url=None)
    status, said, _ = run("check")
    assert status == 0 and "looks random" in said
    with Pool.open(tmp_path / "pool.bin") as pool:
        pool.append(pool.sector(3), "local", False)
    status, said, _ = run("check")
    assert status == 1 and "come twice" in said
    stored = bytearray((tmp_path / "pool.bin").read_bytes())
    stored[5000] ^= 1
    (tmp_path / "pool.bin").write_bytes(stored)
    monkeypatch.setattr(sys, "argv", ["entropy.py", "check", "--pool", str(tmp_path / "pool.bin")])
    assert entropy.main() == 1 and "sector 7 is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    "data, sentence",
    [
        (bytes(508 * 2), "come twice"),
        (bytes(range(1, 255)) * 4, "come twice"),
        (os.urandom(2032).translate(bytes(i | 1 for i in range(256))), "% of its bits"),
        (os.urandom(4064), ""),
        (os.urandom(4064).translate(bytes(i & 240 | (i >> 4) for i in range(256))), "not spread"),
    ],
)
def test_an_ill_source_is_recognised(data, sentence):
    found = health.illness(health.figures(data))
    assert sentence in found if sentence else not found


def test_a_certificate_that_nobody_vouches_for_is_refused(run, server, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes a certificate for the test, is not installed")
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key -out cert"
    words += " -addext subjectAltName=DNS:localhost"
    subprocess.run(["openssl", *words.split()], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # the client hangs up
    status, said, data = run(url=f"https://localhost:{server.server_port}/")
    assert status == 1 and "TLS failed (self-signed certificate" in said
    assert data is None and not server.requests


def test_whole_sectors_only():
    """So that no sector is ever written twice, nor used in part."""
    assert all(sources.ITEMS * size % BYTES == 0 for size in sources.KINDS.values())
    assert sources.ITEMS <= 1024 and sources.LFD_BYTES % BYTES == 0
