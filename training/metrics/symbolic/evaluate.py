"""Measure any trained composer: likelihood, textures, copies, loops and seams, beside the n-gram.

In: a learner, opened from a run, and its corpus. Out: an `ComposerEvaluation`. A learner says by
its methods what can be measured: `nll` for likelihoods, `generate` for everything else. Test
pieces are all that is used of the corpus, but for the training pieces in which copies are looked
for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from instrument.composers.continuer import pitched_notes
from instrument.music.note import Phrase, Track
from training.data.symbolic.corpus import Corpus, Piece
from training.metrics.bootstrap import Mean, ratio_of
from training.metrics.symbolic.compare import (
    Comparison,
    Music,
    compare,
    print_comparison,
    split_at_bar,
    stretches,
)
from training.metrics.symbolic.memorisation import TrainingMusic
from training.metrics.symbolic.ngram_baseline import PROMPT_BARS, Baseline

FORMAT = 1
_LONGEST_BEATS = 32.0
_FEWEST = 10

Values = NDArray[np.float64]
Say = Callable[[str], None]


class Cells(Protocol):
    """Likelihoods over frames; see `chorale_lstm.likelihoods.ChoraleLikelihoods`."""

    @property
    def nats(self) -> Values:
        """Of all cells of each piece."""
        ...

    @property
    def notes(self) -> Values:
        """How many cells."""
        ...

    @property
    def changed_nats(self) -> Values:
        """Of the cells that differ from the frame before."""
        ...

    @property
    def changed_notes(self) -> Values:
        """How many those are."""
        ...


Likelihoods = dict[str, Values] | tuple[Values, NDArray[np.int64]] | Cells


@runtime_checkable
class HasLikelihood(Protocol):
    """A learner that says how expected music is."""

    def nll(self, pieces: Sequence[Piece]) -> Likelihoods:
        """Return nats and notes per piece: by part with "notes", as a pair, or by cells."""
        ...


@runtime_checkable
class HasPromptedLikelihood(Protocol):
    """A learner that also says how expected notes are once it has heard what came before."""

    def prompted_nll(
        self, pieces: Sequence[Piece], prompt_bars: float = PROMPT_BARS
    ) -> dict[str, dict[str, Values]]:
        """Return "prompted" and "unprompted" nats by part, with "notes", after the first bars."""
        ...


@runtime_checkable
class Generates(Protocol):
    """A learner that makes phrases."""

    def generate(self, count: int, seed: int) -> list[Phrase]:
        """Return `count` phrases."""
        ...


@runtime_checkable
class Continues(Protocol):
    """A learner whose `generate` takes a prompt."""

    def generate(self, count: int, seed: int, prompt: Phrase | None = None) -> list[Phrase]:
        """Return what follows the prompt, alone or after the prompt."""
        ...


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Nats per note of test pieces, and the n-gram's for the same if there is one."""

    name: str
    network: Mean
    baseline: Mean | None


@dataclass(frozen=True, slots=True)
class ComposerEvaluation:
    """Everything that was measured; `comparison` is None if the learner generates nothing."""

    format: int
    likelihoods: tuple[Likelihood, ...]
    comparison: Comparison | None


def evaluate_composer(
    learner: object,
    corpus: Corpus,
    baseline: Baseline | None,
    count: int = 100,
    seed: int = 0,
    say: Say = lambda _: None,
) -> ComposerEvaluation:
    """Measure a learner.

    Parameters
    ----------
    learner
        From `training.trainer.run_card.load_learner`.
    corpus
        What it learned from.
    baseline
        See `training.metrics.symbolic.ngram_baseline.open_baseline`; None leaves the n-gram out.
    count
        How many phrases to generate, and at most how many test pieces to continue.
    seed
        Of what is generated.
    say
        Told what is being done.
    """
    test = corpus.split("test")
    likelihoods: list[Likelihood] = []
    if isinstance(learner, HasLikelihood):
        say("likelihoods")
        likelihoods += _likelihoods(learner.nll(test), baseline)
    if isinstance(learner, HasPromptedLikelihood):
        likelihoods += _prompted(learner.prompted_nll(test, PROMPT_BARS), baseline)
    comparison = None
    if isinstance(learner, Generates):
        comparison = _compare(learner, corpus, baseline, count, seed, say)
    return ComposerEvaluation(FORMAT, tuple(likelihoods), comparison)


def print_evaluation(console: Console, evaluation: ComposerEvaluation) -> None:
    """Print likelihoods and figures as tables."""
    if evaluation.likelihoods:
        table = Table(title="Nats on test pieces [95 % interval]")
        for name in ("per", "network", "n-gram", "difference"):
            table.add_column(name, justify="left" if name == "per" else "right")
        for row in evaluation.likelihoods:
            third, change = "–", "–"
            if row.baseline:
                third = str(row.baseline)
                change = f"{row.network.value / row.baseline.value - 1.0:+.1%}"
            table.add_row(row.name, str(row.network), third, change)
        console.print(table)
    if evaluation.comparison:
        print_comparison(console, evaluation.comparison)


def _likelihoods(found: Likelihoods, baseline: Baseline | None) -> list[Likelihood]:
    if isinstance(found, dict):
        parts = {name: nats for name, nats in found.items() if name != "notes"}
        drawn = [nats for name, nats in parts.items() if name != "velocity"]
        parts["note"] = np.sum(drawn, axis=0)
        rows = [(name, name, nats, found["notes"]) for name, nats in parts.items()]
        rows.append(("note (n-gram adapting)", "adapting note", parts["note"], found["notes"]))
    elif isinstance(found, tuple):
        nats, notes = found
        rows = [("note", "note", nats, np.asarray(notes, np.float64))]
    else:
        rows = [
            ("cell", "cell", found.nats, found.notes),
            ("changed cell", "changed cell", found.changed_nats, found.changed_notes),
        ]
    return [
        Likelihood(name, ratio_of(nats, notes), _of_baseline(baseline, counted))
        for name, counted, nats, notes in rows
    ]


def _prompted(found: dict[str, dict[str, Values]], baseline: Baseline | None) -> list[Likelihood]:
    return [
        Likelihood(
            f"note after {PROMPT_BARS:g} bars, {name} (n-gram adapting)",
            ratio_of(
                np.sum([parts[part] for part in ("shift", "pitch", "duration")], axis=0),
                parts["notes"],
            ),
            _of_baseline(baseline, name),
        )
        for name, parts in found.items()
    ]


def _of_baseline(baseline: Baseline | None, name: str) -> Mean | None:
    if baseline is None or name not in baseline.likelihoods:
        return None
    return baseline.likelihoods[name].mean()


def _compare(
    learner: Generates,
    corpus: Corpus,
    baseline: Baseline | None,
    count: int,
    seed: int,
    say: Say,
) -> Comparison:
    say(f"generating {count} phrases")
    made = learner.generate(count, seed)
    length = min(float(np.median([phrase.length_beats for phrase in made])), _LONGEST_BEATS)
    made = [phrase.between(0.0, min(length, phrase.length_beats)) for phrase in made]
    # Who writes all voices into one track is compared with pieces whose voices are in one.
    in_one = all(len(phrase.tracks) == 1 for phrase in made)
    shape = merged if in_one else _as_it_is
    test = [shape(piece.phrase()) for piece in corpus.split("test")]
    alike = [phrase for phrase in test if phrase.bar_beats == made[0].bar_beats]
    test = alike if len(alike) >= _FEWEST else test
    say("continuing test pieces")
    continued, real = _continued(learner, test[:count], seed)
    say("comparing")
    training = TrainingMusic(shape(piece.phrase()) for piece in corpus.split("train"))
    theirs = None
    if baseline and in_one:
        cut = (phrase.between(0.0, min(length, phrase.length_beats)) for phrase in baseline.phrases)
        theirs = Music(tuple(cut), baseline.continued)
    data = Music(stretches(test, length), real)
    return compare(Music(tuple(made), continued), data, training, theirs)


def merged(phrase: Phrase) -> Phrase:
    """Return a phrase with the notes of all its pitched tracks in one."""
    return replace(phrase, tracks=(Track(pitched_notes(phrase)),))


def _as_it_is(phrase: Phrase) -> Phrase:
    return phrase


Pairs = tuple[tuple[Phrase, Phrase], ...]


def _continued(learner: Generates, phrases: Sequence[Phrase], seed: int) -> tuple[Pairs, Pairs]:
    """Continue the first bars of phrases; return the made pairs, and the real ones as long."""
    if not isinstance(learner, Continues) or not _takes_bars_before(learner):
        return (), ()
    made, real = [], []
    for number, phrase in enumerate(phrases):
        whole = phrase.between(phrase.pickup_beats, phrase.length_beats)
        prompt, _ = split_at_bar(whole, PROMPT_BARS, 0.0)
        if not prompt.notes:
            continue
        answer = _after(learner.generate(1, seed + number, prompt)[0], prompt)
        rest = split_at_bar(whole, PROMPT_BARS, answer.length_beats)[1]
        if rest.length_beats > 0 and answer.length_beats > 0:
            made.append((prompt, answer))
            real.append((prompt, rest))
    return tuple(made), tuple(real)


def _takes_bars_before(learner: Continues) -> bool:
    """Say whether a prompt is what came before: MuseGAN's may be a track to accompany instead."""
    size = getattr(learner, "size", None)
    takes_prompt = "prompt" in inspect.signature(learner.generate).parameters
    return takes_prompt and (size is None or size.previous_bars > 0)


def _after(made: Phrase, prompt: Phrase) -> Phrase:
    """Leave the prompt out if the phrase begins with it."""
    end = prompt.length_beats
    begins = sorted(note.pitch for note in made.notes if note.start_beats < end - 1e-6)
    if made.length_beats > end and begins == sorted(note.pitch for note in prompt.notes):
        return made.between(end, made.length_beats)
    return made
