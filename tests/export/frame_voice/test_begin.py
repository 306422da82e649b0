"""A run that begins with the shipped voice: its network, and the nearest of its instruments."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from export.frame_voice.begin import begin_run
from export.frame_voice.restore import restore_voice
from instrument.bundle.bundle import load_sound
from instrument.errors import SettingError
from tests.helpers.models.tiny_model import tiny_bundle
from tests.helpers.sounds.played_notes import bow, folder_of, pluck
from training.data.audio.recorded.instruments import collect_instruments
from training.data.audio.tone_set import ToneSet
from training.frame_voice.system import FrameVoiceLearner
from training.trainer.run_card import Length

SHIPPED = Path(__file__).parents[3] / "presets" / "models" / "frame_voice"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> ToneSet:
    place = tmp_path_factory.mktemp("set")
    notes = {f"horn/{key:03}.wav": bow(key, 1.2) for key in range(57, 63)}
    folder_of(place, notes | {f"harp/{key:03}.wav": pluck(key) for key in range(57, 63)})
    return collect_instruments([place], place / "made", (), (), "free", lambda *_: None).tones


def test_it_begins_nearer_than_a_new_voice(tones: ToneSet, tmp_path: Path) -> None:
    bundle = load_sound(SHIPPED)
    run = begin_run(bundle, tones, Length(2, 0.0, 1), tmp_path / "run")
    learner = run.learner
    assert isinstance(learner, FrameVoiceLearner)
    known = restore_voice(bundle)
    for name, weights in known.network.state_dict().items():
        assert torch.equal(learner.voice.network.state_dict()[name], weights), name
    latents = learner.voice.latent_of.detach()
    assert run.card.notice.startswith("free\n\nIt began with the weights of the model frame_voice")
    assert "Frank Wen" in run.card.notice
    apart = (latents[:, None] - known.latent_of.detach()).norm(dim=2).min(dim=1).values
    assert float(apart.min()) > 1.0 and float(apart.max()) < 3.0  # near one, and not the same
    new = FrameVoiceLearner(run.system.recipes["frame_voice"], tones, torch.device("cpu"))
    begun = learner.validate()["distance"]
    assert begun < 0.6 * new.validate()["distance"]
    assert run.run(lambda *_: None, lambda: False) and run.card.step == 2
    assert np.isfinite(learner.validate()["distance"])


def test_learning_a_set_begins_a_run_that_goes_on(tones: ToneSet, tmp_path: Path) -> None:
    words = ["learn", str(tones.path), "--name", "mine", "--minutes", "0.05"]
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "COLUMNS": "200"}
    command = [sys.executable, "-m", "instrument", *words]

    def learn() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )

    done = learn()
    assert done.returncode == 0, done.stderr
    assert "Next: latentkeys evaluate frame-voice mine" in done.stdout
    again = learn()
    assert again.returncode != 0 and "latentkeys train frame-voice mine --resume" in again.stderr


def test_a_voice_of_other_sizes_is_refused(tones: ToneSet, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="sizes that no recipe makes"):
        begin_run(load_sound(tiny_bundle()), tones, Length(2, 0.0, 1), tmp_path / "run")
