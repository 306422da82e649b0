"""The drum kit: every key of the percussion map is a short sound, always the same."""

import numpy as np
import pytest

from instrument.realtime.memory.constants import HIGHEST_PITCH, KIT_BANK, LOWEST_PITCH, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from instrument.rendering.drum_kit import KIT, LEVEL, drum_sound, fill_drum_kit

BASS_DRUM, SNARE, CLOSED_HAT, LOW_TOM, HIGH_TOM, OPEN_HAT = 36, 38, 42, 45, 50, 46
RATE_HZ = 48_000


def centroid_hz(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float((power * np.fft.rfftfreq(len(sound), 1 / RATE_HZ)).sum() / power.sum())


def test_general_midi_s_percussion_map_is_whole() -> None:
    assert set(range(35, 82)) <= set(KIT)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 192_000])
def test_every_key_gives_a_short_sound_that_begins_and_ends_in_silence(rate_hz: int) -> None:
    for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1):
        sound = drum_sound(pitch, rate_hz)
        assert sound.dtype == np.float32
        assert 0.03 < len(sound) / rate_hz <= 1.7
        assert 0.1 < np.abs(sound).max() <= LEVEL + 1e-6
        assert abs(sound[0]) < 0.05
        assert sound[-1] == 0.0


def test_a_kit_is_always_the_same() -> None:
    assert (drum_sound(SNARE, RATE_HZ) == drum_sound(SNARE, RATE_HZ)).all()


def test_drums_are_as_dark_and_as_bright_as_their_names_say() -> None:
    dark_to_bright = [BASS_DRUM, LOW_TOM, HIGH_TOM, SNARE, CLOSED_HAT]
    centroids = [centroid_hz(drum_sound(pitch, RATE_HZ)) for pitch in dark_to_bright]
    assert centroids == sorted(centroids)
    assert len(drum_sound(OPEN_HAT, RATE_HZ)) > 4 * len(drum_sound(CLOSED_HAT, RATE_HZ))


def test_a_drum_sounds_to_its_end_however_short_its_note() -> None:
    energies = []
    for held in (480, 24_000):
        engine = OfflineEngine(RATE_HZ)
        fill_drum_kit(engine.state)
        engine.command(USE_BANK, KIT_BANK, 9, frame=0)
        engine.send(0, (0x99, LOW_TOM, 100))
        engine.send(held, (0x89, LOW_TOM, 0))
        sound = engine.render(RATE_HZ)
        energies.append(float((sound[:24_000] ** 2).sum()))
        assert not sound[-4_800:].any()
    assert energies[0] == pytest.approx(energies[1], rel=0.1)
