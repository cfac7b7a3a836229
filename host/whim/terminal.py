"""The device in a terminal: its display drawn with characters, keys for its button, in real time.

The terminal is put back as it was on every way out: quitting, Ctrl-C, signals, errors.
"""

import os
import select
import shutil
import signal
import sys
import termios
import time

import numpy as np

from whim import kept, oled
from whim.device import Device, lines

TICK = 0.01  # seconds between looks at the keys
LAG = 0.25  # seconds of real time at most that the device catches up, after a pause of this program
PRESS, CAT, LOOK, QUIT = b" \r\n", b"cC", b"vV", b"qQ\x03\x04\x1b"
LONG = 1000  # ms of a long press
STYLES = {"half-blocks": oled.half_blocks, "braille": oled.braille}
COLOUR, PLAIN = "\x1b[38;5;195;48;5;232m", "\x1b[0m"
FRAME = 2  # characters beside the display; above and below it a line each, and one for the keys


class Terminal:
    """Raw keys, no cursor, a screen of our own, until the `with` block ends, however it does."""

    def __enter__(self) -> "Terminal":
        self._keys, self._signals = sys.stdin.fileno(), {}
        self._before = termios.tcgetattr(self._keys)
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._signals[number] = signal.signal(number, _leave)
        # A shell's background jobs start with Ctrl-C ignored; here it is a key like others.
        interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
        self._signals[signal.SIGINT] = interrupt
        mode = termios.tcgetattr(self._keys)
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        mode[6][termios.VSUSP] = b"\0"  # Ctrl-Z would leave the terminal like this
        try:
            termios.tcsetattr(self._keys, termios.TCSADRAIN, mode)
            self.write("\x1b[?1049h\x1b[?25l")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception) -> None:
        try:
            termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)
            self.write(f"{PLAIN}\x1b[?25h\x1b[?1049l")
        except OSError:
            pass  # the terminal itself has gone
        for number, handler in self._signals.items():
            signal.signal(number, handler)

    def write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def key(self, seconds: float) -> bytes:
        """The next keys, or b"" when there is none for so long."""
        if not select.select([self._keys], [], [], seconds)[0]:
            return b""
        return os.read(self._keys, 64) or b"q"  # at its end


def usable() -> bool:
    """Whether there is a terminal to draw in and to read keys from."""
    try:
        "⣿▀╭".encode(sys.stdout.encoding or "ascii")
        return (
            sys.stdin.isatty()
            and sys.stdout.isatty()
            and os.environ.get("TERM", "dumb") != "dumb"
        )
    except UnicodeEncodeError:
        return False


def play(device: Device, colour: bool = True) -> None:
    """Let a person use `device` until they quit."""
    with Terminal() as terminal:
        drawn, last, look = None, time.monotonic(), False
        while True:
            now = time.monotonic()
            device.run(1000 * min(now - last, LAG))
            last = now
            size = shutil.get_terminal_size()
            view = _view(device, size, colour, look and colour)
            if (size, view) != drawn:
                clear = "\x1b[2J" if drawn is None or drawn[0] != size else ""
                terminal.write(clear + view)
                drawn = size, view
            keys = terminal.key(TICK)
            if any(key in QUIT for key in keys[:1]):
                return
            if any(key in PRESS for key in keys):
                device.press()
            if any(key in CAT for key in keys):
                device.press(LONG)
            if keys:
                look = any(key in LOOK for key in keys) and not look


def layout(screen, size: tuple[int, int]) -> list[str] | None:
    """The display as large as `size` (columns, lines) allows; None where it cannot fit."""
    for style in STYLES.values():
        text = style(screen)
        if len(text[0]) + FRAME <= size[0] and len(text) + 3 <= size[1]:
            return text
    return None


def _view(device: Device, size: tuple[int, int], colour: bool, look: bool) -> str:
    """The device, or with `look` the picture of its last cat in colour, if it has made one."""
    columns, rows = size
    text = layout(device.screen(), size)
    if text is None:
        message = f"This window has {columns}x{rows} characters and the display needs 66x19: " \
                  "please enlarge it (q quits)."
        return "\x1b[H" + message[: columns * rows - 1]
    on, off = (COLOUR, PLAIN) if colour else ("", "")
    width = len(text[0])
    left = " " * ((columns - width - FRAME) // 2)
    top = (rows - len(text) - 3) // 2
    cat = _last_cat(device) if look else None
    if cat is not None:
        picture = cat if len(text) == 32 else cat.reshape(32, 2, 32, 2, 3).mean((1, 3)).astype(int)
        margin = " " * ((width - len(picture)) // 2)
        text = [f"{margin}{line}{on}{margin}" for line in oled.colours(picture)]
    rolls = lines(device.console, "roll")
    result = f"{len(rolls)}: {rolls[-1]['pips']}" if rolls else ""
    keys = f"space rolls, c makes a cat, {'v in colour, ' if colour else ''}q quits"
    box = [
        f"{on}╭{'─' * width}╮{off}",
        *(f"{on}│{line}│{off}" for line in text),
        f"{on}╰{'─' * width}╯{off}",
        f" {keys}{result:>{width - len(keys)}} ",
    ]
    return "".join(f"\x1b[{top + i + 1};1H{left}{line}" for i, line in enumerate(box))


def _last_cat(device: Device) -> np.ndarray | None:
    """The picture of the cat that was made last, if it was kept."""
    cats = lines(device.console, "cat")
    if not cats or not cats[-1].get("kept"):
        return None
    try:
        return kept.read(device.card.read(f"cats/{cats[-1]['kept']:05}.bmp") or b"").picture
    except kept.NotKept:
        return None


def _leave(number: int, frame) -> None:
    raise SystemExit(128 + number)
