"""What a DAC was given, for people: as a WAV file, or played on this machine while it is made."""

import queue
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
from scipy import signal
from scipy.io import wavfile

from whim import dac

# Programs that play raw sound from their stdin; the first that is found is taken.
PLAYERS = {
    "aplay": "-q -t raw -f S16_LE -r 64000 -c 1 -",
    "paplay": "--raw --format=s16le --rate=64000 --channels=1",
    "play": "-q -t raw -r 64000 -e signed -b 16 -c 1 -",
    "ffplay": "-loglevel quiet -nodisp -autoexit -f s16le -ar 64000 -i -",
    "mpv": "--really-quiet --no-video --demuxer=rawaudio --demuxer-rawaudio-rate=64000"
    " --demuxer-rawaudio-channels=1 --demuxer-rawaudio-format=s16le -",
}
LEAD = dac.RATE // 10  # values of silence before a sound, in case that what follows comes late
CAPACITOR = 0.999  # of its charge is left after a value: a high pass at 10 Hz
MIDDLE = 2048
PATIENCE = 3  # seconds that a player has at the end


def write(path: Path, values: np.ndarray) -> None:
    """A WAV file of 64 kHz, whose 16 bits have the DAC's 12 in the upper ones: a DAC's rest at 0 is
    its lowest value."""
    with open(path, "wb") as file:
        wavfile.write(file, dac.RATE, (values.astype(np.int32) - MIDDLE << 4).astype(np.int16))


def find_player() -> list[str] | None:
    """The command of a player on the PATH, if there is one."""
    found = (name for name in PLAYERS if shutil.which(name))
    return next(([name, *PLAYERS[name].split()] for name in found), None)


class Player:
    """A Device's on_sound that plays on this machine, as a loudspeaker behind a capacitor would.

    It never fails and never waits. `silent`: why nothing can be heard, or None.
    """

    def __init__(self):
        self._command = find_player()
        self.silent = None if self._command else "no player was found on the PATH"
        self._pieces: queue.SimpleQueue | None = None  # of the sound that is being played
        self._threads: list[threading.Thread] = []

    def __call__(self, values: bytes) -> None:
        if self.silent:
            return
        if self._pieces is None and values:
            self._pieces, self._charge = queue.SimpleQueue(), np.zeros(1)
            self._threads.append(threading.Thread(target=self._play, args=[self._pieces]))
            self._threads[-1].daemon = True
            self._threads[-1].start()
            self._pieces.put(bytes(2 * LEAD))
        if self._pieces is None:
            return
        sound = np.frombuffer(values, "<u2").astype(float)
        moves, self._charge = signal.lfilter([1, -1], [1, -CAPACITOR], sound, zi=self._charge)
        self._pieces.put(np.clip(8 * moves, -32768, 32767).astype("<i2").tobytes())
        if not values:
            self._pieces = None

    def close(self) -> None:
        """Let what is being played end, if it does so soon."""
        if self._pieces is not None:
            self._pieces.put(b"")
        for thread in self._threads:
            thread.join(PATIENCE)

    def _play(self, pieces: queue.SimpleQueue) -> None:
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            # In a group of its own, so that Ctrl-C is for us alone.
            with subprocess.Popen(self._command, process_group=0, **pipes) as process:
                while piece := pieces.get():
                    process.stdin.write(piece)
                    process.stdin.flush()
                process.stdin.close()
                if process.wait():
                    self.silent = f"{self._command[0]} has failed"
        except OSError:
            self.silent = f"{self._command[0]} has failed"
