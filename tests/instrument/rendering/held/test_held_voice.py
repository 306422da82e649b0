"""A held note's later half seconds: the table's own tone there, then never the same again."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from instrument.bench.presets.measures import self_likeness
from instrument.bundle.bundle import load_sound
from instrument.bundle.installed import find_bundle
from instrument.files import shipped_presets_folder
from instrument.preset.preset import Preset, load_preset
from instrument.preset.sections import Slide, Sound
from instrument.rendering.frame_voice import motion_of
from instrument.rendering.held.partials import HOP_FRAMES, PartialsProbe
from instrument.rendering.held.source import HeldSource
from instrument.rendering.held.voice import After, Before, HeldVoice, SlidVoice, StreamedNote
from instrument.rendering.k_weighting import block_powers
from instrument.rendering.open_renderer import open_renderer
from tests.helpers.models.tiny_model import tiny_bundle
from tests.helpers.sounds.tones import cents, heard_hz

SHIPPED = shipped_presets_folder()
LATENT = np.linspace(-1.0, 1.0, 6).astype(np.float32)
DRAWN_HOPS = 251
AT_HOP = 200


@functools.cache
def probe() -> PartialsProbe:
    return PartialsProbe(load_sound(tiny_bundle()))


def held(
    pitch: int, weights: tuple[float, float] = (0.4, 0.6), drift: float = 1.0, number: int = 1
) -> HeldVoice:
    partials = probe().look(pitch, LATENT, motion_of(pitch), AT_HOP / 100)
    note = StreamedNote(pitch, number, weights, drift, joins_hop=220.0)
    return HeldVoice(partials, note, probe().seed, DRAWN_HOPS)


@pytest.mark.parametrize("pitch", [21, 45, 60, 84, 108])
@pytest.mark.parametrize("weights", [(0.0, 1.0), (1.0, 0.0), (0.3, 0.8)])
def test_it_is_the_tables_tone_at_that_moment(pitch: int, weights: tuple[float, float]) -> None:
    renderer = open_renderer(load_sound(tiny_bundle()))
    soft, loud = renderer.render([pitch, pitch], [LATENT, LATENT], [40, 115])
    table = weights[0] * soft + weights[1] * loud
    begin, frames = AT_HOP * HOP_FRAMES, 10 * HOP_FRAMES
    found = held(pitch, weights).render(AT_HOP, 10)
    expected = table[begin : begin + frames]
    assert np.std(found - expected) < 0.01 * np.std(expected)


@pytest.mark.parametrize("pitch", [36, 60, 84])
def test_a_soft_point_of_its_own_is_what_the_soft_layer_plays(pitch: int) -> None:
    motion, seconds = motion_of(pitch), AT_HOP / 100
    both = probe().look(pitch, LATENT, motion, seconds, soft=-LATENT)
    alone = probe().look(pitch, -LATENT, motion, seconds)
    loud = probe().look(pitch, LATENT, motion, seconds)
    common, in_both, in_alone = np.intersect1d(both.numbers, alone.numbers, return_indices=True)
    assert common.size > 5
    np.testing.assert_allclose(
        both.amplitudes[0, in_both], alone.amplitudes[1, in_alone], rtol=1e-4, atol=1e-7
    )
    np.testing.assert_allclose(both.noise[0], alone.noise[1], rtol=1e-3, atol=1e-7)
    _, in_both, in_loud = np.intersect1d(both.numbers, loud.numbers, return_indices=True)
    np.testing.assert_array_equal(both.amplitudes[1, in_both], loud.amplitudes[1, in_loud])
    early = probe().look_at(pitch, LATENT, both, (0.08, seconds), soft=-LATENT)
    np.testing.assert_allclose(early[0][1], both.amplitudes, rtol=1e-4, atol=1e-7)


def test_half_seconds_fit_together_to_the_bit() -> None:
    parts = [held(60).render(200, 50), held(60).render(250, 50), held(60).render(300, 50)]
    assert np.array_equal(np.concatenate(parts), held(60).render(200, 150))


def test_a_note_keeps_its_pitch_and_level_for_a_minute() -> None:
    voice = held(57)
    early, late = voice.render(300, 200), voice.render(6000, 200)
    assert abs(cents(heard_hz(late), 57)) < 2.0
    assert np.std(late) == pytest.approx(np.std(early), rel=0.1)


def test_it_never_comes_back_to_where_it_was() -> None:
    def likeness(drift: float) -> float:
        audio = held(48, drift=drift).render(400, 400)
        return self_likeness(np.stack([audio, audio], axis=1), 48_000)

    assert likeness(1.0) < 0.9
    assert likeness(1.0) < likeness(0.0)


def test_every_note_has_noise_and_ways_of_its_own_once_the_table_has_ended() -> None:
    one, other, same = held(60, number=1), held(60, number=2), held(60, number=1)
    assert np.array_equal(one.render(400, 10), same.render(400, 10))
    assert not np.allclose(one.render(400, 10), other.render(400, 10), atol=1e-3)
    assert np.array_equal(one.render(200, 10), other.render(200, 10)), "as in the table"
    assert not np.array_equal(held(60, number=1 + (1 << 32)).render(400, 10), one.render(400, 10))


FAR = LATENT[::-1].copy()


@functools.cache
def near_preset() -> Preset:
    return Preset("Near", load_sound(tiny_bundle()).reference, Sound(tuple(LATENT.tolist())))


def slid(weights: tuple[float, float] = (0.4, 0.6), pitch: int = 60) -> tuple[HeldVoice, SlidVoice]:
    """Return a note, and what its slide adds."""
    preset = replace(near_preset(), slide=Slide(tuple(FAR.tolist())))
    source = HeldSource(preset, load_sound(tiny_bundle()))
    note = StreamedNote(pitch, 1, weights, 0.0, joins_hop=220.0)
    return source.voice(note, AT_HOP / 100), source.slid_voice(note, AT_HOP / 100)


@pytest.mark.parametrize("pitch", [40, 60, 80])
def test_a_slide_goes_to_another_timbre_in_tune_and_no_louder(pitch: int) -> None:
    note, slide = slid(pitch=pitch)
    near, added = note.render(400, 200), slide.render(400, 200)
    assert np.std(added) > 0.1 * np.std(near)
    loudness = [
        float(block_powers((near + share * added)[:, None], 48_000).mean()) for share in (0, 1)
    ]
    assert 10 * np.log10(loudness[1] / loudness[0]) == pytest.approx(0.0, abs=1.0)
    for share in (0.25, 0.5, 0.75, 1.0):
        assert abs(cents(heard_hz(near + share * added), pitch)) < 2.0


def test_a_slide_to_where_the_note_is_adds_nothing() -> None:
    source = HeldSource(near_preset(), load_sound(tiny_bundle()))
    voice = source.slid_voice(StreamedNote(60, 1, (0.4, 0.6), 1.0, 220.0), AT_HOP / 100)
    assert np.abs(voice.render(50, 50)).max() < 1e-5


def test_before_it_is_held_a_tone_is_as_it_was_seen_then() -> None:
    partials = probe().look(60, LATENT, 0.0, AT_HOP / 100)
    shares = np.array([0.0, 0.5], np.float32)[:, None, None]
    before = Before(
        np.array([8.0, 30.0, AT_HOP]), shares * partials.amplitudes, shares * partials.noise
    )
    note = StreamedNote(60, 1, (0.4, 0.6), 0.0, joins_hop=220.0)
    swelling = HeldVoice(partials, note, probe().seed, DRAWN_HOPS, before).render(0, 250)
    steady = HeldVoice(partials, note, probe().seed, DRAWN_HOPS).render(0, 250)

    def share(hop: int) -> float:
        frames = slice(hop * HOP_FRAMES, (hop + 2) * HOP_FRAMES)
        return float(np.std(swelling[frames]) / np.std(steady[frames]))

    assert share(3) < 0.01
    assert share(29) == pytest.approx(0.5, abs=0.02)
    assert 0.55 < share(70) < 0.95
    assert share(AT_HOP + 5) == pytest.approx(1.0, abs=1e-3)


def test_levels_fall_in_lines_from_moment_to_moment_and_never_rise() -> None:
    partials = probe().look(60, LATENT, 0.0, AT_HOP / 100)
    shares = np.array([0.5, 0.05, 0.5], np.float32)[:, None, None]
    hops = AT_HOP + np.array([0.0, 100.0, 200.0, 300.0])
    after = After(hops, shares * partials.amplitudes, shares * partials.noise)
    note = StreamedNote(60, 1, (0.4, 0.6), 0.0, joins_hop=220.0)
    steady = HeldVoice(partials, note, probe().seed, DRAWN_HOPS)
    falling = HeldVoice(partials, note, probe().seed, DRAWN_HOPS, after=after)

    def share(hop: int) -> float:
        return float(np.std(falling.render(hop, 2)) / np.std(steady.render(hop, 2)))

    assert share(AT_HOP - 20) == pytest.approx(1.0, abs=1e-6)
    assert share(AT_HOP + 50) == pytest.approx(np.sqrt(0.5), rel=0.01)
    assert share(AT_HOP + 150) == pytest.approx(np.sqrt(0.5 * 0.05), rel=0.03)
    assert share(AT_HOP + 260) == pytest.approx(0.05, rel=0.03)
    assert share(AT_HOP + 900) == pytest.approx(0.05, rel=0.03)
    parts = [falling.render(hop, 50) for hop in (250, 300)]
    assert np.array_equal(np.concatenate(parts), falling.render(250, 100))


@pytest.mark.parametrize("pitch", [48, 72])
def test_a_struck_string_rings_as_the_model_knows_it(pitch: int) -> None:
    path = SHIPPED / "felt_grand.toml"
    preset = load_preset(path)
    preset = replace(preset, sound=replace(preset.sound, sustain="ring"))
    bundle = find_bundle(preset.model, path)
    source, seconds = HeldSource(preset, bundle), 2.0
    voice = source.voice(StreamedNote(pitch, 1, (0.0, 1.0), 0.0, 400.0), seconds)
    known = source.open()
    latent = np.asarray(preset.sound.latent, np.float32)
    for later in (3.0, 4.5, 7.0, 10.0):
        partials = known.look(pitch, latent, motion_of(pitch), later)
        note = StreamedNote(pitch, 1, (0.0, 1.0), 0.0, 4000.0)
        then = HeldVoice(partials, note, known.seed, DRAWN_HOPS).render(round(100 * later), 10)
        ours = voice.render(round(100 * later), 10)
        assert 20 * np.log10(np.std(ours) / np.std(then)) == pytest.approx(0.0, abs=1.5)


def test_a_model_is_seen_at_two_moments_before() -> None:
    partials = probe().look(60, LATENT, 0.0, AT_HOP / 100)
    amplitudes, noise = probe().look_at(60, LATENT, partials, (0.5, AT_HOP / 100))
    then = probe().look(60, LATENT, 0.0, 0.5)
    both = np.isin(partials.numbers, then.numbers)
    as_then = then.amplitudes[:, np.isin(then.numbers, partials.numbers)]
    assert np.allclose(amplitudes[0][:, both], as_then, atol=1e-6)
    assert np.allclose(amplitudes[1], partials.amplitudes, atol=1e-6)
    assert np.allclose(noise, [then.noise, partials.noise], atol=1e-6)
