"""A song whose notes all have their own timbre: which sound they have, pitches, pedals, slots."""

from dataclasses import replace

import numpy as np
import pytest

from instrument.bundle.reference import ModelReference
from instrument.midi.messages import control_change, note_off, note_on
from instrument.midi.song import Song, SongMessage
from instrument.offline.morph_player import MorphPlayer
from instrument.offline.tone_slots import ToneSlots
from instrument.preset.preset import Preset
from instrument.preset.sections import Envelope, Sound, Touch
from instrument.realtime.memory.constants import ALL_CHANNELS, LOUD_VELOCITY, USE_BANK
from instrument.realtime.offline_engine import OfflineEngine
from instrument.rendering.prefetch import KEPT_NOTES, Strike, TonePrefetch
from instrument.rendering.renderer import FULL_VELOCITY, SineRenderer

RATE_HZ = 16_000
LOUD_SHARE = LOUD_VELOCITY / FULL_VELOCITY  # of a sine renderer's overtones


def a_preset(overtone: float = 0.0, *, sustain: str = "loop") -> Preset:
    """One partial above the fundamental, at a level of `overtone` against it."""
    return Preset(
        "Sine",
        ModelReference("sine", "1.0", "0" * 64),
        Sound((overtone,), note_seconds=1.0, sustain=sustain),  # type: ignore[arg-type]
        envelope=Envelope(release_seconds=0.05),
        touch=Touch(velocity_to_gain=0.0),
    )


class Ramp:
    """The overtone's level is the time in seconds."""

    def at(self, seconds: float) -> Preset:
        return a_preset(seconds)


class CountingSines(SineRenderer):
    """Sines that remember which notes were rendered in each call."""

    def __init__(self, tones_at_once: int = 1) -> None:
        super().__init__(RATE_HZ, latent_size=1, seconds=1.0)
        self.info = replace(self.info, hears_velocity=False, tones_at_once=tones_at_once)
        self.calls: list[list[int]] = []

    def render(self, pitches, latents, velocities=None, frames=None):  # type: ignore[no-untyped-def]
        self.calls.append([int(pitch) for pitch in pitches])
        return super().render(pitches, latents, velocities, frames)


def a_song(*timed: tuple[float, bytes], length: float) -> Song:
    return Song(tuple(SongMessage(seconds, data) for seconds, data in timed), length)


def played(song: Song, path: object, renderer: SineRenderer | None = None) -> np.ndarray:
    notes = TonePrefetch(renderer or CountingSines(), RATE_HZ)
    player = MorphPlayer(song, path, notes, RATE_HZ)  # type: ignore[arg-type]
    return np.concatenate(list(player.play()))[:, 0]


def level(sound: np.ndarray, hz: float) -> float:
    """Return the amplitude of one frequency."""
    wave = np.exp(-2j * np.pi * hz / RATE_HZ * np.arange(len(sound)))
    window = np.hanning(len(sound))
    return float(2 * abs(np.sum(sound * window * wave)) / window.sum())


def hz(pitch: float) -> float:
    return float(440.0 * 2 ** ((pitch - 69) / 12))


def cut(sound: np.ndarray, start: float, end: float) -> np.ndarray:
    return sound[int(start * RATE_HZ) : int(end * RATE_HZ)]


def test_each_note_keeps_the_sound_of_its_start() -> None:
    starts = (0.0, 0.25, 0.5, 1.0)
    timed = [(start, note_on(57 + 3 * n)) for n, start in enumerate(starts)]
    timed += [(start + 0.4, note_off(57 + 3 * n)) for n, start in enumerate(starts)]
    song = a_song(*sorted(timed, key=lambda event: event[0]), length=1.5)
    sound = played(song, Ramp())
    for number, start in enumerate(starts):
        pitch = 57 + 3 * number
        part = cut(sound, start + 0.02, start + 0.38)
        share = level(part, 2 * hz(pitch)) / level(part, hz(pitch))
        assert share == pytest.approx(LOUD_SHARE * start, abs=0.03)


def test_the_same_key_rings_on_while_it_has_another_sound_already() -> None:
    """Struck three times under the pedal and a long release, each time with another overtone."""
    song = a_song(
        (0.0, note_on(60, 100, 0)),
        (0.3, note_on(60, 100, 1)),
        (0.6, note_on(60, 100, 2)),
        length=1.0,
    )
    sound = played(song, Ramp())
    alone = level(cut(sound, 0.05, 0.28), hz(60))
    overtone = level(cut(sound, 0.65, 0.95), 2 * hz(60))
    assert overtone == pytest.approx(LOUD_SHARE * alone * (0.0 + 0.3 + 0.6), rel=0.05)


@pytest.mark.parametrize("pitch", [13, 20, 69, 109, 118])
def test_every_pitch_sounds_at_its_frequency(pitch: int) -> None:
    """From 119 on the fundamental lies above half of the rate."""
    song = a_song((0.0, note_on(pitch)), (0.9, note_off(pitch)), length=0.9)
    sound = cut(played(song, Ramp()), 0.1, 0.8)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 2**18))
    found = np.argmax(spectrum) * RATE_HZ / 2**18
    assert 1200 * np.log2(found / hz(pitch)) == pytest.approx(0.0, abs=10.0)
    assert level(sound, found) > 0.03


def test_a_note_longer_than_the_model_holds_goes_on_until_its_key_is_up() -> None:
    song = a_song((0.0, note_on(60)), (3.0, note_off(60)), length=3.2)
    sound = played(song, Ramp())
    levels = [level(cut(sound, t, t + 0.3), hz(60)) for t in (0.3, 1.5, 2.6)]
    assert levels == pytest.approx([levels[0]] * 3, rel=0.02)
    assert np.abs(cut(sound, 3.15, 3.2)).max() < 1e-3


def test_the_sustain_pedal_holds_a_note() -> None:
    song = a_song(
        (0.0, control_change(64, 127)),
        (0.1, note_on(60)),
        (0.3, note_off(60)),
        (1.5, control_change(64, 0)),
        length=1.8,
    )
    sound = played(song, Ramp())
    assert level(cut(sound, 1.1, 1.4), hz(60)) > 0.05
    assert np.abs(cut(sound, 1.7, 1.8)).max() < 1e-3


@pytest.mark.parametrize("length", [0.0, 0.5, 5.9, 11.9])
def test_pieces_of_any_length_have_numbers_only(length: float) -> None:
    """The authors' script fails below 12 s."""
    timed = [(0.0, note_on(60)), (length / 2, note_off(60))] if length else []
    sound = played(a_song(*timed, length=length), Ramp())
    assert np.isfinite(sound).all()
    assert len(sound) >= length * RATE_HZ


def test_a_timbre_that_stands_still_is_rendered_once_for_each_key() -> None:
    renderer = CountingSines()
    timed = [(0.1 * n, note_on(60 + n % 2)) for n in range(20)]
    timed += [(0.1 * n + 0.08, note_off(60 + n % 2)) for n in range(20)]
    song = a_song(*sorted(timed, key=lambda event: event[0]), length=2.1)

    class Still:
        def at(self, seconds: float) -> Preset:
            return a_preset(0.5)

    played(song, Still(), renderer)
    assert renderer.calls == [[60], [61]]


def test_where_several_notes_take_as_long_as_one_they_are_rendered_together() -> None:
    renderer = CountingSines(tones_at_once=4)
    timed = [(0.1 * n, note_on(60 + n)) for n in range(6)]
    song = a_song(*timed, length=1.0)
    together = played(song, Ramp(), renderer)
    assert renderer.calls == [[60, 61, 62, 63], [64, 65]]
    np.testing.assert_allclose(together, played(song, Ramp()), atol=1e-6)


def test_a_key_struck_more_often_than_it_has_slots_takes_the_latest_sound() -> None:
    engine = OfflineEngine(RATE_HZ, 128, 1.0)
    slots = ToneSlots(engine.state, TonePrefetch(CountingSines(), RATE_HZ))
    banks = []
    for number in range(5):
        bank = slots.bank_for(Strike(60, a_preset(0.1 * number)))
        banks.append(bank)
        engine.command(USE_BANK, bank, ALL_CHANNELS, frame=engine.state.clock)
        engine.send(engine.state.clock, note_on(60, 100, number))
        engine.render(64)
    assert len(set(banks[:3])) == 3
    assert banks[3] == banks[4] == banks[2]
    assert slots.borrowed == 2


def test_only_so_many_notes_are_kept() -> None:
    renderer = CountingSines()
    tones = TonePrefetch(renderer, RATE_HZ)
    for number in range(KEPT_NOTES + 5):
        tones.tone(Strike(60, a_preset(0.01 * number)))
    calls = len(renderer.calls)
    tones.tone(Strike(60, a_preset(0.01 * (KEPT_NOTES + 4))))
    assert len(renderer.calls) == calls
    tones.tone(Strike(60, a_preset(0.0)))
    assert len(renderer.calls) == calls + 1
