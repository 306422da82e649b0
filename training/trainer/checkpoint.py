"""Checkpoints on disk: written whole or not at all, read without running anybody's code.

A checkpoint holds only tensors and plain values and is read with ``weights_only=True``. It is
written beside its place and renamed, so a run that is killed while writing keeps the one before.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import msgspec
import torch

from instrument.errors import FileError
from instrument.files import replacing_file

FORMAT = 1
CHECKPOINT = "checkpoint.pt"
DESCRIPTION = "run.json"
FRAME_VOICE = "frame-voice"
"""The system of checkpoints that do not name one."""


def write_checkpoint(
    folder: Path, system: str, summary: object, state: dict[str, Any], name: str = CHECKPOINT
) -> None:
    """Write a checkpoint atomically, and its summary as ``run.json`` for people.

    Parameters
    ----------
    folder
        The run's folder, made if need be.
    system
        What was trained: the word after ``latentkeys train``.
    summary
        Anything that msgspec can write as JSON.
    state
        Nested dictionaries and lists of tensors, numbers and strings.

    Raises
    ------
    FileError
        When it cannot be written; the checkpoint before is untouched.
    """
    described = msgspec.json.encode(summary)
    content = {"format": FORMAT, "system": system, "summary": described.decode(), "state": state}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing_file(folder / name) as path:
            torch.save(content, path)
        with replacing_file(folder / DESCRIPTION) as path:
            path.write_bytes(msgspec.json.format(described, indent=1))
    except (OSError, RuntimeError, FileError) as error:
        raise FileError(
            f"cannot write a checkpoint to {folder}: {error}",
            "The checkpoint before is untouched: make room, then go on with --resume.",
        ) from error


def read_checkpoint(folder: Path, name: str = CHECKPOINT) -> tuple[str, str, dict[str, Any]]:
    """Read a checkpoint.

    Returns
    -------
    str
        The system that was trained.
    str
        Its summary, as JSON.
    dict
        The state.

    Raises
    ------
    FileError
        When there is none, it is broken, or it is of another version.
    """
    path = folder / name
    if not path.is_file():
        raise FileError(
            f"{folder} is not a training run: it has no {name}",
            "Make one with: latentkeys train (see latentkeys train --help)",
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        version = content["format"]
    except (OSError, RuntimeError, pickle.UnpicklingError, KeyError, TypeError, EOFError) as error:
        raise FileError(f"{path} is not a readable checkpoint: {error}") from error
    if version != FORMAT:
        raise FileError(f"{path}: format must be {FORMAT}, got {version}")
    return content.get("system", FRAME_VOICE), content["summary"], content["state"]


def refuse_other_system(folder: Path, expected: str, found: str) -> None:
    """Say which command a run belongs to.

    Raises
    ------
    FileError
        When `found` is not `expected`.
    """
    if found != expected:
        raise FileError(
            f"{folder} is a run of {found}, not of {expected}",
            f"Use the commands for {found}, or name another run.",
        )
