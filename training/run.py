"""A run's folder: its checkpoint, and what was resolved.

``checkpoint.pt`` holds only tensors and plain values and is read with ``weights_only=True``: no
pickle runs code on anybody's machine. It is written beside and renamed, so a run that is killed
while writing keeps the checkpoint before.
"""

from __future__ import annotations

import ctypes
import pickle
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from instrument.errors import FileError
from training.config import FrameVoiceConfig, TrainingConfig
from training.data.notes import Instrument, NoteSet, TuningTables
from training.frame_voice import FrameVoice

FORMAT = 1
CHECKPOINT = "checkpoint.pt"


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
        Where the notes come from, and the licence text that goes with them.
    notes_folder
        The note set.
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


def describe_hardware(device: torch.device) -> str:
    """Name the processor or GPU that a run uses."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()} CPU, {torch.get_num_threads()} thread(s)"


def summarise(
    voice: FrameVoiceConfig,
    training: TrainingConfig,
    notes: NoteSet,
    step: int,
    seconds: float,
    hardware: str,
) -> RunSummary:
    """Put a run's summary together."""
    return RunSummary(
        voice=voice,
        training=training,
        instruments=notes.trained_instruments,
        source=notes.source,
        notice=notes.notice,
        notes_folder=str(notes.path),
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
    partial = folder / f"{CHECKPOINT}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        described = msgspec.json.encode(asdict(summary))
        torch.save({"format": FORMAT, "summary": described.decode(), "state": state}, partial)
        partial.replace(folder / CHECKPOINT)
        (folder / "run.json").write_bytes(msgspec.json.format(described, indent=1))
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise FileError(
            f"cannot write a checkpoint to {folder}: {error}",
            "The checkpoint before is untouched: make room, then go on with --resume.",
        ) from error


def load_checkpoint(folder: Path) -> tuple[RunSummary, dict[str, Any]]:
    """Read a checkpoint.

    Raises
    ------
    FileError
        When there is none, it is broken, or it is of another version.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise FileError(
            f"{folder} is not a training run: it has no {CHECKPOINT}",
            "Make one with: latentkeys train frame-voice",
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        version = content["format"]
    except (OSError, RuntimeError, pickle.UnpicklingError, KeyError, TypeError, EOFError) as error:
        raise FileError(f"{path} is not a readable checkpoint: {error}") from error
    if version != FORMAT:
        raise FileError(f"{path}: format must be {FORMAT}, got {version}")
    summary = msgspec.json.decode(content["summary"], type=RunSummary)
    return summary, content["state"]


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


def keep_memory() -> None:
    """Tell glibc to keep freed memory.

    A training step frees and takes the same large arrays again; giving them back to the system in
    between costs a fifth of the step in page faults (147 ms against 123 ms measured).
    """
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3
    if platform.system() == "Linux":
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):
            for option, size in (
                (trim_threshold, 2**31 - 1),
                (mmap_threshold, 2**30),
                (top_pad, 2**28),
            ):
                library.mallopt(option, size)
