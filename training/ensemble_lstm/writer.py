"""Let an ensemble LSTM in training play: the instrument's own composer over torch's graphs.

In: a learner. Out: phrases.
"""

from __future__ import annotations

from dataclasses import replace

from instrument.composers.ensemble_lstm.composer import EnsembleComposer
from instrument.composers.ensemble_lstm.ensemble_lstm import EnsembleLSTM
from instrument.music.constraints import Constraints
from instrument.music.note import Phrase
from training.data.symbolic.corpus import Corpus, Piece
from training.ensemble_lstm.network import EnsembleNetwork
from training.ensemble_lstm.step_graphs import torch_graphs
from training.pictures.samples import PhraseSamples

_SHOWN_BARS = 8


def composer_of(network: EnsembleNetwork) -> EnsembleComposer:
    """Return a network, in evaluation mode, as a composer."""
    return EnsembleComposer(EnsembleLSTM(torch_graphs(network)), "this run")


def samples_of(network: EnsembleNetwork, corpus: Corpus) -> PhraseSamples:
    """Return what it plays beside held-out melodies, after a phrase, and from nothing."""
    composer, controls = composer_of(network), Constraints()
    pieces = [piece for piece in corpus.split("valid") if len(piece.programs) > 1]
    made = {"from nothing": composer.generate(_SHOWN_BARS, 1, controls)}
    for number, piece in enumerate(pieces[:: max(1, len(pieces) // 2)][:2], start=1):
        melody = melody_of(piece, _SHOWN_BARS)
        if melody.notes:
            beside = composer.generate(_SHOWN_BARS, number, controls, condition=melody)
            both = replace(melody, tracks=(*melody.tracks, *beside.tracks))
            made[f"beside melody {number}"] = both
    given = corpus.split("valid")[0].phrase()
    prompt = given.between(0.0, given.pickup_beats + 4.0 * given.bar_beats)
    if prompt.notes:
        then = composer.continue_phrase(prompt, 4.0 * given.bar_beats, controls, 1)
        made["a continuation"] = prompt.followed_by(then)
    return PhraseSamples(made)


def melody_of(piece: Piece, bars: int) -> Phrase:
    """Return the highest voice from the bar in which it begins."""
    phrase = piece.phrase()
    melody = replace(phrase, tracks=phrase.tracks[:1])
    first = melody.notes[0].start_beats if melody.notes else 0.0
    begin = max(0.0, first - phrase.beat_phase(first))
    begin = min(begin, phrase.length_beats)
    end = min(begin + bars * phrase.bar_beats, phrase.length_beats)
    return melody.between(begin, end)
