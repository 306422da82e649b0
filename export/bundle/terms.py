"""What a run on sounds learned from, under which terms, for how long: for its card and LICENSE."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.bundle.card_file import digest_of
from export.bundle.folder import licence, music_licence
from instrument.bundle.card import Licence
from training.data.audio.render import FLUID_NOTICE
from training.trainer.run_card import RunCard

_SOUNDFONTS = (".sf2", ".sf3")


@dataclass(frozen=True, slots=True)
class Terms:
    """Of the weights of a run.

    Attributes
    ----------
    learned_from
        The material, in a few words.
    licence, text
        For the card and for the file LICENSE.
    """

    learned_from: str
    licence: Licence
    text: bytes


def is_soundfont(card: RunCard) -> bool:
    """Tell whether a run learned from notes that were rendered from a SoundFont."""
    return Path(card.source).suffix.lower() in _SOUNDFONTS


def terms_of(card: RunCard) -> Terms:
    """Return the terms that a run's material passes on."""
    is_free = card.notice == FLUID_NOTICE
    learned = f"notes rendered from {card.source}" if is_soundfont(card) else card.source
    text = licence(learned, card.notice) if is_free else music_licence(learned, card.notice)
    weights = "MIT, see LICENSE" if is_free else "undecided, see LICENSE"
    return Terms(learned, Licence(weights, f"{card.source[:50]}, see LICENSE"), text)


def training_of(card: RunCard) -> dict[str, Any]:
    """Say what was trained on what for how long; no path of the machine it ran on."""
    return {
        "system": card.system,
        "config": card.recipe,
        "waves": card.corpus,
        "waves_sha256": card.corpus_sha256,
        "source": card.source,
        "steps": card.step,
        "seconds": round(card.seconds),
        "seed": card.length.seed,
        "processes": card.processes,
        "hardware": card.hardware,
        "config_sha256": digest_of(card.config),
    }
