"""Playable notes from GANSynth's graphs, against a formula that the graphs compute."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from instrument.bundle.bundle import Bundle
from instrument.bundle.card import SelfTest
from instrument.bundle.inference import Runtime
from instrument.errors import BundleError
from instrument.rendering.gansynth import LONGEST_ONSET_SECONDS, GansynthRenderer
from instrument.rendering.open_renderer import open_renderer, self_test
from tests.helpers.models.plain_gansynth import (
    ATTACK_FRAMES,
    FRAMES,
    HOLD_SECONDS,
    LATENT_SIZE,
    RATE_HZ,
    SILENCE_FRAMES,
    TYPICAL_LEVEL,
    Lengths,
    formula,
    plain_gansynth,
    write_plain_gansynth,
)

LATENT = np.array([0.5, 1.0, 0.0, 0.0, 0.0])
LEAD = 16  # 1 ms
CUT = round(LONGEST_ONSET_SECONDS * RATE_HZ)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(plain_gansynth())


@pytest.fixture(scope="module")
def renderer(bundle: Bundle) -> GansynthRenderer:
    found = open_renderer(bundle, device="cpu")
    assert isinstance(found, GansynthRenderer)
    return found


def rms(audio: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))


def test_what_it_says_of_itself_comes_from_the_card(renderer: GansynthRenderer) -> None:
    assert renderer.info.sample_rate_hz == RATE_HZ
    assert renderer.info.pitch_range == (40, 70)
    assert renderer.info.latent_size == LATENT_SIZE
    assert renderer.info.attack_frames == ATTACK_FRAMES - CUT
    assert renderer.info.longest_frames == HOLD_SECONDS * RATE_HZ - CUT
    assert (renderer.info.provider, renderer.info.notice) == ("cpu", "")
    assert not renderer.info.hears_velocity
    assert renderer.info.tones_at_once == 1


@pytest.mark.parametrize("pitch", [40, 55, 70])
def test_a_note_is_the_graphs_sound_from_its_onset_on(
    renderer: GansynthRenderer, pitch: int
) -> None:
    note = renderer.render([pitch], [LATENT])[0]
    wave = formula(pitch, LATENT, FRAMES)
    threshold = 0.05 * np.abs(wave[:ATTACK_FRAMES]).max()
    onset = np.flatnonzero(np.abs(wave) >= threshold)[0] - LEAD
    assert SILENCE_FRAMES - LEAD < onset < SILENCE_FRAMES + 60
    expected = wave[onset : onset + len(note)]
    gain = rms(note) / rms(expected)
    assert np.abs(note - gain * expected).max() < 2e-3 * gain * np.abs(expected).max()


def test_attacks_have_a_common_level(renderer: GansynthRenderer) -> None:
    for level in (-2.0, 0.0, 3.0):
        attack = renderer.render([57], [[0.5, level, 0, 0, 0]], None, renderer.info.attack_frames)[
            0
        ]
        strongest = max(rms(attack[at : at + 800]) for at in range(0, len(attack) - 800, 10))
        assert strongest == pytest.approx(0.1, rel=0.01)


def test_what_is_faint_is_lifted_twice_as_far_as_a_typical_note(
    renderer: GansynthRenderer,
) -> None:
    note = renderer.render([57], [[0.0, -8.0, 0, 0, 0]])[0]
    assert np.abs(note).max() == pytest.approx(2 * 0.1 / TYPICAL_LEVEL * 2**-8, rel=1e-3)


@pytest.mark.parametrize("pitch", [40, 41, 55, 69, 70])
def test_an_attack_is_the_beginning_of_its_whole_note(
    renderer: GansynthRenderer, pitch: int
) -> None:
    latent = np.random.default_rng(pitch).normal(size=LATENT_SIZE)
    attack = renderer.render([pitch], [latent], None, renderer.info.attack_frames)[0]
    whole = renderer.render([pitch], [latent])[0]
    assert np.abs(whole[: len(attack)] - attack).max() < 1e-6


def test_no_note_goes_on_into_its_release(renderer: GansynthRenderer) -> None:
    note = renderer.render([60], [LATENT])[0]
    end, middle = note[-400:], note[8000:8400]
    assert rms(end) == pytest.approx(rms(middle), rel=0.02)
    with pytest.raises(ValueError, match="at most 23680 frames, not 23681"):
        renderer.render([60], [LATENT], None, renderer.info.longest_frames + 1)


def test_velocities_change_nothing(renderer: GansynthRenderer) -> None:
    soft, loud = renderer.render([60, 60], [LATENT, LATENT], [1, 127], 4000)
    np.testing.assert_array_equal(soft, loud)


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_batches_that_are_not_full_change_nothing(
    renderer: GansynthRenderer, tmp_path: Path, count: int
) -> None:
    folder = write_plain_gansynth(tmp_path / "fours", Lengths(notes=(4,)))
    fours = GansynthRenderer(Bundle.load(folder), Runtime(device="cpu"))
    latents = np.random.default_rng(0).normal(size=(count, LATENT_SIZE))
    pitches = np.arange(50, 50 + count)
    together = fours.render(pitches, latents, None, 2000)
    for row in range(count):
        alone = renderer.render([pitches[row]], latents[row : row + 1], None, 2000)[0]
        assert np.abs(together[row] - alone).max() < 1e-6


def test_one_length_of_graph_is_enough(tmp_path: Path) -> None:
    folder = write_plain_gansynth(tmp_path / "whole", Lengths(notes=(1,), frames=(FRAMES,)))
    renderer = GansynthRenderer(Bundle.load(folder), Runtime(device="cpu"))
    assert (
        renderer.info.attack_frames == renderer.info.longest_frames == HOLD_SECONDS * RATE_HZ - CUT
    )


def test_pitches_out_of_range_and_wrong_shapes_are_refused(renderer: GansynthRenderer) -> None:
    with pytest.raises(ValueError, match=r"pitches must be in 40\.\.70, got \[71\]"):
        renderer.render([71], [LATENT])
    with pytest.raises(ValueError, match=r"latents \(n, 5\)"):
        renderer.render([60], [[1.0]])


def test_a_latent_that_gives_no_numbers_is_told(renderer: GansynthRenderer) -> None:
    with pytest.raises(BundleError, match="gives no finite sound"):
        renderer.render([60], [[0.0, 1000.0, 0, 0, 0]])


def test_a_bundle_without_such_graphs_is_refused(bundle: Bundle) -> None:
    bare = dataclasses.replace(bundle, card=dataclasses.replace(bundle.sound, graphs={}))
    with pytest.raises(BundleError, match="has no graph that makes notes"):
        open_renderer(bare, device="cpu")


@pytest.mark.parametrize(
    ("name", "wrong"), [("hold_seconds", -1.0), ("hold_seconds", 1e9), ("typical_level", 0.0)]
)
def test_a_card_with_an_impossible_constant_is_refused(
    bundle: Bundle, name: str, wrong: float
) -> None:
    card = dataclasses.replace(bundle.sound, constants={name: wrong})
    with pytest.raises(BundleError, match=rf"constants\.{name} must be in .*, got"):
        open_renderer(dataclasses.replace(bundle, card=card), device="cpu")


def test_the_self_test_hears_a_changed_sample(bundle: Bundle, renderer: GansynthRenderer) -> None:
    note = renderer.render([60], [LATENT])[0]
    for change, passes in ((0.0, True), (3e-4, False)):
        test = SelfTest(60, 100, tuple(LATENT), (9000,), (float(note[9000]) + change,), 1e-4)
        tested = dataclasses.replace(
            bundle, card=dataclasses.replace(bundle.sound, self_test=(test,))
        )
        if passes:
            assert self_test(tested, renderer) <= 1e-4
        else:
            with pytest.raises(BundleError, match="self-test: pitch 60"):
                self_test(tested, renderer)
