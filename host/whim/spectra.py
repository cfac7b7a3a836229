"""What the DAC gets, as spectra: how loud the images of the sound are, what rounding leaves in the
band, and how much of a pop starting and stopping makes.
"""

from pathlib import Path

import numpy as np
from scipy import signal

from whim import dac

COUNT = 65536  # values of a spectrum: bins of about 1 Hz
BAND = 7200  # Hz: what the bank holds


def figures() -> dict[str, str]:
    """The figures by name, each with its unit."""
    images = {tone: image(tone) for tone in range(500, BAND + 1, 100)}
    speech = [image_level for tone, image_level in images.items() if tone <= 7000]
    return {
        "loudest image of a tone up to 7.0 kHz": f"{max(speech):.1f} dB",
        "loudest image of a tone up to 7.2 kHz": f"{max(images.values()):.1f} dB",
        "level of 7.0 kHz against 1 kHz": f"{level(7000) - level(1000):+.2f} dB",
        "SNR up to 7.2 kHz, 1 kHz at -6 dB of the full scale": f"{snr(True):.1f} dB",
        "the same, had the values simply been rounded": f"{snr(False):.1f} dB",
        "pop of start and stop, above 20 Hz": f"{pop(True):.1f} dB",
        "the same, had the output simply jumped": f"{pop(False):.1f} dB",
    }


def tone(frequency: float, level: float = 0.5) -> np.ndarray:
    """A tone as int16 at 16 kHz; more than a spectrum needs, to leave its start out."""
    time = np.arange(COUNT // dac.FACTOR + 2048) / 16000
    return np.round(32767 * level * np.sin(2 * np.pi * frequency * time)).astype(np.int16)


def values(samples: np.ndarray, shaped: bool = True) -> np.ndarray:
    """The DAC's values, full scale 1, at rest in the middle; without noise shaping if asked."""
    way = Plain() if not shaped else dac.Dac()
    way.volume, way.on, way.gain, way.height = dac.LOUD, True, 32768, dac.SETTLE
    return (way.convert(samples)[-COUNT:].astype(float) - 2048) / 2048


class Plain(dac.Dac):
    """The same way, but each value rounded for itself."""

    def _shape(self, sums, middle):
        return np.clip(sums + middle + 2**17 >> dac.FRACTION, 0, 4095)


def power(out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies in Hz, and the power at each; 1 is a tone of the full scale."""
    window = signal.windows.blackmanharris(len(out))
    spectrum = np.abs(np.fft.rfft(out * window) / (window.sum() / 2)) ** 2
    return np.fft.rfftfreq(len(out), 1 / dac.RATE), spectrum


def level(frequency: float) -> float:
    """Of a tone that comes out, in dB of the full scale."""
    at, spectrum = power(values(tone(frequency)))
    return 10 * np.log10(spectrum[np.abs(at - frequency) < 20].max())


def image(frequency: float) -> float:
    """The loudest image, at 16 or 32 kHz -+ the tone, in dB of the tone."""
    at, spectrum = power(values(tone(frequency)))
    own = spectrum[np.abs(at - frequency) < 20].max()
    places = [16000 - frequency, 16000 + frequency, 32000 - frequency]
    return 10 * np.log10(max(spectrum[np.abs(at - place) < 20].max() for place in places) / own)


def snr(shaped: bool) -> float:
    at, spectrum = power(values(tone(1000.3), shaped))
    near, band = np.abs(at - 1000.3) < 20, (at > 20) & (at < BAND)
    return 10 * np.log10(spectrum[near].sum() / spectrum[band & ~near].sum())


def pop(ramped: bool) -> float:
    """The peak of switching on and off behind a 20 Hz high pass, in dB of the full scale: what a
    coupling capacitor lets through.
    """
    out = dac.convert(np.zeros(16000, np.int16), 0).astype(float)
    if not ramped:
        out = np.where(out > 0, 2048.0, 0)
    out = np.concatenate([np.zeros(6400), out, np.zeros(6400)])
    passed = signal.sosfilt(signal.butter(1, 20, "high", fs=dac.RATE, output="sos"), out)
    return 20 * np.log10(np.abs(passed).max() / 2048)


def plot(path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    noise = np.random.default_rng(0).normal(0, 4000, COUNT // dac.FACTOR + 2048)
    sos = signal.butter(8, 7000, fs=16000, output="sos")
    sound = np.clip(signal.sosfilt(sos, noise), -32768, 32767).astype(np.int16)
    for samples, shaped, name, axis in (
        (np.repeat(sound, dac.FACTOR), None, "each sample four times", left),
        (sound, True, "interpolated", left),
        (tone(1000.3), False, "rounded", right),
        (tone(1000.3), True, "rounded, with noise shaping", right),
    ):
        out = samples[-COUNT:] / 32768 if shaped is None else values(samples, shaped)
        at, density = signal.welch(out, dac.RATE, "blackmanharris", 4096, scaling="spectrum")
        axis.plot(at / 1000, 10 * np.log10(density + 1e-20), label=name, linewidth=0.9)
    left.set(title="noise up to 7 kHz: its images", ylim=(-130, -20))
    right.set(title="1 kHz, half of the full scale: what 12 bits leave", ylim=(-140, 0))
    for axis in (left, right):
        axis.set(xlabel="kHz", ylabel="dB", xlim=(0, 32))
        axis.legend(loc="upper right", fontsize="small")
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
