"""Matching notes: latents that stand for instruments, and images that are drawn in part."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from instrument.errors import FileError, SettingError
from tests.helpers.sounds.tone_waves import tone_waves
from training.gansynth import image_store
from training.gansynth import system as gansynth
from training.gansynth.network import Generator, NetworkSize
from training.gansynth.small import learner as gansynth_small
from training.gansynth.small.config import RECIPES, SmallConfig
from training.gansynth.small.crop_critic import CriticConfig, seen_part
from training.gansynth.small.crops import draw_part
from training.gansynth.small.game import GameLearner
from training.gansynth.small.instrument_latents import Instruments
from training.gansynth.small.learner import SYSTEM, SmallLearner
from training.gansynth.small.tone_targets import ToneTargets, learned_instruments
from training.trainer.run_card import Length
from training.trainer.system import RunPosition
from training.trainer.trainer import new_run, resumed_run

CPU = torch.device("cpu")
SIZE = NetworkSize(feature_base=512, feature_limit=4)
CONFIG = SmallConfig(size=SIZE, batch=2, growth=((0.0, 3.0), (1.0, 3.0)))
PITCHES = (40, 52, 60, 61)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the images a cache of their own."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def waves():  # type: ignore[no-untyped-def]
    """Two instruments of four pitches; the second instrument's last note is for validation."""
    found = tone_waves(PITCHES, (0, 0))
    splits = found.splits.copy()
    splits[-1] = 1
    return replace(found, splits=splits)


def moment(step: int, fraction: float = 0.0) -> RunPosition:
    return RunPosition(step, fraction, np.random.default_rng(step), 0, 1, step)


def instruments(count: int = 5) -> Instruments:
    torch.manual_seed(0)
    return Instruments(count, 16)


def test_directions_are_at_right_angles_and_latents_as_long_as_random_ones() -> None:
    latents = instruments().latents()
    np.testing.assert_allclose(latents @ latents.T, 16.0 * np.eye(5), atol=1e-4)


def test_an_instruments_latent_is_all_its_own() -> None:
    found = instruments()
    which, share = found.shares(found.latents())
    assert which[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert torch.equal(share, torch.tensor([[1.0, 0.0, 0.0]]).expand(5, 3))


def test_half_way_between_two_both_have_half() -> None:
    found = instruments()
    middle = found.latents()[1] + found.latents()[3]
    which, share = found.shares(middle[None])
    assert set(which[0, :2].tolist()) == {1, 3}
    np.testing.assert_allclose(share, [[0.5, 0.5, 0.0]], atol=1e-3)


def test_nearer_to_one_is_mostly_that_one() -> None:
    found, angle = instruments(), math.radians(40.0)
    z = math.cos(angle) * found.latents()[0] + math.sin(angle) * found.latents()[1]
    _, share = found.shares(z[None])
    weight = math.tan(angle) ** 12
    np.testing.assert_allclose(share[0, :2], np.array([1.0, weight]) / (1.0 + weight), atol=1e-4)


def test_images_of_notes_are_kept_at_every_size(waves) -> None:  # type: ignore[no-untyped-def]
    spectrogram, normalizer = CONFIG.spectrogram, CONFIG.normalizer
    notes = ToneTargets(waves, (), spectrogram, normalizer, 3, CPU)
    assert [tuple(size.shape) for size in notes.sizes] == [
        (8, 3, 128, 1024),
        (8, 3, 64, 512),
        (8, 3, 32, 256),
    ]
    pitch = torch.tensor([52])
    index = int(notes.table["train"][1, 52 - 24])
    expected = normalizer.normalise(
        spectrogram.image(torch.from_numpy(waves.audio(np.array([5]))), pitch)
    )
    image = notes.read(torch.tensor([index]), 0, slice(None))
    assert (image[:, :2] - expected).abs().max() < 0.5 / 127.0 + 1e-6
    assert float(image[0, 2].max()) > 0.95  # the loudest place is heard best


def test_a_blend_is_the_weighted_mean_of_its_notes(waves) -> None:  # type: ignore[no-untyped-def]
    notes = ToneTargets(waves, (), CONFIG.spectrogram, CONFIG.normalizer, 4, CPU)
    pitch, which = torch.tensor([60 - 24]), torch.tensor([[1, 0]])
    pair = notes.read(torch.from_numpy(notes.table["train"][[1, 0], 60 - 24]), 3, slice(4, 8))
    blend = notes.blend(which, torch.tensor([[0.75, 0.25]]), pitch, 3, slice(4, 8))
    np.testing.assert_allclose(blend[0], 0.75 * pair[0] + 0.25 * pair[1], atol=1e-6)


def test_of_instruments_that_the_set_lacks_the_others_are_learned(waves) -> None:  # type: ignore[no-untyped-def]
    assert learned_instruments(waves, ("theremin", "tone-1")) == ("tone-1",)
    assert learned_instruments(waves, ("theremin",)) == ("tone-0", "tone-1")
    none = replace(waves, splits=np.full(8, 1, np.uint8))
    with pytest.raises(SettingError, match="has no training notes of pitches 24 to 84"):
        learned_instruments(none, ())


def test_several_notes_of_a_pitch_are_all_learned(waves) -> None:  # type: ignore[no-untyped-def]
    twice = replace(waves, pitches=np.repeat(np.array([40, 52], np.uint8), 4))
    notes = ToneTargets(twice, (), CONFIG.spectrogram, CONFIG.normalizer, 4, CPU)
    assert notes.takes["train"].sum() == 7
    assert (notes.table["train"] >= 0).sum() == 2
    random = np.random.default_rng(0)
    drawn = {int(notes.some(random, torch.tensor([40 - 24]))[0]) for _ in range(60)}
    assert drawn == {0, 1, 2, 3}
    which, share = torch.tensor([[0]]), torch.ones(1, 1)
    pitch = torch.tensor([40 - 24])
    images = [notes.blend(which, share, pitch, 3, slice(4), random) for _ in range(60)]
    assert len({float(image.sum()) for image in images}) == 4


def test_images_are_drawn_once_and_then_read(  # type: ignore[no-untyped-def]
    waves, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ToneTargets(waves, (), CONFIG.spectrogram, CONFIG.normalizer, 2, CPU)
    monkeypatch.setattr(image_store, "_draw_all", lambda *_: pytest.fail("drawn again"))
    again = ToneTargets(waves, (), CONFIG.spectrogram, CONFIG.normalizer, 2, CPU)
    assert all(np.array_equal(a, b) for a, b in zip(first.sizes, again.sizes, strict=True))


def test_images_that_nobody_used_for_long_make_room(  # type: ignore[no-untyped-def]
    waves, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(image_store, "MOST_BYTES", 6_000_000)
    for blocks in (1, 2, 3):  # three to four megabytes each
        ToneTargets(waves, (), CONFIG.spectrogram, CONFIG.normalizer, blocks, CPU)
    (left,) = (tmp_path / "latentkeys" / "images").iterdir()
    assert left.stat().st_size == 8 * 3 * sum(128 * 1024 >> 2 * k for k in range(3))


def test_a_critic_judges_random_latents(waves) -> None:  # type: ignore[no-untyped-def]
    config = replace(CONFIG, batch=4, growth=((0.0, 6.0),), critic=CriticConfig(penalty_every=2))
    torch.manual_seed(0)
    learner = SYSTEM.open(config, waves, CPU)
    assert isinstance(learner, GameLearner)
    before = {name: value.clone() for name, value in learner.critic.state_dict().items()}
    losses = [learner.step(moment(step)) for step in range(2)]
    assert {"critic", "penalty", "generator", "level_db"} <= losses[0].keys()
    assert "penalty" not in losses[1]
    assert all(torch.isfinite(value).all() for loss in losses for value in loss.values())
    after = learner.critic.state_dict()
    assert any(not torch.equal(value, after[name]) for name, value in before.items())


def test_until_it_has_grown_everything_is_matched(waves) -> None:  # type: ignore[no-untyped-def]
    config = replace(CONFIG, critic=CriticConfig())
    torch.manual_seed(0)
    game = SYSTEM.open(config, waves, CPU)
    torch.manual_seed(0)
    matched = SmallLearner(replace(config, critic=None), waves, CPU)
    for step in range(2):
        assert torch.equal(game.step(moment(step))["loss"], matched.step(moment(step))["loss"])


@pytest.mark.parametrize("crop", [0, 1, 11, 23, 24])
@pytest.mark.parametrize("position", [5.5, 6.0])
def test_some_windows_are_drawn_as_in_the_whole_image(crop: int, position: float) -> None:
    torch.manual_seed(3)
    generator, z, pitch = Generator(SIZE), torch.randn(2, 256), torch.tensor([3, 50])
    with torch.no_grad():
        whole = draw_part(generator, z, pitch, position, None)
        part = draw_part(generator, z, pitch, position, crop)
        full = generator(z, pitch, position)
    assert torch.equal(part, whole[:, :, 4 * crop : 4 * crop + 32]) or torch.allclose(
        part, whole[:, :, 4 * crop : 4 * crop + 32], atol=1e-5
    )
    assert torch.allclose(whole, full, atol=1e-5)


def test_held_out_notes_are_never_drawn(waves) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    learner = SmallLearner(CONFIG, waves, CPU)
    for step in range(50):
        asked = learner.draw(np.random.default_rng(step))
        for row, note in enumerate(asked.pitch.tolist()):
            used = asked.which[row][asked.share[row] > 0.0].tolist()
            assert note + 24 in PITCHES
            assert not (note + 24 == 61 and 1 in used)


def test_notes_are_learned(waves) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    learner = SmallLearner(replace(CONFIG, learning_rate=0.02), waves, CPU)
    losses = [float(learner.step(moment(step + 200))["loss"]) for step in range(50)]
    assert np.mean(losses[-8:]) < 0.75 * np.mean(losses[:4])


@pytest.mark.slow
def test_a_run_goes_on_to_the_bit_and_opens(tmp_path: Path, waves) -> None:  # type: ignore[no-untyped-def]
    length = Length(2, 0.0, 1)
    system = replace(SYSTEM, recipes=RECIPES | {"few": CONFIG})
    folders = [tmp_path / "whole", tmp_path / "parts"]
    whole = new_run(system, "few", waves, length, folders[0], CPU)
    assert whole.run(lambda *_: None, lambda: False)
    parts = new_run(system, "few", waves, length, folders[1], CPU)
    parts.run(lambda *_: None, lambda: True)
    again = resumed_run(system, waves, folders[1], CPU, None)
    assert again.card.step == 1
    assert again.run(lambda *_: None, lambda: False)
    for name, network in whole.learner.networks.items():
        other = again.learner.networks[name].state_dict()
        assert all(torch.equal(value, other[key]) for key, value in network.state_dict().items())

    notes = gansynth.load_notes(folders[1])
    assert notes.position == 3.0
    with torch.no_grad():
        assert notes(torch.randn(1, 256), torch.tensor([60])).shape == (1, 64000)


def test_instruments_are_named_by_the_recipe(tmp_path: Path, waves) -> None:  # type: ignore[no-untyped-def]
    named = replace(CONFIG, instruments=("tone-1", "tone-0"))
    system = replace(SYSTEM, recipes={"few": named})
    run = new_run(system, "few", waves, Length(1, 0.0, 1), tmp_path, CPU)
    run.run(lambda *_: None, lambda: False)
    latents = gansynth_small.instrument_latents(tmp_path)
    assert list(latents) == ["tone-1", "tone-0"]
    assert abs(np.linalg.norm(latents["tone-0"]) - 16.0) < 1e-4
    with pytest.raises(FileError):
        gansynth_small.load_notes(tmp_path / "elsewhere")


def test_the_critic_sees_levels_and_the_time_but_no_phases() -> None:
    image = torch.randn(2, 2, 32, 64)
    other = torch.cat([image[:, :1], torch.randn(2, 1, 32, 64)], dim=1)
    assert torch.equal(seen_part(image, 0.25), seen_part(other, 0.25))
    assert torch.equal(seen_part(image, 0.25)[:, 1], torch.full((2, 16, 32), 0.25))
