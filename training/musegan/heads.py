"""From a generator's logits to notes that a critic can judge: MuseGAN's last layers.

Voices of one note at a time choose a class; the critic sees what sounds and what begins, both as
rolls. Polyphonic tracks choose for every pitch, by one of the paper's ways (a threshold after
training, Bernoulli draws) or by deterministic binary neurons, of which Dong and Yang (ISMIR 2018)
found that they sound best. Decisions are hard; gradients go through as if they were soft (the
straight-through estimator of Bengio et al., 2013).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from instrument.music.piano_rolls import FIRST_PITCH, HOLD


def choose_classes(logits: Tensor, is_hard: bool = True) -> Tensor:
    """Choose rest, hold or a pitch: one-hot (..., classes), with the softmax's gradient."""
    soft = logits.softmax(dim=-1)
    if not is_hard:
        return soft
    hard = F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(soft.dtype)
    return hard + soft - soft.detach()


def choose_pitches(logits: Tensor, head: str, slope: float = 1.0) -> Tensor:
    """Choose for every pitch: (..., pitches), within ±1 for "threshold", else 0 or 1.

    Parameters
    ----------
    slope
        Steepness of the sigmoid whose gradient passes; grows during training.
    """
    if head == "threshold":
        return torch.tanh(logits)
    soft = torch.sigmoid(slope * logits)
    limit = torch.rand_like(soft) if head == "bernoulli" else torch.full_like(soft, 0.5)
    return (soft > limit).to(soft.dtype) + soft - soft.detach()


def sounding_and_onsets(classes: Tensor) -> tuple[Tensor, Tensor]:
    """Turn classes of steps into rolls.

    Parameters
    ----------
    classes
        (..., steps, classes), one-hot or probabilities; steps run on through the bars.

    Returns
    -------
    Tensor, Tensor
        What sounds and what begins, each (..., steps, pitches). A hold sounds as the step before;
        at the very beginning and after a rest it is silent.
    """
    onsets = classes[..., FIRST_PITCH:]
    holds = classes[..., HOLD : HOLD + 1]
    sound, steps = torch.zeros_like(onsets[..., 0, :]), []
    for step in range(classes.shape[-2]):
        sound = onsets[..., step, :] + holds[..., step, :] * sound
        steps.append(sound)
    return torch.stack(steps, dim=-2), onsets
