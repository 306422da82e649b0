"""Everything that can be trained, by the word after ``latentkeys train``."""

from __future__ import annotations

from typing import Any

from instrument.errors import SettingError
from instrument.schema import nearest
from training.chorale_lstm.system import SYSTEM as CHORALE_LSTM
from training.convgan.system import SYSTEM as CONVGAN
from training.crnngan.simple import SYSTEM as CRNNGAN_SIMPLE
from training.crnngan.system import SYSTEM as CRNNGAN
from training.ensemble_lstm.system import SYSTEM as ENSEMBLE_LSTM
from training.frame_voice.system import SYSTEM as FRAME_VOICE
from training.gansynth.small.learner import SYSTEM as GANSYNTH_SMALL
from training.gansynth.system import SYSTEM as GANSYNTH
from training.musegan.system import SYSTEM as MUSEGAN
from training.note_lstm.system import SYSTEM as NOTE_LSTM
from training.note_lstm.transformer import SYSTEM as NOTE_TRANSFORMER
from training.pitch_classifier.system import SYSTEM as PITCH_CLASSIFIER
from training.symbol_lstm.attention_lstm import SYSTEM as ATTENTION_LSTM
from training.symbol_lstm.stacked_lstm import SYSTEM as STACKED_LSTM
from training.trainer.system import System

COMPOSERS: dict[str, System[Any, Any]] = {
    system.name: system
    for system in (
        NOTE_LSTM,
        ENSEMBLE_LSTM,
        NOTE_TRANSFORMER,
        CHORALE_LSTM,
        STACKED_LSTM,
        ATTENTION_LSTM,
        CRNNGAN,
        CRNNGAN_SIMPLE,
        MUSEGAN,
    )
}
"""What learns from corpora of music."""

SOUND_SYSTEMS: dict[str, System[Any, Any]] = {
    system.name: system
    for system in (FRAME_VOICE, GANSYNTH, GANSYNTH_SMALL, CONVGAN, PITCH_CLASSIFIER)
}
"""What learns from recorded or rendered tones."""

SYSTEMS = SOUND_SYSTEMS | COMPOSERS


def find_composer(name: str) -> System[Any, Any]:
    """Look a composer up.

    Raises
    ------
    SettingError
        There is none of that name.
    """
    if name not in COMPOSERS:
        have = ", ".join(COMPOSERS)
        raise SettingError(
            f"there is no composer {name!r} (there are: {have})", nearest(name, COMPOSERS)
        )
    return COMPOSERS[name]
