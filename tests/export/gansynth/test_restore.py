"""A bundle's weights come back into torch: the same sound, before it learns more."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from export.gansynth.restore import begin_again, restore_weights
from export.gansynth.rounding import spectral_distance_db
from instrument.bundle.bundle import load_sound
from instrument.bundle.inference import Runtime
from instrument.bundle.installed import installed_bundle
from instrument.errors import BundleError, SettingError
from tests.helpers.sounds.tone_waves import tone_waves
from training.gansynth.network import Generator
from training.gansynth.small.config import SmallConfig
from training.gansynth.small.learner import SmallLearner
from training.gansynth.system import load_notes
from training.gansynth.tones import GansynthTones
from training.trainer.run_card import Length


def test_the_shipped_models_weights_sound_as_its_graph_does() -> None:
    bundle, config = installed_bundle("gansynth_small"), SmallConfig()
    torch.manual_seed(1)
    generator = Generator(config.size)
    restore_weights(generator, bundle)
    tones = GansynthTones(generator, config.normalizer, config.spectrogram, 6.0)
    session = bundle.open_graph("note_1", Runtime(threads=1, device="cpu"))
    for pitch in (36, 72):
        z = torch.randn(1, 256)
        there = session.run({"z": z.numpy(), "pitch": np.array([pitch])})["waveform"][0]
        with torch.no_grad():
            here = tones(z, torch.tensor([pitch]))[0].numpy()
        assert spectral_distance_db(there, here) < 0.05


def test_a_run_begins_with_a_models_sound_and_its_instruments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bundle = installed_bundle("gansynth_small")
    names = tuple(bundle.sound.latents)
    waves = replace(tone_waves((60,), (0,) * len(names)), label_names=names)
    run = begin_again(bundle, "with_critic", waves, Length(9, 0.0, 1), tmp_path / "run")
    assert isinstance(run.learner, SmallLearner)
    latents = run.learner.instruments.latents().numpy()
    clarinet = np.array(bundle.sound.latents["clarinet"].latent)
    assert np.abs(latents[names.index("clarinet")] - clarinet).max() < 1e-3
    assert load_notes(tmp_path / "run").position == 6.0
    with pytest.raises(SettingError, match="of another size"):
        begin_again(bundle, "quick", waves, Length(9, 0.0, 1), tmp_path / "other")
    few = tone_waves((60,), (0, 0))
    with pytest.raises(SettingError, match="knows other instruments"):
        begin_again(bundle, "with_critic", few, Length(9, 0.0, 1), tmp_path / "other")


def test_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no graph note_1 of a GANSynth"):
        restore_weights(Generator(SmallConfig().size), installed_bundle("frame_voice"))
    copy = tmp_path / "gansynth_small"
    shutil.copytree(installed_bundle("gansynth_small").path, copy)
    small = replace(SmallConfig().size, feature_limit=64)
    with pytest.raises(BundleError, match="cannot be learned on"):
        restore_weights(Generator(small), load_sound(copy))
