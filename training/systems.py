"""Everything that can be trained, by the word after ``latentkeys train``."""

from __future__ import annotations

from typing import Any

from instrument.errors import SettingError
from instrument.fields import nearest
from training.attention_lstm import SYSTEM as ATTENTION_LSTM
from training.chorale_lstm import SYSTEM as CHORALE_LSTM
from training.convgan import SYSTEM as CONVGAN
from training.crnngan import SYSTEM as CRNNGAN
from training.crnngan_simple import SYSTEM as CRNNGAN_SIMPLE
from training.gansynth import SYSTEM as GANSYNTH
from training.gansynth_small import SYSTEM as GANSYNTH_SMALL
from training.learner import System
from training.musegan import SYSTEM as MUSEGAN
from training.note_lstm import SYSTEM as NOTE_LSTM
from training.note_transformer import SYSTEM as NOTE_TRANSFORMER
from training.pitch_classifier import SYSTEM as PITCH_CLASSIFIER
from training.stacked_lstm import SYSTEM as STACKED_LSTM

SYSTEMS: dict[str, System[Any, Any]] = {
    system.name: system
    for system in (
        NOTE_LSTM,
        NOTE_TRANSFORMER,
        CHORALE_LSTM,
        STACKED_LSTM,
        ATTENTION_LSTM,
        CRNNGAN,
        CRNNGAN_SIMPLE,
        MUSEGAN,
    )
}

NOTE_SYSTEMS: dict[str, System[Any, Any]] = {
    system.name: system for system in (GANSYNTH, GANSYNTH_SMALL, CONVGAN, PITCH_CLASSIFIER)
}
"""What learns from wave sets; `SYSTEMS` has the composers."""


def find_system(name: str) -> System[Any, Any]:
    """Look a system up.

    Raises
    ------
    SettingError
        There is none of that name.
    """
    if name not in SYSTEMS:
        have = ", ".join(SYSTEMS)
        raise SettingError(
            f"there is no system {name!r} (there are: {have})", nearest(name, SYSTEMS)
        )
    return SYSTEMS[name]
