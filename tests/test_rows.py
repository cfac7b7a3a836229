"""The row-by-row executor: layer by layer what the NumPy decoder makes, in exactly its arena, and
with the input where the plan lets it lie."""

import ctypes

import numpy as np
import pytest
from engine import DONE, OK, POINTER, U16, U32, Guarded, Model
from random_models import random_model

from whim import decoder, format, packing, plan
from whim.model import Layout, Op

MODELS = 40


class Run(ctypes.Structure):
    _fields_ = [("model", POINTER), ("input", POINTER), ("arena", POINTER), ("made", U16 * 12)]


class Rows:
    """The engine, for files in memory."""

    def __init__(self, library):
        self.library = ctypes.CDLL(str(library))
        self.library.whim_open.argtypes = [POINTER, POINTER, U32]
        self.library.whim_cut.argtypes = [POINTER, U32]
        self.library.whim_start.argtypes = [POINTER, POINTER, POINTER, POINTER, U32]
        self.library.whim_next_row.argtypes = [POINTER, POINTER]

    def open(self, file: bytes, layers: int | None = None) -> Model:
        """The model, cut off behind its first `layers`."""
        self.words = np.frombuffer(file, np.uint32)
        model = Model()
        place = self.words.ctypes.data
        assert self.library.whim_open(ctypes.byref(model), place, len(file)) == OK
        if layers:
            self.library.whim_cut(ctypes.byref(model), layers)
        return model

    def picture(self, model: Model, x: np.ndarray, place: int | None = None) -> np.ndarray:
        """What it makes of int8 `x`, which lies `place` bytes from the arena's beginning, or
        elsewhere.
        """
        room = max(model.arena_bytes, (place or 0) + x.size)
        memory, apart = Guarded(room), Guarded(x.size)
        at = apart.place if place is None else memory.place + place
        ctypes.memmove(at, x.ctypes.data, x.size)
        run, row, rows = Run(), POINTER(), []
        where = ctypes.byref(run), ctypes.byref(model)
        started = self.library.whim_start(*where, at, memory.place, model.arena_bytes)
        assert started == OK
        size = model.width * model.channels
        while (status := self.library.whim_next_row(where[0], ctypes.byref(row))) == OK:
            rows.append(np.frombuffer(ctypes.string_at(row.value, size), np.int8))
        assert status == DONE and memory.whole() and apart.whole()
        return np.array(rows).reshape(model.height, model.width, model.channels)


@pytest.fixture(scope="module")
def rows(engine_library) -> Rows:
    return Rows(engine_library)


def random_case(seed: int):
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    return model, rng.integers(-128, 128, model.inputs).astype(np.int8)


@pytest.mark.parametrize("seed", range(MODELS))
def test_a_model_cut_behind_any_layer_shows_what_it_makes(rows, seed):
    """Channels innermost, though a row between two layers in triples lies otherwise."""
    model, x = random_case(seed)
    file = format.write(model)
    for number, output in enumerate(decoder.trace(model, x[None]), 1):
        assert np.array_equal(rows.picture(rows.open(file, number), x), output[0]), number


@pytest.mark.parametrize("seed", range(MODELS))
def test_the_input_may_lie_where_the_plan_says(rows, seed):
    model, x = random_case(seed)
    file, place = format.write(model), plan.input_place(model)
    assert place % 4 == 0 and place <= plan.aligned(plan.plan(model)[1], 4)
    for number, output in enumerate(decoder.trace(model, x[None]), 1):
        assert np.array_equal(rows.picture(rows.open(file, number), x, place), output[0]), number


@pytest.mark.parametrize("name", packing.DIGITS)
def test_the_input_of_digits_adds_nothing_to_the_arena_of_a_convolution(name):
    """It goes where later rows will be; where a dense layer reads it, behind all."""
    model = format.read((packing.DATA / f"{name}.whim").read_bytes())
    _, arena = plan.plan(model)
    place = plan.input_place(model)
    if model.layers[0].op is Op.DENSE:
        assert place == arena
    else:
        assert place + model.inputs <= arena


def test_what_is_in_use_at_a_time_lies_apart():
    """Walking through the engine's steps: rows that will be read again are never written over."""
    for seed in range(MODELS):
        model, _ = random_case(seed)
        offsets, arena = plan.plan(model)
        owner = np.full(arena, -1)  # of each byte: which row of which layer lies there
        for index, y in plan.schedule(model):
            layer = model.layers[index]
            if index:
                source = model.layers[index - 1]
                for row in plan.rows_read(layer, y, source.height):
                    held = model_rows(model, index - 1)
                    if layer.op in (Op.CONV_TRANSPOSE, Op.BILINEAR) and row not in _last(
                        layer, y, source.height, held
                    ):
                        continue
                    begin, end = place(model, offsets, index - 1, row)
                    assert (owner[begin:end] == 10_000 * index + row).all(), (seed, index, y)
            begin, end = place(model, offsets, index, y)
            owner[begin:end] = 10_000 * (index + 1) + y
            if layer.layout is Layout.COLUMNS:
                behind = plan.aligned(end, 4)
                used = owner[behind : behind + plan.columns_bytes(layer)]
                assert not (used // 10_000 == index).any(), (seed, index)  # its source
                used[:] = -1


def _last(layer, y, height, held) -> range:
    """The rows of those that plan.rows_read names that are there at all."""
    end = plan.rows_read(layer, y, height).stop
    return range(max(0, end - held), end)


def model_rows(model, index) -> int:
    from whim.model import rows_held

    consumer = model.layers[index + 1] if index + 1 < len(model.layers) else None
    return rows_held(consumer, model.layers[index].height)


def place(model, offsets, index, row) -> tuple[int, int]:
    layer = model.layers[index]
    size = layer.width * layer.channels
    begin = offsets[index] + row % model_rows(model, index) * size
    return begin, begin + size
