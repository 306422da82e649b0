"""Whether what follows belongs to what came before.

In: prompts and continuations. Out: the AUC of a likeness: how often a continuation is more like its
own prompt than like another's. 0.5 is chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from instrument.composers.continuer import pitched_notes
from instrument.music.note import Phrase
from training.metrics.partner.rhythm import overlap, rhythm


def rhythm_likeness(prompt: Phrase, answer: Phrase) -> float:
    """Return what two rhythms have in common, 0 to 1; both begin at bar lines."""
    bar = prompt.bar_beats
    return overlap(rhythm(pitched_notes(prompt), bar), rhythm(pitched_notes(answer), bar))


def turns_likeness(prompt: Phrase, answer: Phrase) -> float:
    """Return the share of the answer's three successive pitches that the prompt has, too."""
    known, made = set(_threes(prompt)), _threes(answer)
    return sum(turn in known for turn in made) / max(1, len(made))


def own_auc(
    pairs: Sequence[tuple[Phrase, Phrase]], like: Callable[[Phrase, Phrase], float]
) -> float:
    """Return how often an answer is more like its own prompt than like another's; ties are half.

    Parameters
    ----------
    pairs
        Prompts and answers.
    like
        Compares a prompt with an answer.
    """
    wins = []
    for number, (prompt, answer) in enumerate(pairs):
        own = like(prompt, answer)
        for other, (prompt, _) in enumerate(pairs):
            if other != number:
                else_ = like(prompt, answer)
                wins.append(1.0 if own > else_ else 0.5 if own == else_ else 0.0)
    return float(np.mean(wins)) if wins else math.nan


def _threes(phrase: Phrase) -> list[tuple[int, ...]]:
    notes = sorted(pitched_notes(phrase), key=lambda note: (note.start_beats, -note.pitch))
    pitches = [note.pitch for note in notes]
    return [(*pair, third) for pair, third in zip(pairwise(pitches), pitches[2:], strict=False)]
