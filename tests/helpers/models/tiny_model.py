"""A real bundle of a tiny untrained frame voice, exported once a run."""

import functools
from pathlib import Path

import msgspec
import numpy as np
import torch

from export.frame_voice.write import write_bundle
from tests.helpers.made_once import made_once, scratch
from training.data.audio.tone_set import Instrument, TuningTables
from training.frame_voice.config import FrameVoiceConfig, TrainingConfig, VoiceRecipe
from training.frame_voice.model import FrameVoice
from training.frame_voice.run import SavedInstruments
from training.frame_voice.system import SYSTEM
from training.trainer.checkpoint import write_checkpoint
from training.trainer.run_card import Length, RunCard

INSTRUMENTS = (
    Instrument("Glass Bell", 9, True, False, 5.0),
    Instrument("Choir", 52, False, False, 4.0),
    Instrument("Reed", 68, False, False, 6.0),
)
GRAPHS = ("attack", "whole", "step_8")
CONFIG = FrameVoiceConfig(
    latent_size=6, note_width=32, note_blocks=1, frame_width=24, frame_blocks=1, frame_expansion=2
)


@functools.cache
def tiny_run() -> Path:
    """Return the folder of a run that has taken no step."""
    return made_once(scratch() / "run", _write_run)


@functools.cache
def tiny_bundle() -> Path:
    """Return the folder of the exported bundle; copy it before changing anything."""
    target = scratch() / "models" / "tiny"
    return made_once(target, lambda: write_bundle(tiny_run(), target, graph_names=GRAPHS))


def _write_run() -> None:
    torch.manual_seed(5)
    tuning = TuningTables.harmonic(len(INSTRUMENTS))
    tuning.level_db[:] = np.linspace(3.0, -3.0, 88)  # high keys are quieter
    voice = FrameVoice(CONFIG, INSTRUMENTS, tuning)
    card = RunCard(
        system=SYSTEM.name,
        recipe="tiny",
        config=msgspec.to_builtins(VoiceRecipe(CONFIG, TrainingConfig())),
        corpus="",
        corpus_sha256="",
        source="formulas",
        notice="Public domain.",
        length=Length(0, 0.0, 5),
        step=0,
        seconds=0.0,
        processes=1,
        hardware="test",
        validation={},
    )
    networks = {"average": voice, "instruments": SavedInstruments(INSTRUMENTS)}
    state = {"networks": {name: network.state_dict() for name, network in networks.items()}}
    write_checkpoint(scratch() / "run", SYSTEM.name, card, state)
