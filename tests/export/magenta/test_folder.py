"""Magenta's folders as people have them: one stage, half grown, of other sizes, or still packed."""

import json
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from export.magenta.folder import EXPERIMENT, Experiment, StageFolder
from export.magenta.model import open_magenta
from instrument.errors import FileError
from tests.helpers.models.tensorflow_checkpoint_writer import generator_variables, write_checkpoint
from tests.helpers.places import GOLDEN
from training.gansynth.network import NetworkSize


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of a checkpoint directory that may be damaged."""
    shutil.copytree(GOLDEN / "tiny", tmp_path / "tiny")
    return tmp_path / "tiny"


def small_folder(place: Path, stage: int, blocks: int, pitches: int = 5) -> Path:
    """Write a model of three blocks, of which a stage has so many."""
    place.mkdir()
    settings = {
        "num_resolutions": 3,
        "start_height": 4,
        "start_width": 8,
        "fmap_base": 16,
        "fmap_max": 4,
        "latent_vector_size": 7,
        "audio_length": 200,
        "stable_stage_num_images": 10,
        "transition_stage_num_images": 10,
    }
    (place / EXPERIMENT).write_text(json.dumps(settings))
    variables = generator_variables((4, 8), [4, 4, 2][:blocks], 7 + pitches, 10 * stage + 5)
    write_checkpoint(place / f"stage_{stage:05d}", "model.ckpt-9", variables)
    return place


def test_a_stage_can_be_given_itself(folder: Path) -> None:
    assert StageFolder.open(folder / "stage_00012") == StageFolder.open(folder)
    assert StageFolder.open(folder).blocks == 7


def test_the_last_stage_counts_not_the_last_name(tmp_path: Path) -> None:
    place = small_folder(tmp_path / "model", 4, 3)
    (place / "stage_00004").rename(place / "stage_4")
    (place / "stage_00002").mkdir()
    assert StageFolder.open(place).path.name == "stage_4"


@pytest.mark.parametrize(("stage", "blocks", "position"), [(0, 1, 0.0), (1, 2, 0.5), (3, 3, 1.5)])
def test_a_model_that_has_not_grown_up_is_blended(
    tmp_path: Path, stage: int, blocks: int, position: float
) -> None:
    model = open_magenta(small_folder(tmp_path / "model", stage, blocks))
    assert model.position == position
    with torch.no_grad():
        wave = model.notes(torch.ones(1, 7), torch.tensor([26]))
    assert wave.shape == (1, 200)
    assert torch.isfinite(wave).all()


def test_sizes_come_from_the_checkpoint(tmp_path: Path) -> None:
    model = open_magenta(small_folder(tmp_path / "model", 4, 3, pitches=12))
    size = model.notes.generator.size
    assert isinstance(size, NetworkSize)
    assert (size.latent_size, size.pitches, size.image) == (7, 12, (16, 32))
    assert model.notes.spectrogram.frames == 200


def test_settings_that_are_left_out_are_magentas() -> None:
    listed = json.loads((GOLDEN / "tiny" / EXPERIMENT).read_text())
    given = Experiment()
    # The oracle's file lists all; these are what its own command line changed.
    changed = {"start_height", "start_width", "fmap_max", "stable_stage_num_images"}
    changed |= {"transition_stage_num_images"}
    for name in set(Experiment.__struct_fields__) - changed:
        assert getattr(given, name) == listed[name], name


def test_settings_may_lie_one_folder_above_by_model(folder: Path) -> None:
    settings = json.loads((folder / EXPERIMENT).read_text())
    (folder / EXPERIMENT).unlink()
    above = folder.parent / EXPERIMENT
    above.write_text(json.dumps({"jobs": {"tiny": settings, "other": {"data_type": "wave"}}}))
    assert open_magenta(folder).position == 6.0


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"jobs": {"other": {}}}', b"\xff", b"[" * 9999])
def test_settings_that_are_none_are_refused(folder: Path, content: bytes) -> None:
    (folder / EXPERIMENT).write_bytes(content)
    with pytest.raises(FileError, match=r"experiment\.json"):
        open_magenta(folder)


def test_an_archive_has_to_be_unpacked(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "acoustic_only.zip", "w") as archive:
        archive.write(folder / EXPERIMENT)
    with pytest.raises(FileError, match="is a file") as wrong:
        open_magenta(tmp_path / "acoustic_only.zip")
    assert "Unpack" in wrong.value.remedy


def test_the_folder_around_the_model_is_not_the_model(folder: Path) -> None:
    with pytest.raises(FileError, match="no stage folder") as wrong:
        open_magenta(folder.parent)
    assert str(folder) in wrong.value.remedy


def test_a_critics_checkpoint_is_no_generator(tmp_path: Path) -> None:
    place = small_folder(tmp_path / "model", 4, 3)
    write_checkpoint(place / "stage_00004", "model.ckpt-9", {"global_step": np.array(1, np.int64)})
    with pytest.raises(FileError, match="not of GANSynth's generator"):
        open_magenta(place)


def test_more_blocks_than_the_settings_have_are_refused(tmp_path: Path) -> None:
    place = small_folder(tmp_path / "model", 4, 3)
    (place / "stage_00004").rename(place / "stage_00006")
    with pytest.raises(FileError, match="4 blocks"):
        open_magenta(place)


def test_notes_that_the_image_cannot_hold_are_refused(tmp_path: Path) -> None:
    place = small_folder(tmp_path / "model", 4, 3)
    settings = json.loads((place / EXPERIMENT).read_text())
    (place / EXPERIMENT).write_text(json.dumps(settings | {"audio_length": 400}))
    with pytest.raises(FileError, match="do not hold 400 samples"):
        open_magenta(place)


def test_a_model_of_full_size_is_read_in_seconds(tmp_path: Path) -> None:
    channels = [256, 256, 256, 256, 128, 64, 32]
    variables = generator_variables((2, 16), channels, 317, 11_000_000)
    listed = {}
    for line in (GOLDEN / "variables_full.txt").read_text().splitlines():
        name, shape = line.split("\t")
        listed[name] = json.loads(shape)
    assert {n: list(v.shape) for n, v in variables.items()}.items() <= listed.items()
    write_checkpoint(tmp_path / "acoustic_only" / "stage_00012", "model.ckpt-11000000", variables)
    settings = json.loads((GOLDEN / "tiny" / EXPERIMENT).read_text())
    settings |= {"fmap_base": 4096, "fmap_max": 256, "stable_stage_num_images": 800_000}
    settings |= {"transition_stage_num_images": 800_000}
    (tmp_path / "acoustic_only" / EXPERIMENT).write_text(json.dumps(settings))
    began = time.process_time()
    model = open_magenta(tmp_path / "acoustic_only")
    assert time.process_time() - began < 5.0
    assert model.position == 6.0
    kernel = "Generator/progressive_gan_generator/progressive_gan_block_5/conv0/conv2d/kernel"
    wanted = variables[f"{kernel}/ExponentialMovingAverage"]
    blocks: Any = model.notes.generator.blocks
    found = blocks[4].conv0.weight.numpy()
    assert np.array_equal(found.transpose(2, 3, 1, 0), wanted)
