"""The serial shell, as fingers that know MicroPython's REPL meet it, and the self-test."""

import dataclasses
import json
import os
import re
import subprocess
import sys
import time
import tty
from pathlib import Path

import numpy as np
import pytest

from whim import entropy, format, packing, self_test
from whim.board import Board
from whim.decoder import load
from whim.device import Device, lines
from whim.serial_line import Bridge

ROOT = Path(__file__).resolve().parents[1]
VERIFY = [sys.executable, str(ROOT / "host/verify.py")]
MODEL = packing.DATA / "die.whim"
PROMPT = ">>> "
LONGEST = 31


def seen(console: str) -> list[str]:
    """The lines as a terminal shows them, which knows line ends, backspace and the bell."""
    shown = []
    for line in console.split("\n"):
        row, column = [], 0
        for character in line:
            if character == "\b":
                column = max(0, column - 1)
            elif character == "\r":
                column = 0
            elif character != "\a":
                row[column : column + 1] = character
                column += 1
        shown.append("".join(row).rstrip() if line != PROMPT else PROMPT)
    return shown


def type_in(device, keys: str | bytes, ms: float = 100) -> list[str]:
    """Type, wait, and read what the terminal shows from the line on that was typed."""
    start = device.console.rindex("\n") + 1
    device.type(keys)
    device.run(ms=ms)
    return seen(device.console[start:])


def answer(device, command: str, ms: float = 2000) -> list[str]:
    """What a command says, between its own line and the next prompt."""
    first, *said, prompt = type_in(device, command + "\r", ms)
    assert (first, prompt) == (PROMPT + command, PROMPT)
    return said


def starts(device) -> int:
    """How often it has started again since it was switched on."""
    return device.restarts if isinstance(device, Device) else device.resets


@pytest.fixture
def device(sanitized):
    with Device(seed=7, program=sanitized) as device:
        device.run(ms=300)
        yield device


@pytest.fixture(params=["sim", "ch32v003"])
def any_device(request):
    """The simulator, and the image of the smallest chip on a virtual board."""
    if request.param == "sim":
        made = Device(seed=7, program=request.getfixturevalue("sanitized"))
    else:
        request.getfixturevalue("emulator")
        made = Board(request.param, seed=7)
    with made as device:
        device.run(ms=600)
        yield device


def test_the_banner_names_version_and_board_and_a_prompt_follows(any_device):
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    board = getattr(any_device, "name", "sim")
    said = any_device.console.strip("\n").split("\n")
    assert f"whim {version[1]} on {board}; type help" in said
    assert any_device.console.endswith("\n" + PROMPT)


def test_what_is_typed_is_echoed_and_enter_runs_it(any_device):
    assert type_in(any_device, "seed") == [PROMPT + "seed"]
    assert type_in(any_device, "\r") == [PROMPT + "seed", "seed entropy=seed", PROMPT]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_way_to_end_a_line_ends_one(device, end):
    assert type_in(device, f"seed{end}seed{end}") == [
        PROMPT + "seed", "seed entropy=seed", PROMPT + "seed", "seed entropy=seed", PROMPT,
    ]  # fmt: skip


def test_an_empty_line_is_a_new_prompt_and_spaces_do_not_count(device):
    assert type_in(device, "\r\r") == [PROMPT, PROMPT, PROMPT]
    assert type_in(device, "   \r")[1:] == [PROMPT]
    assert type_in(device, "  seed   5\r")[1:] == ["seed entropy=seed", PROMPT]
    assert type_in(device, "seed   \r")[1:] == ["seed entropy=seed", PROMPT]


@pytest.mark.parametrize("key", ["\b", "\x7f"])
def test_backspace_takes_back_and_stops_at_the_prompt(device, key):
    assert type_in(device, "x" + 5 * key + "sed" + key + "ed\r") == [
        PROMPT + "seed", "seed entropy=seed", PROMPT,
    ]  # fmt: skip


def test_ctrl_u_takes_all_of_it_back(device):
    assert type_in(device, "rolling\x15seed\r")[:2] == [PROMPT + "seed", "seed entropy=seed"]


def test_up_brings_the_last_line_back_to_edit(device):
    answer(device, "seed 5")
    assert type_in(device, "\x1b[A\b6\r") == [PROMPT + "seed 6", "seed entropy=seed", PROMPT]
    type_in(device, "roll\x03")
    assert type_in(device, "\x1b[A\r") == [PROMPT, PROMPT], "an abandoned line is forgotten"


@pytest.mark.parametrize("keys", ["\x1b[B", "\x1b[C", "\x1b[D", "\x1b[3~", "\x1bOP", "\x1b[1;5C",
                                  "\x00", "\t", "\x01", "é", "\x04"])  # fmt: skip
def test_keys_that_mean_nothing_here_leave_no_trace(device, keys):
    assert type_in(device, "se" + keys + "ed\r") == [PROMPT + "seed", "seed entropy=seed", PROMPT]


def test_ctrl_c_abandons_the_line(device):
    assert type_in(device, "roll\x03\r") == [PROMPT + "roll", PROMPT, PROMPT]
    assert type_in(device, "\x1b[\x03seed\r")[1:3] == [PROMPT + "seed", "seed entropy=seed"]


def test_ctrl_d_on_an_empty_line_restarts(any_device):
    answer(any_device, "seed 5")
    banner = "whim 0.1.0 on"
    said = type_in(any_device, "\x04", 1500)
    assert said[:2] == [PROMPT, "soft reboot"]
    assert any(line.startswith(banner) for line in said) and said[-1] == PROMPT
    assert starts(any_device) == 1
    assert any_device.roll()["pips"] in range(1, 7), "and the button works after it"


def test_help_lists_every_command_in_a_line_of_its_own(any_device):
    said = answer(any_device, "help")
    source = (ROOT / "src/app/app.c").read_text()
    table = re.search(r"commands\[\] = \{\n(.*?)\};", source, re.DOTALL)[1]
    part = r"#if WHIM_(?:CARD|AUDIO)\n(.*?)(?:#else\n(.*?))?#endif"
    with_card = isinstance(any_device, Device)
    table = re.sub(part, lambda found: found[1 if with_card else 2] or "", table, flags=re.DOTALL)
    names = re.findall(r'\{"(\S+)', table)
    assert [line.split()[0] for line in said] == names
    basic = {"help", "roll", "seed", "selftest", "model", "stats", "Ctrl-C", "Ctrl-D"}
    cats = {"generate", "keep", "redraw", "weights", "say", "volume", "install", "monitor"}
    cats |= {"card", "tone"}
    assert set(names) == basic | (cats if isinstance(any_device, Device) else set())
    manual = (ROOT / "docs/SHELL.md").read_text()
    assert all(f"`{name}" in manual for name in names), "and docs/SHELL.md has it too"


@pytest.mark.parametrize("line", ["rol", "rolls", "roll 5", "rollx", "Roll", "help me", "7", "?"])
def test_what_it_does_not_know_it_says_in_one_line_that_names_help(device, line):
    (said,) = answer(device, line)
    assert "help" in said and not lines(device.console, "roll")


def test_a_line_that_is_too_long_rings_the_bell_and_is_not_run(device):
    device.type("seed " + "0" * 60)
    device.run(ms=100)
    assert device.console.count("\a") == 65 - LONGEST
    assert seen(device.console)[-1] == (PROMPT + "seed " + "0" * 60)[: len(PROMPT) + LONGEST]
    device.type("\r")
    device.run(ms=100)
    assert seen(device.console)[-2:] == ["too long", PROMPT]
    assert type_in(device, "x" * 60 + "\x03")[1:] == [PROMPT], "Ctrl-C forgets that one too"
    assert answer(device, "seed " + "0" * (LONGEST - 6)) == ["seed entropy=seed"]


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, 2**32, 2**64 - 1])
def test_a_seed_makes_the_same_rolls_on_every_board(any_device, seed):
    assert answer(any_device, f"seed {seed}") == ["seed entropy=seed"]
    stream = entropy.keystream(seed)
    start = len(any_device.console)
    for _ in range(2):
        (line,) = answer(any_device, "roll", 3000)
    any_device.roll()
    rolls = lines(any_device.console[start:], "roll")
    for roll in rolls:
        assert (roll["pips"], roll["turn"], tuple(roll["latent"])) == entropy.roll(stream)
        assert roll["entropy"] == "seed"
    assert len(rolls) == 3, "by the shell and by the button"


def test_the_keystream_goes_on_from_block_to_block(device):
    answer(device, "seed 11")
    stream = entropy.keystream(11)
    for _ in range(15):  # 90 bytes and more, of blocks of 64
        roll = device.roll()
        assert (roll["pips"], roll["turn"], tuple(roll["latent"])) == entropy.roll(stream)


@pytest.mark.parametrize("seed", ["x", "-1", "1.5", "0x10", "18446744073709551616", "7 7",
                                  "99999999999999999999", "184467440737095516150"])  # fmt: skip
def test_what_is_no_seed_is_refused_and_changes_nothing(sanitized, seed):
    with Device(program=sanitized) as device:
        device.run(ms=300)
        (said,) = answer(device, f"seed {seed}")
        assert said == "seed: a number from 0 to 18446744073709551615"
        assert answer(device, "seed") == ["seed entropy=system"]


def test_a_restart_forgets_the_seed(sanitized):
    with Device(program=sanitized) as device:
        device.run(ms=300)
        answer(device, "seed 5")
        type_in(device, "\x04", 500)
        assert answer(device, "seed") == ["seed entropy=system"]


def test_the_shell_and_the_button_roll_alike(sanitized):
    said, screens = [], []
    for way in ("button", "shell"):
        with Device(seed=9, program=sanitized) as device:
            device.run(ms=300)
            if way == "button":
                device.roll()
            else:
                answer(device, "roll", 3000)
            device.run(ms=300)
            said.append(lines(device.console, "roll"))
            screens.append(device.screen())
    assert said[0] == said[1] and (screens[0] == screens[1]).all()


def test_the_button_works_while_somebody_types_and_the_line_is_shown_again(any_device):
    any_device.type("se")
    any_device.run(ms=50)
    any_device.roll()
    any_device.run(ms=100)
    assert any_device.console.endswith("\n" + PROMPT + "se")
    assert type_in(any_device, "ed\r")[:2] == [PROMPT + "seed", "seed entropy=seed"]


def test_what_is_typed_while_the_die_rolls_waits_for_its_end(any_device):
    any_device.type("roll\r")
    any_device.run(ms=300)
    any_device.type("seed\r")
    any_device.run(ms=3000)
    *_, typed, rolled, waited, said, prompt = seen(any_device.console)
    assert (typed, waited, said, prompt) == (
        PROMPT + "roll", PROMPT + "seed", "seed entropy=seed", PROMPT,
    )  # fmt: skip
    assert rolled.startswith("roll pips=")


def test_noise_on_the_line_does_not_keep_the_button_from_working(any_device):
    rng = np.random.default_rng(4)
    noise = rng.integers(0x80, 256, 1500).astype(np.uint8).tobytes()
    any_device.type(noise)
    assert any_device.roll()["pips"] in range(1, 7)


def test_garbage_neither_crashes_nor_overflows(any_device):
    """Under sanitizers, or on a board that watches its stack; with words that do something."""
    rng = np.random.default_rng(6)
    words = [b"help", b"seed ", b"model", b"stats", b"\r", b"\n", b"\x1b[", b"\x1b", b"\x7f",
             b"\x03", b"\x15", b"\x1b[A", b" "]  # fmt: skip
    for _ in range(40 if isinstance(any_device, Device) else 10):
        raw = rng.integers(0, 256, 200).astype(np.uint8).tobytes().replace(b"\x04", b"")
        mixed = b"".join(words[i] for i in rng.integers(0, len(words), 100))
        any_device.type(raw + mixed)
        any_device.run(ms=500)
    assert starts(any_device) == 0
    any_device.type("\x18\x03")
    any_device.run(ms=100)
    assert answer(any_device, "seed")[0].startswith("seed entropy=")


def test_model_and_stats_say_what_they_know(any_device):
    (model,) = lines("\n".join([*answer(any_device, "model"), ""]), "model")
    packed = load(MODEL)
    assert model["inputs"] == packed.inputs and model["layers"] == len(packed.layers)
    assert model["arena_bytes"] == int.from_bytes(MODEL.read_bytes()[20:24], "little")
    any_device.roll()
    any_device.run(ms=100)
    (stats,) = lines("\n".join([*answer(any_device, "stats"), ""]), "stats")
    assert (stats["rolls"], stats["i2c_errors"]) == (1, 0)
    assert stats["arena_bytes"] == model["arena_bytes"] and 0 < stats["state_bytes"] <= 320
    assert 0 < any_device.ms / 1000 - stats["uptime_s"] < 4


def test_stats_count_what_failed_on_the_bus(device):
    device.i2c_fault = lambda *write: True
    device.roll()
    device.run(ms=100)
    (stats,) = lines("\n".join([*answer(device, "stats"), ""]), "stats")
    assert (stats["rolls"], stats["i2c_errors"]) == (1, 1)


def test_the_self_test_says_what_the_decoder_says(any_device):
    said = answer(any_device, "selftest", 6000)
    crcs = self_test.expected(load(MODEL))
    assert said == [f"selftest layer={i} crc={crc:08x}" for i, crc in enumerate(crcs)] + [
        "selftest done"
    ]


@pytest.mark.parametrize("page", ["SHELL", "BRINGUP"])
def test_the_documents_have_the_dies_crcs(page):
    text = (ROOT / f"docs/{page}.md").read_text()
    crcs = [f"{crc:08x}" for crc in self_test.expected(load(MODEL))]
    assert [crc for crc in crcs if crc not in text] == []


def other_weights(path: Path, number: int) -> Path:
    """The die with one weight of layer `number` changed, and its checksums made anew."""
    model = load(MODEL)
    layers = list(model.layers)
    weights = layers[number].weights.copy()
    weights.flat[np.flatnonzero(weights)[0]] *= -1
    layers[number] = dataclasses.replace(layers[number], weights=weights)
    path.write_bytes(format.write(dataclasses.replace(model, layers=layers)))
    return path


def test_a_damaged_model_is_found(sanitized, tmp_path):
    damaged = bytearray(MODEL.read_bytes())
    damaged[-20] ^= 1
    path = tmp_path / "die.whim"
    path.write_bytes(damaged)
    with Device(seed=7, program=sanitized, model=path) as device:
        device.run(ms=300)
        for command in ("selftest", "model", "roll"):
            first, *_ = answer(device, command)
            assert first == "error: model crc, while opening the model"
        assert device.console.endswith(PROMPT), "and the shell lives on"


# python host/verify.py --port


def verify(*words: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run([*VERIFY, *map(str, words)], capture_output=True, text=True)


def test_verify_compares_a_board_with_the_decoder_layer_by_layer(any_device):
    crcs = self_test.expected(load(MODEL))
    with Bridge(any_device) as bridge:
        run = verify("--port", bridge.name)
        assert (run.returncode, run.stderr) == (0, "")
        rows = run.stdout.splitlines()[1:-1]
        words = [f"{crc:08x}" for crc in crcs]
        assert [row.split()[-3:] for row in rows] == [[word, word, "same"] for word in words]
        said = json.loads(verify("--port", bridge.name, "--json").stdout)
    assert [layer["device"] for layer in said["layers"]] == crcs and said["differ"] == 0


@pytest.mark.parametrize("number", [0, 2])
def test_verify_names_the_layers_that_differ(sanitized, tmp_path, number):
    path = other_weights(tmp_path / "die.whim", number)
    with Device(seed=7, program=sanitized, model=path) as device, Bridge(device) as bridge:
        run = verify("--port", bridge.name)
    words = [row.split()[-1] for row in run.stdout.splitlines()[1:-1]]
    assert run.returncode == 1
    assert words == ["same"] * number + ["different"] * (len(words) - number)


def test_verify_says_when_the_board_refuses(sanitized, tmp_path):
    path = tmp_path / "die.whim"
    path.write_bytes(MODEL.read_bytes()[:-1] + b"\x55")
    with Device(seed=7, program=sanitized, model=path) as device, Bridge(device) as bridge:
        run = verify("--port", bridge.name)
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert "model crc" in run.stderr


def test_verify_gets_through_half_a_line_and_a_roll_that_goes_on(any_device):
    with Bridge(any_device) as bridge:
        any_device.type("stat")
        any_device.press()
        run = verify("--port", bridge.name)
    assert run.returncode == 0, run.stderr


def test_verify_says_in_a_sentence_when_nobody_answers(monkeypatch, capsys):
    monkeypatch.setattr(self_test, "WAKE_S", 1)
    master, slave = os.openpty()
    tty.setraw(slave)
    start = time.monotonic()
    with pytest.raises(self_test.SelfTestError, match="is the board powered.*115200 baud"):
        self_test.run(os.ttyname(slave), load(MODEL))
    assert time.monotonic() - start < 5
    os.close(master)
    os.close(slave)


def test_verify_says_when_there_is_no_such_port():
    run = verify("--port", "/nowhere/tty")
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert "/nowhere/tty" in run.stderr and "Traceback" not in run.stderr


def test_the_version_is_the_projects():
    project = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert f'WHIM_VERSION "{project[1]}"' in (ROOT / "include/whim/version.h").read_text()
