"""A run's folder: its checkpoint, and what was resolved.

Of the frame voice; the composers' runs are in `training.trainer.trainer`, the file itself in
`training.trainer.checkpoint`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from training.data.audio.tone_set import Instrument, ToneSet, TuningTables
from training.frame_voice.config import FrameVoiceConfig, TrainingConfig
from training.frame_voice.model import FrameVoice
from training.trainer.checkpoint import (
    FRAME_VOICE,
    read_checkpoint,
    refuse_other_system,
    write_checkpoint,
)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run is, for cards and listings.

    Attributes
    ----------
    voice, training
        The configurations.
    instruments
        The instruments learned, in the order of the latents.
    source, notice
        Where the tones come from, and the licence text that goes with them.
    notes_folder
        The tone set.
    step
        Steps taken.
    seconds
        Time spent in training.
    hardware
        What it ran on.
    """

    voice: FrameVoiceConfig
    training: TrainingConfig
    instruments: tuple[Instrument, ...]
    source: str
    notice: str
    notes_folder: str
    step: int
    seconds: float
    hardware: str


def summarise(
    voice: FrameVoiceConfig,
    training: TrainingConfig,
    tones: ToneSet,
    step: int,
    seconds: float,
    hardware: str,
) -> RunSummary:
    """Put a run's summary together."""
    return RunSummary(
        voice=voice,
        training=training,
        instruments=tones.trained_instruments,
        source=tones.source,
        notice=tones.notice,
        notes_folder=str(tones.path),
        step=step,
        seconds=seconds,
        hardware=hardware,
    )


def save_checkpoint(folder: Path, summary: RunSummary, state: dict[str, Any]) -> None:
    """Write a checkpoint atomically.

    Parameters
    ----------
    folder
        The run's folder, made if need be.
    summary
        Stored with it, and as ``run.json`` for people.
    state
        Nested dictionaries and lists of tensors, numbers and strings.

    Raises
    ------
    FileError
        When it cannot be written; the checkpoint before is untouched.
    """
    write_checkpoint(folder, FRAME_VOICE, summary, state)


def load_checkpoint(folder: Path) -> tuple[RunSummary, dict[str, Any]]:
    """Read a checkpoint.

    Raises
    ------
    FileError
        When there is none, it is broken, or it is of another version.
    """
    system, summary, state = read_checkpoint(folder)
    refuse_other_system(folder, FRAME_VOICE, system)
    return msgspec.json.decode(summary, type=RunSummary), state


def load_voice(folder: Path) -> tuple[FrameVoice, RunSummary]:
    """Load a run's voice with its averaged weights, ready to evaluate or export.

    Returns
    -------
    FrameVoice
        On the CPU, in ``eval`` mode; `FrameVoice.latent_of` has one row per instrument.
    RunSummary
        What it was trained on.
    """
    summary, state = load_checkpoint(folder)
    count = len(summary.instruments)
    voice = FrameVoice(summary.voice, summary.instruments, TuningTables.harmonic(count))
    voice.load_state_dict(state["voice"])
    parameters = dict(voice.named_parameters())
    with torch.no_grad():
        for name, average in state["average"].items():
            parameters[name].copy_(average)
    return voice.eval().requires_grad_(False), summary
