"""The serial line of a simulated device as a device of this PC, for programs that want a port to
open: what is written into it is typed on the device's console, and what the device says comes out.

    with Device(seed=7) as device, Bridge(device) as line:
        line.name   # such as /dev/pts/3: open it with pyserial, or `pio device monitor --port`

A device is anything with type(), run(ms=...) and console, as Device and Board have.
"""

import os
import select
import threading
import time
import tty

TURN_MS = 10  # of the device's time between looks at the terminal
LAG = 1  # seconds after which a slow device does not hurry to catch up
READER = 3  # seconds that a reader may be busy with something else, and still hears all


class SerialLine:
    """A pseudo-terminal between a device and whoever opens `name`; it works while run() does."""

    def __init__(self, device):
        self.device = device
        self._ours, self._theirs = os.openpty()  # theirs stays open: nobody there is no error
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        self.name = os.ttyname(self._theirs)
        self._said, self._waiting, self._taken = 0, b"", time.monotonic()
        self._due = time.monotonic()

    def run(self, ms: float = TURN_MS, as_fast_as_possible: bool = False) -> None:
        """Let `ms` of the device's time pass, and of ours, and carry what is said meanwhile."""
        if select.select([self._ours], [], [], 0)[0]:
            self.device.type(os.read(self._ours, 4096))
        self.device.run(ms=ms)
        fresh = self.device.console[self._said :].removesuffix("\r")  # half of a line's end
        self._said += len(fresh)
        self._say(fresh.replace("\n", "\r\n").encode())
        self._due += ms / 1000
        wait = self._due - time.monotonic()
        if wait < -LAG:
            self._due = time.monotonic()
        elif wait > 0 and not as_fast_as_possible:
            time.sleep(wait)

    def _say(self, fresh: bytes) -> None:
        """Let it be read; what nobody reads is lost, as on a wire."""
        self._waiting += fresh
        now = time.monotonic()
        try:
            taken = os.write(self._ours, self._waiting)
        except BlockingIOError:
            taken = 0
        self._waiting = self._waiting[taken:]
        if taken or not self._waiting:
            self._taken = now
        elif now - self._taken > READER:
            self._waiting = b""

    def close(self) -> None:
        """Unplug it."""
        os.close(self._ours)
        os.close(self._theirs)


class Bridge(SerialLine):
    """A line that runs by itself, in a thread, within a `with`: meanwhile the device is its own."""

    def __enter__(self) -> "Bridge":
        self._error: Exception | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception) -> None:
        self._over.set()
        self._thread.join()
        self.close()
        if self._error and not exception[0]:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                self.run()
        except Exception as error:  # it belongs to whoever holds the bridge
            self._error = error
