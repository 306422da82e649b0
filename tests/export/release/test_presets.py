"""The presets that ship: playable, equally loud, brighter when struck harder, and all different."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from export.release.presets import LOUDNESS_LUFS, Shipped, judge, listen, main
from instrument.bundle.bundle import Bundle
from instrument.bundle.installed import shipped_models_folder
from instrument.errors import PresetError
from instrument.files import shipped_presets_folder
from instrument.latents.create_preset import check_preset
from instrument.preset.preset import DEFAULT_PRESET, load_preset, save_preset
from instrument.rendering.open_renderer import open_renderer, self_test

pytestmark = pytest.mark.slow

PATHS = sorted(shipped_presets_folder().glob("*.toml"))


@pytest.fixture(scope="module")
def shipped() -> list[Shipped]:
    return listen(PATHS)


FAMILIES = {
    *("keys", "mallets", "plucked", "bass", "strings", "winds", "brass", "organs", "voices"),
    *("pads", "leads", "hybrids"),
}


def test_there_are_enough_of_every_family_and_the_default_is_among_them() -> None:
    assert len(PATHS) >= 64
    families = [load_preset(path).tags[0] for path in PATHS]
    assert set(families) == FAMILIES
    assert min(families.count(family) for family in FAMILIES) >= 3
    assert DEFAULT_PRESET in [path.stem for path in PATHS]
    programs = {load_preset(path).program for path in PATHS}
    assert programs == set(range(len(PATHS)))


def test_every_preset_belongs_to_the_shipped_model() -> None:
    for path in PATHS:
        preset, bundle = check_preset(path)
        assert preset.model == bundle.reference
        assert preset.recipe, f"{path.stem} could not follow a new model"
        assert preset.description


def test_several_are_between_a_struck_and_a_sounding_instrument() -> None:
    between = 0
    for path in PATHS:
        preset, bundle = check_preset(path)
        assert preset.recipe
        kinds = {bundle.sound.latents[name].is_struck for name in preset.recipe.blend}
        between += kinds == {True, False}
    assert between >= 5


def test_they_are_different_equally_loud_and_brighter_when_struck_harder(
    shipped: list[Shipped],
) -> None:
    judge(shipped)


def test_every_note_can_be_heard_and_none_clips(shipped: list[Shipped]) -> None:
    for one in shipped:
        assert np.all(np.isfinite(one.hearing.picture))
        assert 0.05 < one.hearing.peak < 1.0, one.path.stem


def test_the_shipped_sound_proves_itself_and_is_small() -> None:
    folder = shipped_models_folder() / "frame_voice"
    bundle = Bundle.load(folder)
    assert self_test(bundle, open_renderer(bundle, device="cpu")) < 1e-4
    assert max(bundle.card.parity[graph] for graph in bundle.card.graphs) <= 1e-4
    assert sum(file.stat().st_size for file in folder.iterdir()) < 8_000_000
    assert "Frank Wen" in (folder / "LICENSE").read_text(encoding="utf-8")


def test_the_shipped_gansynth_is_small_and_in_tune() -> None:
    folder = shipped_models_folder() / "gansynth_small"
    bundle = Bundle.load(folder)
    self_test(bundle, open_renderer(bundle, device="cpu"))
    assert sum(file.stat().st_size for file in folder.iterdir()) < 16_000_000
    assert "Frank Wen" in (folder / "LICENSE").read_text(encoding="utf-8")
    assert bundle.sound.latents["cello"].program == 42
    assert sum(load_preset(path).model.name == folder.name for path in PATHS) >= 10


@pytest.mark.parametrize("pitch", [24, 33, 47, 60, 84])
def test_the_shipped_gansynth_plays_its_keys_pitches(pitch: int) -> None:
    """Of a second and a half, the strongest line near the fundamental or its double."""
    bundle = Bundle.load(shipped_models_folder() / "gansynth_small")
    latents = [bundle.sound.latents[name].latent for name in ("cello", "nylon-guitar", "clarinet")]
    renderer = open_renderer(bundle, device="cpu")
    notes = renderer.render([pitch] * 3, np.array(latents, np.float32), frames=24_000)
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12)
    for note in notes:
        spectrum = np.abs(np.fft.rfft(note * np.hanning(note.size), 1 << 20))
        lines = np.fft.rfftfreq(1 << 20, 1 / 16_000)
        near = np.zeros(lines.size, bool)
        for number in (1, 2):
            near |= np.abs(lines - number * hz) < 0.25 * hz
        found = lines[np.where(near, spectrum, 0.0).argmax()] / hz
        assert abs(1200 * np.log2(found / round(found))) < 15


def test_two_presets_of_one_sound_are_refused(shipped: list[Shipped]) -> None:
    with pytest.raises(PresetError, match=r"differ by only 0\.0 dB"):
        judge([shipped[0], shipped[0]])


def test_a_preset_that_is_too_loud_is_refused(shipped: list[Shipped]) -> None:
    with pytest.raises(PresetError, match=r"\+2\.5 dB from the common loudness"):
        judge([dataclasses.replace(shipped[0], loudness_lufs=LOUDNESS_LUFS + 2.5)])


def test_a_preset_whose_single_notes_clip_is_refused(shipped: list[Shipped]) -> None:
    hearing = dataclasses.replace(shipped[0].hearing, peak=1.25)
    with pytest.raises(PresetError, match=r"peaks at 1\.25"):
        judge([dataclasses.replace(shipped[0], hearing=hearing)])


def test_a_preset_that_is_deaf_to_velocity_is_refused(shipped: list[Shipped]) -> None:
    centroids = shipped[0].hearing.centroid_hz.copy()
    centroids[2, 3] = centroids[2, 2]
    hearing = dataclasses.replace(shipped[0].hearing, centroid_hz=centroids)
    with pytest.raises(PresetError, match="not brighter when struck harder at pitch 60"):
        judge([dataclasses.replace(shipped[0], hearing=hearing)])


def test_shipping_levels_a_preset_and_follows_its_recipe(tmp_path: Path) -> None:
    original = load_preset(PATHS[0])
    name = original.model.name
    shutil.copytree(shipped_models_folder() / name, tmp_path / "models" / name)
    assert original.slide
    spoilt = dataclasses.replace(
        original,
        slide=dataclasses.replace(original.slide, latent=(0.0,)),
        model=dataclasses.replace(original.model, sha256="0" * 64),
        sound=dataclasses.replace(original.sound, latent=(0.0,), gain_db=-20.0),
    )
    save_preset(spoilt, tmp_path / PATHS[0].name)
    result = CliRunner().invoke(main, [str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    repaired = load_preset(tmp_path / PATHS[0].name)
    assert repaired.sound.gain_db == pytest.approx(original.sound.gain_db, abs=0.15)
    assert repaired == dataclasses.replace(
        original, sound=dataclasses.replace(original.sound, gain_db=repaired.sound.gain_db)
    )
