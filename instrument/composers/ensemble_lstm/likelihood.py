"""How likely what others have written is to a network that has read more music than they.

In: the ensemble LSTM, what the player plays, and what a composer wrote beside it or after it. Out:
nats a note, smaller where it fits better. This is how candidates are ranked whose own composers
give no likelihoods.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from instrument.composers.continuer import pitched_notes
from instrument.composers.ensemble_lstm.ensemble_lstm import Ensemble, EnsembleLSTM
from instrument.music.note import Note, Phrase
from instrument.music.note_tuples import in_telling_order


class LikelihoodJudge:
    """A judge of what others write; belongs to one thread.

    Parameters
    ----------
    model
        Is surprised or not.
    """

    def __init__(self, model: EnsembleLSTM) -> None:
        self._model = model

    def after(self, prompt: Phrase, made: Phrase) -> float:
        """Return nats a note of a continuation.

        Parameters
        ----------
        prompt
            What the player played; `made` counts from its end.
        made
            What is judged; without notes it is infinitely surprising.
        """
        model = self._model
        state = model.begin(prompt.bar_beats, prompt.pickup_beats)
        for note in in_telling_order(pitched_notes(prompt)):
            state = model.feed(state, note)
        return self._nats(state, pitched_notes(prompt.followed_by(made)), prompt.length_beats)

    def beside(self, given: Phrase, made: Phrase) -> float:
        """Return nats a note of an accompaniment; the player's notes are known ahead.

        Parameters
        ----------
        given
            What the player plays.
        made
            What is judged, without it.
        """
        model = self._model
        state = model.begin(given.bar_beats, given.pickup_beats)
        state = model.knowing(state, in_telling_order(pitched_notes(given)))
        return self._nats(state, pitched_notes(made), 0.0)

    def _nats(self, state: Ensemble, notes: Iterable[Note], begins: float) -> float:
        found = []
        for note in in_telling_order(notes):
            if note.start_beats < begins - 1e-6:
                continue
            nats, state = self._model.surprise(state, note)
            found.append(nats)
        return sum(found) / len(found) if found else math.inf
