"""Whether what follows belongs to what came before.

In: prompts and continuations. Out: the AUC of a likeness: how often a continuation is more like its
own prompt than like another's. 0.5 is chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from instrument.music.note import Phrase


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
