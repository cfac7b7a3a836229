"""The streamed executor: every byte of the card once and in order, two buffers, and a picture that
is right or not there at all."""

import numpy as np
import pytest
from engine import BUSY, MISSING, OK, READ, Card, Engine
from random_models import random_model, random_streamed

from whim import decoder, format

MODELS = 12


def streamed(seed: int) -> tuple[bytes, np.ndarray, np.ndarray]:
    """A random model's file of several chunks, an input, and the picture that the NumPy decoder
    makes of it.
    """
    rng = np.random.default_rng(seed)
    file = b""
    while len(file) < 3072:
        model, how = random_streamed(rng)
        file = format.write(model, **how)
    z = rng.integers(-128, 128, model.inputs).astype(np.int8)
    return file, z, decoder.decode(model, z[None])[0]


@pytest.fixture
def engine(engine_library) -> Engine:
    return Engine(engine_library)


@pytest.mark.parametrize("seed", range(MODELS))
@pytest.mark.parametrize("delay", [0, 3])
def test_every_byte_is_read_exactly_once_and_in_order(engine, seed, delay):
    file, z, picture = streamed(seed)
    card = Card(file, delay=delay)
    assert np.array_equal(engine.picture(card, z), picture)
    ends = [0] + [offset + count for offset, count in card.reads]
    assert [offset for offset, _ in card.reads] == ends[:-1] and ends[-1] == len(file)
    assert engine.generator.loader.bytes_read == len(file)
    assert engine.generator.loader.retries == 0


@pytest.mark.parametrize("seed", range(MODELS))
def test_two_chunks_are_all_the_buffers_that_it_needs(engine, seed):
    file, z, picture = streamed(seed)
    chunk = 16 * format.HEADER.parse(file).chunk
    need = 2 * (-(-(chunk + 8) // 512) * 512)
    assert np.array_equal(engine.picture(Card(file), z, buffers=need), picture)
    assert engine.picture(Card(file), z, buffers=need - 1) == "buffers too small"
    arena = format.HEADER.parse(file).arena
    assert engine.picture(Card(file), z, need, arena - 1) == "arena too small"


def test_any_size_of_chunks_gives_the_same_picture(engine):
    model = random_model(np.random.default_rng(5), streamed=True)
    z = np.arange(model.inputs).astype(np.int8)
    picture = decoder.decode(model, z[None])[0]
    for chunk in (1, 2, 3, 5, 31, 32, 63, 1000):
        file = format.write(model, format.CARD_ALIGNMENT, chunk)
        assert np.array_equal(engine.picture(Card(file, delay=1), z), picture), chunk


def test_a_read_is_under_way_while_the_chunk_before_is_used(engine):
    file, z, _ = streamed(1)
    card = Card(file, delay=1)
    ahead = []
    poll = card.poll

    def watch(source):
        if len(card.reads) > 1:
            wanted, reading = engine.generator.loader.wanted, engine.generator.loader.reading
            ahead.append(reading - wanted)
        return poll(source)

    card.poll = watch
    card._poll = type(card._poll)(watch)
    card.source.poll = card._poll
    engine.picture(card, z)
    assert len(card.reads) > 4 and ahead.count(1) > len(card.reads) / 2


@pytest.mark.parametrize("seed", range(4))
def test_an_error_or_a_wrong_byte_in_any_read_is_tried_again(engine, seed):
    file, z, picture = streamed(seed)
    clean = Card(file)
    engine.picture(clean, z)
    rng = np.random.default_rng(seed)
    for bad in range(len(clean.reads)):
        for kind in ("error", "flipped", "other"):

            def fault(number, offset, count, bad=bad, kind=kind):
                if number != bad:
                    return OK
                data = bytearray(file[offset : offset + count])
                if kind == "error":
                    return READ
                if kind == "other":  # the sectors of another place
                    return bytes(file[:count]).ljust(count, b"\0")
                # within what the CRC covers: behind the trailer there may be zeros
                data[rng.integers(min(count, 24))] ^= 1 << rng.integers(8)
                return bytes(data)

            if bad == 0 and kind != "error":
                continue  # the head: a wrong magic is believed, see below
            made = engine.picture(Card(file, fault), z)
            assert np.array_equal(made, picture), (bad, kind)
            assert engine.generator.loader.retries == (kind != "other" or bad > 0)


@pytest.mark.parametrize("seed", range(4))
def test_an_error_that_stays_is_named_and_no_picture_is_shown(engine, seed):
    file, z, _ = streamed(seed)
    clean = Card(file)
    engine.picture(clean, z)
    for offset, count in clean.reads:

        def broken(number, at, _, offset=offset):
            return READ if at == offset else OK

        def gone(number, at, _, offset=offset):
            return MISSING if at >= offset else OK

        def wrong(number, at, count, offset=offset):
            data = bytearray(file[at : at + count])
            data[9] ^= 1  # in the head, the number of layers
            return bytes(data) if at == offset else OK

        for fault, name in ((broken, "card read"), (gone, "card missing"), (wrong, "model")):
            card = Card(file, fault)
            said = engine.picture(card, z)
            assert isinstance(said, str) and said.startswith(name)
            assert not engine.generator.picture
            tries = sum(at == offset for at, _ in card.reads)
            assert tries == (1 if fault is gone else tries) and tries <= 3


def test_a_file_that_ends_early_or_goes_on_is_refused_before_its_chunks_are_read(engine):
    file, z, _ = streamed(2)
    for wrong, name in ((file[:-512], "model truncated"), (file + bytes(512), "model oversized")):
        card = Card(wrong)
        assert engine.picture(card, z) == name
        assert set(card.reads) == {(0, 512)}


def test_a_file_of_another_version_is_named(engine):
    file, z, _ = streamed(2)
    assert engine.picture(Card(file[:8] + b"\x02" + file[9:]), z) == "model version"


def test_progress_never_goes_back_and_ends_at_100(engine):
    file, z, _ = streamed(3)
    engine.picture(Card(file), z)
    assert engine.percents == sorted(engine.percents) and engine.percents[-1] == 100


def test_waiting_is_told_apart_from_work(engine):
    file, z, _ = streamed(3)
    engine.picture(Card(file, delay=50), z)
    assert engine.steps.count(BUSY) > 50
    engine.steps.clear()
    engine.picture(Card(file), z)
    assert engine.steps.count(BUSY) <= 2  # the chunk that was asked for this very moment


def test_stopping_waits_for_the_read_under_way(engine):
    file, z, picture = streamed(3)
    card = Card(file, delay=5)
    library, generator = engine.library, engine.generator
    engine.picture(Card(file), z)  # makes the memory
    import ctypes

    g = ctypes.byref(generator)
    library.whim_generate_open(g, ctypes.byref(card.source), engine.memory.place, 1 << 20)
    assert library.whim_generate_stop(g) == BUSY
    while library.whim_generate_stop(g) == BUSY:
        pass
    assert card._under_way is None
    assert np.array_equal(engine.picture(Card(file), z), picture)
