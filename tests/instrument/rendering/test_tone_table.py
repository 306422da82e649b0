"""Filling a bank with plain sines, whose every sample is known."""

from dataclasses import replace

import numpy as np
import pytest

from instrument.bundle.reference import ModelReference
from instrument.preset.preset import Preset
from instrument.preset.sections import Sound
from instrument.preset.voice_parameters import sound_fields, write_sound
from instrument.realtime.memory.constants import (
    HIGHEST_PITCH,
    LOUD,
    LOWEST_PITCH,
    PITCH_COUNT,
    SOFT,
)
from instrument.realtime.memory.layout import SOUND
from instrument.realtime.memory.state import EngineState
from instrument.rendering.k_weighting import strongest_lufs
from instrument.rendering.renderer import SineRenderer
from instrument.rendering.sustained_tones import LOUDNESS_LUFS
from instrument.rendering.tone_cache import SAMPLE_STEP
from instrument.rendering.tone_table import Job, TableFiller, outward, read_table, tone_frames

BANK = 2


def a_preset(note_seconds: float = 0.6) -> Preset:
    model = ModelReference("sine", "1", "0" * 64)
    return Preset("Sine", model, Sound((0.5, 0.0), note_seconds=note_seconds))


def a_filler(
    rate_hz: int = 48_000, renderer: SineRenderer | None = None
) -> tuple[EngineState, TableFiller]:
    state = EngineState.create(None, rate_hz, 4.0)
    return state, TableFiller(state, BANK, a_preset(), renderer or SineRenderer())


def frames_ready(state: EngineState, pitch: int, layer: int = LOUD) -> int:
    return int(state.slots[BANK, layer, pitch - LOWEST_PITCH]["frames_ready"])


def test_pitches_go_outward_from_the_middle() -> None:
    order = outward()
    assert order[:5] == [62, 61, 63, 60, 64]
    assert sorted(order) == list(range(LOWEST_PITCH, HIGHEST_PITCH + 1))


def test_every_key_has_its_attack_before_any_has_its_whole_note() -> None:
    state, filler = a_filler()
    jobs = [filler.step() for _ in range(PITCH_COUNT)]
    assert [job.pitches for job in jobs if job] == [(pitch,) for pitch in outward()]
    assert not any(job.is_whole for job in jobs if job)
    assert filler.attacks_are_ready
    assert np.all(state.slots[BANK, SOFT]["frames_ready"] == round(0.32 * 48_000))
    first_whole = filler.step()
    assert first_whole == Job((62,), True)
    assert frames_ready(state, 62) == round(0.6 * 48_000)


def test_struck_keys_come_first_attacks_before_whole_notes_the_latest_first() -> None:
    state, filler = a_filler()
    filler.step()
    state.wanted[BANK, 100 - LOWEST_PITCH] = 5_000
    state.wanted[BANK, 30 - LOWEST_PITCH] = 9_000
    jobs = [filler.step() for _ in range(5)]
    found = [(*job.pitches, job.is_whole) for job in jobs if job]
    assert found == [(30, False), (100, False), (30, True), (100, True), (61, False)]


def test_whole_notes_soon_stand_in_for_every_key() -> None:
    _, filler = a_filler()
    jobs = [filler.step() for _ in range(PITCH_COUNT + 9)]
    wholes = [*(job.pitches[0] for job in jobs if job and job.is_whole)]
    assert wholes == [62, 50, 74, 38, 86, 26, 98, 61, 63]
    for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1):
        assert min(abs(pitch - whole) for whole in wholes[:7]) <= 12


def test_a_complete_table_ends_and_holds_the_tones() -> None:
    state, filler = a_filler()
    while filler.step():
        pass
    slots = state.slots[BANK]
    assert np.all(slots["frames_ready"] == slots["frames_whole"])
    assert np.all(slots["loop_end"] > slots["loop_start"])
    for pitch in (LOWEST_PITCH, 60, 61, HIGHEST_PITCH):
        note = state.tones[BANK, LOUD, pitch - LOWEST_PITCH, : round(0.25 * 48_000)]
        tone = SineRenderer().render([pitch], [[0.5, 0.0]], [115], len(note))[0]
        assert np.abs(note - tone).max() <= SAMPLE_STEP / 2 + 1e-7
    # Both layers are read at one position.
    np.testing.assert_array_equal(slots[SOFT]["loop_start"], slots[LOUD]["loop_start"])


def test_a_whole_note_begins_with_its_published_attack_to_the_bit() -> None:
    class Rounding(SineRenderer):
        """Another graph for whole notes: equal to within its rounding."""

        def render(self, *arguments, **more):  # type: ignore[no-untyped-def]
            notes = super().render(*arguments, **more)
            return notes if notes.shape[1] == self.info.attack_frames else notes + np.float32(2e-5)

    state, filler = a_filler(renderer=Rounding())
    state.wanted[BANK, 70 - LOWEST_PITCH] = 1
    filler.step()
    ready = frames_ready(state, 70)
    attack = state.tones[BANK, LOUD, 70 - LOWEST_PITCH, :ready].copy()
    filler.step()
    assert frames_ready(state, 70) > ready
    np.testing.assert_array_equal(state.tones[BANK, LOUD, 70 - LOWEST_PITCH, :ready], attack)


def test_a_successor_goes_on_where_the_last_filler_stopped() -> None:
    state, filler = a_filler()
    for _ in range(PITCH_COUNT + 10):
        filler.step()
    before = state.tones[BANK, LOUD, 62 - LOWEST_PITCH].copy()
    successor = TableFiller(state, BANK, a_preset(), SineRenderer())
    jobs = []
    while job := successor.step():
        jobs.append(job)
    assert len(jobs) == PITCH_COUNT - 10
    np.testing.assert_array_equal(state.tones[BANK, LOUD, 62 - LOWEST_PITCH], before)


@pytest.mark.parametrize("rate_hz", [44_100, 96_000])
def test_another_device_rate_keeps_the_pitch(rate_hz: int) -> None:
    state, filler = a_filler(rate_hz)
    state.wanted[BANK, 69 - LOWEST_PITCH] = 1
    filler.step()
    filler.step()
    ready = frames_ready(state, 69)
    assert ready == tone_frames(a_preset(), rate_hz) == round(0.6 * rate_hz)
    note = state.tones[BANK, LOUD, 69 - LOWEST_PITCH, :ready]
    spectrum = np.abs(np.fft.rfft(note * np.hanning(ready), 2**21))
    assert np.argmax(spectrum) * rate_hz / 2**21 == pytest.approx(440, abs=0.05)


class Small(SineRenderer):
    """Three pitches, one layer, several notes at once, keys of different levels."""

    def __init__(self) -> None:
        super().__init__(sample_rate_hz=16_000, seconds=0.5)
        self.info = replace(
            self.info,
            pitch_range=(60, 62),
            hears_velocity=False,
            keeps_levels=False,
            tones_at_once=2,
        )
        self.calls: list[list[int]] = []

    def render(self, pitches, latents, velocities=None, frames=None):  # type: ignore[no-untyped-def]
        self.calls.append(list(pitches))
        return super().render(pitches, latents, None, frames) * (np.asarray(pitches) - 59)[:, None]


def test_keys_outside_the_models_range_sound_at_their_own_pitch() -> None:
    renderer = Small()
    state, filler = a_filler(renderer=renderer)
    while filler.step():
        pass
    assert frames_ready(state, 60) == round(0.5 * 48_000)  # the model's notes are no longer
    assert frames_ready(state, 74) == pytest.approx(0.25 * 48_000, abs=1)
    for pitch in (LOWEST_PITCH, 45, 60, 74, HIGHEST_PITCH):
        slot = state.slots[BANK, LOUD, pitch - LOWEST_PITCH]
        assert slot["frames_ready"] == slot["frames_whole"]
        note = state.tones[BANK, LOUD, pitch - LOWEST_PITCH, : int(slot["frames_ready"])]
        spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note)), 2**21))
        hz = np.argmax(spectrum) * 48_000 / 2**21
        assert 1200 * np.log2(hz / 440) == pytest.approx(100 * (pitch - 69), abs=2)


def test_several_notes_are_rendered_at_once_and_outer_keys_cost_none() -> None:
    renderer = Small()
    _, filler = a_filler(renderer=renderer)
    while filler.step():
        pass
    attacks, wholes = [[62, 61], [60]], [[62, 60], [61]]
    assert renderer.calls == attacks + wholes


def test_a_struck_outer_key_has_its_whole_note_next() -> None:
    state, filler = a_filler(renderer=Small())
    state.wanted[BANK, 90 - LOWEST_PITCH] = 1
    assert filler.step() == Job((90,), True)
    assert filler.step() == Job((62, 61), False)


def test_one_layer_is_enough_where_velocity_is_not_heard() -> None:
    state, filler = a_filler(renderer=Small())
    while filler.step():
        pass
    assert not state.slots[BANK, SOFT]["frames_ready"].any()
    assert [note.layer for note in read_table(state, BANK)] == [LOUD] * PITCH_COUNT


def test_levels_are_evened_out_by_the_slots_gain() -> None:
    state, filler = a_filler(renderer=Small())
    for pitch in (60, 61, 62):
        state.wanted[BANK, pitch - LOWEST_PITCH] = 1
    while not filler.attacks_are_ready:
        filler.step()
    attack = state.tones[BANK, LOUD, 62 - LOWEST_PITCH, :1000].copy()
    while filler.step():
        pass
    for pitch in (60, 61, 62):
        slot = state.slots[BANK, LOUD, pitch - LOWEST_PITCH]
        note = state.tones[BANK, LOUD, pitch - LOWEST_PITCH, : int(slot["frames_ready"])]
        rate_hz = round(state.rate_hz)
        loudness = strongest_lufs(note[:, None] * np.float32(slot["gain"]), rate_hz)
        assert loudness == pytest.approx(LOUDNESS_LUFS, abs=0.2)
    # What sounds already is not changed: the gain is for keys struck from now on.
    np.testing.assert_array_equal(state.tones[BANK, LOUD, 62 - LOWEST_PITCH, :1000], attack)


def test_a_presets_sound_names_every_field_of_the_kernels_record() -> None:
    names = {field.partition(".")[0] for field in sound_fields(a_preset())}
    assert names == set(SOUND.names or ())
    state = EngineState.create(None, 48_000, 1.0)
    write_sound(state, BANK, a_preset())
    assert float(state.banks[BANK]["velocity_curve"]) == a_preset().touch.velocity_curve
