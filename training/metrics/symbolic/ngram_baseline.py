"""The counting composer's figures on a corpus: what every network is compared with.

In: a corpus. Out: a `Baseline`, kept in the cache folder under the corpus's checksum, because
counting some hundred thousand notes takes minutes. Counts come from the training pieces, the shares
of the views from the validation pieces, figures from the test pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from instrument.composers.continuer import PhraseContinuer
from instrument.composers.ngram.counts import PARTS
from instrument.composers.ngram.ngram import NgramModel
from instrument.files import replacing_file
from instrument.music.constraints import Constraints
from instrument.music.note import Phrase
from instrument.schema import NO_JSON
from training.data.symbolic.corpus import CORPORA, Corpus, Piece
from training.metrics.bootstrap import Mean, ratio_of
from training.metrics.symbolic.chorale_ngram import Chorale, ChoraleNgram, changed
from training.metrics.symbolic.compare import Music, split_at_bar

FORMAT = 1
PROMPT_BARS = 2.0
_TUNING_PIECES = 100
_VOICES = 4
_PHRASES, _CONTINUED = 40, 40
_BARS, _LENGTH_BEATS = 8, 32.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Nats:
    """Nats of test pieces, and of how many notes: lists of equal length."""

    nats: list[float]
    notes: list[float]

    def mean(self) -> Mean:
        """Return nats per note."""
        return ratio_of(self.nats, self.notes)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What counting reaches.

    Attributes
    ----------
    likelihoods
        By the name of the figure: "shift", "pitch", "duration", "note" (their sum); "adapting note"
        counts inside the piece too; "prompted", "unprompted": notes after two bars, heard or not,
        adapting; of four-part corpora "cell" and "changed cell" over frames.
    phrases, continued
        Made from nothing, and (prompt, continuation) pairs of test pieces, by the adapting model.
    """

    format: int
    likelihoods: dict[str, Nats]
    phrases: tuple[Phrase, ...]
    continued: tuple[tuple[Phrase, Phrase], ...]

    def music(self) -> Music:
        """Return what it made, to be compared."""
        return Music(self.phrases, self.continued)


def open_baseline(corpus: Corpus, say: Say = lambda _: None) -> Baseline:
    """Return a corpus's baseline, counted now if it has not been."""
    path = _path(corpus)
    if path.is_file():
        try:
            found = msgspec.json.decode(path.read_bytes(), type=Baseline)
        except NO_JSON:
            found = None  # of another version, or cut off: count again
        if found and found.format == FORMAT:
            return found
    made = count_baseline(corpus, say)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing_file(path) as partial:
        partial.write_bytes(msgspec.json.encode(made))
    return made


def count_baseline(corpus: Corpus, say: Say = lambda _: None) -> Baseline:
    """Count the training pieces and measure the test pieces.

    Parameters
    ----------
    say
        Told what is being done.
    """
    model = NgramModel(heard_weight=0.0)
    say("n-gram: counting the training pieces")
    for piece in corpus.split("train"):
        model.learn(piece.phrase())
    tuning = [piece.phrase() for piece in corpus.split("valid")[:_TUNING_PIECES]]
    test = [piece.phrase() for piece in corpus.split("test")]
    say("n-gram: measuring the test pieces")
    model.tune(tuning)
    likelihoods = _by_part(model, test)
    model.heard_weight = NgramModel().heard_weight
    model.tune(tuning)
    likelihoods["adapting note"] = _by_part(model, test)["note"]
    likelihoods |= _after_prompts(model, test)
    if all(len(piece.programs) == _VOICES for piece in corpus.pieces):
        say("n-gram: measuring frames of four voices")
        likelihoods |= chorale_likelihoods(corpus)
    say("n-gram: composing")
    return Baseline(FORMAT, likelihoods, *_composed(model, test))


def chorale_likelihoods(corpus: Corpus) -> dict[str, Nats]:
    """Measure "cell" and "changed cell" of test pieces with four voices, by frames."""
    model = ChoraleNgram()
    for piece in corpus.split("train"):
        model.learn(Chorale.of(piece))
    model.tune([Chorale.of(piece) for piece in corpus.split("valid")])
    return cell_nats(model, corpus.split("test"))


def cell_nats(model: ChoraleNgram, pieces: Sequence[Piece]) -> dict[str, Nats]:
    """Measure pieces: all cells, and those that differ from the frame before."""
    every: list[NDArray[np.float64]] = []
    moved: list[NDArray[np.float64]] = []
    for piece in pieces:
        chorale = Chorale.of(piece)
        nats = -model.log_probabilities(chorale)
        every.append(nats.reshape(-1))
        moved.append(nats[changed(chorale.frames)])
    return {
        name: Nats([float(n.sum()) for n in nats], [float(n.size) for n in nats])
        for name, nats in (("cell", every), ("changed cell", moved))
    }


def _by_part(model: NgramModel, phrases: Sequence[Phrase]) -> dict[str, Nats]:
    nats = [-model.log_probabilities(phrase) for phrase in phrases]
    notes = [float(len(rows)) for rows in nats]
    found = {
        name: Nats([float(rows[:, part].sum()) for rows in nats], notes)
        for part, name in enumerate(PARTS)
    }
    return found | {"note": Nats([float(rows.sum()) for rows in nats], notes)}


def _after_prompts(model: NgramModel, phrases: Sequence[Phrase]) -> dict[str, Nats]:
    prompted, unprompted, notes = [], [], []
    for phrase in phrases:
        _, rest = split_at_bar(phrase, PROMPT_BARS, phrase.length_beats)
        after = len(rest.notes)
        if 0 < after < len(phrase.notes):
            notes.append(float(after))
            prompted.append(float(-model.log_probabilities(phrase)[-after:].sum()))
            unprompted.append(float(-model.log_probabilities(rest).sum()))
    return {"prompted": Nats(prompted, notes), "unprompted": Nats(unprompted, notes)}


def _composed(
    model: NgramModel, phrases: Sequence[Phrase]
) -> tuple[tuple[Phrase, ...], tuple[tuple[Phrase, Phrase], ...]]:
    continuer, free = PhraseContinuer(model), Constraints(top_p=1.0)
    made = tuple(continuer.generate(_BARS, seed, free) for seed in range(_PHRASES))
    continued = []
    for seed, phrase in enumerate(phrases[:_CONTINUED]):
        prompt, rest = split_at_bar(phrase, PROMPT_BARS, _LENGTH_BEATS)
        if prompt.notes and rest.length_beats > 0:
            answer = continuer.continue_phrase(prompt, rest.length_beats, free, seed)
            continued.append((prompt, answer))
    return made, tuple(continued)


def _path(corpus: Corpus) -> Path:
    return CORPORA.folder.parent / "baselines" / f"{corpus.sha256[:16]}.json"
