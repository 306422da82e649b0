"""A held note's later half seconds: the table's own tone there, then never the same again."""

import functools

import numpy as np
import pytest

from instrument.bench.presets.measures import self_likeness
from instrument.bundle.bundle import load_sound
from instrument.rendering.frame_voice import motion_of
from instrument.rendering.held_partials import HOP_FRAMES, PartialsProbe
from instrument.rendering.held_voice import HeldVoice, StreamedNote
from instrument.rendering.open_renderer import open_renderer
from tests.helpers.tiny_model import tiny_bundle
from tests.helpers.tones import cents, heard_hz

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
