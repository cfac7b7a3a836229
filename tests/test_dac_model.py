"""The virtual CH32H417's sound: TIM6 triggers, the DMA fetches, the DAC's values are recorded."""

import ctypes
from pathlib import Path

import numpy as np
import pytest
from puppet import LOAD, PAUSE, SHARED, STORE, STORE_BYTE, TICKS, WAIT, Puppet

from whim.machine import BoardError

DTCM, VALUES, REQUEST = 0x200C_0000, SHARED + 0x2_0000, 103
HALF, WHOLE = 4, 2
MONO, STEREO = 0x35B1, 0x3AB1
TIMER = [(STORE, "TIM6_PSC", 0), (STORE, "TIM6_ATRLR", 1561), (STORE, "TIM6_CTLR2", 0x20)]
OUTPUT = [(STORE, "GPIOA_CFGLR", 0x4440_4444), (STORE, "DAC_CTLR", 0x1005)]
GO = [(STORE, "TIM6_CTLR1", 1)]


class Sound(Puppet):
    def __init__(self, image: Path, data: bytes = b"", at: int = VALUES):
        super().__init__(image)
        self.machine.write(at, data)

    def channel(self, items: int, config: int = MONO, register: int = 8, at: int = VALUES) -> list:
        mux = self._places["DMAMUX_CFGR0_3"] + 2
        return [(STORE_BYTE, mux, REQUEST - 1), (STORE, "DMA1_CNTR3", items),
                (STORE, "DMA1_PADDR3", 0x4000_7400 + register), (STORE, "DMA1_MADDR3", at),
                (STORE, "DMA1_CFGR3", config)]  # fmt: skip

    def recorded(self) -> tuple[np.ndarray, np.ndarray]:
        values, ticks = np.zeros(70_000, np.uint16), np.zeros(70_000, np.uint64)
        place = [array.ctypes.data_as(ctypes.c_void_p) for array in (values, ticks)]
        count = self.machine.call("dac", *place, 70_000)
        return values[:count], ticks[:count]


def some_values(count: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 4096, count, dtype=np.uint16)


@pytest.mark.parametrize("at", [VALUES, DTCM + 1024])
def test_the_dac_plays_what_lies_in_memory_round_and_round(puppet, at):
    data = some_values(100)
    sound = Sound(puppet, data.tobytes(), at)
    sound.do(sound.channel(100, at=at) + OUTPUT + TIMER + GO)
    sound.run(250 * 15.62)
    values, ticks = sound.recorded()
    assert len(values) >= 250
    assert values[0] == 0  # what its register held: the first trigger fetches the first value
    assert (values[1:] == np.resize(data, len(values) - 1)).all()
    assert set(np.diff(ticks.astype(np.int64))) == {1562 * 4}
    assert sound.machine.dac_figure("late") == 0
    assert sound.machine.dac_figure("values") == len(values)
    assert sound.machine.dac_figure("level") == values[-1]
    assert not len(sound.recorded()[0])


def test_two_channels_come_in_one_word(puppet):
    data = some_values(64).astype(np.uint32)
    sound = Sound(puppet, (data | (4095 - data) << 16).tobytes())
    control = [OUTPUT[0], (STORE, "DAC_CTLR", 0x5_1005)]
    sound.do(sound.channel(64, STEREO, 0x20) + control + TIMER + GO)
    sound.run(2000)
    values, _ = sound.recorded()
    assert (values[1:] == np.resize(data, len(values) - 1)).all()


def test_the_dma_tells_its_halves_and_counts_down(puppet):
    sound = Sound(puppet, some_values(100).tobytes())
    halves = [(WAIT, "DMA1_INTFR", 1, HALF << 8), (LOAD, "DMA1_CNTR3"), (LOAD, "DMA1_INTFR"),
              (STORE, "DMA1_INTFCR", 1 << 8), (LOAD, "DMA1_INTFR"),
              (WAIT, "DMA1_INTFR", 1, WHOLE << 8), (LOAD, "DMA1_CNTR3")]  # fmt: skip
    half, flags, cleared, whole = sound.do(sound.channel(100) + OUTPUT + TIMER + GO + halves)
    assert (half, flags, cleared, whole) == (50, 5 << 8, 0, 100)


def test_triggers_without_new_data_are_counted(puppet):
    sound = Sound(puppet, some_values(10).tobytes())
    sound.do(sound.channel(10, MONO & ~0x20) + OUTPUT + TIMER + GO)  # once, not round and round
    sound.run(30 * 15.62)
    values, _ = sound.recorded()
    assert sound.machine.dac_figure("late") == len(values) - 11
    assert (values[10:] == values[10]).all()


def test_the_prescaler_and_a_preloaded_period_take_effect_at_an_update(puppet):
    sound = Sound(puppet, some_values(10).tobytes())
    timer = [(STORE, "TIM6_CTLR2", 0x20), (STORE, "TIM6_PSC", 9), (STORE, "TIM6_ATRLR", 999)]
    sound.do(sound.channel(10) + OUTPUT + timer + [(STORE, "TIM6_CTLR1", 0x81)])
    sound.run(350)
    sound.do([(STORE, "TIM6_ATRLR", 499)])
    sound.run(350)
    _, ticks = sound.recorded()
    gaps = np.diff(ticks.astype(np.int64)) / (TICKS / 100)  # in cycles of HCLK
    change = int(np.argmax(gaps != 10_000))
    assert change >= 2 and (gaps[change:] == 5000).all()


def test_without_a_trigger_a_value_is_heard_at_once(puppet):
    sound = Sound(puppet)
    sound.do([OUTPUT[0], (STORE, "DAC_CTLR", 1), (STORE, "DAC_R12BDHR1", 1234)])
    assert sound.recorded()[0].tolist() == [1234]


BREACHES = {
    "the pin": (OUTPUT[1:], "DAC: PA4"),
    "another trigger": ([(STORE, "DAC_CTLR", 0x100D)], "a trigger other than TIM6's"),
    "no clock": ([(STORE, "RCC_HB1PCENR", 0x10)], "DAC has no clock"),
    "the other way": ([(STORE, "DMA1_CFGR3", MONO & ~0x10)], "request 103 goes the other way"),
    "eight bits": ([(STORE, "DMA1_CFGR3", MONO & ~0x100)], "PSIZE 0 is not what request 103"),
    "not a data register": ([(STORE, "DMA1_PADDR3", 0x4000_7404)], "does not belong to request"),
    "nothing to do": ([(STORE, "DMA1_CNTR3", 0)], "a channel enabled with CNTR = 0"),
    "unaligned": ([(STORE, "DMA1_MADDR3", VALUES + 1)], "is not aligned"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_used_wrongly_they_stop_with_a_sentence(puppet, name):
    wrong, sentence = BREACHES[name]
    sound = Sound(puppet, some_values(10).tobytes())
    dma = sound.channel(10)
    orders = dma[:-1] + wrong + dma[-1:] + OUTPUT if "DMA1" in str(wrong) else dma + wrong
    orders += OUTPUT[1:] if name == "no clock" else []
    with pytest.raises(BoardError) as error:
        sound.do(orders + TIMER + GO + [(PAUSE, 1000), (PAUSE, 1000)])
    assert sentence in str(error.value)
