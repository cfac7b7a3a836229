"""Speech: how fragments are made, and what the DAC gets for them."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import speech_program
from scipy.io import wavfile

import speak
from whim import bank, dac, phrases, spectra, speech, voices

TEXTS = phrases.load()


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return speech_program.build(tmp_path_factory.mktemp("speech"))


@pytest.fixture(scope="module")
def shipped() -> bank.Bank:
    return bank.load()


# What the DAC gets.


def hard_sound() -> np.ndarray:
    """Noise at full scale, square waves between the extremes, a tone."""
    rng = np.random.default_rng(0)
    square = np.repeat(np.tile([32767, -32768], 40), 10)
    tone = 9000 * np.sin(np.arange(3000) / 5)
    return np.concatenate([rng.integers(-32768, 32768, 3000), square, tone]).astype(np.int16)


@pytest.mark.parametrize("volume", [256, 100, 3, 0])
def test_the_dac_gets_the_same_values_from_c_and_numpy(program, volume):
    """Whatever the sizes of the pieces."""
    out = speech_program.run(program, "convert", str(volume), stdin=hard_sound().tobytes())
    assert np.array_equal(np.frombuffer(out, np.uint16), dac.convert(hard_sound(), volume))


def test_a_verdict_gives_the_dac_the_same_values_from_c_and_numpy(program, shipped):
    sound = shipped.sound(98765)
    out = speech_program.run(program, "convert", "256", stdin=sound.tobytes())
    assert np.array_equal(np.frombuffer(out, np.uint16), dac.convert(sound))


def test_the_dacs_values_have_12_bits_whatever_is_played():
    values = dac.convert(hard_sound())
    assert values.min() == 0 and values.max() == 4095


def test_start_and_stop_are_a_slow_way_without_a_pop():
    values = dac.convert(np.zeros(1000, np.int16)).astype(int)
    assert values[0] == values[-1] == 0 and (values[16384:-16384] == 2048).all()
    assert np.abs(np.diff(values)).max() <= 3  # the way, and what shaping the noise adds
    smooth = np.convolve(values, np.ones(64) / 64, "valid")
    assert (np.diff(smooth)[:16000] > -0.1).all()
    assert spectra.pop(True) < spectra.pop(False) - 20


def test_a_change_of_volume_is_no_step():
    way = dac.Dac()
    way.on, way.volume = True, dac.LOUD
    way.convert(np.zeros(8192, np.int16))
    way.volume = 0
    values = way.convert(np.full(1024, 20000, np.int16)).astype(int)
    assert np.abs(np.diff(values)[128:]).max() <= 4
    assert values[-1] == 2048


def test_images_of_the_sound_are_60_db_down_and_the_band_is_flat():
    assert max(spectra.image(tone) for tone in (1000, 3000, 5000, 6500, 7000, 7200)) < -60
    assert abs(spectra.level(7000) - spectra.level(1000)) < 0.25


def test_shaped_noise_leaves_more_than_two_bits_more_in_the_band_of_speech():
    assert spectra.snr(True) > spectra.snr(False) + 12


def test_the_taps_stay_within_the_bounds_that_the_engine_counts_on():
    taps = dac.filter_taps()
    assert (taps.sum(1) == 2**14).all() and np.abs(taps).sum(1).max() <= 37_236
    assert 37_236 * 2**15 + 2**29 + 2**20 < 2**31


# How fragments are made.


def murmur(seconds: float, rate: int, level: float = 0.1) -> np.ndarray:
    """Something with the rhythm of speech, and silence around it."""
    time = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(0)
    sound = rng.normal(0, level, len(time)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time))
    return np.pad(sound, rate // 2)


@pytest.mark.parametrize("rate", [16000, 22050, 44100])
@pytest.mark.parametrize("level", [0.01, 0.1])
def test_fragments_are_trimmed_equally_loud_and_never_clipped(rate, level):
    sound = speech.finish(murmur(1.5, rate, level), rate, "so it goes.")
    assert abs(speech.loudness(sound) - speech.LOUDNESS) < 0.7
    assert np.abs(sound).max() <= speech.PEAK + 0.01
    assert abs(len(sound) / speech.RATE - 1.5) < 0.06


def test_loudness_is_that_of_the_recommendation():
    """A tone of 997 Hz at the full scale, on one channel, is -3.01 LUFS."""
    tone = np.sin(2 * np.pi * 997 * np.arange(3 * 16000) / 16000)
    assert abs(speech.loudness(tone) + 3.01) < 0.05


def test_a_fragment_begins_and_ends_without_a_click():
    sound = speech.finish(murmur(1, 44100), 44100, "so it goes.")
    loud = np.abs(sound[2000:-2000]).mean()
    assert np.abs(sound[:8]).max() < loud / 20 and np.abs(sound[-8:]).max() < loud / 20


def test_resampling_lets_nothing_fold_back_and_takes_nothing_away():
    time = np.arange(44100) / 44100
    for tone, share in ((1000, 1), (7000, 1), (8400, 0), (12000, 0)):
        sound = speech.resample(np.sin(2 * np.pi * tone * time), 44100)[2000:-2000]
        assert abs(np.sqrt(2 * np.mean(sound**2)) - share) < 0.002, tone


def test_pauses_follow_the_punctuation():
    lengths = [len(speech.finish(murmur(1, 16000), 16000, text)) for text in ("a", "a,", "a.")]
    assert lengths[1] - lengths[2] == round(speech.PAUSES[","] * 16000)
    assert lengths[0] - lengths[2] == round(speech.JOINT * 16000)


def test_every_fragment_is_read_within_a_verdict_of_its_mood():
    for number in range(phrases.FRAGMENTS):
        before, after = speech.context(TEXTS, number)
        whole = " ".join(filter(None, (before, TEXTS[number], after)))
        assert whole.endswith(".") and whole[0].isupper() and whole.count(".") == 1


# The commands.


def tool(*words, check=True):
    command = [sys.executable, speech_program.ROOT / "host/speak.py", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stderr
    return done


def test_say_writes_exactly_what_the_dac_gets(tmp_path, shipped):
    done = tool("say", "4660", "--wav", tmp_path / "out.wav")
    assert done.stdout.strip() == phrases.sentence(TEXTS, 0x1234)
    rate, samples = wavfile.read(tmp_path / "out.wav")
    assert rate == 64000 and samples.dtype == np.int16
    assert np.array_equal((samples >> 4) + 2048, dac.convert(shipped.sound(0x1234)))


class Murmur:
    """A voice for tests: says every fragment as a murmur, as long as its text."""

    name = "murmur"

    def say(self, text, before="", after=""):
        return murmur(0.02 * len(text), 22050), 22050


def test_other_phrases_and_another_voice_make_another_bank(tmp_path, monkeypatch, capsys):
    mine = tmp_path / "mine.toml"
    mine.write_text(phrases.PATH.read_text().replace("postpones all plans", "sings all day"))
    monkeypatch.setitem(voices.VOICES, "murmur", Murmur)
    words = ["speak.py", "render", "--voice", "murmur", "--phrases", mine]
    words += ["--out", tmp_path / "my.bank", "--width", "1"]
    monkeypatch.setattr(sys, "argv", [*map(str, words)])
    assert speak.main() == 0
    made = bank.load(tmp_path / "my.bank")
    assert made.voice == "murmur" and made.sentence(0).startswith("This freshly dreamt cat sings")
    assert "bytes; the moods' longest verdicts take" in capsys.readouterr().out
    assert abs(speech.loudness(made.fragments[5].sound() / 32768) - speech.LOUDNESS) < 1.5


@pytest.mark.parametrize("words, said", [
    (["say", "131072"], "'131072' is not a number from 0 to 131071"),
    (["say", "1", "--bank", "nowhere.bank"], "speak.py: .*nowhere.bank"),
    (["say", "1", "--bank", "pyproject.toml"], "speak.py: .* less than the head of a bank"),
    (["render", "--phrases", "pyproject.toml"], "speak.py: pyproject.toml: needs the moods"),
])  # fmt: skip
def test_what_a_command_cannot_do_is_said_in_a_sentence(words, said, monkeypatch):
    monkeypatch.chdir(speech_program.ROOT)
    done = tool(*words, check=False)
    assert done.returncode and "Traceback" not in done.stderr
    assert re.search(said, done.stderr), done.stderr


def test_a_voice_that_is_not_installed_is_named_with_its_package():
    with pytest.raises(voices.VoiceError, match="needs `nobody`: apt-get install choir"):
        voices.Command("a choir", "choir", ["nobody"])


# What a machine hears.


def test_word_errors_are_counted_as_the_field_counts_them():
    hearing = pytest.importorskip("whim.hearing")
    said = "the cat sat on the mat".split()
    assert hearing.errors(said, said) == 0
    assert hearing.errors(said, "the cat sat on mat".split()) == 1
    assert hearing.errors(said, "a cat sat up on the mat".split()) == 2
    assert hearing.errors(said, []) == 6 and hearing.errors([], said) == 6


def test_the_recognisers_bigrams_are_probabilities():
    from whim import hearing

    counts = hearing.bigrams(TEXTS)
    followed = {}
    for (first, _), count in counts.items():
        followed[first] = followed.get(first, 0) + count
    assert followed["<s>"] == sum(n for (_, last), n in counts.items() if last == "</s>")
    model = hearing.arpa(counts, sorted({w for t in TEXTS for w in phrases.words(t)}))
    bigrams = model.split("\\2-grams:")[1]
    total = sum(10 ** float(line.split()[0]) for line in bigrams.splitlines() if " the " in line
                and line.split()[1] == "the")  # fmt: skip
    assert abs(total - (1 - hearing.UNSEEN)) < 1e-3


def test_a_machine_understands_the_shipped_bank(shipped):
    """At most one word in ten is wrong, over sixty sentences; over six, where time is short."""
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed: docs/SPEECH.md")
    count = "60" if os.environ.get("WHIM_SOAK") else "6"
    (report,) = json.loads(tool("judge", "--json", "--count", count).stdout)
    assert report["wer"] <= 0.10
