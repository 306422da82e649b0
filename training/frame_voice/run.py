"""Open what a run of the frame voice has learned, without its tone set.

In: a run's folder; runs of version 0.1, which had a loop of their own, too. Out: the voice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
from torch import nn

from training.data.audio.tone_set import Instrument, TuningTables
from training.frame_voice.config import VoiceRecipe
from training.frame_voice.model import FrameVoice
from training.trainer.checkpoint import (
    CHECKPOINT,
    FRAME_VOICE,
    read_checkpoint,
    refuse_other_system,
)
from training.trainer.run_card import BEST, Length, RunCard, decode_card, load_networks


class SavedInstruments(nn.Module):
    """The instruments of a voice, in the order of their latents: saved beside its weights."""

    def __init__(self, instruments: tuple[Instrument, ...]) -> None:
        super().__init__()
        self.instruments = instruments

    def get_extra_state(self) -> list[dict[str, Any]]:
        """Return plain values, which a checkpoint may hold."""
        return [asdict(instrument) for instrument in self.instruments]

    def set_extra_state(self, state: list[dict[str, Any]]) -> None:
        """Take saved ones."""
        self.instruments = msgspec.convert(state, tuple[Instrument, ...])


def load_voice(folder: Path) -> tuple[FrameVoice, RunCard]:
    """Load a run's voice with its averaged weights, ready to evaluate or export.

    They are those of the best checkpoint by what was held out, where the set has keys for that.

    Returns
    -------
    FrameVoice
        On the CPU, in ``eval`` mode; `FrameVoice.latent_of` has one row per instrument.
    RunCard
        How it was trained.

    Raises
    ------
    FileError
        There is no readable checkpoint, or one of another system.
    """
    name = BEST if (folder / BEST).is_file() else CHECKPOINT
    system, summary, state = read_checkpoint(folder, name)
    refuse_other_system(folder, FRAME_VOICE, system)
    if "networks" in state:
        card = decode_card(folder, summary)
    else:
        card, state = _from_version_0_1(summary, state)
    saved = SavedInstruments(())
    load_networks({"instruments": saved}, state)
    recipe = msgspec.convert(card.config, VoiceRecipe)
    tuning = TuningTables.harmonic(len(saved.instruments))
    voice = FrameVoice(recipe.voice, saved.instruments, tuning)
    load_networks({"average": voice}, state)
    return voice.eval().requires_grad_(False), card


@dataclass(frozen=True, slots=True)
class _EarlierSummary:
    voice: dict[str, Any]
    training: dict[str, Any]
    instruments: list[dict[str, Any]]
    source: str
    notice: str
    notes_folder: str
    step: int
    seconds: float
    hardware: str


def _from_version_0_1(summary: str, state: dict[str, Any]) -> tuple[RunCard, dict[str, Any]]:
    """Return the card and what is needed of the state, as this version writes them."""
    of = msgspec.json.decode(summary, type=_EarlierSummary)
    length = (of.training[name] for name in ("steps", "minutes", "seed"))
    card = RunCard(
        system=FRAME_VOICE,
        recipe="",
        config={"voice": of.voice, "training": of.training},
        corpus=of.notes_folder,
        corpus_sha256="",
        source=of.source,
        notice=of.notice,
        length=Length(*length),
        step=of.step,
        seconds=of.seconds,
        processes=1,
        hardware=of.hardware,
        validation={},
    )
    networks = {
        "average": state["voice"] | state["average"],
        "instruments": {"_extra_state": of.instruments},
    }
    return card, {"networks": networks}
