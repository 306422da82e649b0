"""Find one's way in the folders in which Magenta publishes GANSynth models.

In: the folder that an archive unpacks to, or one of its stages. Out: the stage, and the settings
that decide what its generator computes. Settings that a file leaves out have the values that
Magenta's own code gives them then (models/gansynth/lib/model.py, ``set_flags``).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from instrument.errors import FileError
from training.gansynth.network import NetworkSize

EXPERIMENT = "experiment.json"
ARCHIVES = "https://storage.googleapis.com/magentadata/models/gansynth/"
_LIMIT_BYTES = 2**20
_STAGE = re.compile(r"stage_([0-9]{1,5})")
_WANTED = "Give the folder that acoustic_only.zip or all_instruments.zip unpacks to."
_Small = Annotated[int, Meta(ge=1, le=16)]
_Side = Annotated[int, Meta(ge=1, le=4096)]
_Images = Annotated[int, Meta(ge=1, le=10**12)]


class Experiment(msgspec.Struct, frozen=True):
    """The settings that decide what a generator computes; others are the trainer's alone."""

    data_type: Literal["mel"] = "mel"
    data_normalizer: Literal["specgrams_prespecified_normalizer"] = (
        "specgrams_prespecified_normalizer"
    )
    g_fn: Literal["specgram"] = "specgram"
    to_rgb_activation: Literal["tanh"] = "tanh"
    simple_arch: Literal[False] = False
    kernel_size: Literal[3] = 3
    scale_base: Literal[2] = 2
    scale_mode: Literal["ALL"] = "ALL"
    sample_rate: Literal[16000] = 16000
    audio_length: Annotated[int, Meta(ge=1, le=2**20)] = 64000
    fmap_decay: Annotated[float, Meta(ge=1, le=1)] = 1.0
    num_resolutions: _Small = 7
    start_height: _Side = 4
    start_width: _Side = 8
    fmap_base: Annotated[int, Meta(ge=1, le=2**16)] = 512
    fmap_max: _Side = 128
    latent_vector_size: _Side = 256
    train_progressive: bool = True
    train_time_limit: None = None
    stable_stage_num_images: _Images = 32
    transition_stage_num_images: _Images = 32
    mag_normalizer_a: float = 0.0661371661726
    mag_normalizer_b: float = 0.113718730221
    p_normalizer_a: float = 0.8
    p_normalizer_b: float = 0.0

    def size(self, pitches: int) -> NetworkSize:
        """Return the network's sizes.

        Parameters
        ----------
        pitches
            How many the weights know.
        """
        return NetworkSize(
            start=(self.start_height, self.start_width),
            blocks=self.num_resolutions,
            feature_base=self.fmap_base,
            feature_limit=self.fmap_max,
            latent_size=self.latent_vector_size,
            pitches=pitches,
        )

    def position(self, step: int, blocks: int) -> float:
        """Return how far the networks have grown.

        Parameters
        ----------
        step
            Images that they have seen.
        blocks
            Of the stage in which they were saved.
        """
        if not self.train_progressive:
            return blocks - 1.0
        stable, transition = self.stable_stage_num_images, self.transition_stage_num_images
        return growth(step, blocks, stable, transition)


@dataclass(frozen=True, slots=True)
class StageFolder:
    """One stage of a training, with the settings of all.

    Attributes
    ----------
    path
        Its folder, such as ``acoustic_only/stage_00012``.
    experiment
        The settings.
    blocks
        How many blocks its networks have.
    """

    path: Path
    experiment: Experiment
    blocks: int

    @staticmethod
    def open(folder: Path) -> StageFolder:
        """Open a stage, or the last stage of a model's folder.

        Raises
        ------
        FileError
            The folder is none, an archive, or of a model of another kind.
        """
        if folder.is_file():
            raise FileError(f"{folder} is a file, not a folder", f"Unpack it first. {_WANTED}")
        path = folder.resolve() if _STAGE.fullmatch(folder.resolve().name) else _last_stage(folder)
        experiment = _read_experiment(path.parent)
        matched = _STAGE.fullmatch(path.name)
        assert matched is not None
        blocks = (int(matched[1]) + 1) // 2 + 1  # a stage at rest, a stage of transition, …
        if blocks > experiment.num_resolutions:
            raise FileError(
                f"{path} is the stage of {blocks} blocks, the settings in {EXPERIMENT} say that "
                f"there are {experiment.num_resolutions}"
            )
        return StageFolder(path, experiment, blocks)

    @property
    def checkpoint(self) -> Path:
        """What the names of the newest checkpoint's files begin with; it leads nowhere else.

        Raises
        ------
        FileError
            The file that says which is missing, or says something else.
        """
        path = self.path / "checkpoint"
        try:
            first = path.read_text("utf-8", "replace")[:4096].splitlines()[0]
        except (OSError, IndexError) as reason:
            raise FileError(
                f"{self.path} has no file named checkpoint that says which to use"
            ) from reason
        key, _, value = first.partition(":")
        name = Path(value.strip().strip('"')).name
        if key != "model_checkpoint_path" or not name:
            raise FileError(f"{path} does not name a checkpoint: {first[:80]!r}")
        return self.path / name


def growth(step: int, blocks: int, stable: int, transition: int) -> float:
    """Return how far networks have grown after `step` images.

    Parameters
    ----------
    stable, transition
        Images of each stage at rest, and of each stage in which a block is blended in.
    """
    whole = blocks * stable + (blocks - 1) * transition
    seen = min(step, whole - 1)
    block, rest = divmod(seen, stable + transition)
    return block + max(0.0, (rest - stable) / transition)


def _last_stage(folder: Path) -> Path:
    stages = {int(found[1]): path for path, found in _stages(folder)}
    if stages:
        return stages[max(stages)].resolve()
    inside = [path for path in _folders(folder) if any(_stages(path))]
    remedy = f"Did you mean {inside[0]}?" if inside else _WANTED
    raise FileError(f"{folder} has no stage folder such as stage_00012", remedy)


def _stages(folder: Path) -> list[tuple[Path, re.Match[str]]]:
    matched = [(path, _STAGE.fullmatch(path.name)) for path in _folders(folder)]
    return [(path, found) for path, found in matched if found]


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as reason:
        raise FileError(f"cannot open {folder}: {reason.strerror}", _WANTED) from reason


def _read_experiment(folder: Path) -> Experiment:
    """Read the settings, which older versions of Magenta keep one folder above, by model."""
    paths = [place / EXPERIMENT for place in (folder, folder.parent)]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise FileError(f"{folder} has no {EXPERIMENT}", _WANTED)
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise FileError(f"{path} is larger than a settings file")
        content = json.loads(path.read_bytes())
        if isinstance(content, dict) and isinstance(jobs := content.get("jobs"), dict):
            content = jobs.get(folder.name)
        return msgspec.convert(content, Experiment)
    except OSError as reason:
        raise FileError(f"cannot read {path}: {reason.strerror}") from reason
    except (ValueError, RecursionError) as reason:
        raise FileError(
            f"{path}: {reason}",
            "Only GANSynth models of mel images can be imported, such as Magenta's two.",
        ) from reason
