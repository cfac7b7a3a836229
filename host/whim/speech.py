"""From a voice's sound to fragments that flow: trimmed, equally loud, 16 kHz, with their pauses.

Playing a verdict is playing its four fragments one after the other, nothing more: the pause behind
a fragment is part of its sound, which begins and ends at zero, smoothly.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import signal

from whim import phrases

RATE = 16000
LOUDNESS = -17.0  # LUFS of each fragment
PEAK = 0.89  # -1 dB: a fragment whose peaks would pass it is limited
FLOOR = 0.003  # of its loudest 10 ms: what is fainter at a fragment's ends is silence
MARGIN = 0.015  # s of what is fainter that stays
FADE_IN, FADE_OUT = 0.004, 0.012  # s
PAUSES = {",": 0.16, ".": 0.0, "!": 0.0, "?": 0.0}  # s behind a fragment that ends so
JOINT = 0.03  # s behind any other


def render(voice, fragments: list[str], progress: Callable = iter) -> Iterator[np.ndarray]:
    """Each fragment as float64 at 16 kHz, in order. `progress` wraps the numbers, as tqdm does."""
    for number in progress(range(phrases.FRAGMENTS)):
        before, after = context(fragments, number)
        sound, rate = voice.say(fragments[number], before, after)
        yield finish(sound, rate, fragments[number])


def context(fragments: list[str], number: int) -> tuple[str, str]:
    """What stands before and behind a fragment when it is read: one of its verdicts, the same one
    every time.
    """
    mood, slot = divmod(number // phrases.CHOICES, phrases.SLOTS)
    choice = number % phrases.CHOICES
    spoken = [
        fragments[(mood * phrases.SLOTS + i) * phrases.CHOICES + (choice + 5 * (i - slot)) % 16]
        for i in range(phrases.SLOTS)
    ]
    return " ".join(spoken[:slot]), " ".join(spoken[slot + 1 :])


def finish(sound: np.ndarray, rate: int, text: str) -> np.ndarray:
    """Make of a voice's sound what goes into the bank."""
    sound = resample(trim(highpass(sound, rate), rate), rate)
    sound = limit(sound * 10 ** ((LOUDNESS - loudness(sound)) / 20))
    fades = np.ones(len(sound))
    rise, fall = round(FADE_IN * RATE), round(FADE_OUT * RATE)
    fades[:rise] = np.sin(np.linspace(0, np.pi / 2, rise)) ** 2
    fades[-fall:] = np.sin(np.linspace(np.pi / 2, 0, fall)) ** 2
    pause = PAUSES.get(text[-1], JOINT)
    return np.concatenate([sound * fades, np.zeros(round(pause * RATE))])


def highpass(sound: np.ndarray, rate: int) -> np.ndarray:
    """Without what lies below 70 Hz: no voice, but it moves a small speaker's cone."""
    return signal.sosfiltfilt(signal.butter(2, 70, "high", fs=rate, output="sos"), sound)


def trim(sound: np.ndarray, rate: int) -> np.ndarray:
    """Without the silence at both ends."""
    step = rate // 100
    power = (sound[: len(sound) // step * step].reshape(-1, step) ** 2).mean(1)
    loud = np.flatnonzero(power > FLOOR**2 * power.max())
    begin, end = loud[0] * step - MARGIN * rate, (loud[-1] + 1) * step + MARGIN * rate
    return sound[max(0, round(begin)) : round(end)]


def resample(sound: np.ndarray, rate: int, to: int = RATE) -> np.ndarray:
    """Band-limited: a linear-phase low pass takes away what `to` cannot carry."""
    if rate == to:
        return sound
    divisor = np.gcd(rate, to)
    up, down = to // divisor, rate // divisor
    # Flat to 90 % of the band, 70 dB down where it ends.
    edge = 0.5 * min(rate, to)
    taps, beta = signal.kaiserord(70, 0.1 * edge / (0.5 * rate * up))
    low = signal.firwin(taps | 1, 0.95 * edge, window=("kaiser", beta), fs=rate * up)
    return signal.resample_poly(sound, up, down, window=low)


def limit(sound: np.ndarray) -> np.ndarray:
    """Turn the sound down around peaks above PEAK, smoothly, within 5 ms on either side."""
    reach = RATE // 200
    need = np.minimum(1, PEAK / np.maximum(np.abs(sound), 1e-9))
    padded = np.pad(need, 2 * reach, mode="edge")
    least = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(1)
    window = np.hanning(2 * reach + 3)[1:-1]
    return sound * np.convolve(least, window / window.sum(), "valid")


def loudness(sound: np.ndarray, rate: int = RATE) -> float:
    """Integrated loudness in LUFS: ITU-R BS.1770-4, one channel."""
    sound = resample(sound, rate, 48000)
    # The recommendation's two filters: the head's effect, and its revised low-frequency curve.
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285]
    sound = signal.lfilter(shelf, [1, -1.69065929318241, 0.73248077421585], sound)
    sound = signal.lfilter([1, -2, 1], [1, -1.99004745483398, 0.99007225036621], sound)
    block, step = 19200, 4800  # 400 ms, overlapping by three quarters
    if len(sound) < block:
        sound = np.pad(sound, (0, block - len(sound)))
    power = (np.lib.stride_tricks.sliding_window_view(sound, block)[::step] ** 2).mean(1)
    absolute = 10 ** ((-70 + 0.691) / 10)
    gated = power[power > absolute]
    if not len(gated):
        return -70.0
    gated = gated[gated > 0.1 * gated.mean()]  # 10 LU below the rest
    return float(-0.691 + 10 * np.log10(gated.mean()))


def bandwidth(sound: np.ndarray, rate: int = RATE, share: float = 0.95) -> float:
    """Below which frequency, in Hz, `share` of the power lies, after a 6 dB per octave lift that
    balances the fall of any voice.
    """
    lifted = np.diff(sound)
    frequencies, power = signal.welch(lifted, rate, nperseg=1024)
    return float(np.interp(share, np.cumsum(power) / power.sum(), frequencies))
