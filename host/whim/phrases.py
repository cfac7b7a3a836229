"""What the device says: data/phrases.toml, and the numbers of its sentences.

A verdict is a number from 0 to 131,071: its mood * 65,536, and the fragments chosen in the four
slots as hexadecimal digits, the first slot's most significant. Fragments are numbered from 0 to
127: mood * 64 + slot * 16 + choice.
"""

import re
import tomllib
from pathlib import Path

MOODS = ("demotivated", "motivated")
SLOTS, CHOICES = 4, 16
FRAGMENTS = len(MOODS) * SLOTS * CHOICES
VERDICTS = len(MOODS) * CHOICES**SLOTS
LONGEST = 100  # characters of a fragment: with a zero, less than the 108 bytes in the bank

PATH = Path(__file__).parents[2] / "data" / "phrases.toml"

WORDS = r"[A-Za-z]+(?:['-][A-Za-z]+)*"
# Slot by slot: how a fragment begins and ends. A comma may stand behind any word but the last.
SHAPES = tuple(
    re.compile(f"(?=[{first}]){WORDS}(?:,? {WORDS})*{end}")
    for first, end in (("A-Z", ",?"), ("a-z", ",?"), ("a-z", ",?"), ("a-z", r"[.!?]"))
)
RULES = (
    "a capital letter first, a word or a comma last",
    "a small letter first, a word or a comma last",
    "a small letter first, a word or a comma last",
    "a small letter first, a full stop last",
)


class PhraseError(ValueError):
    """Phrases that do not make sentences: says which, and what to do."""


def load(path: Path = PATH) -> list[str]:
    """The 128 fragments in the order of their numbers. Raises PhraseError, OSError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PhraseError(f"{path}: {error}") from None
    if sorted(data) != sorted(MOODS):
        raise PhraseError(f"{path}: needs the moods {' and '.join(MOODS)}, and no others")
    fragments = []
    for mood in MOODS:
        slots = data[mood].get("slots") if isinstance(data[mood], dict) else None
        if not isinstance(slots, list) or len(slots) != SLOTS:
            raise PhraseError(f"{path}: {mood} needs `slots`, a list of {SLOTS} lists")
        for number, slot in enumerate(slots):
            _check_slot(slot, number, f"{path}: {mood}, slot {number + 1}")
            fragments += slot
    _check_joints(fragments, path)
    return fragments


def split(verdict: int) -> list[int]:
    """The numbers of a verdict's four fragments, in the order in which they are spoken."""
    if not 0 <= verdict < VERDICTS:
        raise ValueError(f"verdict {verdict} is not in 0 to {VERDICTS - 1}")
    mood, digits = divmod(verdict, CHOICES**SLOTS)
    chosen = [digits >> 4 * (SLOTS - 1 - slot) & 15 for slot in range(SLOTS)]
    return [(mood * SLOTS + slot) * CHOICES + choice for slot, choice in enumerate(chosen)]


def sentence(fragments: list[str], verdict: int) -> str:
    return " ".join(fragments[number] for number in split(verdict))


def words(text: str) -> list[str]:
    """The words of a text in small letters, without punctuation; hyphens part words."""
    return re.findall(r"[a-z']+", text.lower())


def _check_slot(slot, number: int, where: str) -> None:
    if not isinstance(slot, list) or len(slot) != CHOICES:
        raise PhraseError(f"{where}: needs {CHOICES} fragments")
    for text in slot:
        if not isinstance(text, str) or not SHAPES[number].fullmatch(text):
            raise PhraseError(
                f"{where}: {text!r} needs {RULES[number]}, and between them words of plain letters,"
                " parted by single spaces"
            )
        if len(text) > LONGEST:
            raise PhraseError(f"{where}: {text!r} has more than {LONGEST} characters")
        said = words(text)
        if any(one == other for one, other in zip(said, said[1:])):
            raise PhraseError(f"{where}: {text!r} says a word twice")
    if len({text.lower() for text in slot}) < CHOICES:
        raise PhraseError(f"{where}: a fragment stands there twice")


def _check_joints(fragments: list[str], path: Path) -> None:
    """No fragment may end with the word with which one in the next slot begins."""
    for start in range(0, FRAGMENTS, CHOICES):
        if start // CHOICES % SLOTS == SLOTS - 1:
            continue
        ends = {words(text)[-1]: text for text in fragments[start : start + CHOICES]}
        for text in fragments[start + CHOICES : start + 2 * CHOICES]:
            if before := ends.get(words(text)[0]):
                raise PhraseError(f"{path}: {before!r} and then {text!r} says a word twice")
