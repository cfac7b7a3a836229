"""A virtual board's serial line as a device of this PC, for programs that want a port to open.

    line = SerialLine(board)
    print(line.name)        # /dev/pts/3: `pio device monitor --port` it, or pyserial's Serial()
    while True:
        line.run(ms=10)
"""

import os
import select
import time
import tty

from whim.board import Board


class SerialLine:
    """A pseudo-terminal between a board and whoever opens `name`."""

    def __init__(self, board: Board):
        self.board = board
        self._ours, self._theirs = os.openpty()  # theirs stays open: nobody there is no error
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        self.name = os.ttyname(self._theirs)
        self._sent = 0
        self._due = time.monotonic()

    def run(self, ms: float, as_fast_as_possible: bool = False) -> None:
        """Let `ms` of the board's time pass, and of ours, and carry what is said meanwhile."""
        if select.select([self._ours], [], [], 0)[0]:
            self.board.uart.type(os.read(self._ours, 256))
        self.board.run(ms=ms)
        fresh = self.board.uart.bytes[self._sent :]
        if fresh:
            try:
                self._sent += os.write(self._ours, fresh)
            except BlockingIOError:  # nobody reads; a real line would lose it too
                self._sent += len(fresh)
        self._due += ms / 1000
        wait = self._due - time.monotonic()
        if wait < -1:
            self._due = time.monotonic()  # slower than the real one: do not hurry to catch up
        elif wait > 0 and not as_fast_as_possible:
            time.sleep(wait)

    def close(self) -> None:
        """Unplug it."""
        os.close(self._ours)
        os.close(self._theirs)
