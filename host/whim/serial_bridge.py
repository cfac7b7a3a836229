"""A pseudo-terminal for a device that has none: what is written into it is typed on the device's
console, and what the device says comes out of it.

    with Device(seed=7) as device, Bridge(device) as bridge:
        bridge.path   # such as /dev/pts/3: open it with pyserial, or `pio device monitor --port`

A device is anything with type(), run(ms=...) and console, as whim.device.Device and
whim.board.Board have. It runs in a thread of its own for as long as the bridge stands, not faster
than real time; meanwhile nobody else may use it.
"""

import os
import select
import threading
import time
import tty

TURN_MS = 10  # of the device's time between looks at the terminal


class Bridge:
    def __init__(self, device):
        self._device = device
        self._error: Exception | None = None

    def __enter__(self) -> "Bridge":
        self._master, self._slave = os.openpty()  # the slave stays open: else a hang-up is read
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception) -> None:
        self._over.set()
        self._thread.join()
        os.close(self._master)
        os.close(self._slave)
        if self._error and not exception[0]:
            raise self._error

    def _run(self) -> None:
        said = 0
        try:
            while not self._over.is_set():
                start = time.monotonic()
                if select.select([self._master], [], [], 0)[0]:
                    self._device.type(os.read(self._master, 4096))
                self._device.run(ms=TURN_MS)
                text = self._device.console[said:]
                said += len(text)
                if text:
                    self._write(text.replace("\n", "\r\n").encode())
                self._over.wait(max(0, TURN_MS / 1000 - (time.monotonic() - start)))
        except Exception as error:  # it belongs to whoever holds the bridge
            self._error = error

    def _write(self, text: bytes) -> None:
        """What nobody reads is lost, as on a wire."""
        try:
            os.write(self._master, text)
        except BlockingIOError:
            pass
