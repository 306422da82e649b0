"""Presets made from instruments, from chance, from one and from two others."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from instrument.bundle import installed as bundles
from instrument.bundle.bundle import Bundle
from instrument.errors import PresetError
from instrument.latents import create_preset as making
from instrument.latents.create_preset import (
    PresetRequest,
    check_latent,
    check_preset,
    new_preset,
    refresh_preset,
)
from instrument.preset import preset as presets
from instrument.preset.banks import program_table, with_program
from instrument.preset.preset import Preset, list_presets, load_preset, save_preset
from instrument.preset.sections import Envelope, Recipe, Slide, Soft, Sound
from tests.helpers.models.plain_gansynth import plain_gansynth
from tests.helpers.models.tiny_model import tiny_bundle


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a user's presets folder; the tiny model is installed, nothing is shipped."""
    shutil.copytree(tiny_bundle(), tmp_path / "models" / "tiny")
    monkeypatch.setattr(bundles, "user_models_folder", lambda: tmp_path / "models")
    monkeypatch.setattr(bundles, "shipped_models_folder", lambda: tmp_path / "none")
    for module in (presets, making):
        monkeypatch.setattr(module, "user_presets_folder", lambda: tmp_path / "presets")
    monkeypatch.setattr(presets, "shipped_presets_folder", lambda: tmp_path / "none")
    return tmp_path / "presets"


def latent_of(name: str) -> np.ndarray:
    return np.asarray(Bundle.load(tiny_bundle()).sound.latents[name].latent)


def test_a_blend_can_be_played_at_once(home: Path) -> None:
    asked = PresetRequest(blend={"Glass Bell": 0.5, "Choir": 0.5})
    path = new_preset("Glass Choir!", asked, model="tiny")
    assert path == home / "glass_choir.toml"
    preset, bundle = check_preset(path)
    assert bundle.card.name == "tiny"
    middle = (latent_of("Glass Bell") + latent_of("Choir")) / 2
    assert preset.sound.latent == pytest.approx(tuple(middle), abs=1e-4)
    assert preset.sound.sustain == "loop"


def test_a_struck_sound_goes_on_dying_away(home: Path) -> None:
    path = new_preset("Bell", PresetRequest(blend={"Glass Bell": 0.8, "Reed": 0.2}), model="tiny")
    assert load_preset(path).sound.sustain == "decay"


def test_the_same_seed_is_the_same_sound_and_another_is_not(home: Path) -> None:
    made = [
        load_preset(new_preset(name, PresetRequest(seed=seed), model="tiny")).sound.latent
        for name, seed in (("A", 1), ("B", 1), ("C", 2))
    ]
    assert made[0] == made[1] != made[2]


def test_a_preset_that_is_there_is_not_overwritten(home: Path) -> None:
    path = new_preset("Bell", PresetRequest(seed=1), model="tiny")
    before = path.read_bytes()
    with pytest.raises(PresetError, match="is there already"):
        new_preset("bell", PresetRequest(seed=2), model="tiny")
    assert path.read_bytes() == before


def test_a_copy_keeps_all_but_name_and_program(home: Path) -> None:
    path = new_preset("Bell", PresetRequest(blend={"Glass Bell": 1}), model="tiny")
    original = dataclasses.replace(load_preset(path), program=5, author="me")
    save_preset(original, path)
    copy = load_preset(new_preset("Mine", PresetRequest(source="bell")))
    assert copy == dataclasses.replace(original, name="Mine", program=copy.program)


def test_program_numbers_stay_whatever_comes_later(home: Path) -> None:
    path = new_preset("Zither", PresetRequest(seed=1), model="tiny")
    number = load_preset(path).program
    taken = [entry.preset.program for entry in list_presets() if entry.preset]
    assert number is not None and taken.count(number) == 1
    new_preset("Accordion", PresetRequest(seed=2), model="tiny")  # before it in the alphabet
    (home / "aaa.toml").write_text("nonsense")
    assert program_table(list_presets())[number].path == path
    assert with_program(load_preset(path), path).program == number  # written again


def test_between_two_presets_every_number_is_between(home: Path) -> None:
    for name, instrument, release in (("Bell", "Glass Bell", 2.0), ("Reed", "Reed", 0.1)):
        path = new_preset(name, PresetRequest(blend={instrument: 1}), model="tiny")
        envelope = Envelope(release_seconds=release)
        save_preset(dataclasses.replace(load_preset(path), envelope=envelope), path)
    path = new_preset("Half", PresetRequest(between=("bell", "reed"), amount=0.25))
    preset = load_preset(path)
    wanted = 0.75 * latent_of("Glass Bell") + 0.25 * latent_of("Reed")
    assert preset.sound.latent == pytest.approx(tuple(wanted), abs=2e-4)
    assert preset.envelope.release_seconds == pytest.approx(1.525)
    assert preset.sound.sustain == "decay"  # from the nearer one
    assert preset.recipe == Recipe(blend={"Glass Bell": 0.75, "Reed": 0.25})


def test_the_path_around_keeps_its_distance_from_the_centre(home: Path) -> None:
    for name, instrument in (("Bell", "Glass Bell"), ("Reed", "Reed")):
        new_preset(name, PresetRequest(blend={instrument: 1}), model="tiny")
    straight = load_preset(new_preset("S", PresetRequest(between=("bell", "reed"))))
    around = load_preset(new_preset("A", PresetRequest(between=("bell", "reed"), path="around")))
    centre = np.asarray(Bundle.load(tiny_bundle()).sound.prior.mean)
    lengths = [np.linalg.norm(p.sound.latent - centre) for p in (straight, around)]
    assert lengths[1] > lengths[0]
    assert around.recipe is None


def test_a_recipe_brings_a_preset_to_a_new_version_of_the_model(home: Path) -> None:
    path = new_preset("Bell", PresetRequest(blend={"Glass Bell": 1}), model="tiny")
    good = load_preset(path)
    old = dataclasses.replace(
        good,
        author="me",
        model=dataclasses.replace(good.model, sha256="0" * 64),
        sound=dataclasses.replace(good.sound, latent=(1.0, 2.0)),
    )
    save_preset(old, path)
    with pytest.raises(PresetError, match="presets refresh"):
        check_preset(path)
    assert refresh_preset(path) == dataclasses.replace(good, author="me")
    assert check_preset(path)[0] == load_preset(path)


@pytest.mark.parametrize("section", [Slide, Soft])
def test_another_point_is_brought_along_by_its_blend_or_not_at_all(
    home: Path, section: type[Slide] | type[Soft]
) -> None:
    name = section.__name__.lower()

    def with_point(preset: Preset, *made_of: Any) -> Preset:
        return dataclasses.replace(preset, **cast(dict[str, Any], {name: section(*made_of)}))

    path = new_preset("Bell", PresetRequest(blend={"Glass Bell": 1}), model="tiny")
    good = load_preset(path)
    reed = load_preset(new_preset("Reed", PresetRequest(blend={"Reed": 1}), model="tiny"))
    old = dataclasses.replace(good, model=dataclasses.replace(good.model, sha256="0" * 64))
    wrong = tuple(0.5 for _ in good.sound.latent)
    save_preset(with_point(old, wrong, {"Reed": 1.0}), path)
    assert getattr(refresh_preset(path), name) == section(reed.sound.latent, {"Reed": 1.0})
    save_preset(with_point(old, wrong), path)
    with pytest.raises(PresetError, match=rf"\[{name}\] has no blend"):
        refresh_preset(path)


@pytest.mark.parametrize("folder", [tiny_bundle, plain_gansynth])
def test_soft_notes_are_refused_where_a_model_has_one_timbre(folder: Callable[[], Path]) -> None:
    bundle = Bundle.load(folder())
    latent = (0.0,) * bundle.sound.latent_size
    preset = Preset("Soft", bundle.reference, Sound(latent), soft=Soft(latent))
    if folder is tiny_bundle:
        check_latent(preset, Path("soft.toml"), bundle)
        return
    with pytest.raises(PresetError, match=r'"soft.toml": has \[soft\], and notes of'):
        check_latent(preset, Path("soft.toml"), bundle)


def test_numbers_without_a_recipe_cannot_be_brought_along(home: Path) -> None:
    path = new_preset("Bell", PresetRequest(seed=1), model="tiny")
    save_preset(dataclasses.replace(load_preset(path), recipe=None), path)
    with pytest.raises(PresetError, match=r"has no \[recipe\]"):
        refresh_preset(path)


def test_a_latent_of_the_wrong_length_is_refused(home: Path) -> None:
    home.mkdir()
    reference = Bundle.load(tiny_bundle()).reference
    save_preset(Preset("Short", reference, Sound((1.0, 2.0))), home / "short.toml")
    with pytest.raises(PresetError, match=r"\[sound\] latent must have 6 numbers .* got 2"):
        check_preset(home / "short.toml")


@pytest.mark.parametrize(
    ("name", "asked", "said"),
    [
        ("!!!", {"seed": 1}, "needs a letter or digit"),
        ("X", {"blend": {"Choirr": 1.0}}, "Did you mean 'Choir'"),
        ("X", {"source": "nothing"}, "there is no preset 'nothing'"),
    ],
)
def test_a_request_that_cannot_be_leaves_no_file(
    home: Path, name: str, asked: dict[str, object], said: str
) -> None:
    with pytest.raises(PresetError, match=said):
        new_preset(name, PresetRequest(**asked), model="tiny")  # type: ignore[arg-type]
    assert list(home.iterdir()) == []


def test_an_unknown_model_says_where_to_put_it(home: Path) -> None:
    with pytest.raises(PresetError, match="there is no model 'nope'\nPut its folder into"):
        new_preset("X", PresetRequest(seed=1), model="nope")


@pytest.mark.parametrize(
    "asked", [{}, {"seed": 1, "source": "x"}, {"between": ("a", "b"), "amount": 2.0}]
)
def test_a_request_is_exactly_one_thing(asked: dict[str, object]) -> None:
    with pytest.raises(PresetError, match=r"exactly one of|amount must be in 0..1"):
        PresetRequest(**asked)  # type: ignore[arg-type]
