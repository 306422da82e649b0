"""What MuseGAN's critics and encoders see: bars as rolls, real ones and played ones alike.

In: bars as `training.musegan.data.Bars` in torch, or a generator's logits. Out: float32 rolls of
what sounds and what begins. Voices of one note at a time are judged by both, polyphonic tracks by
what sounds alone.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from instrument.music.note import Phrase
from instrument.music.piano_rolls import phrase_of_pitch_rolls, phrase_of_rolls
from training.musegan.heads import choose_classes, choose_pitches, sounding_and_onsets
from training.musegan.size import MuseSize

_BAR_BEATS = 4


def played_part(bars: Tensor, size: MuseSize) -> Tensor:
    """Cut out the tracks and bars that are generated."""
    return bars[:, list(size.played), size.previous_bars :]


def rolls_of_bars(bars: Tensor, size: MuseSize) -> tuple[Tensor, Tensor]:
    """Return what sounds and what begins, each (n, tracks, bars, steps, pitches)."""
    if size.head != "categorical":
        return bars.float(), torch.zeros_like(bars, dtype=torch.float32)
    one_hot = F.one_hot(bars, size.classes).float()
    return _by_bars(sounding_and_onsets(one_hot.flatten(2, 3)), bars.shape[2])


def judged_rolls(bars: Tensor, size: MuseSize) -> Tensor:
    """Return real bars as critics see them, (n, channels, bars, steps, pitches)."""
    if size.head == "categorical":
        return _judged_classes(F.one_hot(bars, size.classes).float())
    sounding, _ = rolls_of_bars(bars, size)
    return sounding * 2.0 - 1.0 if size.head == "threshold" else sounding


def judged_play(logits: Tensor, bars: Tensor, size: MuseSize, slope: float) -> Tensor:
    """Return what was played as critics see it, beside the given tracks and after the bars before.

    Parameters
    ----------
    logits
        Of the generator; their gradient passes.
    bars
        Whose given parts are kept.
    slope
        See `choose_pitches`.
    """
    is_categorical = size.head == "categorical"
    whole = F.one_hot(bars, size.classes).float() if is_categorical else judged_rolls(bars, size)
    chosen = choose_classes(logits) if is_categorical else choose_pitches(logits, size.head, slope)
    tracks = [*whole.unbind(dim=1)]
    for row, track in enumerate(size.played):
        tracks[track] = torch.cat([whole[:, track, : size.previous_bars], chosen[:, row]], dim=1)
    played = torch.stack(tracks, dim=1)
    return _judged_classes(played) if is_categorical else played


def likeliest_phrase(logits: Tensor, bars: Tensor, size: MuseSize) -> Phrase:
    """Write one phrase: what is likeliest where something was played, what was given elsewhere.

    Parameters
    ----------
    logits, bars
        As in `judged_play`, without the first axis.
    """
    whole, per_beat = bars.clone(), size.steps // _BAR_BEATS
    played = (list(size.played), slice(size.previous_bars, None))
    if size.head == "categorical":
        whole[played] = logits.argmax(dim=-1)
        rolls = whole.cpu().numpy().transpose(1, 0, 2)
        return phrase_of_rolls(rolls, per_beat, lowest_pitch=size.lowest_pitch)
    whole[played] = (logits > 0.0).long()
    sounding = whole.flatten(1, 2).bool().cpu().numpy()
    return phrase_of_pitch_rolls(sounding, None, per_beat, lowest_pitch=size.lowest_pitch)


def _judged_classes(whole: Tensor) -> Tensor:
    """Turn classes (n, tracks, bars, steps, classes) into two rolls for each track."""
    both = _by_bars(sounding_and_onsets(whole.flatten(2, 3)), whole.shape[2])
    return torch.stack(both, dim=2).flatten(1, 2)


def _by_bars(rolls: tuple[Tensor, Tensor], bars: int) -> tuple[Tensor, Tensor]:
    """Cut rolls (n, tracks, steps, pitches) into bars."""
    sounding, onsets = rolls
    n, tracks, steps, pitches = sounding.shape
    shape = (n, tracks, bars, steps // bars, pitches)
    return sounding.view(shape), onsets.reshape(shape)
