"""Notes for slots: rates, pitches, levels and loops, against the formula that was rendered."""

import numpy as np
import pytest

from instrument.bundle.bundle import Bundle
from instrument.bundle.inference import Runtime
from instrument.realtime.memory.constants import LOUD, LOUD_VELOCITY, SOFT
from instrument.rendering.gansynth import GansynthRenderer
from instrument.rendering.k_weighting import strongest_lufs
from instrument.rendering.renderer import SineRenderer
from instrument.rendering.sustained_tones import (
    LOUDNESS_LUFS,
    MOST_DB,
    attacks,
    dies_away,
    held_frames,
    layers_of,
    whole_tones,
)
from instrument.rendering.tone_cache import SAMPLE_STEP, Tone
from tests.helpers.models.plain_gansynth import plain_gansynth

LATENT = np.array([[[0.5, 1.0, 0.0, 0.0, 0.0]]], np.float32)


@pytest.fixture(scope="module")
def renderer() -> GansynthRenderer:
    return GansynthRenderer(Bundle.load(plain_gansynth()), Runtime(device="cpu"))


def a_whole_note(
    renderer: GansynthRenderer, pitch: int, rate_hz: int, seconds: float = 2.0
) -> Tone:
    frames = round(seconds * rate_hz)
    (note,) = whole_tones(
        renderer, [pitch], LATENT, rate_hz=rate_hz, frames=frames, goes_on_evenly=True
    )[0]
    return note


def held(note: Tone, frames: int) -> np.ndarray:
    """Play a slot as the kernel does: into the loop and round it."""
    at = np.arange(frames)
    length = note.loop_end - note.loop_start
    return note.samples[
        np.where(at < note.loop_end, at, note.loop_start + (at - note.loop_start) % length)
    ]


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("pitch", [40, 57, 70])
def test_a_whole_note_goes_on_where_its_attack_ends(
    renderer: GansynthRenderer, rate_hz: int, pitch: int
) -> None:
    (attack,) = attacks(renderer, [pitch], LATENT, rate_hz=rate_hz, frames=2 * rate_hz)[0]
    whole = a_whole_note(renderer, pitch, rate_hz)
    assert len(attack) > 0.095 * rate_hz
    # One step of the cache's grid where a sample lies between two of them.
    assert np.abs(whole.samples[: len(attack)] - attack).max() <= SAMPLE_STEP


@pytest.mark.parametrize("pitch", [21, 33, 40, 55, 70, 80, 94, 108])
@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_every_key_has_its_own_pitch(renderer: GansynthRenderer, pitch: int, rate_hz: int) -> None:
    note = held(a_whole_note(renderer, pitch, rate_hz), rate_hz)
    spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note)), 2**20))
    hz = np.argmax(spectrum) * rate_hz / 2**20
    assert 1200 * np.log2(hz / 440) == pytest.approx(100 * (pitch - 69), abs=3)


def test_a_key_above_the_model_is_its_highest_note_played_faster(
    renderer: GansynthRenderer,
) -> None:
    highest, octave = (a_whole_note(renderer, pitch, 48_000) for pitch in (70, 82))
    assert len(octave.samples) == pytest.approx(len(highest.samples) / 2, abs=1)
    again = highest.samples[2:20_000:2]  # nothing lies above a quarter of the rate
    assert np.abs(octave.samples[1 : 1 + len(again)] - again).max() < 2e-3


@pytest.mark.parametrize("pitch", [40, 57, 70])
def test_a_held_note_goes_on_without_a_seam(renderer: GansynthRenderer, pitch: int) -> None:
    sound = held(a_whole_note(renderer, pitch, 48_000), 4 * 48_000)
    steady = sound[4800:]
    # The steepest turn of the steady tone: a click stands far above it.
    bends = np.abs(np.diff(steady.astype(np.float64), 2))
    assert bends.max() < 1.2 * bends[:9600].max()
    windows = steady[: len(steady) // 4800 * 4800].reshape(-1, 4800)
    levels = 10 * np.log10(np.mean(windows.astype(np.float64) ** 2, axis=1))
    assert levels.max() - levels.min() < 0.3


def test_a_note_is_no_longer_than_the_model_holds_it(renderer: GansynthRenderer) -> None:
    longest = renderer.info.longest_frames * 3
    assert held_frames(renderer, 48_000, 4 * 48_000) == longest
    note = a_whole_note(renderer, 60, 48_000, 4.0)
    assert len(note.samples) == longest
    assert note.loop_end == longest


def test_whole_notes_are_brought_to_the_common_level_by_their_gain(
    renderer: GansynthRenderer,
) -> None:
    most = 10 ** (MOST_DB / 20) * 2**-7 * np.sqrt((1 + 0.5**2) / 2)  # limit, level, tone's RMS
    for level, lifted in ((3.0, None), (-2.0, None), (-7.0, most)):
        latent = np.array([[[0.5, level, 0, 0, 0]]], np.float32)
        (note,) = whole_tones(
            renderer, [60], latent, rate_hz=48_000, frames=48_000, goes_on_evenly=True
        )[0]
        steady = note.samples[9600:19_200].astype(np.float64) * note.gain
        if lifted:
            assert np.sqrt(np.mean(steady**2)) == pytest.approx(lifted, rel=0.02)
        else:
            loudness = strongest_lufs(note.samples[:, None] * np.float32(note.gain), 48_000)
            assert loudness == pytest.approx(LOUDNESS_LUFS, abs=0.2)


def test_equal_notes_are_rendered_once_and_every_key_has_its_own_latent() -> None:
    calls: list[int] = []

    class Counting(SineRenderer):
        def render(self, pitches, *more):  # type: ignore[no-untyped-def]
            calls.append(len(pitches))
            return super().render(pitches, *more)

    renderer = Counting()
    latents = np.array([[[0, 0]], [[0.5, 0]], [[0, 0]], [[0, 0]]], np.float32)
    notes = whole_tones(
        renderer, [60, 60, 60, 61], latents, rate_hz=48_000, frames=24_000, goes_on_evenly=True
    )
    assert calls == [2 * 3]  # two layers of three different notes
    assert [[note.layer for note in key] for key in notes] == [[SOFT, LOUD]] * 4
    np.testing.assert_array_equal(notes[0][1].samples, notes[2][1].samples)
    assert np.abs(notes[0][1].samples - notes[1][1].samples).max() > 0.01
    assert all(note.gain == 1.0 for key in notes for note in key)
    assert layers_of(renderer) == (SOFT, LOUD)


def test_soft_notes_may_have_a_timbre_of_their_own() -> None:
    renderer = SineRenderer()
    soft, loud = np.zeros(2, np.float32), np.array([1.0, 0.5], np.float32)
    both = np.stack([soft, loud])[None]
    ((softer, louder),) = whole_tones(
        renderer, [60], both, rate_hz=48_000, frames=24_000, goes_on_evenly=True
    )
    wanted = renderer.render([60, 60], [soft, loud], [LOUD_VELOCITY] * 2, frames=12_000)
    np.testing.assert_allclose(softer.samples[:12_000], wanted[0], atol=SAMPLE_STEP)
    np.testing.assert_allclose(louder.samples[:12_000], wanted[1], atol=SAMPLE_STEP)
    assert (softer.layer, louder.layer) == (SOFT, LOUD)


@pytest.mark.parametrize(
    ("db_per_second", "found"),
    [(0.0, False), (1.0, False), (8.0, True), (20.0, True), (60.0, True)],
)
def test_a_sound_that_dies_away_is_told_from_one_that_goes_on(
    db_per_second: float, found: bool
) -> None:
    class Struck(SineRenderer):
        def render(self, *arguments):  # type: ignore[no-untyped-def]
            notes = super().render(*arguments)
            seconds = np.arange(notes.shape[1]) / self.info.sample_rate_hz
            return notes * np.float32(10 ** (-db_per_second * seconds / 20))

    assert dies_away(Struck(), np.zeros(2, np.float32)) == found
