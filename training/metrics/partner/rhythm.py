"""How much an answer has to do with the phrase that it answers.

In: phrases, and what was answered to each. Out: shares and ratios.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from instrument.music.likeness import nearest_place, overlap, rhythm
from instrument.music.note import Note, Phrase
from training.metrics.partner.phrases import key_of

PERMUTATIONS = 20_000

Answers = Sequence[Sequence[tuple[Note, ...]]]
"""For each phrase its answers, counted from where the phrase began, in the same bars."""


@dataclass(frozen=True, slots=True)
class Relation:
    """What answers have to do with their own phrases.

    Attributes
    ----------
    own, others
        Mean overlap of rhythms with the phrase that was answered, and with the other ones.
    p
        How often phrases that are shuffled among the answers fit as well as their own.
    density
        Strikes per beat of the answer over those of the phrase: mean over phrases of medians.
    in_key
        Share of notes in the scale that the phrase fits best.
    """

    own: float
    others: float
    p: float
    density: float
    in_key: float


def relation(phrases: Sequence[Phrase], answers: Answers, seed: int = 0) -> Relation:
    """Measure answers to phrases; see `Relation`."""
    table = np.array(
        [
            [np.mean([overlap(rhythm(a, one.bar_beats), rhythm(_in_bars(other), other.bar_beats))
                      for a in answered]) for other in phrases]
            for one, answered in zip(phrases, answers, strict=True)
        ]
    )  # fmt: skip
    count, own = len(phrases), float(np.diag(table).mean())
    others = (table.sum() - np.trace(table)) / (count * (count - 1))
    densities = [
        np.median([_strikes_per_beat(a, p.bar_beats) for a in answered])
        / (len({n.start_beats for n in p.notes}) / p.length_beats)
        for p, answered in zip(phrases, answers, strict=True)
    ]
    in_key = [
        float(np.mean([note.pitch % 12 in key_of(phrase) for note in answer]))
        for phrase, answered in zip(phrases, answers, strict=True)
        for answer in answered
        if answer
    ]
    p = _chance(table, own, seed)
    return Relation(own, float(others), p, float(np.mean(densities)), float(np.mean(in_key)))


def _in_bars(phrase: Phrase) -> list[Note]:
    """Return a phrase's notes counted from a bar line."""
    before = (phrase.bar_beats - phrase.pickup_beats) % phrase.bar_beats
    return [replace(note, start_beats=note.start_beats + before) for note in phrase.notes]


def _strikes_per_beat(notes: Sequence[Note], bar_beats: float) -> float:
    """Count over whole bars, as answers are made of them."""
    strikes = {nearest_place(note.start_beats) for note in notes}
    if not strikes:
        return 0.0
    bars = max(1.0, math.ceil((max(strikes) - min(strikes) + 0.01) / bar_beats))
    return len(strikes) / (bars * bar_beats)


def _chance(table: NDArray[np.float64], own: float, seed: int) -> float:
    random, count = np.random.default_rng(seed), len(table)
    shuffled = [
        table[np.arange(count), random.permutation(count)].mean() for _ in range(PERMUTATIONS)
    ]
    return float((1 + np.sum(np.array(shuffled) >= own)) / (PERMUTATIONS + 1))
