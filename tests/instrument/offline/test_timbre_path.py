"""Timbres that move: what stands on the command line, and the sound of every moment."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from instrument.bundle.bundle import Bundle
from instrument.bundle.card import CardFile, Licence, Prior, VoiceCard
from instrument.bundle.reference import ModelReference
from instrument.errors import SettingError
from instrument.latents.latent import draw
from instrument.offline.timbre_path import (
    Morph,
    RandomTimbres,
    TimbrePoint,
    check_morph,
    clock,
    parse_morph,
    parse_pace,
)
from instrument.preset.preset import Preset
from instrument.preset.sections import Envelope, Recipe, Sound
from tests.helpers.places import GOLDEN

REFERENCE = ModelReference("tiny", "1.0", "0" * 64)


def a_card(latent_size: int, prior: Prior | None = None) -> VoiceCard:
    return VoiceCard(
        format=1,
        kind="gansynth",
        name="tiny",
        version="1.0",
        description="",
        licence=Licence("none", "none"),
        pitch_range=(24, 84),
        weights="weights.bin",
        files={},
        graphs={},
        sample_rate_hz=16_000,
        latent_size=latent_size,
        latents={},
        prior=prior or Prior(),
        self_test=(),
    )


def a_preset(*latent: float, **more: object) -> Preset:
    sound = Sound(tuple(float(number) for number in latent))
    return Preset("Some", REFERENCE, sound, **more)  # type: ignore[arg-type]


def test_notes_have_the_latents_of_the_authors_script() -> None:
    """Arrays from Magenta's own code: tests/golden/gansynth/README.md."""
    with np.load(GOLDEN / "midi_util.npz") as golden:
        points = [
            TimbrePoint(float(seconds), a_preset(*latent))
            for seconds, latent in zip(golden["inst_t"], golden["inst_z"], strict=True)
        ]
        path = Morph(points, a_card(256))
        for start, expected in zip(golden["starts"], golden["z_notes"], strict=True):
            assert path.at(float(start)).sound.latent == pytest.approx(expected, abs=1e-12)


def test_nothing_moves_before_the_first_preset_and_after_the_last() -> None:
    first, last = a_preset(1.0, 0.0), a_preset(0.0, 1.0)
    path = Morph([TimbrePoint(2.0, first), TimbrePoint(4.0, last)], a_card(2))
    assert [path.at(seconds) for seconds in (0.0, 2.0, 4.0, 900.0)] == [first, first, last, last]
    assert path.at(3.0).sound.latent == pytest.approx([np.sqrt(0.5)] * 2)


def test_every_number_of_a_preset_moves_with_the_latent() -> None:
    short = a_preset(1.0, 0.0, envelope=Envelope(release_seconds=0.1), recipe=Recipe(seed=1))
    long = a_preset(0.0, 1.0, envelope=Envelope(release_seconds=1.1))
    path = Morph([TimbrePoint(0.0, short), TimbrePoint(10.0, long)], a_card(2))
    middle = path.at(4.0)
    assert middle.envelope.release_seconds == pytest.approx(0.5)
    assert middle.recipe is None


def test_opposite_and_missing_latents_give_numbers() -> None:
    for start, end in (((1.0, 2.0), (-1.0, -2.0)), ((0.0, 0.0), (1.0, 1.0))):
        points = [TimbrePoint(0.0, a_preset(*start)), TimbrePoint(1.0, a_preset(*end))]
        assert np.isfinite(Morph(points, a_card(2)).at(0.5).sound.latent).all()


def a_bundle(name: str, sha256: str) -> Bundle:
    files = {"weights.bin": CardFile(sha256, 1)}
    card = dataclasses.replace(a_card(2), name=name, files=files)
    return Bundle(Path(name), card, sha256)


def test_presets_of_different_models_do_not_morph() -> None:
    one, other = a_bundle("one", "1" * 64), a_bundle("other", "2" * 64)
    preset = a_preset(1.0, 0.0)
    assert check_morph([(0.0, preset, one), (1.0, preset, one)], 8.0)[1].seconds == 1.0
    with pytest.raises(SettingError, match="to the model one and Some to other; there is nothing"):
        check_morph([(0.0, preset, one), (1.0, preset, other)], 8.0)


@pytest.mark.parametrize("seconds", [0.0, 0.4, 5.99, 11.0, 7200.5])
def test_random_timbres_lie_between_two_draws_at_any_time(seconds: float) -> None:
    """The authors' script fails for pieces under 12 s."""
    card = a_card(64)
    path = RandomTimbres(a_preset(*np.zeros(64)), card, 6.0, seed=3)
    latent = np.asarray(path.at(seconds).sound.latent)
    number, amount = int(seconds // 6), seconds % 6 / 6
    a, b = draw(card, 3 + number), draw(card, 4 + number)
    angle = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    wanted = (np.sin((1 - amount) * angle) * a + np.sin(amount * angle) * b) / np.sin(angle)
    assert latent == pytest.approx(wanted, abs=1e-9)


def test_truncation_brings_random_timbres_nearer_to_the_prior() -> None:
    card, preset = a_card(64), a_preset(*np.zeros(64))
    whole, half = (RandomTimbres(preset, card, 6.0, 3, t).at(2.0) for t in (1.0, 0.5))
    assert half.sound.latent == pytest.approx(0.5 * np.asarray(whole.sound.latent))


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("glass@0:00", [("glass", 0.0)]),
        ("a@0:00, b@0:30.5,c@1:02:03", [("a", 0.0), ("b", 30.5), ("c", 3723.0)]),
        ("my@home.toml@7,b@90", [("my@home.toml", 7.0), ("b", 90.0)]),
    ],
)
def test_a_morph_is_read(text: str, points: list[tuple[str, float]]) -> None:
    assert parse_morph(text) == points


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' must be a preset and its time"),
        ("glass", "'glass' must be a preset and its time"),
        ("@0:00", "'@0:00' must be a preset and its time"),
        ("glass@", "the time in 'glass@' must be M:SS"),
        ("glass@0:60", "the time in 'glass@0:60' must be M:SS"),
        ("glass@-1", "the time in 'glass@-1' must be M:SS"),
        ("glass@nan", "the time in 'glass@nan' must be M:SS"),
        ("a@0:30,b@0:10", "times must rise, but b@0:10 comes after 0:30"),
        ("a@0:30,b@0:30", "times must rise"),
    ],
)
def test_a_wrong_morph_says_what_is_wrong(text: str, said: str) -> None:
    with pytest.raises(SettingError) as refused:
        parse_morph(text)
    assert said in refused.value.message
    assert refused.value.remedy


def test_a_pace_is_read_and_checked() -> None:
    assert [parse_pace(text) for text in ("every=6s", "6", "every=0.5", "12S")] == [6, 6, 0.5, 12]
    for wrong in ("every=0s", "0.01", "often", "every=-6s", "every=", "every=inf"):
        with pytest.raises(SettingError, match=r"at least 0\.1 s, got"):
            parse_pace(wrong)


def test_times_are_said_as_people_write_them() -> None:
    assert [clock(seconds) for seconds in (0, 9.5, 71.174825, 59.999)] == [
        "0:00",
        "0:09.50",
        "1:11.17",
        "1:00",
    ]
