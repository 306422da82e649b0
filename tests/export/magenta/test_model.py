"""Magenta's checkpoint directories: what we open plays what Magenta's own code played."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from export.magenta.folder import EXPERIMENT, growth
from export.magenta.model import open_magenta
from instrument.errors import FileError
from tests.helpers.places import GOLDEN


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of a checkpoint directory that may be damaged."""
    shutil.copytree(GOLDEN / "tiny", tmp_path / "tiny")
    return tmp_path / "tiny"


def test_an_imported_model_sounds_as_in_magenta() -> None:
    with np.load(GOLDEN / "tiny_expected.npz") as expected:
        model = open_magenta(GOLDEN / "tiny")
        z, pitch = torch.from_numpy(expected["z"][:2]), torch.from_numpy(expected["pitches"][:2])
        with torch.no_grad():
            waves = model.notes(z, pitch.long()).numpy()
        golden = expected["waves_notes01"]
    assert waves.shape == (2, 64000)
    # Exponentials amplify the rounding of a four-channel pixel norm; the signals' RMS is 0.65.
    assert np.abs(waves[:, ::4] - golden).max() < 6e-3
    assert np.corrcoef(waves[:, ::4].ravel(), golden.ravel())[0, 1] > 0.99999


def test_the_whole_model_is_described() -> None:
    model = open_magenta(GOLDEN / "tiny")
    assert (model.step, model.position, model.stage) == (128, 6.0, "stage_00012")


@pytest.mark.parametrize(
    ("step", "position"),
    [(0, 0.0), (8, 0.0), (12, 0.5), (16, 1.0), (24, 1.0), (28, 1.5), (96, 6.0), (10**9, 6.0)],
)
def test_growth_goes_from_stage_to_stage(step: int, position: float) -> None:
    assert growth(step, blocks=7, stable=8, transition=8) == position


def test_variables_of_a_full_checkpoint_fit_the_full_network() -> None:
    from training.gansynth.network import Critic, Generator, NetworkSize

    listed = {}
    for line in (GOLDEN / "variables_full.txt").read_text().splitlines():
        name, shape = line.split("\t")
        listed[name] = json.loads(shape)
    for network, scope in ((Generator, "Generator"), (Critic, "Discriminator")):
        own = sum(p.numel() for p in network(NetworkSize()).parameters())
        theirs = sum(
            int(np.prod(shape))
            for name, shape in listed.items()
            if name.startswith(scope) and not name.endswith("ExponentialMovingAverage")
        )
        assert own == theirs


def test_a_folder_that_is_no_model_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"acoustic_only\.zip"):
        open_magenta(tmp_path)


def test_a_model_of_another_kind_is_refused(folder: Path) -> None:
    settings = json.loads((folder / EXPERIMENT).read_text())
    (folder / EXPERIMENT).write_text(json.dumps(settings | {"data_type": "wave"}))
    with pytest.raises(FileError, match=r"data_type[\s\S]*mel images"):
        open_magenta(folder)


def test_settings_that_contradict_the_weights_are_refused(folder: Path) -> None:
    settings = json.loads((folder / EXPERIMENT).read_text())
    (folder / EXPERIMENT).write_text(json.dumps(settings | {"fmap_max": 16}))
    with pytest.raises(FileError, match=r"experiment\.json ask for"):
        open_magenta(folder)


def test_absurd_settings_are_refused(folder: Path) -> None:
    settings = json.loads((folder / EXPERIMENT).read_text())
    (folder / EXPERIMENT).write_text(json.dumps(settings | {"num_resolutions": 40}))
    with pytest.raises(FileError, match="num_resolutions"):
        open_magenta(folder)


def test_the_checkpoint_file_cannot_lead_outside(folder: Path) -> None:
    (folder / "stage_00012" / "checkpoint").write_text(
        'model_checkpoint_path: "../../../somewhere/model.ckpt-128"\n'
    )
    assert open_magenta(folder).step == 128  # only the name counts


def test_missing_parts_are_named(folder: Path) -> None:
    (folder / "stage_00012" / "checkpoint").unlink()
    with pytest.raises(FileError, match="no file named checkpoint"):
        open_magenta(folder)
    shutil.rmtree(folder / "stage_00012")
    with pytest.raises(FileError, match="no stage folder"):
        open_magenta(folder)
