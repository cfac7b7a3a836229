"""The voice: what the DAC is given while a verdict is said, what is on the display meanwhile, and
what can go wrong with the card and the bank on it."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from scipy.io import wavfile
from small_bank import small_bank
from small_cats import packed, small_cat
from test_app import error, error_screen, words
from test_shell import PROMPT
from test_sim import SIM, sim

from whim import bank, cats, dac, kept, phrases, sound
from whim.card import Card, Fault
from whim.device import ROOT, Device, lines

BANK = "phrases.bank"
TONES = small_bank((20000, 9000, 25000, 14000))
SHORT = small_bank((1500, 3000, 1018, 2000))
LONG = small_bank((36000, 30000, 20000, 16000))
LONGEST = small_bank((48000, 48000, 48000, 48000))
HALF, SLOT, OPEN = 2048, 8 * 512, 6  # values; bytes of a read; requests before the sounds are read


def card_with(spoken: bank.Bank, **manners) -> Card:
    return Card({BANK: bank.write(spoken)}, **manners)


def twin(spoken: bank.Bank, verdict: int = 0, volume: int = dac.LOUD) -> np.ndarray:
    return dac.convert(spoken.sound(verdict), volume)


def heard(device: Device) -> np.ndarray:
    return device.sounds[-1].values.astype(int)


def is_all(values: np.ndarray, expected: np.ndarray) -> bool:
    """Whether that was given to the DAC, and then its rest for less than two halves more."""
    rest = values[len(expected) :]
    return (
        np.array_equal(values[: len(expected)], expected)
        and not rest.any()
        and len(rest) < 2 * HALF
    )


def is_smooth(values: np.ndarray, like: np.ndarray) -> bool:
    """From rest to rest without a step that is larger than the sound's own."""
    steps = np.abs(np.diff(np.concatenate([[0], values, [0]])))
    return steps.max() <= np.abs(np.diff(like.astype(int))).max()


def ask(device: Device, command: str, ms: float = 120_000) -> list[str]:
    """What a command says until the next prompt comes, however long that takes."""
    start = len(device.console)
    device.type(command + "\r")
    assert device.run_until(lambda: device.console[start:].endswith("\n" + PROMPT), ms)
    return device.console[start:].split("\n")[1:-1]


def figures(device: Device) -> dict:
    (found,) = lines("\n".join([*ask(device, "stats"), ""]), "sound")
    return found


@pytest.fixture
def start(sanitized):
    """start(card): a device with it, whose seed is 7."""
    devices = []

    def start(card: Card, **options) -> Device:
        devices.append(Device(seed=7, program=sanitized, card=card, **options))
        devices[-1].run(ms=300)
        return devices[-1]

    yield start
    for device in devices:
        device.close()


# The sound


def test_a_shipped_verdict_reaches_the_dac_as_the_twin_computes_it(start):
    spoken = bank.load()
    device = start(card_with(spoken))
    said = ask(device, "say 98765")
    assert said[0].startswith("say verdict=98765 ") and said[1].strip() == spoken.sentence(98765)
    assert is_all(heard(device), twin(spoken, 98765))
    assert [figures(device)[name] for name in ("fades", "late")] == [0, 0]


@pytest.mark.parametrize("volume, gain", [(10, 256), (9, 181), (4, 32), (1, 11), (0, 0)])
def test_the_volume_goes_in_steps_of_3_db_from_silence(start, volume, gain):
    device = start(card_with(SHORT))
    assert ask(device, f"volume {volume}") == [f"volume {volume}"]
    ask(device, "say 0")
    assert is_all(heard(device), twin(SHORT, volume=gain))
    assert abs(gain / 256 - (volume > 0) * 10 ** (-3.01 * (10 - volume) / 20)) < 0.003


def test_no_sample_is_late_wherever_the_card_pauses_for_250_ms(simulator):
    expected, card = twin(TONES), card_with(TONES)
    with Device(program=simulator, card=card) as device:
        device.run(ms=300)
        number, requests = 0, 1
        while number <= requests:
            before = len(card.requests)
            card.faults = [Fault("pause", number=before + number, ms=250)]
            ask(device, "say 0")
            requests = len(card.requests) - before
            assert is_all(heard(device), expected), f"a pause in request {number}"
            number += 1
        assert requests == OPEN + 2 * 11 and number == requests + 1


@pytest.mark.parametrize("lengths", [
    (20000, 9000, 25000, 14000),
    (1, 1, 1, 40000),
    (40000, 8 * 1017 + 1, 1, 8 * 1017 + 1),
    (4 * 8136 + 1, 8137, 1, 20000),
    (1, 40000, 8137, 1),
])  # fmt: skip
def test_no_sample_is_late_even_if_every_read_pauses_and_whatever_the_bank(start, lengths):
    spoken = small_bank(lengths)
    card = card_with(spoken)
    device = start(card)
    for card.latency in (250, 398):  # the latter, and the transfer, is what voice.h promises
        ask(device, "say 0")
        assert is_all(heard(device), twin(spoken))
    assert figures(device)["fades"] == 0


def test_a_read_that_fails_or_comes_to_nothing_is_tried_again_unheard(start):
    expected = twin(TONES)
    for what, number in (("error", 3), ("error", 20), ("hang", 8), ("hang", 22), ("short", 23),
                         ("flip", 1), ("flip", 4), ("flip", 10)):  # fmt: skip
        faults = [Fault(what, kind="read", number=number, times=1)]
        device = start(card_with(TONES, faults=faults))
        ask(device, "say 0")
        assert is_all(heard(device), expected) and not error(device), (what, number)


def test_a_pause_beyond_that_fades_out_and_in_again_where_it_was(start):
    """Two seconds: a read that hangs twice, until the driver's limit, and then succeeds."""
    card = card_with(LONG)
    device = start(card)
    reads = sum(-(-f.samples // (8 * 1017)) for f in LONG.fragments[:64:16])
    card.faults = [Fault("hang", number=OPEN + reads + 6, times=1),
                   Fault("hang", number=OPEN + reads + 7, times=1)]  # fmt: skip
    ask(device, "say 0")
    values, plain = heard(device), twin(LONG).astype(int)
    assert figures(device)["fades"] == 1 and not error(device)
    assert is_smooth(values, plain)

    # The same by the twin: it fades within a half, is silent, and goes on with the next sample.
    begin = np.flatnonzero(values[: len(plain)] != plain)[0] // HALF * HALF
    place = begin // 4 - dac.SETTLE
    silent = (np.flatnonzero(values)[-1] - np.flatnonzero(plain)[-1]) // 4
    assert silent % 512 == 0 and silent >= 512
    samples, chain = LONG.sound(0), dac.Dac()
    chain.volume, chain.on = dac.LOUD, True
    parts = [chain.convert(np.zeros(dac.SETTLE, np.int16)), chain.convert(samples[:place])]
    chain.volume = 0
    parts.append(chain.convert(samples[place : place + 512]))
    assert chain.gain == 0
    parts.append(chain.convert(np.zeros(silent, np.int16)))
    chain.volume = dac.LOUD
    parts.append(chain.convert(samples[place + 512 :]))
    chain.on = False
    parts.append(chain.convert(np.zeros(dac.SETTLE, np.int16)))
    assert is_all(values, np.concatenate(parts))


@pytest.mark.parametrize("ms", [930, 990])
def test_no_buffer_is_repeated_however_slow_the_card_is(start, ms):
    device = start(card_with(LONGEST, latency=ms))
    ask(device, "say 0")
    values = heard(device)
    halves = values[: len(values) // HALF * HALF].reshape(-1, HALF)
    same = (halves[1:] == halves[:-1]).all(1)
    constant = (halves[1:] == halves[1:, :1]).all(1)
    assert not (same & ~constant).any() and figures(device)["fades"] > 1
    assert is_smooth(values, twin(LONGEST))
    assert figures(device)["late"] == 0


def test_what_is_not_filled_in_time_is_counted_and_given_up(tmp_path):
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsanitize=undefined"]
    sources = ["tests/firmware/audio.c", "src/drivers/audio.c", "-Iinclude", "-Isrc"]
    subprocess.run(["cc", *flags, *sources, "-o", tmp_path / "audio"], cwd=ROOT, check=True)
    run = subprocess.run([tmp_path / "audio"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


# What goes wrong


def test_a_bank_that_is_damaged_anywhere_is_named_and_never_heard(start):
    data = bank.write(SHORT)
    entries = [bank.HEADER.sizeof() - 60, *(512 + 128 * number for number in range(0, 64, 16))]
    sounds = [bank.ENTRY.parse(data[512 + 128 * number :]) for number in range(0, 64, 16)]
    places = [place + 5 for place in entries]
    places += [at + 77 for e in sounds for at in range(e.offset, e.offset + 512 * (
        -(-e.samples // 1017)), 512)]  # fmt: skip
    card = card_with(SHORT)
    device = start(card)
    for place in places:
        card.written[BANK][place] ^= 16
        said = ask(device, "say 0")
        assert said[0] == "error: bank crc, while reading phrases.bank", (place, said)
        assert (device.screen() == error_screen("bank crc")).all()
        card.written[BANK][place] ^= 16
    assert not device.sounds and device.roll()["pips"] in range(1, 7)
    card.written[BANK][512 + 128 * 4 + 5] ^= 1  # fragment 4, of which nothing is said
    ask(device, "say 0")
    assert is_all(heard(device), twin(SHORT))


def test_a_bank_that_is_cut_off_anywhere_is_named_and_never_heard(start):
    data, card = bank.write(SHORT), card_with(SHORT)
    device = start(card)
    for length in (0, 1, 511, *range(512, len(data), 512), len(data) - 1):
        card.written[BANK] = bytearray(data[:length])
        said = ask(device, "say 0")
        assert said[0] == "error: bank truncated, while reading phrases.bank", (length, said)
    assert not device.sounds and device.roll()["pips"] in range(1, 7)


@pytest.mark.parametrize("change, name", [
    (lambda data: None, "no such file"),
    (lambda data: data + bytes(512), "bank oversized"),
    (lambda data: b"what" + data[4:], "bank magic"),
    (lambda data: data[:8] + b"\2" + data[9:], "bank version"),
])  # fmt: skip
def test_what_is_no_bank_for_this_firmware_is_named(start, change, name):
    made = change(bank.write(SHORT))
    device = start(Card({} if made is None else {BANK: made}))
    *_, failed, advice = ask(device, "say 0")
    assert failed == f"error: {name}, while reading phrases.bank" and advice.startswith("  ")
    assert (device.screen() == error_screen(name)).all() and not device.sounds
    device.card.pull()
    assert "error: card missing, while reading phrases.bank" in ask(device, "say 0")
    assert device.roll()["pips"] in range(1, 7)


@pytest.mark.parametrize("ms", [1, 40, 150, 300, 1500])
def test_a_card_that_is_pulled_while_it_speaks_is_named_and_the_sound_fades(start, ms):
    card = card_with(LONG)
    device = start(card)
    device.type("say 0\r")
    device.run(ms=ms)
    card.pull()
    device.run(ms=3000)
    assert error(device) == ["error: card missing, while reading phrases.bank"]
    assert all(is_smooth(one.values.astype(int), twin(LONG)) for one in device.sounds)
    card.insert()
    ask(device, "say")
    assert is_all(heard(device), twin(LONG))


def test_a_card_that_fails_for_good_while_it_speaks_is_named_and_the_sound_fades(start):
    card = card_with(LONG)
    device = start(card)
    card.faults = [Fault("hang", kind="read", block=(bank.FIRST + 7 * SLOT) // 512, times=1e9)]
    card.faults[0].times = 0
    device.type("say 0\r")
    assert device.run_until(lambda: bool(device.sounds))
    card.faults = [Fault("hang", kind="read")]
    device.run(ms=6000)
    assert error(device) == ["error: card read, while reading phrases.bank"]
    assert is_smooth(heard(device), twin(LONG))


def test_a_sound_that_changes_after_it_was_checked_is_named(start):
    card = card_with(LONG)
    device = start(card)
    device.type("say 0\r")
    assert device.run_until(lambda: bool(device.sounds))
    card.faults = [Fault("flip", kind="read", times=1)]
    device.run(ms=8000)
    assert error(device) == ["error: bank crc, while reading phrases.bank"]
    assert heard(device)[-1] == 0 and len(heard(device)) < len(twin(LONG))


# The person


@pytest.mark.parametrize("ms", [20, 120, 400, 1000, 2500])
def test_a_press_stops_the_speech_softly_and_rolls_nothing(start, ms):
    device = start(card_with(LONG))
    device.type("say 0\r")
    device.run(ms=ms)
    device.press()
    device.run(ms=80 + 30 + 450)
    assert device.console.endswith(PROMPT) and "roll pips" not in device.console
    for one in device.sounds:
        assert len(one.values) < len(twin(LONG))
        assert is_smooth(one.values.astype(int), twin(LONG))
    assert device.roll()["pips"] in range(1, 7)


def test_say_says_any_verdict_and_alone_the_last_one(start):
    device = start(card_with(SHORT))
    assert ask(device, "say") == [
        "say: nothing has been said yet; a number from 0 to 131071 is a verdict"
    ]
    for verdict in (0, 65536, 0x1234, 131071):
        for command in (f"say {verdict}", "say"):
            told, text = ask(device, command)
            (said,) = lines(told + "\n", "say")
            assert (said["verdict"], text.strip()) == (verdict, SHORT.sentence(verdict))
            assert abs(said["ms"] - len(SHORT.sound(verdict)) / 16) < 1
            assert is_all(heard(device), twin(SHORT, verdict))
    for line in ("say 131072", "say -1", "say x", "say 1x", "volume", "volume 11", "volume x"):
        (told,) = ask(device, line)
        assert told.startswith(line.split()[0] + ": ")


# The display


def wrapped(text: str, columns: int = 61) -> tuple[list[int], np.ndarray]:
    """Where the caption's lines begin in a text, and all of them one below the other."""
    text = text.lower()
    starts, at = [], 0
    while at < len(text):
        starts.append(at)
        end = len(text)
        if words(text[at:].rstrip()).shape[1] > columns:
            ends = [at + i for i, c in enumerate(text[at:]) if c == " "]
            end = max(e for e in ends if words(text[at:e]).shape[1] <= columns) + 1
        at = end
    picture = np.zeros((8 * len(starts), columns), bool)
    for line, (begin, end) in enumerate(zip(starts, [*starts[1:], len(text)])):
        shape = words(text[begin:end].rstrip())
        left = (columns - shape.shape[1]) // 2
        picture[8 * line : 8 * line + 8, left : left + shape.shape[1]] = shape
    return starts, picture


def test_the_sentence_scrolls_in_step_with_the_sound(start):
    spoken, frames = bank.load(), []
    device = start(card_with(spoken))
    device.on_frame = lambda ms: frames.append((ms, device.screen()[32:, 35:96]))
    ask(device, "say 98765")
    text, fragments = spoken.sentence(98765), [spoken.fragments[i] for i in phrases.split(98765)]
    starts, picture = wrapped(text)
    ends = [*starts[1:], len(text)]
    began = device.sounds[0].ms
    samples, characters = [0], [0]
    for fragment in fragments:
        samples.append(samples[-1] + fragment.samples)
        characters += [characters[-1] + len(fragment.text), characters[-1] + len(fragment.text) + 1]
    tops = []
    for ms, shown in frames:
        tall = [y for y in range(len(picture) - 31) if (picture[y : y + 32] == shown).all()]
        if ms < began or not tall:
            continue
        tops.append(tall[0])
        said = np.clip((ms - began) * 16 - dac.SETTLE, 0, samples[-1])
        part = min(3, np.searchsorted(samples, said, "right") - 1)
        share = (said - samples[part]) / fragments[part].samples
        at = characters[2 * part] + share * len(fragments[part].text)
        line = np.searchsorted(starts, at, "right") - 1
        now = 8 * (line + (at - starts[line]) / (ends[line] - starts[line])) - 12
        assert abs(np.clip(now, 0, len(picture) - 32) - tops[-1]) < 2, ms
    assert len(tops) > 1000 and tops == sorted(tops)
    assert (tops[0], tops[-1]) == (0, len(picture) - 32) and len(set(tops)) > 30


# The choice


FILES = {"cat4.whim": packed(small_cat(1)), BANK: bank.write(SHORT)}


def test_a_cat_comes_with_the_verdict_that_chance_drew_and_keeps_it(start):
    card = Card(FILES)
    device = start(card)
    drawn = cats.verdicts(7, 3).tolist()
    for number, verdict in enumerate(drawn, 1):
        told = "\n".join([*ask(device, "generate"), ""])
        (cat,), (said,) = lines(told, "cat"), lines(told, "say")
        assert cat["verdict"] == said["verdict"] == verdict
        assert cat["mood"] == phrases.MOODS[verdict >> 16]
        assert is_all(heard(device), twin(SHORT, verdict))
        old = kept.read(card.read(f"cats/{number:05}.bmp"))
        assert old.verdict == verdict
        assert kept.write(old) == card.read(f"cats/{number:05}.bmp")
        place = words(f"says {verdict}")
        left = 64 + (64 - place.shape[1]) // 2
        assert (device.screen()[:8, left : left + place.shape[1]] == place).all()
    screen = device.screen()
    device.power_cut()
    device.run(ms=500)
    assert f"say verdict={drawn[2]} " in "\n".join(ask(device, "redraw 3"))
    assert (device.screen() == screen).all() and is_all(heard(device), twin(SHORT, drawn[2]))


def test_a_cat_that_was_kept_before_there_were_verdicts_is_drawn_in_silence(start):
    device = start(Card(FILES))
    ask(device, "generate")
    name = "cats/00001.bmp"
    old = kept.read(device.card.read(name))._replace(verdict=None)
    device.card.written[name] = bytearray(kept.write(old))
    (told,) = ask(device, "redraw 1")
    assert "verdict" not in told and len(device.sounds) == 1


def test_without_a_bank_the_cat_is_shown_and_the_console_says_so(start):
    device = start(Card({"cat4.whim": FILES["cat4.whim"]}))
    told, silent, advice = ask(device, "generate")
    assert f" verdict={cats.verdicts(7, 1)[0]} " in told and " kept=1 " in told
    assert silent == "silent: no such file, while reading phrases.bank"
    assert "python host/pack.py" in advice and not device.sounds
    assert device.screen()[:, :64].any()


def test_every_verdict_is_equally_likely(simulator):
    """All bytes that chance can give, by the twin; then what the firmware makes of a seed's."""
    bytes_ = np.arange(256)
    low = bytes_[:, None] << 8 | bytes_
    counts = sum(np.bincount((b & 1) << 16 | low.ravel(), minlength=131072) for b in bytes_)
    assert set(counts) == {128}

    draws = 2**21
    words_ = [simulator, "verdicts", "5", str(draws)]
    drawn = np.frombuffer(subprocess.run(words_, capture_output=True, check=True).stdout, "<u4")
    assert len(drawn) == draws
    for counts in (np.bincount(drawn, minlength=131072), np.bincount(drawn >> 16),
                   *(np.bincount(drawn >> shift & 15) for shift in (0, 4, 8, 12))):  # fmt: skip
        assert 1e-4 < stats.chisquare(counts).pvalue < 1 - 1e-4


# The tools


def test_sim_says_exactly_what_the_twin_says(simulator, tmp_path):
    spoken = ["--bank", tmp_path / "my.bank"]
    spoken[1].write_bytes(bank.write(SHORT))
    files = ["--wav", tmp_path / "a.wav", "--gif", tmp_path / "a.gif"]
    run = sim("say", "--index", 12345, *files, *spoken)
    assert (run.returncode, run.stderr, run.stdout.count("\n")) == (0, "", 1)
    told = json.loads(run.stdout)
    assert told["verdict"] == 12345 and told["sentence"] == SHORT.sentence(12345)
    assert (tmp_path / "a.gif").read_bytes()[:4] == b"GIF8"
    twin_ = [sys.executable, ROOT / "host/speak.py", "say", "12345", "--wav", tmp_path / "b.wav"]
    subprocess.run([*twin_, *spoken], check=True, capture_output=True)
    (rate, device), (_, expected) = (wavfile.read(tmp_path / f"{name}.wav") for name in "ab")
    assert rate == 64000 and np.array_equal(device[: len(expected)], expected)
    assert (device[len(expected) :] == -32768).all()
    assert abs(told["seconds"] - len(device) / rate) < 0.01


def test_sim_generates_a_cat_with_its_verdict(simulator, tmp_path):
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    run = sim("generate", "--card", tmp_path, "--seed", 7, "--wav", tmp_path / "cat.wav")
    told, verdict = json.loads(run.stdout), cats.verdicts(7, 1)[0]
    assert told["verdict"] == verdict and told["sentence"] == SHORT.sentence(verdict)
    made = wavfile.read(tmp_path / "cat.wav")[1]
    assert is_all((made.astype(int) >> 4) + 2048, twin(SHORT, verdict))


def test_verify_compares_all_fragments_of_a_bank(simulator, tmp_path):
    def verify(path) -> subprocess.CompletedProcess:
        words_ = [sys.executable, ROOT / "host/verify.py", "--json", path]
        return subprocess.run(words_, capture_output=True, text=True)

    (result,) = json.loads(verify(bank.PATH).stdout)
    assert result["inputs"] == 128
    assert [way["differ"] for way in result["decoders"].values()] == [0, 0]
    assert len({way["crc32"] for way in result["decoders"].values()}) == 1
    damaged = bytearray(bank.write(SHORT))
    damaged[-1000] ^= 1
    (tmp_path / "my.bank").write_bytes(damaged)
    run = verify(tmp_path / "my.bank")
    assert run.returncode == 1 and "its sound is damaged" in run.stderr


@pytest.mark.parametrize("words_", [["--index", "131072"], ["--index", "1", "--volume", "11"]])
def test_a_verdict_that_there_is_not_ends_with_2(words_):
    assert sim("say", *words_).returncode == 2


def test_the_demo_without_a_terminal_writes_a_wav(simulator, tmp_path):
    run = subprocess.run(
        [*SIM, "demo", "--seed", "7", "--card", tmp_path], cwd=tmp_path, capture_output=True,
        stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    verdict = cats.verdicts(7, 1)[0]
    assert run.returncode == 0
    assert f"Verdict {verdict}: {bank.load().sentence(verdict)}\n" in run.stdout
    assert wavfile.read(tmp_path / "verdict.wav")[0] == 64000


@pytest.fixture
def player(tmp_path, monkeypatch):
    """player(text): such a shell script is the only player on the PATH."""

    def player(text: str) -> sound.Player:
        (tmp_path / "aplay").write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "aplay").chmod(0o755)
        return sound.Player()

    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setattr(sound, "PLAYERS", {"aplay": "-"})
    return player


def test_sound_is_played_as_it_is_made_without_a_pop(simulator, tmp_path, player):
    plays = player(f"exec cat > {tmp_path}/played")
    with Device(card=card_with(SHORT), on_sound=plays) as device:
        device.run(ms=300)
        ask(device, "say 0")
        values = heard(device)
    plays.close()
    played = np.fromfile(tmp_path / "played", "<i2").astype(int)
    lead = played[: sound.LEAD]
    assert plays.silent is None and not lead.any() and len(played) == sound.LEAD + len(values)
    assert np.abs(np.diff(played)).max() <= 8 * 1.05 * np.abs(np.diff(values)).max()
    assert abs(played[-1]) < 2000 < np.abs(played).max()


@pytest.mark.parametrize("text", ["exit 1", "exec sleep 0.1", None])
def test_a_player_that_fails_or_is_missing_stops_nobody(simulator, tmp_path, player, text):
    plays = player(text or "")
    if text is None:
        (tmp_path / "aplay").unlink()
        plays = sound.Player()
    with Device(card=card_with(SHORT), on_sound=plays) as device:
        device.run(ms=300)
        ask(device, "say 0")
        ask(device, "say 0")
    plays.close()
    assert plays.silent
