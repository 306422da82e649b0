"""The aux send in the kernel, with a test in the part of the rack."""

import numpy as np
import numpy.typing as npt
import pytest

from instrument.realtime.memory.aux_memory import FADE_OUT_FRAMES, RACK_FRAMES
from instrument.realtime.memory.constants import ALL_CHANNELS, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from tests.helpers.sounds.tones import fill_bank

BLOCK = 128
LATENCY = 2 * BLOCK + FADE_OUT_FRAMES
FRAMES = 375 * BLOCK
Stereo = npt.NDArray[np.float32]


def playing(block_frames: int = BLOCK) -> OfflineEngine:
    engine = OfflineEngine(48_000.0, block_frames)
    fill_bank(engine.state, 1)
    engine.command(USE_BANK, 1, ALL_CHANNELS)
    for number, pitch in enumerate((60, 64, 67)):
        engine.send(100 * number, [0x90, pitch, 100])
    return engine


def with_half_of_it(engine: OfflineEngine, absent: range = range(0), direct: float = 1.0) -> Stereo:
    """Play with a rack that halves what it is sent, and is not there in some frames."""
    rack = engine.state.fields["rack"]
    rack["latency_frames"], rack["is_on"], rack["dry_level"] = LATENCY, 1, direct
    heard = []
    for start in range(0, FRAMES, BLOCK):
        heard.append(engine.render(BLOCK))
        if start in absent:
            continue
        frames = np.arange(start, start + BLOCK) % RACK_FRAMES
        rack["wet"][frames] = 0.5 * rack["send"][frames]
        if start - BLOCK in absent:
            rack["returned_from"] = start
        rack["returned"] = start + BLOCK
    return np.concatenate(heard)


@pytest.fixture(scope="module")
def dry() -> Stereo:
    return playing().render(FRAMES)


def test_the_return_is_added_at_its_frame(dry: Stereo) -> None:
    engine = playing()
    heard = with_half_of_it(engine)
    later = np.arange(8_000, FRAMES)
    assert np.abs(heard[later] - dry[later] - 0.5 * dry[later - LATENCY]).max() < 1e-6
    assert engine.state.meters["late_racks"] == 0


def test_without_a_rack_every_bit_stays(dry: Stereo) -> None:
    assert np.array_equal(playing(96).render(FRAMES), dry)


def test_a_return_that_stops_fades_and_the_dry_sound_stays(dry: Stereo) -> None:
    engine = playing()
    absent = range(20_480, 30_720)
    heard = with_half_of_it(engine, absent)
    wet = heard - dry
    gone = slice(absent.start + LATENCY, absent.stop)
    assert np.array_equal(heard[gone], dry[gone])
    assert np.abs(wet[absent.stop + 12_000 :]).max() > 0.01  # it is back
    assert engine.state.meters["late_racks"] == 1
    steady = np.abs(np.diff(wet[8_000:16_000], axis=0)).max()
    assert (
        np.abs(np.diff(wet, axis=0)).max()
        < 1.5 * steady + np.abs(wet).max() * 1.5 / FADE_OUT_FRAMES
    )


def test_direct_sound_that_was_taken_back_returns_when_the_rack_goes(dry: Stereo) -> None:
    absent = range(20_480, 30_720)
    heard = with_half_of_it(playing(), absent, direct=0.0)
    later = np.arange(12_000, 16_000)
    assert np.abs(heard[later] - 0.5 * dry[later - LATENCY]).max() < 1e-5
    gone = slice(absent.start + LATENCY, absent.stop)
    assert np.array_equal(heard[gone], dry[gone])
