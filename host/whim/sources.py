"""Where random bytes can be had: public quantum sources on the net, and this PC's own generator.

    anu       ANU Quantum Numbers, which wants a key: https://quantumnumbers.anu.edu.au
    anu-old   the service before it, without a key, one request a minute: https://qrng.anu.edu.au
    lfd       the Laboratorium fuer Datenverarbeitung, without a key: https://lfdr.de/QRNG/
    local     this PC's own generator, for trying things out: not quantum

An answer is used if all of it is what was asked for, and not otherwise. No part of an error message
comes from a server, but for a short reason in plain letters, and the key is in none.
"""

import json
import os
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import NamedTuple

import requests
import urllib3

ITEMS = 1016  # numbers that one request asks ANU for: all kinds fill whole sectors of a pool
KINDS = {"uint8": 1, "uint16": 2, "hex16": 20}  # bytes of one number; the APIs allow 1024 of them
HEX_BLOCKS = {"anu": 10, "anu-old": 20}  # what each takes for a size of 20 bytes
LFD_BYTES = 8128
CONNECT, SILENCE, LONGEST = 10, 20, 60  # seconds: to connect, between bytes, for all of an answer
ANSWER_LIMIT = 1 << 20  # bytes
TRIES = 5
BACK_OFF = 2, 4, 8, 16  # seconds after each failure that may pass
MINUTE = 61  # and a second, for clocks differ


class Source(NamedTuple):
    """`pace`: seconds from one request to the next, at least."""

    name: str
    title: str
    url: str
    pace: float
    quantum: bool = True
    key_variable: str = ""


SOURCES = {
    source.name: source
    for source in (
        Source(
            "anu",
            "ANU Quantum Numbers",
            "https://api.quantumnumbers.anu.edu.au",
            1,
            key_variable="ANU_API_KEY",
        ),
        Source("anu-old", "ANU's old service", "https://qrng.anu.edu.au/API/jsonI.php", MINUTE),
        Source("lfd", "LfD's quantum generator", "https://lfdr.de/qrng_api/qrng", 1),
        Source("local", "this PC's own generator", "", 0, quantum=False),
    )
}


class SourceError(Exception):
    """Why a source gives nothing, in a sentence. `wait`: seconds after which it may, 0 for a few,
    None if waiting will not help."""

    def __init__(self, message: str, wait: float | None = None):
        super().__init__(message)
        self.wait = wait


def answers(source: Source, kind: str, note: Callable[[str], None]) -> Iterator[bytes]:
    """Random bytes, answer after answer, without end; `note` is told what is being waited for.

    Failures that may pass are tried again, each time after a longer pause. Raises SourceError.
    """
    if source.name == "local":
        while True:
            yield os.urandom(ITEMS * KINDS[kind])
    key = find_key(source)
    tries, due = 0, 0.0
    with requests.Session() as session:
        while True:
            time.sleep(max(due - time.monotonic(), 0))
            try:
                data = ask(session, source, kind, key)
            except SourceError as error:
                tries += 1
                if error.wait is None or tries == TRIES:
                    raise
                pause = max(error.wait, BACK_OFF[tries - 1])
                due = time.monotonic() + pause
                note(f"{error}; trying again in {pause:.0f} s")
                continue
            tries, due = 0, time.monotonic() + source.pace
            yield data
            if source.pace > 1:
                note(f"one request a minute: the next in {due - time.monotonic():.0f} s")


def find_key(source: Source) -> str:
    """The source's key, from the environment; empty where it needs none."""
    if not source.key_variable:
        return ""
    key = os.environ.get(source.key_variable, "").strip()
    if not key:
        raise SourceError(
            f"{source.title} wants a key: put yours into the environment variable"
            f" {source.key_variable}, or take --source anu-old or lfd, which need none"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise SourceError(f"{source.key_variable} holds characters that no key has")
    url = urllib.parse.urlsplit(source.url)
    if url.scheme != "https" and url.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise SourceError(f"the key is sent over https only, and not to {url.scheme}://")
    return key


def ask(session: requests.Session, source: Source, kind: str, key: str) -> bytes:
    """One request: its random bytes. Raises SourceError."""
    if source.name == "lfd":
        params = {"length": LFD_BYTES, "format": "HEX"}
    else:
        params = {"length": ITEMS, "type": kind}
        if kind == "hex16":
            params["size"] = HEX_BLOCKS[source.name]
    try:
        status, headers, body = get(session, source.url, params, {"x-api-key": key} if key else {})
        check_status(status, headers, body, source)
        answer = parse_json(body)
        return lfd_bytes(answer) if source.name == "lfd" else anu_bytes(answer, kind)
    except SourceError as error:
        message = str(error).replace(key, "...") if key else str(error)
        raise SourceError(f"{source.title} {message}", error.wait) from None


def get(session, url: str, params: dict, headers: dict) -> tuple[int, dict, bytes]:
    """Status, headers and body of a GET. The certificate is checked, and no redirection followed:
    the key would travel with it."""
    ends = time.monotonic() + LONGEST
    try:
        with session.get(
            url,
            params=params,
            headers={"Accept": "application/json", **headers},
            timeout=(CONNECT, SILENCE),
            stream=True,
            allow_redirects=False,
        ) as response:
            body = bytearray()
            while piece := response.raw.read1(65536, decode_content=True):
                body += piece
                if len(body) > ANSWER_LIMIT:
                    raise SourceError("answered with far more than was asked for")
                if time.monotonic() > ends:
                    raise SourceError("answers too slowly", 0)
            return response.status_code, response.headers, bytes(body)
    except requests.exceptions.SSLError as error:
        reason = re.search(r"certificate verify failed: ([\w ',.-]+)", str(error))
        raise SourceError(
            f"cannot be trusted: TLS failed ({reason[1] if reason else 'no common protocol'})."
            " Is this PC's clock right? Does its network look into connections?"
        ) from None
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
        raise SourceError("does not answer in time", 0) from None
    except (requests.exceptions.ConnectionError, urllib3.exceptions.ProtocolError):
        raise SourceError("cannot be reached, or the connection broke off", 0) from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise SourceError(f"cannot be asked: {type(error).__name__}") from None


def check_status(status: int, headers: dict, body: bytes, source: Source) -> None:
    if status == 200:
        return
    if status == 429 or (status == 500 and b"limited to" in body):
        after = headers.get("Retry-After", "")
        seconds = min(int(after), 600) if after.isascii() and after.isdigit() else MINUTE
        raise SourceError("has had as many requests as it allows for now", seconds)
    if status in (401, 403):
        if source.key_variable:
            raise SourceError(f"refused the key in {source.key_variable} (HTTP {status})")
        raise SourceError(f"refused the request (HTTP {status})")
    if status >= 500:
        raise SourceError(f"has a problem of its own (HTTP {status})", 0)
    raise SourceError(f"answered HTTP {status}: its address may have changed; --url gives another")


def parse_json(body: bytes) -> dict:
    try:
        answer = json.loads(body)
    except ValueError:  # of bytes that are no text, too
        if body.lstrip()[:1] == b"<":
            raise SourceError(
                "answered with a web page in place of numbers: does this network want a login?"
            ) from None
        raise SourceError("answered with something that is not JSON, or cut off", 0) from None
    except RecursionError:
        answer = None
    if not isinstance(answer, dict):
        raise SourceError("answered with JSON that is no object")
    return answer


def anu_bytes(answer: dict, kind: str) -> bytes:
    """The numbers of ANU's answer, each with its lower byte first."""
    if answer.get("success") is not True:
        raise SourceError(f"reports a failure{reason(answer, 'message')}", 0)
    data, size = answer.get("data"), KINDS[kind]
    if not isinstance(data, list) or answer.get("type") != kind:
        raise SourceError(f"did not answer with a list of {kind}")
    if not data:
        raise SourceError("reports success, and sent no numbers", 0)
    if len(data) != ITEMS or str(answer.get("length")) != str(ITEMS):
        raise SourceError(f"sent {len(data)} numbers where {ITEMS} were asked for", 0)
    if kind == "hex16":
        return b"".join(hex_bytes(item, size) for item in data)
    if not all(type(item) is int and 0 <= item < 256**size for item in data):
        raise SourceError(f"sent numbers that are not {kind}")
    return b"".join(item.to_bytes(size, "little") for item in data)


def lfd_bytes(answer: dict) -> bytes:
    if "qrn" not in answer:
        raise SourceError(f"reports a failure{reason(answer, 'error')}", 0)
    if str(answer.get("length")) != str(LFD_BYTES):
        raise SourceError(f"did not send the {LFD_BYTES} bytes that were asked for", 0)
    return hex_bytes(answer["qrn"], LFD_BYTES)


def hex_bytes(text: object, size: int) -> bytes:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9A-Fa-f]*", text):
        raise SourceError("sent something that is not hexadecimal")
    if len(text) != 2 * size:
        raise SourceError(f"sent {len(text)} hexadecimal digits in place of {2 * size}", 0)
    return bytes.fromhex(text)


def reason(answer: dict, name: str) -> str:
    """What the server says of a failure, if it is short and plain."""
    text = answer.get(name)
    plain = isinstance(text, str) and re.fullmatch(r"[\w ,.:;()'-]{1,80}", text, re.ASCII)
    return f": {text}" if plain else ""
