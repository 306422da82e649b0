"""Begin a training with what a finished voice knows, instead of with random weights.

In: a frame voice's bundle, and a set of recorded tones. Out: a run at its first step, which
`latentkeys train frame-voice RUN --resume` goes on with. Its network is the bundle's; every
instrument of the set begins as the instrument of the bundle that sounds most like it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from export.frame_voice.restore import restore_voice
from instrument.bundle.bundle import Bundle
from instrument.errors import SettingError
from training.audio.spectral_loss import Spectrum
from training.data.audio.tone_set import TRAIN, ToneSet
from training.frame_voice.config import RECIPES
from training.frame_voice.crops import Crops
from training.frame_voice.model import FrameVoice
from training.frame_voice.system import SYSTEM, FrameVoiceLearner
from training.trainer.run_card import Length
from training.trainer.trainer import Run, new_run

_TONES = 4
"""Of each instrument, spread over its keys, that are compared."""
_APART = 0.35
"""Standard deviation by which instruments that begin as the same one differ: 2.4 in all."""


def begin_run(bundle: Bundle, tones: ToneSet, length: Length, folder: Path) -> Run:
    """Make a run that begins with a bundle's voice; it is saved in its folder.

    Raises
    ------
    BundleError
        It is no frame voice's bundle.
    SettingError
        No recipe makes a voice of its sizes.
    """
    known = restore_voice(bundle)
    recipe = next((name for name, made in RECIPES.items() if made.voice == known.config), None)
    if recipe is None:
        raise SettingError(
            f"{bundle.what} has sizes that no recipe makes, so no run can begin with it",
            "Begin with another, or with none: latentkeys train frame-voice RUN --data SET",
        )
    run = new_run(SYSTEM, recipe, tones, length, folder, torch.device("cpu"))
    run.card = replace(run.card, notice=inherited(tones.notice, bundle))
    assert isinstance(run.learner, FrameVoiceLearner)
    _take_over(run.learner, known)
    run.save()
    return run


def inherited(notice: str, bundle: Bundle) -> str:
    """Return the terms of what is learned from, with those of the weights that it begins with.

    Whose terms are unknown, they stay so: an empty notice is what a card says that by.
    """
    if not notice or bundle.card.licence.weights.startswith("undecided"):
        return ""
    before = bundle.read("LICENSE").decode("utf-8", "replace").strip()
    return f"{notice}\n\nIt began with the weights of the model {bundle.card.name}:\n\n{before}"


def _take_over(learner: FrameVoiceLearner, known: FrameVoice) -> None:
    """Give a new learner, and its running mean, the network and the nearest instruments."""
    voice = learner.voice
    voice.network.load_state_dict(known.network.state_dict())
    voice.start_turns.copy_(known.start_turns)
    nearest = _nearest(learner, known.latent_of)
    apart = torch.randn(voice.latent_of.shape) * _APART
    with torch.no_grad():
        voice.latent_of.copy_(known.latent_of[nearest] + apart)
    learner.average.module.load_state_dict(voice.state_dict())


@torch.no_grad()
def _nearest(learner: FrameVoiceLearner, latents: Tensor) -> Tensor:
    """Return for every instrument of the set the row of the latent that is nearest to its tones."""
    count = len(learner.tones.trained_instruments)
    crops = learner.crops.onsets(_some_of_each(learner.tones, count))
    targets = learner.loss.spectra(crops.audio)
    each = torch.stack([_distances(learner, crops, latent, targets) for latent in latents])
    of_instrument = torch.zeros(len(latents), count).index_add(1, crops.instrument, each)
    return of_instrument.argmin(dim=0)


def _some_of_each(tones: ToneSet, count: int) -> np.ndarray:
    """Return rows of learned tones, `_TONES` of each instrument or all that it has."""
    chosen = []
    for instrument in range(count):
        rows = np.flatnonzero((tones.split == TRAIN) & (tones.instrument == instrument))
        rows = rows[np.argsort(tones.pitch[rows], kind="stable")]
        at = np.linspace(0, rows.size - 1, min(rows.size, _TONES)).round().astype(int)
        chosen.append(rows[at])
    return np.concatenate(chosen)


def _distances(
    learner: FrameVoiceLearner, crops: Crops, latent: Tensor, targets: list[Spectrum]
) -> Tensor:
    """Return every crop's distance in nepers, shape (n,), when played with one latent (24,)."""
    audio = learner.render(learner.voice, crops, latent.expand(len(crops.pitch), -1))
    ours = learner.loss.spectra(audio)
    each = [(a.log - b.log).abs().mean(dim=(1, 2)) for a, b in zip(ours, targets, strict=True)]
    return torch.stack(each).mean(dim=0)
