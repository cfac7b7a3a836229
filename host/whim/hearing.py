"""Listen to rendered sentences as a machine does: an offline recogniser's word error rate.

PocketSphinx hears 16 kHz sound with its own acoustic model and one of two language models: its own,
for any English, or bigrams over the bank's words and 2,000 others that have nothing to do with it.
The first says how a stranger to the phrases fares, the second how clear the words are.
"""

import math
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from whim import bank, phrases, speech

RATE = 16000
DISTRACTORS, DISTRACTOR_SEED = 2000, 2026
UNSEEN = 0.2  # the share of each word's followers that the bigrams keep for all other words
SENTENCE_SEED = 131072  # of the verdicts that are judged; tuning used others
PEAK = 0.5  # of the full scale: what the recogniser is played


class Listener:
    """One recogniser. `grammar`: a list of fragments for the bigram model, or None for its own."""

    def __init__(self, grammar: list[str] | None = None):
        from pocketsphinx import Decoder, get_model_path

        if grammar is None:
            self.decoder = Decoder(loglevel="FATAL")
            return
        pronunciations = _dictionary(Path(get_model_path("en-us/cmudict-en-us.dict")))
        known = {word for text in grammar for word in phrases.words(text)}
        if missing := sorted(known - pronunciations.keys()):
            raise phrases.PhraseError(f"the recogniser's dictionary lacks {', '.join(missing)}")
        others = sorted(w for w in pronunciations.keys() - known if w.isalpha())
        chosen = np.random.default_rng(DISTRACTOR_SEED).permutation(len(others))[:DISTRACTORS]
        vocabulary = sorted(known | {others[i] for i in chosen})
        with tempfile.TemporaryDirectory() as folder:
            words, model = Path(folder, "words.dict"), Path(folder, "bigrams.lm")
            words.write_text("".join("".join(pronunciations[w]) for w in vocabulary))
            model.write_text(arpa(bigrams(grammar), vocabulary))
            self.decoder = Decoder(lm=str(model), dict=str(words), loglevel="FATAL")

    def hear(self, sound: np.ndarray) -> list[str]:
        """The words of `sound`: float, 16 kHz, one channel, any level."""
        sound = np.concatenate([np.zeros(RATE // 4), sound, np.zeros(RATE // 4)])
        loud = max(np.abs(sound).max(), 1e-9)
        self.decoder.start_utt()
        pcm = np.round(sound * (32767 * PEAK / loud)).astype("<i2").tobytes()
        self.decoder.process_raw(pcm, full_utt=True)
        self.decoder.end_utt()
        found = self.decoder.hyp()
        return phrases.words(found.hypstr) if found else []


def judge(spoken: bank.Bank, count: int, progress: Callable = iter) -> dict:
    """Word error rates over `count` verdicts, always the same ones, as a player gives them out."""
    texts = [fragment.text for fragment in spoken.fragments]
    listeners = Listener(texts), Listener()
    verdicts = np.random.default_rng(SENTENCE_SEED).integers(0, phrases.VERDICTS, count)
    wrong, total = [0, 0], 0
    for verdict in progress(verdicts.tolist()):
        said, sound = phrases.words(spoken.sentence(verdict)), spoken.sound(verdict) / 32768
        total += len(said)
        for i, listener in enumerate(listeners):
            wrong[i] += errors(said, listener.hear(sound))
    sound = np.concatenate([fragment.sound() for fragment in spoken.fragments]) / 32768
    return dict(
        voice=spoken.voice,
        sentences=count,
        words=total,
        wer=wrong[0] / total,
        wer_default=wrong[1] / total,
        bandwidth=speech.bandwidth(sound),
    )


def errors(said: list[str], heard: list[str]) -> int:
    """Words substituted, inserted and deleted: the least number that turns one into the other."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            cost = min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
            diagonal, row[j] = row[j], cost
    return row[-1]


def bigrams(fragments: list[str]) -> Counter:
    """How often one word follows another in all sentences, up to a factor."""
    counts = Counter()
    choices = phrases.CHOICES
    for number, text in enumerate(fragments):
        said = phrases.words(text)
        slot = number // choices % phrases.SLOTS
        if slot == 0:
            counts["<s>", said[0]] += choices
        if slot == phrases.SLOTS - 1:
            counts[said[-1], "</s>"] += choices
        else:
            first = (number // choices + 1) * choices
            for other in fragments[first : first + choices]:
                counts[said[-1], phrases.words(other)[0]] += 1
        for pair in zip(said, said[1:]):
            counts[pair] += choices
    return counts


def arpa(counts: Counter, vocabulary: list[str]) -> str:
    """A bigram model in the ARPA format: the counts, and a share of UNSEEN for any other word."""
    followed = Counter()
    for (first, _), count in counts.items():
        followed[first] += count
    each = math.log10(1 / (len(vocabulary) + 1))
    unigrams = [f"{-99 if word == '<s>' else each:.4f} {word} {math.log10(UNSEEN):.4f}\n"
                if word in followed else f"{each:.4f} {word} 0.0\n"
                for word in ["<s>", *vocabulary, "</s>"]]  # fmt: skip
    pairs = [f"{math.log10((1 - UNSEEN) * count / followed[first]):.4f} {first} {second}\n"
             for (first, second), count in sorted(counts.items())]  # fmt: skip
    return (
        f"\\data\\\nngram 1={len(unigrams)}\nngram 2={len(pairs)}\n\n"
        f"\\1-grams:\n{''.join(unigrams)}\n\\2-grams:\n{''.join(pairs)}\n\\end\\\n"
    )


def _dictionary(path: Path) -> dict[str, list[str]]:
    """Lines of the recogniser's dictionary by word, with its other pronunciations, word(2)."""
    found: dict[str, list[str]] = {}
    for line in path.read_text().splitlines(keepends=True):
        found.setdefault(line.split()[0].split("(")[0], []).append(line)
    return found
